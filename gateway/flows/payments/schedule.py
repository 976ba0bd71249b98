"""What has to be paid for a sale, and how the guest pays it: the link, code or page that is theirs to use."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import msgspec

from gateway.engine.payment_schedule import Due, Place
from gateway.engine.sale import Customer, Sale, SaleState
from gateway.errors import Malformed, NotFound, Reason, Rejected
from gateway.flows.desk.finding import property_of, text_of
from gateway.flows.payments import operate
from gateway.flows.payments.book import Book, ledger_of
from gateway.flows.payments.operate import Ask, Operated
from gateway.flows.payments.tie import in_flight, kept_of
from gateway.flows.payments.tie_asking import AskForSale, check_payable, payment_text, wanted_now
from gateway.flows.selling import sell
from gateway.flows.selling.rows import open_sale
from gateway.flows.services import Services
from gateway.model.dates import Day, Instant
from gateway.model.payment import OperationKind, OperationOutcome
from gateway.model.payment_means import (
    ClientMethod,
    Device,
    GuestAction,
    HostedPage,
    InApp,
    Means,
    MiniProgram,
    MobilePage,
    ShownCode,
    StoredMethod,
)
from gateway.model.selling import Method
from gateway.store import paying, selling
from gateway.store.database import Transaction
from gateway.store.tables import SaleRow
from gateway.store.tables_paying import PaymentOperationRow

_action = msgspec.json.Decoder(GuestAction).decode
_encode = msgspec.json.Encoder().encode


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """How the guest wants to pay; by default as the schedule says.

    ``token`` (with the gateway's ``customer``) is a means the gateway keeps: it is charged, and kept to charge what
    comes due later. ``client`` is what the gateway's own fields gave. ``payer`` is the wallet's id of the guest, for a
    page inside the wallet; ``device`` is what some pages and 3-D Secure want to know of their browser. With ``anew``
    another payment may begin beside one that is under way.
    """

    method: Method | None = None
    token: str = ""
    customer: str = ""
    client: dict[str, str] = {}
    payer: str = ""
    device: Device = Device()
    return_url: str = ""
    language: str = ""
    anew: bool = False


class PayLink(msgspec.Struct, frozen=True):
    """How a payment of a sale stands. ``action`` is for the guest's eyes only: an address to open, a code to draw, or
    what the gateway's own script takes. Amounts are minor units of ``currency``.

    ``state`` is the sale's, after the payment where that has ended already.
    """

    sale_id: str
    state: SaleState
    payment_id: str
    operation_id: str
    outcome: OperationOutcome
    amount: int
    currency: str
    error: str = ""
    action: GuestAction | None = None


class DueLine(msgspec.Struct, frozen=True):
    """An amount that is due on a ``day``, None: when it is booked."""

    amount: int
    place: Place
    day: Day | None
    account: str
    hold: bool


class SaleMoney(msgspec.Struct, frozen=True):
    """What a sale costs and what has been paid for it, in minor units of ``currency``.

    ``taken`` is less what was given back or is on its way there, ``held`` can still be taken. ``to_pay`` is what a
    payment would be about now, ``outstanding`` what remains of the total, or of the penalty once the sale has ended.
    """

    sale_id: str
    state: SaleState
    currency: str
    total: int
    penalty: int
    dues: tuple[DueLine, ...]
    required: int
    taken: int
    held: int
    refunded: int
    to_pay: int
    outstanding: int
    payments: tuple[str, ...]
    at_ms: Instant


class Asked(NamedTuple):
    """What a guest is asked for in a letter, and the address to pay it at, if there is one."""

    amount: int
    url: str


NOTHING = Asked(0, "")


async def pay(
    services: Services, property_id: str, sale_id: str, wish: Wish, author: str, *, customer: Customer | None = None
) -> PayLink:
    """Begins the payment that is due now, or gives the one again that is under way; a quote is held first.

    Raises :class:`Rejected` where nothing is to be paid, or the sale is over.
    """
    row, sale, books = await _found(services, property_id, sale_id)
    if row.state == SaleState.QUOTED:
        _check_needs_payment(sale)
        await sell.hold(services, property_id, row.sale_id, customer or sale.customer, author)
        row, sale, books = await _found(services, property_id, sale_id)
    check_payable(row, services.clock.now_ms())
    under_way = [found for book in books if (found := in_flight(book)) is not None]
    if under_way and not wish.anew:
        operation = under_way[-1]
        action = _opened(services, operation)
        outcome = OperationOutcome(operation.outcome)
        operated = Operated(operation.payment_id, operation.operation_id, outcome, operation.error, action)
        return _link(row, sale, operated, operation.amount)
    due = next(iter(wanted_now(row, sale, [book for book in books if in_flight(book) is None])), None)
    if due is None:
        raise Rejected("nothing is to be paid now", Reason.BUSINESS_RULE)
    operated = await _charged(services, row, sale, due, wish, author)
    after, sale, _ = await _found(services, property_id, sale_id)
    return _link(after, sale, operated, due.amount)


async def money(services: Services, property_id: str, sale_id: str) -> SaleMoney:
    """What was and is to be paid; raises :class:`NotFound`."""
    row, sale, books = await _found(services, property_id, sale_id)
    kept = [kept_of(book) for book in books]
    taken, held = sum(each.taken + each.coming for each in kept), sum(each.held for each in kept)
    is_over = row.state in (SaleState.CANCELLED, SaleState.NO_SHOW)
    wanted = wanted_now(row, sale, books) if row.state in (SaleState.QUOTED, SaleState.HELD, SaleState.BOOKED) else []
    return SaleMoney(
        sale_id=row.sale_id,
        state=SaleState(row.state),
        currency=sale.currency,
        total=sale.total,
        penalty=sale.penalty,
        dues=tuple(DueLine(due.amount, due.place, due.day, due.account, due.hold) for due in sale.dues),
        required=sale.required,
        taken=taken,
        held=held,
        refunded=sum(book.position().refunded for book in books),
        to_pay=wanted[0].amount if wanted else 0,
        outstanding=max(0, (sale.penalty if is_over else sale.total) - taken),
        payments=sale.payments,
        at_ms=services.clock.now_ms(),
    )


async def asked_of(services: Services, scope_id: str, sale: Sale) -> Asked:
    """The payment that waits for the guest."""
    kept = await services.database.read(lambda tx: paying.several(tx, scope_id, sale.payments))
    books = [Book(each.payment, each.operations, ledger_of(each.events)) for each in kept]
    found = next((row for book in reversed(books) if (row := in_flight(book)) is not None), None)
    if found is None:
        return NOTHING
    action = _opened(services, found)
    return Asked(found.amount, action.url if action else "")


async def _charged(services: Services, row: SaleRow, sale: Sale, due: Due, wish: Wish, author: str) -> Operated:
    means = _means(due, wish)
    is_stored = isinstance(means, StoredMethod)
    ask = Ask(
        intent=OperationKind.AUTHORISE if due.hold else OperationKind.PURCHASE,
        amount=due.amount,
        currency=sale.currency,
        means=means,
        reservation=row.sale_id,
        text=await _text(services, row),
        customer=wish.customer,
        device=wish.device,
        return_url=wish.return_url,
        language=wish.language,
        expires_ms=row.expires_ms if row.state == SaleState.HELD and not is_stored else None,
    )
    kept = services.vault.seal(_encode(means).decode()) if is_stored else ""
    begins = partial(AskForSale, means=kept, anew=wish.anew)
    return await operate.charge(services, row.scope_id, due.account, ask, author, begins)


def _opened(services: Services, operation: PaymentOperationRow) -> GuestAction | None:
    return _action(services.vault.open(operation.action.decode())) if operation.action else None


def _means(due: Due, wish: Wish) -> Means:
    if wish.token:
        return StoredMethod(wish.token, wish.customer)
    if wish.payer:
        return MiniProgram(wish.payer)
    method = Method.CLIENT if wish.client else wish.method or due.method
    match method:
        case Method.MOBILE:
            return MobilePage()
        case Method.QR:
            return ShownCode()
        case Method.APP:
            return InApp()
        case Method.CLIENT:
            return ClientMethod(wish.client)
    return HostedPage()


def _check_needs_payment(sale: Sale) -> None:
    if not sale.required:
        raise Malformed("nothing has to be paid to book it: confirm it", Reason.BUSINESS_RULE)


def _link(row: SaleRow, sale: Sale, operated: Operated, amount: int) -> PayLink:
    return PayLink(
        row.sale_id,
        SaleState(row.state),
        operated.payment_id,
        operated.operation_id,
        operated.outcome,
        amount,
        sale.currency,
        operated.error,
        operated.action,
    )


async def _text(services: Services, row: SaleRow) -> str:
    _, hotel = await services.database.read(lambda tx: property_of(services, tx, row.scope_id))
    return payment_text(hotel, row.sale_id)


async def _found(services: Services, property_id: str, sale_id: str) -> tuple[SaleRow, Sale, list[Book]]:
    name = text_of(sale_id)

    async def read(tx: Transaction) -> tuple[SaleRow, Sale, list[Book]]:
        await property_of(services, tx, property_id)
        row = await selling.one(tx, property_id, name)
        if row is None:
            raise NotFound(f"there is no quote, hold or direct reservation {sale_id!r}", Reason.BOOKING_REFERENCE)
        sale = open_sale(row.body)
        kept = await paying.several(tx, property_id, sale.payments)
        return row, sale, [Book(each.payment, each.operations, ledger_of(each.events)) for each in kept]

    return await services.database.read(read)
