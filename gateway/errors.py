"""One tree of errors, split by what the caller does next.

::

    GatewayError
    ├── Refusal               nothing took effect; the sender has to change something
    │   ├── Malformed         cannot be read: bytes, syntax, a value that is no date, no number
    │   ├── Unauthentic       the sender is not who they claim to be
    │   ├── Unmapped          a code nobody has mapped (hotel, room type, rate plan, currency)
    │   ├── Unsupported       understood, but there is no place for it here
    │   ├── NotFound          speaks of something that is not here
    │   ├── Stale             speaks of a state that has changed since: look again
    │   └── Rejected          understood, and a rule says no
    └── CallFailed            a call of ours to a counterpart did not end well
        ├── Retryable         it did not happen: try again, not before ``after_s``
        ├── Gone              nobody is there any more: stop calling until a person has looked
        └── OutcomeUnknown    it may have happened: ask, or assert the present state again
"""

from __future__ import annotations

import re
from enum import StrEnum

_DIGITS = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)", re.ASCII)


class Reason(StrEnum):
    """Why something was refused, in the gateway's own words; connectors translate it to their code tables."""

    SYNTAX = "syntax"
    TOO_LARGE = "too_large"
    FORBIDDEN_CONTENT = "forbidden_content"
    REQUIRED_MISSING = "required_missing"
    INVALID_VALUE = "invalid_value"
    INVALID_DATE = "invalid_date"
    DATE_COMBINATION = "date_combination"
    AUTHENTICATION = "authentication"
    AUTHORIZATION = "authorization"
    HOTEL = "hotel"
    ROOM_TYPE = "room_type"
    RATE_PLAN = "rate_plan"
    PRODUCT = "product"
    CURRENCY = "currency"
    OCCUPANCY = "occupancy"
    BOOKING_REFERENCE = "booking_reference"
    NO_AVAILABILITY = "no_availability"
    PRICE = "price"
    NOT_IMPLEMENTED = "not_implemented"
    BUSINESS_RULE = "business_rule"
    UNAVAILABLE = "unavailable"


class GatewayError(Exception):
    """Root of all errors the gateway raises on purpose."""


class Refusal(GatewayError):
    """Nothing took effect.

    ``path`` and ``line`` place the fault in the sender's document; ``record`` is the sender's own number
    for the part concerned (a LocatorID, say). The text often quotes what was sent, and is logged and sent back: card
    numbers in it are masked here, whoever wrote it.
    """

    default_reason = Reason.BUSINESS_RULE

    def __init__(
        self,
        text: str,
        reason: Reason | None = None,
        *,
        path: str | None = None,
        line: int | None = None,
        record: str | None = None,
    ) -> None:
        text = _DIGITS.sub(_masked, text)
        super().__init__(text)
        self.text = text
        self.reason = reason or self.default_reason
        self.path = path
        self.line = line
        self.record = record


class Malformed(Refusal):
    """The message cannot be read."""

    default_reason = Reason.SYNTAX


class Unauthentic(Refusal):
    """The sender could not prove who they are, or may not do this."""

    default_reason = Reason.AUTHENTICATION


class Unmapped(Refusal):
    """A counterpart's code that is not mapped; ``code`` is theirs, verbatim."""

    def __init__(self, reason: Reason, code: str, *, record: str | None = None, path: str | None = None) -> None:
        text = f"{reason.value.replace('_', ' ')} {code!r} is not known here"
        super().__init__(text, reason, record=record, path=path)
        self.code = code


class Unsupported(Refusal):
    """Understood, but there is no place for it here."""

    default_reason = Reason.NOT_IMPLEMENTED


class NotFound(Refusal):
    """It speaks of something that is not here (or of which the sender may not know)."""


class Stale(Refusal):
    """What the sender has seen is no longer so; nothing was changed."""


class Rejected(Refusal):
    """Understood, and a rule says no."""


class CallFailed(GatewayError):
    """A call to a counterpart did not end well."""


class Retryable(CallFailed):
    """It certainly did not happen; ``after_s`` is the counterpart's own wish, in seconds, if it named one."""

    def __init__(self, text: str, *, after_s: float | None = None) -> None:
        super().__init__(text)
        self.after_s = after_s


class Gone(CallFailed):
    """The counterpart says for good that nothing is there to be called (410, RFC 9110 section 15.5.11)."""


class OutcomeUnknown(CallFailed):
    """It may have happened. Never sent again blindly."""


def _masked(run: re.Match[str]) -> str:
    """A run of digits that passes the Luhn check (ISO/IEC 7812-1) with its first six and last four only."""
    digits = [int(character) for character in run[0] if character.isdigit()]
    doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    if (sum(digits[-1::-2]) + doubled) % 10:
        return run[0]
    return f"{''.join(map(str, digits[:6]))}***{''.join(map(str, digits[-4:]))}"
