"""A booking that brings cards: they are sealed first, and stored in the transaction of the booking."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import structlog

from gateway.engine.booking import Judgement, judge
from gateway.engine.card_policy import ends_ms, look_ms
from gateway.engine.hotel import Hotel
from gateway.errors import CallFailed, Refusal
from gateway.flows.services import Services
from gateway.flows.take_booking import TakeBooking
from gateway.flows.vault.vaults import kept_in, place_of
from gateway.messages import ReservationReceived, Taken
from gateway.model.card import CardPlace, ClearCard
from gateway.model.dates import Instant
from gateway.model.reservation import RevisionKind
from gateway.store.sql import Lookup
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import MessageRow, ReservationRow
from gateway.store.tables_cards import CardRow

log = structlog.get_logger(__name__)

CARDS = Lookup(CardRow, ("scope_id", "reservation_id"))
KEPT, REPLACED = "kept", "replaced"


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
    cards = [await _sealed(services, hotel, connection, event, card) for card in clear]
    job = TakeBookingWithCards(scope_id, connection, event, message, number, cards)
    try:
        taken: Taken = await services.batcher.submit(job)
    except Refusal:
        await _forget(services, cards)
        raise
    await _forget_unused(services, scope_id, taken.reservation_id, cards)
    return taken


async def _sealed(
    services: Services, hotel: Hotel, connection: str, event: ReservationReceived, card: ClearCard
) -> CardRow:
    prop, revision, face = hotel.property, event.revision, card.face
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
