"""BZ-RCV-002: a contact log can fail it, and cannot pass it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bluezone_harness.checks import CHECKS
from bluezone_harness.checks.receiver import nothing_is_logged_that_is_no_contact_id
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.findings import Reason, Verdict

Make = Callable[..., Subject]
RulesOf = Callable[[str], Rules]


@pytest.mark.req("BZ-RCV-002")
def test_a_log_cannot_pass(subject: Make, rules: RulesOf, good_log: bytes) -> None:
    found = nothing_is_logged_that_is_no_contact_id(subject(good_log), rules("v3"))
    assert (found.verdict, found.reason) == (Verdict.NOT_OBSERVABLE, Reason.EVIDENCE_MISSING)


@pytest.mark.req("BZ-RCV-002", "F-18", "F-21")
@pytest.mark.parametrize("contact", ["41", "414141414141", "00" * 11, "00" * 13])
def test_another_length_fails(subject: Make, rules: RulesOf, good_log: bytes, contact: str) -> None:
    octets = good_log + f"{'AA' * 12}\t{contact}\t-60\t1596866191387\n".encode()
    found = nothing_is_logged_that_is_no_contact_id(subject(octets), rules("v3"))
    assert (found.verdict, found.failed, found.judged) == (Verdict.FAIL, 1, 201)
    assert found.grounds[0].seen == f"{len(contact) // 2} octets"
    assert found.grounds[0].evidence[0].number == 201
    assert CHECKS["BZ-RCV-002"].judge(subject(octets), rules("v3")) == found


@pytest.mark.req("BZ-RCV-002")
def test_the_first_of_several_is_shown(subject: Make, rules: RulesOf) -> None:
    octets = b"".join(
        b"%s\t%s\t-60\t1596866191387\n" % (b"AA" * 12, b"00" * length) for length in (11, 12, 13)
    )
    found = nothing_is_logged_that_is_no_contact_id(subject(octets), rules("v3"))
    assert (found.failed, found.judged, found.grounds[0].seen) == (2, 3, "11 octets")
