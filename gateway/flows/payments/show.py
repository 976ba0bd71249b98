"""Payments as people and programs see them, and what they settle by hand."""

from __future__ import annotations

import msgspec

from gateway.errors import NotFound
from gateway.flows.desk.finding import cursor as made_cursor
from gateway.flows.desk.finding import page_size, position, property_of, text_of
from gateway.flows.payments.book import Book, ledger_of
from gateway.flows.payments.callback_jobs import INBOX
from gateway.flows.services import Services
from gateway.model.dates import Instant
from gateway.store import paying
from gateway.store.database import Transaction
from gateway.store.paying import Kept
from gateway.store.state import Decision, Needs, State
from gateway.store.tables_paying import PaymentInboxRow, account_scope

PARKED_MAX = 200


class OperationLine(msgspec.Struct, frozen=True):
    """Something that was asked of the gateway; ``amount`` in minor units, ``psp`` the gateway's number."""

    id: str
    kind: str
    amount: int
    outcome: str
    psp: str
    error: str
    error_raw: str
    at_ms: Instant
    due_ms: Instant | None
    author: str


class EventLine(msgspec.Struct, frozen=True):
    """A movement, and how we came to know of it. ``rest``, of a release: everything that was held but ``amount``."""

    kind: str
    key: str
    amount: int
    currency: str
    rest: bool
    operation: str
    source: str
    seen_ms: Instant


class PaymentView(msgspec.Struct, frozen=True):
    """A payment. Amounts in minor units of ``currency``, all of them derived from the events."""

    id: str
    account: str
    reservation: str
    intent: str
    requested: int
    currency: str
    status: str
    authorised: int
    captured: int
    released: int
    refunded: int
    refund_pending: int
    charged_back: int
    capturable: int
    refundable: int
    dispute: str
    at_ms: Instant
    author: str
    operations: tuple[OperationLine, ...]
    events: tuple[EventLine, ...]


class PaymentPage(msgspec.Struct, frozen=True):
    """``next`` is the cursor of what follows; empty at the end."""

    items: tuple[PaymentView, ...]
    next: str


class ParkedLine(msgspec.Struct, frozen=True):
    """A message, or something the gateway has found itself, that a person has to look at."""

    account: str
    id: str
    name: str
    detail: str
    at_ms: Instant


class ParkedList(msgspec.Struct, frozen=True):
    """At most ``PARKED_MAX``, the oldest first."""

    items: tuple[ParkedLine, ...]


async def show(services: Services, scope_id: str, payment_id: str) -> PaymentView:
    """Raises :class:`NotFound`."""
    name = text_of(payment_id)
    kept = await services.database.read(lambda tx: paying.one(tx, scope_id, name))
    if kept is None:
        raise NotFound(f"there is no payment {payment_id!r}")
    return _view(kept)


async def find(
    services: Services, scope_id: str, *, reservation: str = "", cursor: str = "", limit: int
) -> PaymentPage:
    """The newest first; those of one reservation, where it is named."""
    limit, after = page_size(limit), position(cursor, str)
    name = text_of(reservation)

    async def read(tx: Transaction) -> list[Kept]:
        await property_of(services, tx, scope_id)
        return await paying.page(tx, scope_id, name, after[0] if after else "", limit + 1)

    found = await services.database.read(read)
    more = found[limit - 1].payment.payment_id if len(found) > limit else None
    return PaymentPage(tuple(map(_view, found[:limit])), made_cursor((more,) if more else None))


async def parked(services: Services, scope_id: str) -> ParkedList:
    """What waits for a person."""

    async def read(tx: Transaction) -> list[PaymentInboxRow]:
        _, hotel = await property_of(services, tx, scope_id)
        return await paying.parked(tx, sorted(hotel.payments), PARKED_MAX)

    return ParkedList(tuple(map(_parked, await services.database.read(read))))


async def settle(services: Services, scope_id: str, account: str, dedupe: str, author: str) -> ParkedLine:
    """Somebody has looked at it. It changes no amount; raises :class:`NotFound`."""
    hotel = await services.directory.hotel_of_account(text_of(account))
    if hotel is None or hotel.property.id != scope_id:
        raise NotFound(f"{scope_id!r} has no payment account {account!r}")
    row: PaymentInboxRow = await services.batcher.submit(_Settle(account, text_of(dedupe), author))
    return _parked(row)


class _Settle:
    def __init__(self, account: str, dedupe: str, author: str) -> None:
        self.scope_id: str | None = account_scope(account)
        self._key = (account_scope(account), dedupe)
        self._author = author

    def needs(self, state: State, now_ms: Instant) -> Needs:
        yield INBOX, self._key

    def decide(self, state: State, now_ms: Instant) -> Decision:
        row = state.get(PaymentInboxRow, self._key)
        if row is None or row.state not in ("parked", "settled"):
            raise NotFound(f"nothing with the id {self._key[1]!r} waits for a person")
        if row.state == "settled":
            return Decision(row)
        row = row._replace(state="settled", detail=f"{row.detail} (settled by {self._author})")
        return Decision(row, [row])


def _parked(row: PaymentInboxRow) -> ParkedLine:
    return ParkedLine(row.scope_id.removeprefix(account_scope("")), row.dedupe, row.name, row.detail, row.at_ms)


def _view(kept: Kept) -> PaymentView:
    payment, ledger = kept.payment, ledger_of(kept.events)
    found = Book(payment, kept.operations, ledger).position()
    seen = {(row.kind, row.fact_key): row.seen_ms for row in kept.events}
    return PaymentView(
        id=payment.payment_id,
        account=payment.account,
        reservation=payment.reservation_id,
        intent=payment.intent,
        requested=payment.amount,
        currency=payment.currency,
        status=found.status.value,
        authorised=found.authorised,
        captured=found.captured,
        released=found.released,
        refunded=found.refunded,
        refund_pending=found.refund_pending,
        charged_back=found.charged_back,
        capturable=found.capturable,
        refundable=found.refundable,
        dispute=found.dispute.value,
        at_ms=payment.at_ms,
        author=payment.author,
        operations=tuple(
            OperationLine(
                row.operation_id,
                row.kind,
                row.amount,
                row.outcome,
                row.psp,
                row.error,
                row.error_raw,
                row.at_ms,
                row.due_ms,
                row.author,
            )
            for row in kept.operations
        ),
        events=tuple(
            EventLine(
                event.kind.value,
                event.key,
                event.amount,
                event.currency,
                event.rest,
                event.operation,
                event.source.value,
                seen[event.kind.value, event.key],
            )
            for event in ledger.values()
        ),
    )
