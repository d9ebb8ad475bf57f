"""What all captures share: addresses remembered within bounds, and what several receivers show together."""

from __future__ import annotations

import pytest

from bluezone_harness.observations import AddressType, Capability, Extent, Severity
from bluezone_harness.sources.addresses import KEPT, AddressCache
from bluezone_harness.sources.hci import HciDecoder
from bluezone_harness.sources.packets import CutDecoder, Unread, UnreadDecoder, merge, together

pytestmark = pytest.mark.req("BZ-ADV-001")


def test_addresses_are_turned_round_however_many_there_are() -> None:
    cache = AddressCache()
    for number in [*range(KEPT + 10), 0]:
        octets = number.to_bytes(5, "little") + b"\xc0"
        assert cache.random(octets) == (octets[::-1], AddressType.STATIC)
        assert cache.public(octets) == (octets[::-1], AddressType.PUBLIC)
    assert len(cache._random) <= KEPT
    assert len(cache._public) <= KEPT


def test_what_several_receivers_show_together() -> None:
    sniffer = {Capability.RAW_AD: Extent.YES, Capability.CRC: Extent.YES, Capability.RSSI: Extent.PARTIAL}
    host = {Capability.RAW_AD: Extent.YES, Capability.CRC: Extent.NO, Capability.OWN_COMMANDS: Extent.YES}
    assert merge([]) == {}
    assert merge([sniffer]) == merge([{}, sniffer]) == sniffer
    assert merge([sniffer, host]) == {
        Capability.RAW_AD: Extent.YES,
        Capability.CRC: Extent.PARTIAL,
        Capability.RSSI: Extent.PARTIAL,
        Capability.OWN_COMMANDS: Extent.PARTIAL,
        Capability.SEVERAL_RECEIVERS: Extent.YES,
    }


def test_what_is_not_read_has_a_reason() -> None:
    decoder = UnreadDecoder(Unread.FOREIGN)
    assert (decoder.decode(1, 0, "", b"x"), decoder.capabilities) == ((Unread.FOREIGN,), {})
    assert decoder.missing == {}
    assert {each for each in Unread if each.severity is Severity.WARNING} == {
        Unread.TIMELESS,
        Unread.WHITENED,
        Unread.MALFORMED,
        Unread.CUT,
    }


def test_a_decoder_of_cut_packets_shows_what_theirs_does() -> None:
    host = HciDecoder()
    decoder = CutDecoder(host)
    assert decoder.decode(1, 0, "", b"\x04\x3e\x03\x02") == (Unread.CUT,)
    assert decoder.decode(2, 0, "", b"\x04\x0e\x03\x02") == (Unread.CUT_DATA,)
    assert (
        (decoder.capabilities, decoder.missing)
        == (host.capabilities, host.missing)
        == (host.capabilities, {})
    )


def test_what_several_decoders_miss_together() -> None:
    first = {Unread.IN_PIECES: (7, 2), Unread.ELSEWHERE: (3, 1)}
    assert together([]) == {}
    assert together([first, {}]) == first
    assert together([first, {Unread.IN_PIECES: (5, 1)}]) == {
        Unread.IN_PIECES: (5, 3),
        Unread.ELSEWHERE: (3, 1),
    }
