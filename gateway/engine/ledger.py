"""The ledger of one payment: a set of events, and what they add up to.

Events are only ever added. Two of the same kind and key are one movement reported twice; with another amount they
contradict each other, and the second is set aside for a person. What they add up to (:func:`fold`) depends on the set
alone: no arrival order, no repetition, and no clock but the gateway's own for successive totals of a hold. Failures
annul the movement with their key whichever comes first; a failed attempt never takes back a paid one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

from gateway.model.dates import Instant
from gateway.model.payment import FactKind, FactSource, OperationOutcome
from gateway.model.payment_error import PaymentError

K = FactKind


class LedgerEvent(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A fact with its amount found. ``at_ms`` is the gateway's clock, where it was told; ``amount`` in minor units.

    ``rest``, of a release: all of the hold but ``amount``. ``operation`` is ours, empty for what was done elsewhere.
    """

    kind: FactKind
    key: str
    amount: int
    currency: str
    at_ms: Instant | None = None
    rest: bool = False
    operation: str = ""
    psp: str = ""
    source: FactSource = FactSource.CALLBACK
    expires_ms: Instant | None = None
    error: PaymentError | None = None
    text: str = ""


class Novelty(StrEnum):
    """What an event is to a ledger."""

    NEW = "new"
    KNOWN = "known"
    CONFLICT = "conflict"


class Status(StrEnum):
    """Where a payment stands. Disputes are told apart from it."""

    CREATED = "created"
    ACTION_REQUIRED = "action_required"
    PENDING = "pending"
    UNKNOWN = "unknown"
    FAILED = "failed"
    CLOSED = "closed"
    AUTHORISED = "authorised"
    EXPIRED = "expired"
    VOIDED = "voided"
    PARTIALLY_CAPTURED = "partially_captured"
    CAPTURED = "captured"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"


class Dispute(StrEnum):
    """The state of the disputes over a payment, the gravest of them."""

    NONE = "none"
    WARNING = "warning"
    CLOSED = "closed"
    WON = "won"
    OPEN = "open"
    LOST = "lost"


class Alarm(StrEnum):
    """What a person should see. None of them is an error of the fold."""

    CAPTURED_ABOVE_AUTHORISED = "captured_above_authorised"
    REFUNDED_ABOVE_CAPTURED = "refunded_above_captured"
    FOREIGN_CURRENCY = "foreign_currency"


class Position(msgspec.Struct, frozen=True):
    """What the events add up to, in minor units of ``currency``.

    ``authorised = captured + released + capturable`` and ``captured = refunded + refund_pending + refundable``, unless
    an alarm says that a gateway has gone beyond.
    """

    currency: str
    authorised: int
    captured: int
    released: int
    refunded: int
    refund_pending: int
    charged_back: int
    status: Status
    dispute: Dispute
    alarms: tuple[Alarm, ...] = ()

    @property
    def capturable(self) -> int:
        return max(0, self.authorised - self.captured - self.released)

    @property
    def refundable(self) -> int:
        return max(0, self.captured - self.refunded - self.refund_pending)


Ledger = Mapping[tuple[FactKind, str], LedgerEvent]

# Amounts of these are added up; of the others a differing amount is only noted.
COUNTED = frozenset(
    {
        K.AUTHORISED,
        K.AUTHORISATION_ADJUSTED,
        K.CAPTURED,
        K.VOIDED,
        K.EXPIRED,
        K.REFUND_PENDING,
        K.REFUNDED,
        K.DISPUTE_FUNDS_WITHDRAWN,
        K.DISPUTE_FUNDS_REINSTATED,
    }
)
_RELEASES = frozenset({K.VOIDED, K.EXPIRED})
_REFUND_UNDONE = frozenset({K.REFUND_FAILED, K.REFUND_REVERSED})
_DISPUTE_OF = {
    K.DISPUTE_WARNING: Dispute.WARNING,
    K.DISPUTE_OPENED: Dispute.OPEN,
    K.DISPUTE_FUNDS_WITHDRAWN: Dispute.OPEN,
    K.DISPUTE_FUNDS_REINSTATED: Dispute.OPEN,
    K.DISPUTE_WON: Dispute.WON,
    K.DISPUTE_LOST: Dispute.LOST,
    K.DISPUTE_CLOSED: Dispute.CLOSED,
}
# Within one dispute a decision outweighs that it was ever open; among several an open one outweighs a won one.
_WITHIN = (Dispute.LOST, Dispute.WON, Dispute.CLOSED, Dispute.OPEN, Dispute.WARNING)
_AMONG = (Dispute.LOST, Dispute.OPEN, Dispute.WON, Dispute.CLOSED, Dispute.WARNING)
_UNRESOLVED = (
    (OperationOutcome.UNKNOWN, Status.UNKNOWN),
    (OperationOutcome.PENDING, Status.PENDING),
    (OperationOutcome.ACTION_REQUIRED, Status.ACTION_REQUIRED),
)


def novelty(known: LedgerEvent | None, event: LedgerEvent) -> Novelty:
    """What ``event`` is beside the one with its kind and key, if there is one. The last word never wins."""
    if known is None:
        return Novelty.NEW
    same = (known.amount, known.currency, known.rest) == (event.amount, event.currency, event.rest)
    return Novelty.KNOWN if same or event.kind not in COUNTED else Novelty.CONFLICT


def fold(
    events: Iterable[LedgerEvent],
    currency: str,
    outcomes: Iterable[OperationOutcome] = (),
    *,
    capture_percent_max: int = 100,
) -> Position:
    """The position, given also how the payment's operations stand.

    ``capture_percent_max`` is how much of a hold the gateway lets through (UnionPay: 115).
    """
    found = set(events)
    ours = [event for event in found if event.currency == currency or event.kind not in COUNTED]
    authorised = _authorised(ours)
    captured = _surviving(ours, K.CAPTURED, frozenset({K.CAPTURE_FAILED}))
    refunded = _surviving(ours, K.REFUNDED, _REFUND_UNDONE)
    pending = _surviving(ours, K.REFUND_PENDING, _REFUND_UNDONE | {K.REFUNDED})
    released = min(_released(ours, authorised), max(0, authorised - captured))
    alarms = {
        Alarm.CAPTURED_ABOVE_AUTHORISED: captured * 100 > authorised * capture_percent_max,
        Alarm.REFUNDED_ABOVE_CAPTURED: refunded + pending > captured,
        Alarm.FOREIGN_CURRENCY: len(ours) < len(found),
    }
    amounts = (authorised, captured, released, refunded)
    return Position(
        currency,
        *amounts,
        pending,
        _total(ours, K.DISPUTE_FUNDS_WITHDRAWN) - _total(ours, K.DISPUTE_FUNDS_REINSTATED),
        _status({event.kind for event in ours}, *amounts, set(outcomes)),
        _dispute(ours),
        tuple(alarm for alarm, holds in alarms.items() if holds),
    )


def _total(events: Iterable[LedgerEvent], kind: FactKind) -> int:
    return sum(event.amount for event in events if event.kind is kind)


def _authorised(events: Iterable[LedgerEvent]) -> int:
    """The sum of the holds, or the last total one was set to by the gateway's clock."""
    adjusted = [event for event in events if event.kind is K.AUTHORISATION_ADJUSTED]
    if adjusted:
        return max(adjusted, key=lambda event: (event.at_ms or 0, event.key)).amount
    return _total(events, K.AUTHORISED)


def _surviving(events: Iterable[LedgerEvent], kind: FactKind, undone_by: frozenset[FactKind]) -> int:
    undone = {event.key for event in events if event.kind in undone_by}
    return sum(event.amount for event in events if event.kind is kind and event.key not in undone)


def _released(events: Iterable[LedgerEvent], authorised: int) -> int:
    """A release reported as voided and as expired counts once."""
    by_key: dict[str, int] = defaultdict(int)
    for event in events:
        if event.kind in _RELEASES:
            amount = max(0, authorised - event.amount) if event.rest else event.amount
            by_key[event.key] = max(by_key[event.key], amount)
    return sum(by_key.values())


def _status(
    kinds: set[FactKind],
    authorised: int,
    captured: int,
    released: int,
    refunded: int,
    outcomes: set[OperationOutcome],
) -> Status:
    capturable = authorised - captured - released
    if captured > 0:
        return _captured_status(captured, refunded, capturable)
    for holds, status in (
        (refunded > 0, Status.PARTIALLY_REFUNDED),
        (capturable > 0, Status.AUTHORISED),
        (K.EXPIRED in kinds, Status.EXPIRED),
        (K.VOIDED in kinds, Status.VOIDED),
        *((outcome in outcomes, status) for outcome, status in _UNRESOLVED),
        (K.CLOSED in kinds, Status.CLOSED),
        (K.PAYMENT_FAILED in kinds, Status.FAILED),
    ):
        if holds:
            return status
    return Status.CREATED


def _captured_status(captured: int, refunded: int, capturable: int) -> Status:
    if refunded > 0:
        return Status.REFUNDED if refunded >= captured else Status.PARTIALLY_REFUNDED
    return Status.PARTIALLY_CAPTURED if capturable > 0 else Status.CAPTURED


def _dispute(events: Iterable[LedgerEvent]) -> Dispute:
    by_dispute: dict[str, set[Dispute]] = defaultdict(set)
    for event in events:
        if event.kind in _DISPUTE_OF:
            # Some gateways tell the moves of one dispute apart behind a colon.
            by_dispute[event.key.partition(":")[0]].add(_DISPUTE_OF[event.kind])
    states = {next(state for state in _WITHIN if state in found) for found in by_dispute.values()}
    return next((state for state in _AMONG if state in states), Dispute.NONE)
