"""The closed table of reject codes, and the three errors of this package.

Source: the specification's annex on reject codes; a test holds the two tables equal.
"""

from __future__ import annotations

from enum import StrEnum


class RejectCode(StrEnum):
    """Why an input or a question is refused; a closed table."""

    # advertisements and GATT values
    TRUNCATED_AD = "TRUNCATED_AD"
    DATA_AFTER_END = "DATA_AFTER_END"
    AD_TOO_LONG = "AD_TOO_LONG"
    BAD_UUID_LIST = "BAD_UUID_LIST"
    SHORT_MANUFACTURER_DATA = "SHORT_MANUFACTURER_DATA"
    BAD_ID_LENGTH = "BAD_ID_LENGTH"
    MISSING_ID = "MISSING_ID"
    AMBIGUOUS_ID = "AMBIGUOUS_ID"
    BAD_OBFUSCATED_NAME = "BAD_OBFUSCATED_NAME"
    # questions to the key schedule
    BAD_BASE_ID = "BAD_BASE_ID"
    BAD_MAX = "BAD_MAX"
    BAD_SLOT = "BAD_SLOT"
    BEFORE_BASE_DAY = "BEFORE_BASE_DAY"
    DAY_OUT_OF_RANGE = "DAY_OUT_OF_RANGE"
    NO_KEY_SCHEDULE = "NO_KEY_SCHEDULE"
    # contact logs
    BAD_LOG_LINE = "BAD_LOG_LINE"
    UNTERMINATED_LOG_LINE = "UNTERMINATED_LOG_LINE"
    BAD_RSSI = "BAD_RSSI"
    BAD_TIME = "BAD_TIME"
    # positive cases
    BAD_JSON = "BAD_JSON"
    MISSING_FIELD = "MISSING_FIELD"
    NOT_AN_INTEGER = "NOT_AN_INTEGER"
    BAD_DAY_KEY = "BAD_DAY_KEY"
    TIME_END_BEFORE_TIME_START = "TIME_END_BEFORE_TIME_START"
    CASE_TOO_LONG = "CASE_TOO_LONG"
    # messages
    NOT_TEXT = "NOT_TEXT"
    NOT_AN_OBJECT = "NOT_AN_OBJECT"
    NOT_MIDNIGHT = "NOT_MIDNIGHT"
    DAY_BEFORE_BASE_DAY = "DAY_BEFORE_BASE_DAY"
    WRONG_DAY_KEY = "WRONG_DAY_KEY"
    BAD_MULTIPART = "BAD_MULTIPART"
    MISSING_PART = "MISSING_PART"
    REPEATED_PART = "REPEATED_PART"
    BAD_VALUE = "BAD_VALUE"


class MalformedError(Exception):
    """Malformed input from outside.

    Attributes:
        code: Which of the reject codes.
        requirement: The requirement that the input breaks, such as ``BZ-ADV-001``.
        offset: Octets from the start of the input to what is wrong with it.
        reason: One sentence for people, without a full stop.
        pointer: In JSON, the JSON Pointer (RFC 6901) to what is wrong; else empty.
    """

    def __init__(
        self, code: RejectCode, requirement: str, offset: int, reason: str, *, pointer: str = ""
    ) -> None:
        super().__init__(
            f"{reason} ({code}, {requirement}, {f'at {pointer}' if pointer else f'octet {offset}'})"
        )
        self.code = code
        self.requirement = requirement
        self.offset = offset
        self.reason = reason
        self.pointer = pointer

    def refusal(self) -> RefusedError:
        """Return the same as said to a caller who asks to write what a reader would refuse."""
        return RefusedError(self.code, self.requirement, self.reason)


class RefusedError(ValueError):
    """A question that the specification says to refuse, such as the rolling id of a time before the base day.

    Attributes:
        code: Which of the reject codes.
        requirement: The requirement that says so.
        reason: One sentence for people, without a full stop.
    """

    def __init__(self, code: RejectCode, requirement: str, reason: str) -> None:
        super().__init__(f"{reason} ({code}, {requirement})")
        self.code = code
        self.requirement = requirement
        self.reason = reason


class Failure(StrEnum):
    """How a published build fails where it gives no answer."""

    EXCEPTION = "exception"
    ENDLESS_LOOP = "endless loop"
    NO_ID = "no id"


class BuildFailureError(ValueError):
    """What a quirk profile raises where the published build crashed, looped for ever or stayed silent.

    Attributes:
        fault: The fault of the specification's table, such as ``F-02``.
        failure: What the build did.
        reason: One sentence for people, without a full stop.
    """

    def __init__(self, fault: str, failure: Failure, reason: str) -> None:
        super().__init__(f"{reason} ({fault}: {failure})")
        self.fault = fault
        self.failure = failure
        self.reason = reason
