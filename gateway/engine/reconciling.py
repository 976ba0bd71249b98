"""A gateway's statement held against our ledger: what is missing on either side, and what differs.

Lines and movements find each other by kind and the gateway's number of the movement, the same in every message that
tells of it, never by amount and date. Each line gets one verdict and each movement one place, whatever order they come
in.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum

import msgspec

from gateway.engine.ledger import LedgerEvent
from gateway.model.dates import Instant
from gateway.model.payment import FactKind, StatementLine

K = FactKind
MovementKey = tuple[FactKind, str]

# What a statement has to tell of, sooner or later; other kinds are only looked for where it does.
EXPECTED = frozenset({K.CAPTURED, K.REFUNDED})
# A refund that is being made has moved nothing yet.
_NO_MOVEMENT = frozenset({K.REFUND_PENDING, K.REFUND_FAILED})
_UNDONE_BY = {
    K.CAPTURED: frozenset({K.CAPTURE_FAILED}),
    K.REFUNDED: frozenset({K.REFUND_FAILED, K.REFUND_REVERSED}),
}
_PPM = 1_000_000


class Verdict(StrEnum):
    """What became of a line, a movement or a whole statement."""

    MATCHED = "matched"
    OTHER = "other"  # a fee, a payout, a correction: no movement of a payment
    MISSING_HERE = "missing_here"  # they moved money that we know nothing of
    MISSING_THERE = "missing_there"  # we say it has moved, and no statement tells of it
    AMOUNT_DIFFERS = "amount_differs"
    CURRENCY_DIFFERS = "currency_differs"
    FEE_DIFFERS = "fee_differs"
    DUPLICATED = "duplicated"  # the same movement told of before
    TOTAL_DIFFERS = "total_differs"  # the lines do not add up to what was paid out


class Movement(msgspec.Struct, frozen=True):
    """An event of the ledger of ``payment``, in minor units; ``seen_ms`` is when we came to know of it."""

    payment: str
    kind: FactKind
    key: str
    amount: int
    currency: str
    seen_ms: Instant


class FeeRule(msgspec.Struct, frozen=True):
    """What a capture should cost: ``ppm`` millionths of it and ``fixed`` minor units of the settlement's currency.

    A fee up to ``tolerance`` minor units off is right.
    """

    ppm: int = 0
    fixed: int = 0
    tolerance: int = 0

    def expected(self, gross: int) -> int:
        """The fee of a capture of ``gross`` minor units, rounded half to even."""
        share = Decimal(gross * self.ppm) / _PPM
        return int(share.quantize(Decimal(1), ROUND_HALF_EVEN)) + self.fixed


class Difference(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Something a person has to look at.

    ``ours`` and ``theirs`` are amounts in minor units with their currencies: of the movement, of the fee
    (:attr:`Verdict.FEE_DIFFERS`: expected and taken) or of the statement. ``line`` is its number in the statement.
    """

    verdict: Verdict
    kind: FactKind | None = None
    key: str = ""
    payment: str = ""
    line: int | None = None
    ours: int | None = None
    our_currency: str = ""
    theirs: int | None = None
    their_currency: str = ""


class Reconciled(msgspec.Struct, frozen=True):
    """``verdicts`` by line number; ``differences`` are what of them, and of our side, is not in order.

    ``waiting`` are movements whose line may still come.
    """

    verdicts: dict[int, Verdict]
    differences: tuple[Difference, ...]
    waiting: tuple[Movement, ...]


def movement_of(payment: str, event: LedgerEvent, seen_ms: Instant) -> Movement:
    """The event as one side of the comparison."""
    return Movement(payment, event.kind, event.key, event.amount, event.currency, seen_ms)


def reconcile(
    lines: Iterable[StatementLine],
    movements: Iterable[Movement],
    *,
    told: Container[MovementKey] = (),
    overdue_ms: Instant,
    fees: FeeRule | None = None,
) -> Reconciled:
    """One statement against the movements it could be about.

    ``told`` are movements that other statements have told of. What we came to know before ``overdue_ms`` and no
    statement tells of is missing there.
    """
    known = {(each.kind, each.key): each for each in movements}
    verdicts: dict[int, Verdict] = {}
    differences: list[Difference] = []
    mentioned: set[MovementKey] = set()
    for line in sorted(lines, key=lambda each: each.number):
        key = next((key for key in keys_of(line) if key in known), None) or next(iter(keys_of(line)), None)
        found = _of_line(line, known.get(key) if key else None, key in mentioned or key in told, fees)
        verdicts[line.number] = found.verdict
        if found.verdict not in (Verdict.MATCHED, Verdict.OTHER):
            differences.append(found)
        if key is not None:
            mentioned.add(key)
    left = [known[key] for key in sorted(known) if key not in mentioned and key not in told and _expected(key, known)]
    differences += (_missing_there(each) for each in left if each.seen_ms < overdue_ms)
    return Reconciled(verdicts, tuple(differences), tuple(each for each in left if each.seen_ms >= overdue_ms))


def total_difference(lines: Iterable[StatementLine], total: int | None, currency: str) -> Difference | None:
    """What was paid out and what the lines add up to, where both are told and differ."""
    net = sum(line.net for line in lines)
    if total is None or total == net:
        return None
    return Difference(
        verdict=Verdict.TOTAL_DIFFERS, ours=net, our_currency=currency, theirs=total, their_currency=currency
    )


def is_over(difference: Difference, movement: Movement | None, told: bool) -> bool:
    """Whether an open difference has gone by itself: the other side has come, and agrees."""
    if difference.verdict is Verdict.MISSING_THERE:
        return told
    if difference.verdict is not Verdict.MISSING_HERE or movement is None:
        return False
    return (movement.amount, movement.currency) == (difference.theirs, difference.their_currency)


def keys_of(line: StatementLine) -> tuple[MovementKey, ...]:
    """What the movement of a line may be known by, the likeliest first; nothing where it is no movement.

    A capture that a purchase brought about by itself may have a number of its own, which no message has told us of.
    """
    if line.kind is None or line.kind in _NO_MOVEMENT:
        return ()
    own = (line.kind, line.key)
    return (own, (line.kind, line.payment_psp)) if line.kind is K.CAPTURED and line.payment_psp else (own,)


def _of_line(line: StatementLine, ours: Movement | None, is_repeated: bool, fees: FeeRule | None) -> Difference:
    """The line's one verdict; the gravest where several would hold."""
    if not keys_of(line):
        return _wrong_sum(line) or Difference(verdict=Verdict.OTHER)
    theirs, currency = stated(line)
    if is_repeated:
        verdict = Verdict.DUPLICATED
    elif ours is None:
        verdict = Verdict.MISSING_HERE
    elif ours.currency != currency:
        verdict = Verdict.CURRENCY_DIFFERS
    elif ours.amount != theirs:
        verdict = Verdict.AMOUNT_DIFFERS
    elif (fee := _wrong_sum(line) or _wrong_fee(line, fees)) is not None:
        return msgspec.structs.replace(fee, payment=ours.payment)
    else:
        verdict = Verdict.MATCHED
    return Difference(
        verdict=verdict,
        kind=line.kind,
        key=line.key,
        line=line.number,
        payment=ours.payment if ours else "",
        ours=ours.amount if ours else None,
        our_currency=ours.currency if ours else "",
        theirs=theirs,
        their_currency=currency,
    )


def stated(line: StatementLine) -> tuple[int, str]:
    """The movement as the guest saw it, or as it was settled where the statement does not tell."""
    if line.amount is not None and line.presented:
        return line.amount, line.presented
    return abs(line.gross), line.currency


def _wrong_sum(line: StatementLine) -> Difference | None:
    return None if line.gross - line.fee == line.net else _fee(line, line.gross - line.net)


def _wrong_fee(line: StatementLine, fees: FeeRule | None) -> Difference | None:
    if fees is None or line.kind is not K.CAPTURED:
        return None
    expected = fees.expected(line.gross)
    return None if abs(line.fee - expected) <= fees.tolerance else _fee(line, expected)


def _fee(line: StatementLine, expected: int) -> Difference:
    return Difference(
        verdict=Verdict.FEE_DIFFERS,
        kind=line.kind,
        key=line.key,
        line=line.number,
        ours=expected,
        our_currency=line.currency,
        theirs=line.fee,
        their_currency=line.currency,
    )


def _expected(key: MovementKey, known: dict[MovementKey, Movement]) -> bool:
    """Whether a statement has to tell of it: money has moved, and nothing took it back."""
    kind, number = key
    return kind in EXPECTED and not any((undone, number) in known for undone in _UNDONE_BY[kind])


def _missing_there(movement: Movement) -> Difference:
    return Difference(
        verdict=Verdict.MISSING_THERE,
        kind=movement.kind,
        key=movement.key,
        payment=movement.payment,
        ours=movement.amount,
        our_currency=movement.currency,
    )
