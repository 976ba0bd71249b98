"""Sends what was written down to be asked of a gateway for a sale: once, and from then on it is like any operation."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.engine.hotel import Hotel
from gateway.engine.operations import fingerprint
from gateway.engine.sale import Sale, SaleState
from gateway.errors import Refusal
from gateway.flows.payments.book import OPERATION, Book, ref_of
from gateway.flows.payments.calling import call
from gateway.flows.payments.jobs import EnterAnswer
from gateway.flows.payments.operate import GRACE_MS, base_of, book_in, kept_command, notify_url, sealed
from gateway.flows.payments.tie_jobs import tied
from gateway.flows.selling.rows import open_sale
from gateway.flows.services import Services
from gateway.messages_payment import Authorise, Capture, Close, PaymentAnswered, PaymentCommand, Purchase, Refund, Void
from gateway.model.dates import Instant
from gateway.model.payment import FactSource, OperationKind, OperationOutcome
from gateway.model.payment_account import PaymentAccount
from gateway.model.payment_error import PaymentError
from gateway.model.payment_means import HostedPage, Means, Occasion, Presence, StoredMethod
from gateway.store import selling
from gateway.store.state import Decision, Needs, State
from gateway.store.tables_paying import PaymentOperationRow

_means = msgspec.json.Decoder(StoredMethod).decode


def is_order(row: PaymentOperationRow) -> bool:
    """Whether nobody has sent it yet."""
    return row.outcome == OperationOutcome.NEW and not row.sent_ms


async def send_order(services: Services, hotel: Hotel, account: PaymentAccount, row: PaymentOperationRow) -> None:
    """Sends it unless somebody else has, and enters the answer with what follows for its sale."""
    capabilities = services.connectors.outbound(account.gateway).capabilities(account.profile)
    command, refused = None, f"{account.gateway} cannot {row.kind}"
    try:
        command = await _command(services, account, row)
    except Refusal as refusal:
        refused = refusal.text
    if command is None or type(command) not in capabilities.commands or not account.enabled:
        answer = _refused(row, refused)
    else:
        now_ms = services.clock.now_ms()
        sent = row._replace(
            sent_ms=now_ms,
            due_ms=now_ms + int(capabilities.timeout_s * 1000) + GRACE_MS,
            fingerprint=fingerprint(command),
            command=kept_command(services, command),
        )
        if not await services.batcher.submit(MarkSent(sent)):
            return
        answer = await call(services, hotel, account, command, row.operation_id)
    action = sealed(services, answer)
    entering = EnterAnswer(row.scope_id, row.payment_id, answer, FactSource.REPLY, sealed_action=action)
    await services.batcher.submit(tied(services, entering))


class MarkSent:
    """The job: True where the operation had not been sent and may be now."""

    def __init__(self, row: PaymentOperationRow) -> None:
        self.scope_id: str | None = row.scope_id
        self._row = row

    def needs(self, state: State, now_ms: Instant) -> Needs:
        yield OPERATION, self._row[:2]

    def decide(self, state: State, now_ms: Instant) -> Decision:
        row = state.get(PaymentOperationRow, self._row[:2])
        if row is None or not is_order(row):
            return Decision(False)
        return Decision(True, [self._row])


async def _command(services: Services, account: PaymentAccount, row: PaymentOperationRow) -> PaymentCommand | None:
    """What the row stands for; None for a kind that is never ordered."""
    book = await book_in(services, row.scope_id, row.payment_id)
    base = base_of(services, row.payment_id) | {"id": row.operation_id, "at_ms": row.at_ms}
    if row.kind in (OperationKind.PURCHASE, OperationKind.AUTHORISE):
        return await _charge(services, account, row, book, base)
    parent = next(each for each in book.refs if each.id == row.parent)
    amounts: dict[str, Any] = {"of": parent, "amount": row.amount, "currency": row.currency}
    match row.kind:
        case OperationKind.CAPTURE:
            return Capture(**base, **amounts, notify_url=notify_url(account))
        case OperationKind.VOID:
            return Void(**base, **amounts, notify_url=notify_url(account))
        case OperationKind.REFUND:
            return Refund(**base, **amounts, capture=_captured(book), notify_url=notify_url(account))
        case OperationKind.CLOSE:
            return Close(**base, of=parent)
    return None


async def _charge(
    services: Services, account: PaymentAccount, row: PaymentOperationRow, book: Book, base: dict[str, Any]
) -> PaymentCommand | None:
    payment = book.payment
    sold = await services.database.read(lambda tx: selling.one(tx, row.scope_id, payment.reservation_id))
    if sold is None:
        return None
    sale, kind = open_sale(sold.body), Purchase if row.kind == OperationKind.PURCHASE else Authorise
    means: Means = _means(services.vault.open(sale.means)) if sale.means else HostedPage(link=True)
    return kind(
        **base,
        amount=row.amount,
        currency=row.currency,
        means=means,
        reservation=sold.sale_id,
        text=payment.text,
        presence=Presence.ABSENT if sale.means else Presence.GUEST,
        occasion=Occasion.NO_SHOW if sold.state == SaleState.NO_SHOW else Occasion.STAY,
        customer=means.customer if isinstance(means, StoredMethod) else "",
        return_url=str(account.options.get("return_url", "")),
        notify_url=notify_url(account),
        expires_ms=row.expires_ms,
        language=_language(sale),
    )


def _captured(book: Book) -> Any:
    """The one capture there was, where there was just one."""
    taken = [row for row in book.operations if row.kind == OperationKind.CAPTURE]
    taken = [row for row in taken if row.outcome == OperationOutcome.SUCCEEDED]
    return ref_of(taken[0]) if len(taken) == 1 else None


def _language(sale: Sale) -> str:
    return sale.customer.booker.language if sale.customer.booker else ""


def _refused(row: PaymentOperationRow, why: str) -> PaymentAnswered:
    return PaymentAnswered(
        operation=row.operation_id,
        outcome=OperationOutcome.FAILED,
        error=PaymentError.INVALID_REQUEST,
        error_raw=why[:300],
    )
