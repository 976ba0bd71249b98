"""A booking that brings cards: they are sealed first, and stored in the transaction of the booking."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import structlog

from gateway.engine.booking import Judgement, judge
from gateway.engine.card_policy import ends_ms, look_ms
from gateway.engine.hotel import Hotel
from gateway.errors import CallFailed, Refusal
from gateway.flows.record import Record
from gateway.flows.services import Services
from gateway.flows.take_booking import TakeBooking
from gateway.flows.vault.uses import KEPT, REPLACED, face_of
from gateway.flows.vault.vaults import kept_in, place_of
from gateway.messages import ReservationReceived, Taken
from gateway.model.card import CardPlace, ClearCard
from gateway.model.dates import Instant
from gateway.model.reservation import Revision, RevisionKind
from gateway.store.sql import Lookup
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import MessageRow, ReservationRow
from gateway.store.tables_cards import CardRow

log = structlog.get_logger(__name__)

CARDS = Lookup(CardRow, ("scope_id", "reservation_id"))


class TakeBookingWithCards(TakeBooking):
    """The job. Cards of a revision that rules take the place of those before; what repeats or is stale brings none.

    ``cards`` lack the number of the reservation, which is known only here.
    """

    def __init__(
        self,
        scope_id: str,
        connection: str,
        event: ReservationReceived,
        message: MessageRow,
        number: str,
        cards: Sequence[CardRow],
    ) -> None:
        super().__init__(scope_id, connection, event, message, number)
        self._cards = cards

    def needs(self, state: State, now_ms: Instant) -> Needs:
        yield from super().needs(state, now_ms)
        known = state.get(ReservationRow, self._key)
        if known is not None:
            yield CARDS, (self._scope, known.reservation_id)

    def decide(self, state: State, now_ms: Instant) -> Decision:
        known = state.get(ReservationRow, self._key)
        verdict = judge(self._entries(state, known), self._event.revision)
        decision = super().decide(state, now_ms)
        if verdict.judgement is not Judgement.RULES:
            return decision
        number = decision.answer.reservation_id
        before = state.find(CARDS, (self._scope, number)) if known is not None else ()
        replaced = [row._replace(state=REPLACED, due_ms=now_ms) for row in before]
        cards = [row._replace(reservation_id=number) for row in self._cards]
        return decision._replace(writes=[*decision.writes, *replaced, *cards])


async def take_with_cards(
    services: Services, hotel: Hotel, connection: str, event: ReservationReceived, message: MessageRow
) -> Taken:
    """Takes the booking. Raises :class:`gateway.errors.CallFailed` where the vault is away, and nothing is taken."""
    clear, event = event.cards, msgspec.structs.replace(event, cards=())
    scope_id, number = hotel.property.id, services.ids.reservation()
    if event.revision.kind is RevisionKind.CANCEL:
        # What is cancelled may still have to be charged, with the card there is.
        cancelled: Taken = await services.batcher.submit(TakeBooking(scope_id, connection, event, message, number))
        return cancelled
    cards = await _all_sealed(services, hotel, connection, event.revision, clear)
    job = TakeBookingWithCards(scope_id, connection, event, message, number, cards)
    try:
        taken: Taken = await services.batcher.submit(job)
    except Refusal:
        await _forget(services, cards)
        raise
    await _forget_unused(services, scope_id, taken.reservation_id, cards)
    return taken


async def keep_for_sale(
    services: Services, hotel: Hotel, connection: str, revision: Revision, sale_id: str, clear: Sequence[ClearCard]
) -> None:
    """Keeps the cards that came with a step of a direct sale; those it has already are not kept twice.

    The sale stands by then: a seller that gets no answer says it again. Raises :class:`gateway.errors.CallFailed` where
    the vault is away.
    """
    known = await services.database.read(lambda tx: tx.lookup(CARDS, [(hotel.property.id, sale_id)]))
    faces = {face_of(row) for row in known if isinstance(row, CardRow) and row.state == KEPT}
    fresh = [card for card in clear if card.face not in faces]
    if fresh:
        rows = await _all_sealed(services, hotel, connection, revision, fresh)
        await services.batcher.submit(Record([row._replace(reservation_id=sale_id) for row in rows]))


async def _all_sealed(
    services: Services, hotel: Hotel, connection: str, revision: Revision, clear: Sequence[ClearCard]
) -> list[CardRow]:
    """Each a millisecond after the one before it in the message: which came last must not be a matter of chance."""
    rows = [await _sealed(services, hotel, connection, revision, card) for card in clear]
    return [row._replace(at_ms=rows[0].at_ms + place) for place, row in enumerate(rows)]


async def _sealed(services: Services, hotel: Hotel, connection: str, revision: Revision, card: ClearCard) -> CardRow:
    prop, face = hotel.property, card.face
    now_ms, vault = services.clock.now_ms(), services.cards.chosen
    place = CardPlace(prop.id, connection, revision.channel, revision.booking_id, services.ids.operation())
    departure = max((stay.departure for stay in revision.content.stays), default=0)
    kept = await vault.store(place, card, departure + prop.card_days)
    return CardRow(
        prop.id,
        "",
        place.card_id,
        connection=connection,
        channel=revision.channel,
        booking_id=revision.booking_id,
        brand=face.brand,
        first6=face.first6,
        last4=face.last4,
        expires=face.expires,
        starts=face.starts,
        state=KEPT,
        at_ms=now_ms,
        due_ms=look_ms(ends_ms(departure, None, prop.card_days, prop.timezone), now_ms),
        vault=vault.name,
        version=kept.version,
        wrapped=kept.wrapped,
        sealed=kept.sealed,
        room=card.room,
        is_virtual=int(card.virtual),
    )


async def _forget_unused(services: Services, scope_id: str, number: str, cards: Sequence[CardRow]) -> None:
    """What an outside vault was given for a revision that turned out to be no news."""
    if not any(row.vault for row in cards):
        return
    stored = await services.database.read(lambda tx: tx.lookup(CARDS, [(scope_id, number)]))
    known = {row.card_id for row in stored if isinstance(row, CardRow)}
    await _forget(services, [row for row in cards if row.card_id not in known])


async def _forget(services: Services, cards: Sequence[CardRow]) -> None:
    """After a crash before this, or while the vault is away, it keeps them until the day it was told."""
    for row in cards:
        try:
            await services.cards.of(row).forget([(place_of(row), kept_in(row))])
        except CallFailed as failure:
            log.warning("card_not_forgotten", booking=row.booking_id, vault=row.vault, why=str(failure))
