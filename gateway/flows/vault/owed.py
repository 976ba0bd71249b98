"""What is to be charged to cards that came with bookings, found anew each time somebody looks.

Which bookings these are follows from the schedules of their rate plans, what of them is open from the ledgers of their
payments, and which card it is charged to from the cards there are. Direct sales are not among them: what comes due of
theirs is asked for by :mod:`gateway.flows.payments.tie_asking`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec

from gateway.engine.booking import Entry, Status, fold
from gateway.engine.card_charges import CardDue, card_dues, card_schedules, days_ahead, due_ms, is_refused, left_of
from gateway.engine.card_choice import Candidate, Choice, Why, chosen
from gateway.engine.hotel import Hotel
from gateway.flows.desk.finding import property_of
from gateway.flows.payments.book import Book, ledger_of
from gateway.flows.payments.tie import AUTHOR, in_flight
from gateway.flows.services import Services
from gateway.flows.vault.charge import takes_numbers
from gateway.flows.vault.uses import AT_TERMINAL, candidate, face_of
from gateway.model.dates import Day, Instant, local_day
from gateway.model.payment import OperationOutcome
from gateway.model.property import Role
from gateway.model.reservation import Content
from gateway.store import paying
from gateway.store import reading_reservations as reading
from gateway.store.database import Transaction
from gateway.store.tables import ReservationRow
from gateway.store.tables_cards import CardRow, CardUseRow

AHEAD_DAYS = 30
CARDS_MAX = 2_000
_PAYMENTS_MAX = 50
_OURS = frozenset({Role.DIRECT, Role.SELLER})
_entry = msgspec.msgpack.Decoder(Entry).decode


class Standing(StrEnum):
    """What is to be done with a card."""

    WAITING = "waiting"  # its day has not come
    DUE = "due"  # is charged by itself
    UNDER_WAY = "under_way"
    TERMINAL = "terminal"  # by people: no account is sent its number, no card will do, or the booking names no amount
    REFUSED = "refused"


class CardToCharge(msgspec.Struct, frozen=True):
    """A card that is not charged in full; ``amount`` is what is open, in minor units of ``currency``.

    ``amount`` None: the booking did not say. ``account`` is empty where people charge it, ``error`` why it was refused.
    ``virtual`` is paid by the channel; ``room`` is the room stay it is for, "" for the whole booking; ``why`` says how
    the card was chosen among those of the booking.
    """

    reservation_id: str
    card_id: str
    mask: str
    arrival: Day
    due_ms: Instant
    amount: int | None
    currency: str
    account: str
    standing: Standing
    error: str
    virtual: bool
    room: str
    why: Why


class CardsToCharge(msgspec.Struct, frozen=True):
    """The earliest arrival first."""

    items: tuple[CardToCharge, ...]


async def cards_to_charge(services: Services, property_id: str) -> CardsToCharge:
    """What is open of bookings that arrive soon, or have; raises :class:`NotFound`."""

    async def read(tx: Transaction) -> list[CardToCharge]:
        _, hotel = await property_of(services, tx, property_id)
        return await open_cards(services, tx, hotel)

    return CardsToCharge(tuple(await services.database.read(read)))


async def open_cards(services: Services, tx: Transaction, hotel: Hotel) -> list[CardToCharge]:
    """Of bookings within 30 days of their arrival, or as early as something of them may be due."""
    prop = hotel.property
    schedules = card_schedules(prop)
    if not schedules:
        return []
    kept = f"scope_id = ? AND state = 'kept' ORDER BY reservation_id, card_id LIMIT {CARDS_MAX}"
    cards: dict[str, list[CardRow]] = {}
    for card in await tx.rows(CardRow, kept, prop.id):
        cards.setdefault(card.reservation_id, []).append(card)
    bookings = await reading.by_number(tx, prop.id, sorted(cards))
    until = local_day(services.clock.now_ms(), prop.timezone) + days_ahead(schedules.values(), AHEAD_DAYS)
    near = [row for row in bookings.values() if row.status == Status.BOOKED and row.arrival <= until]
    near = [row for row in near if (known := hotel.connections.get(row.connection)) and known.role not in _OURS]
    revisions = await reading.revisions(tx, prop.id, [row.reservation_id for row in near])
    found: list[CardToCharge] = []
    for row in near:
        entries = [_entry(revision.body) for revision in revisions[row.reservation_id]]
        content, mine = fold(entries).content, cards[row.reservation_id]
        booked = local_day(min(entry.at_ms for entry in entries), prop.timezone)
        rooms = {each.room for each in mine if each.room}
        dues = card_dues(schedules, _plans(hotel, row, content), content, booked, rooms)
        if dues:
            found += await _Booking(services, hotel, row, content, mine).lines(tx, dues)
    return sorted(found, key=lambda it: (it.arrival, it.reservation_id, it.room))


def _plans(hotel: Hotel, row: ReservationRow, content: Content) -> list[str]:
    """Of each stay, "" where it is not mapped."""
    mapping = hotel.mapping(row.connection)
    products = (mapping.product(stay.room, stay.plan) for stay in content.stays)
    return ["" if product is None else product.plan for product in products]


class _Booking:
    """One booking with its cards."""

    def __init__(
        self, services: Services, hotel: Hotel, row: ReservationRow, content: Content, cards: Sequence[CardRow]
    ) -> None:
        self._services = services
        self._hotel = hotel
        self._row = row
        self._content = content
        self._cards = {card.card_id: card for card in cards}
        self._now_ms = services.clock.now_ms()
        self._today = local_day(self._now_ms, hotel.property.timezone)

    async def lines(self, tx: Transaction, dues: Sequence[CardDue]) -> list[CardToCharge]:
        """One for each room that is charged for itself; none for what has been charged, here or by people."""
        number = self._row.reservation_id
        uses = await tx.rows(CardUseRow, "scope_id = ? AND reservation_id = ?", self._row.scope_id, number)
        seen_to = {use.mask for use in uses if use.what == AT_TERMINAL}
        # Which room somebody has charged a card for that is no more among these, nobody can say.
        gone = seen_to - {face_of(card).mask for card in self._cards.values()}
        kept = await paying.page(tx, self._row.scope_id, number, "", _PAYMENTS_MAX)
        books = [Book(each.payment, each.operations, ledger_of(each.events)) for each in reversed(kept)]
        open_dues = left_of(dues, _brought(books))
        found = []
        for room in dict.fromkeys(due.room for due in open_dues):
            mine = [book for book in books if not room or book.payment.room in (room, "")]
            line = self._line([due for due in open_dues if due.room == room], mine)
            if not (gone or (seen_to and not room) or line.mask in seen_to):
                found.append(line)
        return found

    def _line(self, dues: Sequence[CardDue], books: Sequence[Book]) -> CardToCharge:
        """What is due by now in one sum, else what comes first."""
        chosen_for = {due: self._choice(due) for due in dues}
        begun = [due for due in dues if max(due.day, chosen_for[due].day) <= self._today]
        due = begun[0] if begun else dues[0]
        choice = chosen_for[due]
        together = [each for each in begun if each.account == due.account and chosen_for[each] == choice] or [due]
        amount = None if any(each.amount is None for each in together) else sum(each.amount or 0 for each in together)
        account = self._hotel.payments.get(due.account)
        is_ours = account is not None and amount is not None and takes_numbers(self._services, account)
        is_ours = is_ours and choice.usable
        standing = _standing(books, bool(begun), is_ours, once=due.virtual)
        assert choice.card is not None, "a booking without cards is not looked at"
        card = self._cards[choice.card.card_id]
        return CardToCharge(
            reservation_id=self._row.reservation_id,
            card_id=card.card_id,
            mask=face_of(card).mask,
            arrival=self._row.arrival,
            due_ms=due_ms(max(due.day, choice.day), self._hotel.property.timezone),
            amount=amount,
            currency=self._content.currency or self._hotel.property.currency,
            account=due.account if is_ours else "",
            standing=standing,
            error=_errors(books)[-1][1] if standing is Standing.REFUSED else "",
            virtual=due.virtual,
            room=due.room,
            why=choice.why,
        )

    def _choice(self, due: CardDue) -> Choice:
        """Where no card fits the room, people look at the newest there is."""
        candidates: list[Candidate] = [candidate(card) for card in self._cards.values()]
        day = max(due.day, self._today)
        choice = chosen(candidates, day, virtual=due.virtual, room=due.room)
        if choice.card is None:
            newest = max(candidates, key=lambda card: card.place)
            return choice._replace(card=newest)
        return choice


def _standing(books: Sequence[Book], has_begun: bool, is_ours: bool, *, once: bool) -> Standing:
    if any(map(in_flight, books)):
        return Standing.UNDER_WAY
    if not has_begun:
        return Standing.WAITING
    if is_refused(_errors(books)):
        return Standing.REFUSED
    # What is open of a virtual card that we have charged (the stay became dearer, say) may be more than it holds.
    return Standing.DUE if is_ours and not (once and any(map(_is_ours, books))) else Standing.TERMINAL


def _brought(books: Iterable[Book]) -> dict[str, int]:
    """By room: taken or held, whatever was given back since: who gives money back does not want it taken again."""
    found: dict[str, int] = {}
    for book in books:
        position, room = book.position(), book.payment.room
        found[room] = found.get(room, 0) + position.captured + position.capturable
    return found


def _is_ours(book: Book) -> bool:
    holding = book.holding
    return holding is not None and holding.author == AUTHOR and holding.outcome == OperationOutcome.SUCCEEDED


def _errors(books: Iterable[Book]) -> list[tuple[str, str]]:
    return [(holding.outcome, holding.error) for book in books if (holding := book.holding) is not None]
