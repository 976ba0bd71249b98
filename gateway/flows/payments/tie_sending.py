"""Sends what was written down to be asked of a gateway for a sale: once, and from then on it is like any operation."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from gateway.engine.hotel import Hotel
from gateway.engine.operations import fingerprint
from gateway.engine.sale import Sale, SaleState
from gateway.errors import CallFailed, Refusal
from gateway.flows.payments.book import OPERATION, Book, ref_of
from gateway.flows.payments.calling import call
from gateway.flows.payments.operate import GRACE_MS, base_of, book_in, kept_command, notify_url, sealed
from gateway.flows.payments.operate_jobs import EnterAnswer
from gateway.flows.payments.tie import is_by_card
from gateway.flows.payments.tie_jobs import tied
from gateway.flows.selling.rows import open_sale
from gateway.flows.services import Services
from gateway.flows.vault.draw import Drawn, draw
from gateway.flows.vault.show import CARD
from gateway.flows.vault.uses import KEPT
from gateway.messages_payment import Authorise, Capture, Close, PaymentAnswered, PaymentCommand, Purchase, Refund, Void
from gateway.model.dates import Instant
from gateway.model.payment import FactSource, OperationKind, OperationOutcome
from gateway.model.payment_account import PaymentAccount
from gateway.model.payment_error import PaymentError
from gateway.model.payment_means import HostedPage, Means, Occasion, Presence, StoredMethod
from gateway.store import selling
from gateway.store.state import Decision, Needs, State
from gateway.store.tables_cards import CardRow
from gateway.store.tables_paying import PaymentOperationRow

_means = msgspec.json.Decoder(StoredMethod).decode


def is_order(row: PaymentOperationRow) -> bool:
    """Whether nobody has sent it yet."""
    return row.outcome == OperationOutcome.NEW and not row.sent_ms


async def send_order(services: Services, hotel: Hotel, account: PaymentAccount, row: PaymentOperationRow) -> None:
    """Sends it unless somebody else has, and enters the answer with what follows for its sale."""
    capabilities = services.connectors.outbound(account.gateway).capabilities(account.profile)
    order, refused, error = None, f"{account.gateway} cannot {row.kind}", PaymentError.INVALID_REQUEST
    try:
        order = await _command(services, hotel, account, row)
    except Refusal as refusal:
        refused = refusal.text
    except CallFailed as failure:
        # An outside vault is away: nothing has left.
        refused, error = str(failure), PaymentError.GATEWAY_ERROR
    if order is None or type(order.command) not in capabilities.commands or not account.enabled:
        answer = _refused(row, refused, error)
    else:
        now_ms, command = services.clock.now_ms(), order.command
        sent = row._replace(
            sent_ms=now_ms,
            due_ms=now_ms + int(capabilities.timeout_s * 1000) + GRACE_MS,
            fingerprint=fingerprint(command),
            command=kept_command(services, command),
        )
        if not await services.batcher.submit(MarkSent(sent, order.drawn)):
            return
        answer = await call(services, hotel, account, command, row.operation_id)
    action = sealed(services, answer)
    entering = EnterAnswer(row.scope_id, row.payment_id, answer, FactSource.REPLY, sealed_action=action)
    await services.batcher.submit(tied(services, entering))


class MarkSent:
    """The job: True where the operation had not been sent and may be now.

    A card it charges has to be kept still; that it is charged is one commit with this, before its number leaves.
    """

    def __init__(self, row: PaymentOperationRow, drawn: Drawn | None = None) -> None:
        self.scope_id: str | None = row.scope_id
        self._row = row
        self._drawn = drawn

    def needs(self, state: State, now_ms: Instant) -> Needs:
        yield OPERATION, self._row[:2]
        if self._drawn is not None:
            yield CARD, self._drawn.row[:3]

    def decide(self, state: State, now_ms: Instant) -> Decision:
        row, drawn = state.get(PaymentOperationRow, self._row[:2]), self._drawn
        if row is None or not is_order(row):
            return Decision(False)
        if drawn is None:
            return Decision(True, [self._row])
        card = state.get(CardRow, drawn.row[:3])
        if card is None or card.state != KEPT:
            return Decision(False)  # Purged or replaced meanwhile: the next look chooses another.
        return Decision(True, [self._row, drawn.line])


class _Order(NamedTuple):
    """A command, and the card whose number is in it."""

    command: PaymentCommand
    drawn: Drawn | None = None


async def _command(
    services: Services, hotel: Hotel, account: PaymentAccount, row: PaymentOperationRow
) -> _Order | None:
    """What the row stands for; None for a kind that is never ordered."""
    book = await book_in(services, row.scope_id, row.payment_id)
    base = base_of(services, row.payment_id) | {"id": row.operation_id, "at_ms": row.at_ms}
    if row.kind in (OperationKind.PURCHASE, OperationKind.AUTHORISE):
        return await _charge(services, hotel, account, row, book, base)
    parent = next(each for each in book.refs if each.id == row.parent)
    amounts: dict[str, Any] = {"of": parent, "amount": row.amount, "currency": row.currency}
    match row.kind:
        case OperationKind.CAPTURE:
            return _Order(Capture(**base, **amounts, notify_url=notify_url(account)))
        case OperationKind.VOID:
            return _Order(Void(**base, **amounts, notify_url=notify_url(account)))
        case OperationKind.REFUND:
            return _Order(Refund(**base, **amounts, capture=_captured(book), notify_url=notify_url(account)))
        case OperationKind.CLOSE:
            return _Order(Close(**base, of=parent))
    return None


async def _charge(
    services: Services,
    hotel: Hotel,
    account: PaymentAccount,
    row: PaymentOperationRow,
    book: Book,
    base: dict[str, Any],
) -> _Order | None:
    payment = book.payment
    sold = await services.database.read(lambda tx: selling.one(tx, row.scope_id, payment.reservation_id))
    if sold is None:
        return None
    sale, kind = open_sale(sold.body), Purchase if row.kind == OperationKind.PURCHASE else Authorise
    drawn = await draw(services, hotel, account, row, sold.sale_id) if is_by_card(sale, row) else None
    means: Means = drawn.card if drawn else HostedPage(link=True)
    if sale.means:
        means = _means(services.vault.open(sale.means))
    command = kind(
        **base,
        amount=row.amount,
        currency=row.currency,
        means=means,
        reservation=sold.sale_id,
        text=payment.text,
        presence=Presence.MOTO if drawn else Presence.ABSENT if sale.means else Presence.GUEST,
        occasion=Occasion.NO_SHOW if sold.state == SaleState.NO_SHOW else Occasion.STAY,
        customer=means.customer if isinstance(means, StoredMethod) else "",
        return_url=str(account.options.get("return_url", "")),
        notify_url=notify_url(account),
        expires_ms=row.expires_ms,
        language=_language(sale),
    )
    return _Order(command, drawn)


def _captured(book: Book) -> Any:
    """The one capture there was, where there was just one."""
    taken = [row for row in book.operations if row.kind == OperationKind.CAPTURE]
    taken = [row for row in taken if row.outcome == OperationOutcome.SUCCEEDED]
    return ref_of(taken[0]) if len(taken) == 1 else None


def _language(sale: Sale) -> str:
    return sale.customer.booker.language if sale.customer.booker else ""


def _refused(row: PaymentOperationRow, why: str, error: PaymentError) -> PaymentAnswered:
    outcome = OperationOutcome.FAILED
    return PaymentAnswered(operation=row.operation_id, outcome=outcome, error=error, error_raw=why[:300])
