"""What may follow a charge besides taking and giving back: another total, the guest's answer, a page opened again.

And means of payment that are kept for later without charging them.
"""

from __future__ import annotations

import msgspec

from gateway.contract import HandsOver
from gateway.engine.operations import FINAL
from gateway.errors import Malformed, NotFound, Reason, Rejected, Unsupported
from gateway.flows.desk.finding import property_of, text_of
from gateway.flows.payments.accounts import site_of
from gateway.flows.payments.book import Book, ref_of
from gateway.flows.payments.calling import OF_THE_CALL, call
from gateway.flows.payments.operate import Operated, account_of, base_of, book_in, held_in, sealed, send
from gateway.flows.payments.operate_jobs import EnterAnswer
from gateway.flows.payments.tie_jobs import tied
from gateway.flows.services import Services
from gateway.messages_payment import Adjust, ContinueCharge, PaymentAnswered, RenewAction, Tokenise
from gateway.model.dates import Instant
from gateway.model.payment import FactSource, OperationKind, OperationOutcome
from gateway.model.payment_means import GuestAction, Means
from gateway.store import statements
from gateway.store.database import Transaction
from gateway.store.tables_paying import PaymentOperationRow, PaymentRow
from gateway.store.tables_statements import PaymentTokenRow

DETAILS_MAX = 20
DETAIL_CHARACTERS_MAX = 32_000
TOKENS_MAX = 200
_BEGUN = frozenset({OperationKind.AUTHORISE.value, OperationKind.PURCHASE.value, OperationKind.TOKENISE.value})
_action = msgspec.json.Decoder(GuestAction).decode


class TokenLine(msgspec.Struct, frozen=True):
    """A means of payment that a gateway keeps: ``token`` and ``customer`` are what a later charge names."""

    account: str
    token: str
    customer: str
    brand: str
    last4: str
    reservation: str
    payment: str
    at_ms: Instant
    author: str


class TokenList(msgspec.Struct, frozen=True):
    """The newest first, at most ``TOKENS_MAX``."""

    items: tuple[TokenLine, ...]


async def adjust(services: Services, scope_id: str, payment_id: str, amount: int, author: str) -> Operated:
    """Sets a hold to a new total, or extends it where the total stays."""
    hotel, account, _, of = await held_in(services, scope_id, payment_id)
    command = Adjust(**base_of(services, payment_id), of=of, amount=amount, currency=of.currency)
    return await send(services, hotel, account, command, OperationKind.ADJUST, author, parent=of)


async def proceed(services: Services, scope_id: str, payment_id: str, details: dict[str, str]) -> Operated:
    """The guest has done what was asked: ``details`` are what their browser brought back.

    The answer is about what waits for it. A call that did not get through leaves that as it was, so that it may be made
    again; raises :class:`Rejected` then.
    """
    if len(details) > DETAILS_MAX or any(len(text) > DETAIL_CHARACTERS_MAX for text in details.values()):
        raise Malformed(f"at most {DETAILS_MAX} details of {DETAIL_CHARACTERS_MAX} characters", Reason.TOO_LARGE)
    book, row = await _waiting(services, scope_id, payment_id)
    hotel, account = await account_of(services, scope_id, book.payment.account)
    if ContinueCharge not in services.connectors.outbound(account.gateway).capabilities(account.profile).commands:
        raise Unsupported(f"{account.gateway} tells by itself once the guest has paid")
    command = ContinueCharge(**base_of(services, payment_id), of=ref_of(row), details=details)
    answer = await call(services, hotel, account, command, row.operation_id)
    if answer.outcome is OperationOutcome.FAILED and answer.error in OF_THE_CALL:
        raise Rejected("the gateway did not take the guest's answer; it may be sent again", Reason.UNAVAILABLE)
    job = EnterAnswer(scope_id, payment_id, answer, FactSource.REPLY, sealed_action=sealed(services, answer))
    return _operated(await services.batcher.submit(tied(services, job)), answer)


async def open_again(services: Services, scope_id: str, payment_id: str) -> Operated:
    """What the guest has to do, once more: signed afresh where the gateway wants that. Nothing is sent."""
    book, row = await _waiting(services, scope_id, payment_id)
    if not row.action:
        raise NotFound("nothing of what the guest has to do is kept")
    action = _action(services.vault.open(row.action.decode()).encode())
    hotel, account = await account_of(services, scope_id, book.payment.account)
    connector = services.connectors.outbound(account.gateway)
    if isinstance(connector, HandsOver):
        command = RenewAction(**base_of(services, payment_id), of=ref_of(row), action=action)
        handed = connector.hand_over(command, site_of(services, account, hotel.property.currency))
        renewed = [each.event for each in handed.events] if handed else []
        action = next((each.action for each in renewed if isinstance(each, PaymentAnswered) and each.action), action)
    return Operated(payment_id, row.operation_id, OperationOutcome.ACTION_REQUIRED, row.error, action)


async def tokenise(
    services: Services,
    scope_id: str,
    account_id: str,
    means: Means,
    author: str,
    *,
    customer: str = "",
    reservation: str = "",
    return_url: str = "",
) -> Operated:
    """Has the gateway keep a means of payment. It is a payment of nothing, whose token stands in :func:`tokens`."""
    hotel, account = await account_of(services, scope_id, account_id)
    payment_id, now_ms = services.ids.operation(), services.clock.now_ms()
    base, currency = base_of(services, payment_id), hotel.property.currency
    command = Tokenise(**base, means=means, currency=currency, customer=customer, return_url=return_url)
    intent = OperationKind.TOKENISE
    payment = PaymentRow(
        scope_id, payment_id, account_id, reservation, intent.value, 0, currency, now_ms, author, "kept for later"
    )
    return await send(services, hotel, account, command, intent, author, payment)


async def tokens(services: Services, scope_id: str, reservation: str = "") -> TokenList:
    """The means of payment kept for a property, or for one reservation of it; raises :class:`NotFound`."""
    name = text_of(reservation)

    async def read(tx: Transaction) -> list[PaymentTokenRow]:
        await property_of(services, tx, scope_id)
        return await statements.tokens(tx, scope_id, name, TOKENS_MAX)

    rows = await services.database.read(read)
    return TokenList(
        tuple(
            TokenLine(
                account=row.account,
                token=row.token,
                customer=row.customer,
                brand=row.brand,
                last4=row.last4,
                reservation=row.reservation_id,
                payment=row.payment_id,
                at_ms=row.at_ms,
                author=row.author,
            )
            for row in rows
        )
    )


async def _waiting(services: Services, scope_id: str, payment_id: str) -> tuple[Book, PaymentOperationRow]:
    """The payment, and the operation of it that waits for the guest."""
    book = await book_in(services, scope_id, payment_id)
    begun = [row for row in book.operations if row.kind in _BEGUN and row.outcome not in FINAL]
    if not begun:
        raise Rejected("this payment does not wait for the guest", Reason.BUSINESS_RULE)
    return book, begun[-1]


def _operated(row: PaymentOperationRow, answer: PaymentAnswered) -> Operated:
    outcome = OperationOutcome(row.outcome)
    action = answer.action if outcome is OperationOutcome.ACTION_REQUIRED else None
    return Operated(row.payment_id, row.operation_id, outcome, row.error, action)
