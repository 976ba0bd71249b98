"""Bookings that are paid by virtual cards: charged by themselves from their day on, or brought before the front desk.

Which bookings these are follows from the schedules of their rate plans, what of them is open from the ledgers of their
payments. A card is charged here once; what the gateway refuses, and what it may not be sent, is told to a person, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec
import structlog

from gateway.engine.booking import Entry, Status, fold
from gateway.engine.hotel import Hotel
from gateway.engine.virtual_card import VirtualCharge, due_ms, is_refused, virtual_charge, virtual_schedules
from gateway.errors import GatewayError, NotFound
from gateway.flows.desk.finding import property_of, text_of
from gateway.flows.errands import Errands
from gateway.flows.payments.book import Book, ledger_of, notice
from gateway.flows.payments.jobs import TakeCallback
from gateway.flows.payments.tie import AUTHOR, in_flight
from gateway.flows.services import Services
from gateway.flows.vault.charge import CardCharge, charge_card, takes_numbers
from gateway.flows.vault.show import CARD
from gateway.flows.vault.take import KEPT
from gateway.flows.vault.uses import AT_TERMINAL, face_of, use
from gateway.model.dates import Day, Instant, local_day
from gateway.model.payment import OperationOutcome
from gateway.model.reservation import Content
from gateway.store import paying
from gateway.store import reading_reservations as reading
from gateway.store.database import Transaction
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import ReservationRow
from gateway.store.tables_cards import CardRow, CardUseRow

log = structlog.get_logger(__name__)

EVERY_MS = 600_000
LOOK_S = 10.0
AHEAD_DAYS = 30
CARDS_MAX = 2_000
_PAYMENTS_MAX = 50
_entry = msgspec.msgpack.Decoder(Entry).decode


class Standing(StrEnum):
    """What is to be done with a virtual card."""

    WAITING = "waiting"  # its day has not come
    DUE = "due"  # is charged by itself
    UNDER_WAY = "under_way"
    TERMINAL = "terminal"  # by people: no account is sent its number, or the booking names no amount
    REFUSED = "refused"


class VirtualCard(msgspec.Struct, frozen=True):
    """A virtual card that is not charged in full; ``amount`` is what is open, in minor units of ``currency``.

    ``amount`` None: the booking did not say. ``account`` is empty where people charge it, ``error`` why it was refused.
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


class VirtualCards(msgspec.Struct, frozen=True):
    """The earliest arrival first."""

    items: tuple[VirtualCard, ...]


async def virtual_cards(services: Services, property_id: str) -> VirtualCards:
    """What is open of bookings that arrive in the next 30 days, or have; raises :class:`NotFound`."""

    async def read(tx: Transaction) -> list[VirtualCard]:
        _, hotel = await property_of(services, tx, property_id)
        return await _open(services, tx, hotel)

    return VirtualCards(tuple(await services.database.read(read)))


async def charged_at_terminal(
    services: Services, property_id: str, reservation_id: str, card_id: str, author: str
) -> None:
    """Somebody has charged the card by themselves; raises :class:`NotFound`. It is no payment of ours."""
    await services.database.read(lambda tx: property_of(services, tx, property_id))
    name = (property_id, text_of(reservation_id), text_of(card_id))
    await services.batcher.submit(_AtTerminal(services.ids.message(), name, author))


class VirtualCharger:
    """Looks every ten minutes; one process does, where several share a database."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._next_ms: Instant = 0
        self._busy = False
        self.errands = Errands()

    async def round(self) -> None:
        """Begins to charge what is due, and to tell of what people have to charge; one after the other."""
        services, now_ms = self._services, self._services.clock.now_ms()
        if self._busy or now_ms < self._next_ms or not services.leases.owns("virtual cards", LOOK_S):
            return
        self._next_ms = now_ms + EVERY_MS
        self._busy = True
        self.errands.begin("virtual cards", self._work(), after=self._ended)

    def _ended(self) -> None:
        self._busy = False

    async def _work(self) -> None:
        services = self._services
        for hotel in await services.database.read(lambda tx: paying.hotels_that_charge(tx, services.hotels)):
            if virtual_schedules(hotel.property):
                await self._hotel(hotel)

    async def _hotel(self, hotel: Hotel) -> None:
        services = self._services
        for card in await services.database.read(lambda tx: _open(services, tx, hotel)):
            if card.standing is Standing.DUE and card.amount:
                await self._charge(hotel.property.id, card, card.amount)
            elif card.standing in (Standing.TERMINAL, Standing.REFUSED):
                await self._tell(hotel, card)

    async def _charge(self, property_id: str, card: VirtualCard, amount: int) -> None:
        wanted = CardCharge(card.account, amount, card.currency)
        try:
            await charge_card(self._services, property_id, card.reservation_id, card.card_id, wanted, AUTHOR)
        except (GatewayError, ValueError) as problem:
            # The vault is away, or somebody was quicker: the next look finds how it stands then.
            log.warning("virtual_card_not_charged", reservation=card.reservation_id, why=str(problem))

    async def _tell(self, hotel: Hotel, card: VirtualCard) -> None:
        account = card.account or next(iter(sorted(hotel.payments)))
        amount = "" if card.amount is None else f"{card.amount} {card.currency} "
        text = f"{amount}of {card.reservation_id}: charge {card.mask} at the terminal ({card.error or 'virtual card'})"
        name, now_ms = f"virtual:{card.card_id}:{card.standing.value}", self._services.clock.now_ms()
        await self._services.batcher.submit(TakeCallback([notice(account, name, "virtual card", text, now_ms)]))


class _AtTerminal:
    def __init__(self, number: int, name: tuple[str, str, str], author: str) -> None:
        self.scope_id: str | None = name[0]
        self._number = number
        self._name = name
        self._author = author

    def needs(self, state: State, now_ms: Instant) -> Needs:
        yield CARD, self._name

    def decide(self, state: State, now_ms: Instant) -> Decision:
        row = state.get(CardRow, self._name)
        if row is None or row.state != KEPT:
            raise NotFound("there is no such card, or it has been purged")
        return Decision(None, [use(self._number, now_ms, row, AT_TERMINAL, self._author)])


async def _open(services: Services, tx: Transaction, hotel: Hotel) -> list[VirtualCard]:
    prop, now_ms = hotel.property, services.clock.now_ms()
    schedules = virtual_schedules(prop)
    if not schedules:
        return []
    kept = f"scope_id = ? AND state = 'kept' ORDER BY reservation_id, card_id LIMIT {CARDS_MAX}"
    cards = {row.reservation_id: row for row in await tx.rows(CardRow, kept, prop.id)}
    bookings = await reading.by_number(tx, prop.id, sorted(cards))
    until = local_day(now_ms, prop.timezone) + AHEAD_DAYS
    near = [row for row in bookings.values() if row.status == Status.BOOKED and row.arrival <= until]
    revisions = await reading.revisions(tx, prop.id, [row.reservation_id for row in near])
    found = []
    for row in near:
        content = fold([_entry(revision.body) for revision in revisions[row.reservation_id]]).content
        card = cards[row.reservation_id]
        charge = virtual_charge(schedules, _plans(hotel, row, content), row.arrival, card.starts)
        if charge is not None and (it := await _line(services, tx, hotel, row, card, content, charge)) is not None:
            found.append(it)
    return sorted(found, key=lambda it: (it.arrival, it.reservation_id))


def _plans(hotel: Hotel, row: ReservationRow, content: Content) -> list[str]:
    if row.connection not in hotel.connections:
        return []
    mapping = hotel.mapping(row.connection)
    products = (mapping.product(stay.room, stay.plan) for stay in content.stays)
    return [product.plan for product in products if product is not None]


async def _line(
    services: Services,
    tx: Transaction,
    hotel: Hotel,
    row: ReservationRow,
    card: CardRow,
    content: Content,
    charge: VirtualCharge,
) -> VirtualCard | None:
    """None for what has been charged, here or by people."""
    number = row.reservation_id
    uses = await tx.rows(CardUseRow, "scope_id = ? AND reservation_id = ?", row.scope_id, number)
    if any(each.what == AT_TERMINAL for each in uses):
        return None
    kept = await paying.page(tx, row.scope_id, number, "", _PAYMENTS_MAX)
    books = [Book(each.payment, each.operations, ledger_of(each.events)) for each in reversed(kept)]
    amount = None if content.total is None else content.total - _brought(books)
    if amount is not None and amount <= 0:
        return None
    at_ms = due_ms(charge, hotel.property.timezone)
    account = hotel.payments.get(charge.account)
    is_ours = account is not None and amount is not None and takes_numbers(services, account)
    standing = _standing(books, at_ms <= services.clock.now_ms(), is_ours)
    return VirtualCard(
        reservation_id=number,
        card_id=card.card_id,
        mask=face_of(card).mask,
        arrival=row.arrival,
        due_ms=at_ms,
        amount=amount,
        currency=content.currency or hotel.property.currency,
        account=charge.account if is_ours else "",
        standing=standing,
        error=_errors(books)[-1][1] if standing is Standing.REFUSED else "",
    )


def _standing(books: Sequence[Book], has_begun: bool, is_ours: bool) -> Standing:
    if any(map(in_flight, books)):
        return Standing.UNDER_WAY
    if not has_begun:
        return Standing.WAITING
    if is_refused(_errors(books)):
        return Standing.REFUSED
    # What is open after a charge of ours (the stay became dearer, say) may be more than the card was made for.
    return Standing.DUE if is_ours and not any(map(_is_ours, books)) else Standing.TERMINAL


def _brought(books: Sequence[Book]) -> int:
    """Taken or held, whatever of it was given back since: who gives money back does not want it taken again."""
    positions = [book.position() for book in books]
    return sum(position.captured + position.capturable for position in positions)


def _is_ours(book: Book) -> bool:
    holding = book.holding
    return holding is not None and holding.author == AUTHOR and holding.outcome == OperationOutcome.SUCCEEDED


def _errors(books: Sequence[Book]) -> list[tuple[str, str]]:
    return [(holding.outcome, holding.error) for book in books if (holding := book.holding) is not None]
