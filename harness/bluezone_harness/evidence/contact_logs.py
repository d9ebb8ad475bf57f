"""Contact logs as evidence: an exported ``data_trace.txt``, or a database of a phone; told apart by content.

``read_contact_log`` takes the octets of a file and gives its rows, what is wrong with single rows (which checks
judge), and what is wrong with the file (which no requirement is about). Rows that are good are kept whatever stands
around them.
"""

from __future__ import annotations

from bluezone_harness.evidence.contact_log_databases import is_database, looks_like_database, read_database
from bluezone_harness.evidence.contact_log_exports import is_export, looks_like_export, read_export
from bluezone_harness.evidence.contact_log_model import ContactLogEvidence
from bluezone_harness.evidence.errors import EvidenceError


def looks_like_contact_log(head: bytes) -> bool:
    """Say whether a file that begins so may be a contact log: a database, or text with a good row in its first lines.

    Args:
        head: Its first octets, enough for some lines.
    """
    return looks_like_database(head) or looks_like_export(head)


def read_contact_log(name: str, octets: bytes) -> ContactLogEvidence:
    """Read a contact log of either kind.

    Args:
        name: Of the file, without folders; for reports.
        octets: All of it. No octets at all are an export without a row.

    Raises:
        EvidenceError: It is neither kind, or nothing of it can be read.
    """
    if is_database(octets):
        return read_database(name, octets)
    if is_export(octets):
        return read_export(name, octets)
    hint = "; a device file is given by --device" if octets.lstrip().startswith(b"{") else ""
    raise EvidenceError(
        name, f"neither a contact log export (no line begins with an id in hex) nor a database{hint}"
    )
