"""Cards of a booking: masked for whoever may see bookings, in full for a reason that stays on record."""

from __future__ import annotations

import msgspec

from gateway.errors import Malformed, NotFound, Reason, Refusal
from gateway.flows.access.attempts import TooMany
from gateway.flows.desk.finding import property_of, text_of
from gateway.flows.services import Services
from gateway.flows.vault.uses import KEPT, SHOWN, face_of, use
from gateway.flows.vault.vaults import kept_in, place_of
from gateway.model.card import ClearCard
from gateway.model.dates import Instant
from gateway.store.database import Transaction
from gateway.store.sql import Lookup
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import ReservationRow
from gateway.store.tables_cards import CardRow, CardUseRow
from gateway.wire.redact import mask_text

REASON_MIN, REASON_MAX = 5, 200
USES_MAX = 100
HOUR_MS = 3_600_000
# What a desk needs on a busy evening; whoever copies a whole house's cards needs days, and stands in every line.
SHOWN_PER_HOUR = 30

CARD = Lookup(CardRow)


class TooManyShown(TooMany):
    """Somebody has seen as many numbers as anybody needs in an hour."""

    def __init__(self, after_s: int) -> None:
        Refusal.__init__(self, "too many cards were shown within an hour; try again later")
        self.after_s = after_s


class CardLine(msgspec.Struct, frozen=True):
    """A card that is kept: never more of its number than the first six and last four digits.

    ``expires`` and ``starts`` are ``MMYY``; a virtual card may not be charged before it starts.
    """

    card_id: str
    brand: str
    first6: str
    last4: str
    expires: str
    starts: str
    taken_ms: Instant


class UseLine(msgspec.Struct, frozen=True):
    """What was done with a number: shown, sent or purged, by whom and why."""

    at_ms: Instant
    card_id: str
    mask: str
    what: str
    author: str
    reason: str


class CardsOf(msgspec.Struct, frozen=True):
    """The cards of a booking, and the last hundred things that were done with any it has had."""

    cards: tuple[CardLine, ...]
    uses: tuple[UseLine, ...]


class ShownCard(msgspec.Struct, frozen=True):
    """A card in full. There is never a security code: it is not kept by anybody who keeps the rules."""

    card_id: str
    brand: str
    number: str
    expires: str
    starts: str
    holder: str

    def __repr__(self) -> str:
        return f"ShownCard({self.card_id}, ***{self.number[-4:]})"


async def cards_of(services: Services, property_id: str, reservation_id: str) -> CardsOf:
    """Raises :class:`NotFound`."""
    number = text_of(reservation_id)

    async def read(tx: Transaction) -> CardsOf:
        await property_of(services, tx, property_id)
        if not await tx.rows(ReservationRow, "scope_id = ? AND reservation_id = ?", property_id, number):
            raise NotFound(f"there is no reservation {number!r}", Reason.BOOKING_REFERENCE)
        cards = await tx.rows(
            CardRow, "scope_id = ? AND reservation_id = ? AND state = 'kept' ORDER BY card_id", property_id, number
        )
        uses = await tx.rows(
            CardUseRow,
            f"scope_id = ? AND reservation_id = ? ORDER BY use_id DESC LIMIT {USES_MAX}",
            property_id,
            number,
        )
        return CardsOf(tuple(map(_card_line, cards)), tuple(map(_use_line, uses)))

    return await services.database.read(read)


async def show_card(
    services: Services, property_id: str, reservation_id: str, card_id: str, author: str, reason: str
) -> ShownCard:
    """The card in full, once it is committed who has seen it and why.

    Raises :class:`NotFound`, :class:`Malformed` for no reason, and :class:`TooMany`.
    """
    said = mask_text(text_of(reason).strip())
    if not REASON_MIN <= len(said) <= REASON_MAX:
        raise Malformed(
            f"a reason has {REASON_MIN} to {REASON_MAX} characters", Reason.REQUIRED_MISSING, path="/reason"
        )
    await services.database.read(lambda tx: _check(services, tx, property_id, author))
    name = (property_id, text_of(reservation_id), text_of(card_id))
    row: CardRow = await services.batcher.submit(NoteUse(services.ids.message(), name, SHOWN, author, said))
    clear: ClearCard = await services.cards.of(row).reveal(place_of(row), kept_in(row))
    return ShownCard(card_id, row.brand, clear.number, clear.expires, clear.starts, clear.holder)


async def _check(services: Services, tx: Transaction, property_id: str, author: str) -> None:
    """Two requests at once may both be the last one allowed; a limit of this kind can live with that."""
    await property_of(services, tx, property_id)
    since_ms = services.clock.now_ms() - HOUR_MS
    counted = await tx.fetch(
        "SELECT count(*), min(at_ms) FROM card_use WHERE scope_id = ? AND author = ? AND at_ms > ? AND what = 'shown'",
        property_id,
        author,
        since_ms,
    )
    count, first_ms = counted[0]
    if count >= SHOWN_PER_HOUR:
        raise TooManyShown(-(-(first_ms - since_ms) // 1000))


class NoteUse:
    """The job: the line of what is done with a card, and the card as it is kept. Nothing is opened before the commit.

    Raises :class:`NotFound`.
    """

    def __init__(self, number: int, name: tuple[str, str, str], what: str, author: str, reason: str = "") -> None:
        self.scope_id: str | None = name[0]
        self._number = number
        self._name = name
        self._what = what
        self._author = author
        self._reason = reason

    def needs(self, state: State, now_ms: Instant) -> Needs:
        yield CARD, self._name

    def decide(self, state: State, now_ms: Instant) -> Decision:
        row = state.get(CardRow, self._name)
        if row is None or row.state != KEPT:
            raise NotFound("there is no such card, or it has been purged")
        return Decision(row, [use(self._number, now_ms, row, self._what, self._author, self._reason)])


def _card_line(row: CardRow) -> CardLine:
    face = face_of(row)
    return CardLine(row.card_id, face.brand, face.first6, face.last4, face.expires, face.starts, row.at_ms)


def _use_line(row: CardUseRow) -> UseLine:
    return UseLine(row.at_ms, row.card_id, row.mask, row.what, row.author, row.reason)
