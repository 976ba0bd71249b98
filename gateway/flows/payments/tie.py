"""A sale and its money: what its payments add up to, and what has to be done with them now that the sale stands so.

Nothing is remembered of what was decided: it follows from the sale's state and its payments' ledgers, whatever has led
to them. What is to be asked of a gateway is written down as an operation that has not been sent (``sent_ms`` 0) in the
transaction of its cause, and sent by :mod:`gateway.flows.payments.tie_sending`. What is under way counts as done, so
nothing is asked twice; what a gateway has refused is asked again some times, and then left to a person.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from hashlib import blake2b

from gateway.engine.hotel import Hotel
from gateway.engine.operations import FINAL, Waiting
from gateway.engine.payment_schedule import Due, Kept, Move, Place, settlement, surplus, uncovered
from gateway.engine.sale import Sale
from gateway.flows.payments.book import HOLDING, Book, book_of, needs_of, notice
from gateway.flows.services import ulid
from gateway.model.dates import Instant, day_start_ms
from gateway.model.payment import OperationKind, OperationOutcome
from gateway.model.payment_error import PaymentError
from gateway.store.state import Needs, State
from gateway.store.tables import Row, SaleRow
from gateway.store.tables_paying import PaymentOperationRow, PaymentRow

AUTHOR = "gateway:payments"
# What is refused is asked again after 30 s, 2 min, 8 min and so on, up to half a day.
TRIES_MAX = 6
_AGAIN_MS = 30_000
LINK_LIFE_MS = 7 * 86_400_000
_CLOSING = frozenset({OperationKind.CAPTURE.value, OperationKind.VOID.value})


def money_needs(scope_id: str, sale: Sale) -> Needs:
    """The rows of all its payments."""
    for payment_id in sale.payments:
        yield from needs_of(scope_id, payment_id)


def money_of(state: State, scope_id: str, sale: Sale) -> list[Book]:
    """Its payments in order, as the batch has left them."""
    books = (book_of(state, scope_id, payment_id) for payment_id in sale.payments)
    return [book for book in books if book is not None]


def kept_of(book: Book) -> Kept:
    """What one payment has brought, less what is going back already."""
    position, waiting = book.position(), _waiting(book)

    def leaving(kind: OperationKind) -> int:
        return sum(row.amount for row in waiting if row.kind == kind)

    # A capture is asked for as the last one, so it ends the hold.
    ends = any(row.kind in _CLOSING and row.outcome != OperationOutcome.FAILED for row in book.operations)
    return Kept(
        book.payment.payment_id,
        max(0, position.refundable - leaving(OperationKind.REFUND)),
        0 if ends else position.capturable,
        leaving(OperationKind.CAPTURE),
    )


def secured(books: Iterable[Book]) -> int:
    """What is taken, held, or on its way from one to the other."""
    return sum(each.taken + each.held + each.coming for each in map(kept_of, books))


def in_flight(book: Book) -> PaymentOperationRow | None:
    """The charge of a payment that may still succeed; None where it has, or cannot any more."""
    return next((row for row in _waiting(book) if row.kind in HOLDING), None)


def settled(books: Sequence[Book], keep: int, now_ms: Instant, failed: Collection[str] | None = None) -> list[Row]:
    """What is to be asked of gateways so that ``keep`` is what remains of a sale that has ended.

    ``failed`` are the operations that have just been refused; None where a person or a clock asks afresh.
    """
    moves = settlement([kept_of(book) for book in books], keep)
    closed = _withdrawn(books, now_ms) if failed is None else ()
    return [*closed, *_ordered(books, moves, now_ms, failed)]


def relieved(books: Sequence[Book], total: int, now_ms: Instant, failed: Collection[str] | None = None) -> list[Row]:
    """What is to be asked of gateways where a booking that stands has been paid more than it costs."""
    return list(_ordered(books, surplus([kept_of(book) for book in books], total), now_ms, failed))


def withdrawn(books: Sequence[Book], now_ms: Instant) -> list[Row]:
    """Pages that nobody should pay on any more are closed, and charges that were not sent are not."""
    return list(_withdrawn(books, now_ms))


def begun(
    scope_id: str, sale_id: str, sale: Sale, due: Due, now_ms: Instant, text: str, *, by_card: bool = False
) -> tuple[PaymentRow, PaymentOperationRow]:
    """A payment that is to be asked for by itself: charged to what the guest has left, or a link for them.

    ``by_card`` charges a card that came with the booking, which is chosen when it is sent.
    """
    kind = OperationKind.AUTHORISE if due.hold else OperationKind.PURCHASE
    payment = PaymentRow(
        scope_id,
        _number(now_ms, scope_id, sale_id, len(sale.payments)),
        account=due.account,
        reservation_id=sale_id,
        intent=kind.value,
        amount=due.amount,
        currency=sale.currency,
        at_ms=now_ms,
        author=AUTHOR,
        text=text,
    )
    absent = bool(sale.means) or by_card
    waiting = Waiting.NOBODY if absent else Waiting.PAGE
    row = _operation(payment, kind, "", due.amount, now_ms, now_ms, 0)
    return payment, row._replace(waiting=waiting.value, expires_ms=None if absent else now_ms + LINK_LIFE_MS)


def is_by_card(sale: Sale, row: PaymentOperationRow) -> bool:
    """Whether a charge that was asked for by itself is of a card that came with the booking."""
    return not sale.means and row.waiting == Waiting.NOBODY and row.kind in HOLDING


def again_at(books: Sequence[Book], now_ms: Instant) -> Instant | None:
    """When to ask for the last due again that no gateway has heard of; None where that was tried often enough."""
    tried = 0
    for book in reversed(books):
        holding = book.holding
        if book.payment.author != AUTHOR or holding is None or holding.error != PaymentError.GATEWAY_ERROR:
            break
        tried += 1
    return now_ms + _AGAIN_MS * 4 ** (tried - 1) if tried < TRIES_MAX else None


def due_at(hotel: Hotel, due: Due) -> Instant:
    """The instant a due day begins at the hotel; 0 for what is due at booking."""
    return 0 if due.day is None else day_start_ms(due.day, hotel.property.timezone)


def next_due_ms(hotel: Hotel, sale: Sale, now_ms: Instant) -> Instant | None:
    """When the next due is to be asked for; None where nothing is, or where it was."""
    ahead = [due_at(hotel, due) for due in sale.dues if due.place is Place.GATEWAY]
    ahead = [at_ms for at_ms in ahead if at_ms > sale.asked_ms]
    return max(min(ahead), now_ms) if ahead else None


def to_ask(hotel: Hotel, sale: Sale, books: Sequence[Book], until_ms: Instant) -> list[Due]:
    """What of the gateway's dues up to an instant nobody has paid or is paying."""
    waiting = sum(row.amount for book in books if (row := in_flight(book)) is not None)
    return [due for due in uncovered(sale.dues, secured(books) + waiting) if due_at(hotel, due) <= until_ms]


def told(hotel: Hotel, row: SaleRow, sale: Sale, letter: str, now_ms: Instant) -> SaleRow:
    """The guest is owed a letter, where they have an address and the house writes."""
    booker = sale.customer.booker
    writes = bool(booker and booker.email and hotel.property.selling.mail_from)
    return row._replace(mail_ms=now_ms, mail_attempts=0, letter=letter) if writes else row


def _waiting(book: Book) -> list[PaymentOperationRow]:
    """Operations that have not ended, and of which no movement is known."""
    seen = {event.operation for event in book.ledger.values()}
    return [row for row in book.operations if row.outcome not in FINAL and row.operation_id not in seen]


def _withdrawn(books: Sequence[Book], now_ms: Instant) -> Iterator[Row]:
    for book in books:
        row = in_flight(book)
        if row is None:
            continue
        if row.outcome == OperationOutcome.NEW and not row.sent_ms:
            yield row._replace(
                outcome=OperationOutcome.FAILED.value, error=PaymentError.ORDER_EXPIRED.value, due_ms=None
            )
        elif row.outcome == OperationOutcome.ACTION_REQUIRED and row.psp and not _is_closing(book):
            place = len(book.operations)
            yield _operation(book.payment, OperationKind.CLOSE, row.operation_id, 0, now_ms, now_ms, place)


def _is_closing(book: Book) -> bool:
    return any(row.kind == OperationKind.CLOSE for row in book.operations)


def _ordered(
    books: Sequence[Book], moves: Iterable[Move], now_ms: Instant, failed: Collection[str] | None
) -> Iterator[Row]:
    by_payment = {book.payment.payment_id: book for book in books}
    for move in moves:
        book = by_payment[move.payment]
        holding, due_ms = book.holding, now_ms
        assert holding is not None, "money without the operation that brought it"
        if failed is not None and (refused := _refused(book, move.kind)):
            if len(refused) >= TRIES_MAX:
                if refused[-1].operation_id in failed:
                    yield _given_up(book, move, refused[-1], now_ms)
                continue
            due_ms = now_ms + _AGAIN_MS * 4 ** (len(refused) - 1)
        yield _operation(
            book.payment, move.kind, holding.operation_id, move.amount, now_ms, due_ms, len(book.operations)
        )


def _refused(book: Book, kind: OperationKind) -> list[PaymentOperationRow]:
    """The last operations of a kind that we have asked for by ourselves, as long as they were refused."""
    found: list[PaymentOperationRow] = []
    for row in reversed([row for row in book.operations if row.kind == kind]):
        if row.outcome != OperationOutcome.FAILED or row.author != AUTHOR:
            break
        found.insert(0, row)
    return found


def _given_up(book: Book, move: Move, row: PaymentOperationRow, now_ms: Instant) -> Row:
    text = f"{move.kind.value} of {move.amount} {book.payment.currency} of payment {move.payment} failed: {row.error}"
    return notice(book.payment.account, f"refused:{row.operation_id}", "left to a person", text, now_ms)


def _operation(
    payment: PaymentRow, kind: OperationKind, parent: str, amount: int, now_ms: Instant, due_ms: Instant, place: int
) -> PaymentOperationRow:
    return PaymentOperationRow(
        payment.scope_id,
        _number(now_ms, payment.payment_id, kind.value, place),
        payment_id=payment.payment_id,
        account=payment.account,
        kind=kind.value,
        parent=parent,
        amount=amount,
        currency=payment.currency,
        at_ms=now_ms,
        outcome=OperationOutcome.NEW.value,
        waiting=Waiting.NOBODY.value,
        psp="",
        error="",
        error_raw="",
        sent_ms=0,
        due_ms=due_ms,
        asked=0,
        expires_ms=None,
        not_found=b"",
        fingerprint=b"",
        command=b"",
        action=b"",
        author=AUTHOR,
    )


def _number(now_ms: Instant, *of: object) -> str:
    """The same for the same decision, however often it is made before it is committed."""
    digest = blake2b("\n".join(map(str, of)).encode(), digest_size=10).digest()
    return ulid(now_ms, int.from_bytes(digest))
