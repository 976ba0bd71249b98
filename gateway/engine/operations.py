"""What may be asked of a gateway, how an operation moves on, and when to ask about one that nobody can tell of."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum
from hashlib import blake2b

import msgspec

from gateway.engine.ledger import LedgerEvent, Position
from gateway.messages_payment import Adjust, Authorise, Capture, PaymentCommand, Purchase, Refund, Tokenise, Void
from gateway.model.dates import Instant
from gateway.model.payment import OperationKind, OperationOutcome, OperationRef
from gateway.model.payment_error import PaymentError
from gateway.model.payment_means import Card

Outcome = OperationOutcome
FINAL = frozenset({Outcome.SUCCEEDED, Outcome.FAILED})

_S = 1000
_H = 3600
NOT_FOUND_AFTER_MS = 300 * _S
NOT_FOUND_APART_MS = 60 * _S
PARKED_AFTER_MS = 72 * _H * _S


def advance(current: OperationOutcome, told: OperationOutcome) -> OperationOutcome:
    """Where an operation stands after the gateway has told something about it.

    A success stays one: what is taken back later is an event of its own. A failure gives way only to a success, which
    the gateway must have stated; whoever sees that tells a person.
    """
    if current is Outcome.SUCCEEDED or told is Outcome.SUCCEEDED:
        return Outcome.SUCCEEDED
    if current is Outcome.FAILED:
        return current
    return current if told is Outcome.NEW else told


def refusal(
    command: PaymentCommand,
    position: Position,
    open_operations: Iterable[OperationRef] = (),
    events: Iterable[LedgerEvent] = (),
    *,
    capture_percent_max: int = 100,
) -> PaymentError | None:
    """Why a command must not be sent, None if it may.

    ``open_operations`` are those of ours that have not ended: their amounts count as gone, so that two clerks cannot
    refund the same money. One whose movement is among ``events`` already is not counted twice.
    """
    if isinstance(command, Adjust | Authorise | Capture | Purchase | Refund | Void) and command.amount <= 0:
        return PaymentError.INVALID_AMOUNT
    if isinstance(command, Adjust | Capture | Refund | Void) and command.currency != position.currency:
        return PaymentError.CURRENCY_NOT_SUPPORTED
    seen = {event.operation for event in events}
    waiting = [operation for operation in open_operations if operation.id not in seen and operation.id != command.id]
    if isinstance(command, Capture):
        spare = position.authorised * (capture_percent_max - 100) // 100
        leaving = _sum(waiting, OperationKind.CAPTURE, OperationKind.VOID)
        room = position.capturable + (spare if position.capturable else 0) - leaving
        return PaymentError.AMOUNT_EXCEEDS_AUTHORISED if command.amount > room else None
    if isinstance(command, Refund):
        room = position.refundable - _sum(waiting, OperationKind.REFUND)
        return PaymentError.AMOUNT_EXCEEDS_REFUNDABLE if command.amount > room else None
    if isinstance(command, Adjust):
        return PaymentError.WRONG_STATE if position.captured or not position.capturable else None
    return None


class Waiting(StrEnum):
    """Who waits for a result; it decides how often to ask."""

    DESK = "desk"
    PAGE = "page"
    NOBODY = "nobody"


_FIRST_S = {
    Waiting.DESK: (2, 3, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5),
    Waiting.PAGE: (5, 10, 20, 40, 60),
    Waiting.NOBODY: (10, 30, 60, 120, 300, 600, 1800, 3600),
}


def next_query_ms(who: Waiting, asked: int, sent_ms: Instant, now_ms: Instant) -> Instant | None:
    """When to ask about an unresolved operation again, having asked ``asked`` times; None: leave it to a person.

    At the desk None means: undo it instead. On a page it goes on each minute, until the order's deadline ends it.
    """
    first = _FIRST_S[who]
    if asked < len(first):
        return now_ms + first[asked] * _S
    if who is Waiting.DESK or now_ms - sent_ms >= PARKED_AFTER_MS:
        return None
    if who is Waiting.PAGE:
        return now_ms + 60 * _S
    return now_ms + (1 if now_ms - sent_ms < 24 * _H * _S else 6) * _H * _S


def is_really_absent(sent_ms: Instant, not_found_ms: Collection[Instant], *, order_is_over: bool) -> bool:
    """Whether "not found" may be believed: long after the send, said twice and apart, of an order that has ended."""
    if not not_found_ms or not order_is_over:
        return False
    first, last = min(not_found_ms), max(not_found_ms)
    return last - first >= NOT_FOUND_APART_MS and last - sent_ms >= NOT_FOUND_AFTER_MS


def fingerprint(command: PaymentCommand) -> bytes:
    """16 bytes that are the same for a repetition of the command and for nothing else.

    The card is left out but for its last digits: a digest of its number could be searched.
    """
    still = msgspec.structs.replace(command, sent_ms=0, nonce="")
    if isinstance(still, Authorise | Purchase | Tokenise) and isinstance(still.means, Card):
        means = msgspec.structs.replace(still.means, number=still.means.number[-4:], cvc="")
        still = msgspec.structs.replace(still, means=means)
    return blake2b(msgspec.json.encode(still), digest_size=16).digest()


def _sum(operations: Iterable[OperationRef], *kinds: OperationKind) -> int:
    return sum(operation.amount for operation in operations if operation.kind in kinds)
