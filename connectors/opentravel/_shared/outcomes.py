"""What they answered: an RS to outcomes, part by part (sheet, section 1; retry rules from the transports there).

HTTP says whether the message arrived. Gateways answer 500, 502 and 504 for requests that were applied behind them,
so those leave the outcome open; 408, 429 and 503 say that nothing was done.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from connectors.opentravel._shared.names import HOTEL_ID, RESERVATION_LISTS, content, every, first, value
from gateway.contract import Confirmed, Decoded, Outcome, Refused, Reply, Unknown
from gateway.errors import Malformed, OutcomeUnknown, Retryable
from gateway.wire.retry_after import retry_after
from gateway.wire.xml import Limits, Node, name_of, read_tree
from mappings import Unmapped, look_up

_NOT_DONE = frozenset((408, 429, 503))
REPLY_LIMITS = Limits(bytes_max=4 * 1024 * 1024, elements_max=50_000)


class Problem(msgspec.Struct, frozen=True):
    """An Error or Warning of theirs."""

    kind: str
    code: str
    text: str
    record: str

    def refused(self) -> Refused:
        return Refused(self.code or self.kind, self.text)

    @property
    def passing(self) -> bool:
        """Whether it speaks of their system's state rather than of our message."""
        try:
            return look_up("outages", f"{self.kind} {self.code}") == "retry"
        except Unmapped:
            return False


def read_answer(reply: Reply, expected: str, parts: Mapping[str, int], warnings_skip: bool) -> Decoded:
    """The outcome of a request whose parts go by the given record numbers; raises :class:`CallFailed` for the whole."""
    if closed := refused_by_http(reply):
        return Decoded(closed)
    return judge(readable(reply), expected, parts, warnings_skip)


def judge(root: Node, expected: str, parts: Mapping[str, int], warnings_skip: bool) -> Decoded:
    """The outcome of a message that was answered at all; see :func:`read_answer`."""
    errors = _problems(root, "Errors", "Error")
    if name_of(root) == "OTA_ErrorRS" and not errors:
        return Decoded(Refused(value(root, "ErrorCode"), value(root, "ErrorMessage")))
    # Errors beside Success are against the schema and count as failure.
    if errors or first(root, "Errors") is not None:
        return _failed(errors, parts)
    if first(root, "Success") is None or name_of(root) != expected:
        raise OutcomeUnknown(f"the answer is {name_of(root)} without Success or Errors")
    warnings = _problems(root, "Warnings", "Warning") if warnings_skip else []
    skipped: dict[int, Outcome] = {parts[one.record]: one.refused() for one in warnings if one.record in parts}
    return Decoded(Confirmed(_confirmation(root)), skipped)


def refused_by_http(reply: Reply) -> Refused | None:
    """A door that is closed; None where the message arrived. Raises :class:`CallFailed` where it may not have."""
    if reply.status in _NOT_DONE:
        raise Retryable(f"HTTP {reply.status}", after_s=retry_after(reply.headers))
    if reply.status >= 500:
        raise OutcomeUnknown(f"HTTP {reply.status}")
    return Refused(str(reply.status), _why(reply)) if reply.status >= 300 else None


def readable(reply: Reply) -> Node:
    """The answer's root; raises :class:`OutcomeUnknown` for what is no XML."""
    try:
        return read_tree(reply.body, REPLY_LIMITS)
    except Malformed as error:
        raise OutcomeUnknown(f"the answer cannot be read: {error.text}") from None


def _failed(errors: list[Problem], parts: Mapping[str, int]) -> Decoded:
    """Nothing was processed. Parts named are refused; the others have done no harm and are to be asserted again."""
    named: dict[int, Outcome] = {parts[one.record]: one.refused() for one in errors if one.record in parts}
    passing = [one for one in errors if one.passing]
    if passing and len(passing) == len(errors):
        raise Retryable(passing[0].text or f"error {passing[0].code}")
    if named and len(named) < len(set(parts.values())):
        return Decoded(Unknown("the message was refused because of other parts"), named)
    worst = errors[0] if errors else Problem("", "", "Errors without an Error", "")
    return Decoded(worst.refused(), named)


def _problems(root: Node, holder: str, item: str) -> list[Problem]:
    return [
        Problem(
            value(node, "Type"),
            value(node, "Code"),
            content(node) or value(node, "ShortText") or _meaning(value(node, "Code")),
            value(node, "RecordID"),
        )
        for node in every(root, holder, item)
    ]


def _meaning(code: str) -> str:
    try:
        return look_up("err", code)
    except Unmapped:
        return f"error {code}" if code else "an error without a code"


def _confirmation(root: Node) -> str:
    """Their number for it: HotelReservationID of type 10 (hotel)."""
    ids = [
        node
        for holder, item in RESERVATION_LISTS.values()
        for reservation in every(root, holder, item)
        for node in every(first(reservation, "ResGlobalInfo"), "HotelReservationIDs", "HotelReservationID")
    ]
    return next((value(node, "ResID_Value") for node in ids if value(node, "ResID_Type") == HOTEL_ID), "")


def _why(reply: Reply) -> str:
    """The body's own explanation, where there is one."""
    try:
        root = read_tree(reply.body, REPLY_LIMITS)
    except Malformed:
        return f"HTTP {reply.status}"
    problems = _problems(root, "Errors", "Error")
    return problems[0].text if problems else value(root, "ErrorMessage") or f"HTTP {reply.status}"
