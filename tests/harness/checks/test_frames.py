"""What octets say is what the reference says, whatever was asked before, and however many ids there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.checks import frames
from bluezone_harness.checks.frames import DAMAGED, MARKED, OVERFLOW, RESPONSE, frame_of, kind_of
from bluezone_harness.observations import PduType
from bluezone_harness.sightings import Sighting
from bluezone_reference.ad_structures import AdStructure, intact_structures
from bluezone_reference.advertisement import Advertisement, AndroidAdvertisement, advertisement_of
from bluezone_reference.errors import MalformedError

Make = Callable[..., Sighting]

ids = st.one_of(
    st.binary(min_size=12, max_size=12), st.just(bytes(12)), st.just(bytes.fromhex("0fffb522") * 3)
)
pieces = st.one_of(
    ids.map(lambda each: b"\x0f\xff\xb5\x22" + each),
    st.binary(max_size=12).map(lambda each: bytes([3 + len(each), 0xFF, 0xB5, 0x22]) + each),
    st.sampled_from(
        [b"\x02\x01\x1a", b"\x03\x03\x56\x4e", b"\x03\x02\x56\x4e", b"\x04\x03\x56\x4e\x00", b"\x00"]
    ),
    st.binary(max_size=6),
)
octets = st.tuples(st.lists(pieces, max_size=4).map(b"".join), st.integers(0, 2)).map(
    lambda each: each[0][: len(each[0]) - each[1]]
)


def said(error: MalformedError | None) -> tuple[object, ...]:
    return () if error is None else (error.code, error.requirement, error.offset, error.reason)


def reference(structures: Sequence[AdStructure]) -> tuple[Advertisement | None, MalformedError | None]:
    try:
        return advertisement_of(structures), None
    except MalformedError as error:
        return None, error


@pytest.mark.req("BZ-ADV-001", "BZ-ADV-002", "BZ-ADV-003", "BZ-ADV-011")
@given(octets)
def test_a_frame_says_what_the_reference_says(sighting: Make, ad: bytes) -> None:
    # twelve octets are an id to the fixture
    frame = frame_of(replace(sighting(0, b""), ad=ad))
    structures, damage = intact_structures(ad)
    assert frame.structures == structures
    assert said(frame.damage) == said(damage)
    advertisement, refused = reference(structures)
    assert (frame.advertisement, said(frame.refused)) == (advertisement, said(refused))
    if isinstance(advertisement, AndroidAdvertisement):
        assert (frame.platform, frame.id_octets, frame.part) == ("android", advertisement.rolling_id, None)
        assert not frame.overflow


@pytest.mark.req("BZ-ADV-001", "BZ-ADV-003")
@pytest.mark.parametrize(
    "order", ["0303564E 0FFFB522{} 02011A", "0FFFB522{} 0303564E", "0303564E 0FFFB522{} 05"]
)
def test_of_a_form_only_the_id_changes(sighting: Make, order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    def counting(ad: bytes, limit: int) -> object:
        asked.append(ad)
        return intact_structures(ad, limit)

    monkeypatch.setattr(frames, "intact_structures", counting)
    frames._frame.cache_clear()
    frames._form.cache_clear()
    for number in range(1, 100):
        rolling_id = bytes([number]) * 12
        frame = frame_of(sighting(0, bytes.fromhex(order.format(rolling_id.hex()))))
        assert frame.id_octets == rolling_id
        assert [each.data for each in frame.structures if each.ad_type == 0xFF] == [b"\xb5\x22" + rolling_id]
        assert (frame.damage is None) is not order.endswith("05")
    assert len(asked) == 1


@pytest.mark.req("BZ-ADV-001", "BZ-ADV-010")
@pytest.mark.parametrize(
    ("ad", "pdu", "kind"),
    [
        ("0303564E0FFFB522000102030405060708090A0B", PduType.ADV_IND, MARKED),
        ("0303564E0FFFB522", PduType.ADV_IND, MARKED | DAMAGED),
        ("0303564E", PduType.SCAN_RSP, MARKED | RESPONSE),
        ("14FF4C000108000000000000000000000000000000", PduType.ADV_IND, OVERFLOW),
        ("02011A05FF4C001005", PduType.ADV_IND, 0),
        (None, None, 0),
    ],
)
def test_kinds_of_frames(ad: str | None, pdu: PduType | None, kind: int) -> None:
    assert kind_of(("", None, None, pdu, None if ad is None else bytes.fromhex(ad))) == kind
