"""A document of rates, availability and restrictions comes in: all of it takes effect, or none."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import structlog

from gateway.engine import age_bands, ari, guard, journal
from gateway.engine.ari import Change
from gateway.engine.calendar import PRODUCT, Key, Sheet
from gateway.engine.cells import Changed, sheet_changes
from gateway.engine.hotel import Hotel
from gateway.engine.stock import UNSEEN, stock_matrix
from gateway.engine.window import Claim, figure_arrived
from gateway.errors import Malformed, Reason, Rejected, Unmapped
from gateway.flows.claims import over, unseen_change, with_claim
from gateway.flows.relieve import relief_needs, relieved
from gateway.messages import Applied, AriReceived, Clearing
from gateway.model.ari import ASPECT_OF, AriUpdate, Aspect, Field
from gateway.model.dates import BLOCK_DAYS, Day, Instant, days_in, local_day
from gateway.model.property import Connection, FigureKind
from gateway.store.sql import Lookup
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import CalendarRow, DeliveryRow, HeldRow, JournalRow, MessageRow, Row, StockRow

log = structlog.get_logger(__name__)

CALENDAR = Lookup(CalendarRow)
STOCK = Lookup(StockRow)
HELD = Lookup(HeldRow, ("scope_id",))
UNSETTLED = Lookup(DeliveryRow, ("scope_id", "connection"), "t.settled = 0")
TOKENS = Lookup(MessageRow, ("scope_id", "token"), "t.token IS NOT NULL")

_claim = msgspec.msgpack.Decoder(Claim).decode
_held = msgspec.msgpack.Decoder(tuple[guard.Held, ...]).decode
pack = msgspec.msgpack.Encoder().encode


class TakeAri:
    """The job. ``message`` is the archived message; its outcome is filled in here."""

    def __init__(self, scope_id: str, connection: str, event: AriReceived, message: MessageRow) -> None:
        self.scope_id: str | None = scope_id
        self._scope = scope_id
        self._connection = connection
        self._event = event
        self._message = message
        self._hotel: Hotel | None = None
        self._painted: list[Change] = []
        self._figures: list[Change] = []
        self._counted: list[Change] = []  # those that take effect: not what a repetition has counted before
        self._calendar_keys: list[Key] = []
        self._stock_keys: list[Key] = []
        self._asked: State | None = None
        self._guarded = True
        self._waits: tuple[guard.Held, ...] = ()
        self._set: tuple[Changed, ...] = ()  # what was set of a message, where something of it waits

    # --- load -------------------------------------------------------------------------------------------------------

    def needs(self, state: State, now_ms: Instant) -> Needs:
        if self._asked is state:
            # One round names everything else, and a large document names thousands of rows.
            if self._stock_keys:
                yield from relief_needs(state, self._scope)
            return
        self._translate(state.hotels[self._scope], now_ms)
        self._asked = state
        for key in self._calendar_keys:
            yield CALENDAR, (self._scope, *key)
        for key in self._stock_keys:
            yield STOCK, (self._scope, *key)
        if self._stock_keys:
            if self._reads_claims:
                yield UNSETTLED, (self._scope, self._connection)
            yield from relief_needs(state, self._scope)
        if self._painted:
            yield HELD, (self._scope,)
        if self._message.token is not None:
            yield TOKENS, (self._scope, self._message.token)

    def _translate(self, hotel: Hotel, now_ms: Instant) -> None:
        if self._hotel is hotel:
            return
        changes = self._changes(hotel, now_ms)
        self._figures, self._painted = changes.figures, changes.painted
        self._check_figures(hotel)
        _check_derived(hotel, self._painted)
        self._calendar_keys = ari.rows_touched(self._painted)
        self._stock_keys = ari.stock_touched(self._figures)
        self._hotel = hotel

    def _changes(self, hotel: Hotel, now_ms: Instant) -> ari.Changes:
        """The document in our codes."""
        connection = hotel.connections[self._connection]
        if self._event.hotel != connection.hotel:
            raise Unmapped(Reason.HOTEL, self._event.hotel)
        mapping, house = hotel.mapping(self._connection), hotel.property
        updates = self._event.updates
        if self._event.clears:
            updates = (*_cleared(self._event.clears, hotel, connection, now_ms), *updates)
        return ari.Changes(updates, mapping, house.currency, net=house.net)

    def _check_figures(self, hotel: Hotel) -> None:
        if not self._figures:
            return
        connection = hotel.connections[self._connection]
        record = self._figures[0].update.record
        if hotel.pms is not None and hotel.pms.id != connection.id:
            raise Rejected(
                f"the figures of this hotel come from {hotel.pms.id}", Reason.AUTHORIZATION, record=record or None
            )
        if any(not change.room for change in self._figures) and not connection.house_figures:
            raise Rejected("figures for the house as a whole are not enabled", record=record or None)
        if self._message.token is None and any(
            setting.field is Field.FIGURE_BY for change in self._figures for setting in change.update.settings
        ):
            raise Malformed(
                "a relative change needs a message id of its own", Reason.REQUIRED_MISSING, record=record or None
            )

    # --- decide -----------------------------------------------------------------------------------------------------

    def decide(self, state: State, now_ms: Instant) -> Decision:
        hotel = self._hotel
        assert hotel is not None
        first = self._first(state)
        self._counted = ari.counted_again(self._figures) if first else self._figures
        rev = state.next_rev(self._scope)
        writes: list[Row] = [*self._calendar(state, hotel, rev), *self._stock(state, hotel, rev, now_ms)]
        if stock := [row for row in writes if isinstance(row, StockRow)]:
            writes += relieved(state, hotel, stock, now_ms)
        outcome = "applied" if writes else "unchanged"
        advances = any(isinstance(row, CalendarRow | StockRow) for row in writes)
        message = self._message._replace(outcome=outcome, rev=rev if advances else rev - 1)
        if first:
            # The token stays with the message that counted.
            text = f"its relative changes were counted with message {first.message_id}"
            message = message._replace(token=None, detail="; ".join(filter(None, (message.detail, text))))
        if self._waits:
            message = message._replace(outcome="parked")
            log.warning("held_back", property=self._scope, nights=guard.product_nights(self._waits))
        warnings = self._warnings(hotel)
        if warnings:
            message = message._replace(detail="; ".join(filter(None, (message.detail, *warnings))))
        held, gone = self._held_back(state, message)
        writes += [message, *self._journal(writes, message), *held]
        if self._stock_keys and self._reads_claims:
            writes += over(state.find(UNSETTLED, (self._scope, self._connection)), writes, hotel, now_ms)
        return Decision(Applied(warnings), writes, gone, advances=advances)

    def _first(self, state: State) -> MessageRow | None:
        """The message that this one repeats, where that matters."""
        token = self._message.token
        found: list[MessageRow] = state.find(TOKENS, (self._scope, token)) if token is not None else []
        return found[0] if found else None

    def _warnings(self, hotel: Hotel) -> tuple[str, ...]:
        """What did not take effect, for the sender and for the log."""
        told = list[str]()
        if self._waits:
            told.append(f"{guard.product_nights(self._waits)} product nights wait for confirmation")
        if self._event.bands:
            house, targets = hotel.property, hotel.mapping(self._connection).targets
            told += age_bands.not_kept(self._event.bands, house.selling, targets, house.currency)
        return tuple(told)

    def _held_back(self, state: State, message: MessageRow) -> tuple[list[HeldRow], list[HeldRow]]:
        """What waits now of this message and of those before it, and what of them waits no longer."""
        rows: dict[int, HeldRow] = (
            {row.message_id: row for row in state.find(HELD, (self._scope,))} if self._painted else {}
        )
        left = {number: guard.without(_held(row.body), self._painted) for number, row in rows.items()}
        writes = [
            row._replace(nights=guard.product_nights(left[number]), body=pack(left[number]))
            for number, row in rows.items()
            if left[number] and left[number] != _held(row.body)
        ]
        if self._waits:
            number, nights = message.message_id, guard.product_nights(self._waits)
            said = (message.connection, message.author, message.at_ms)
            writes.append(HeldRow(self._scope, number, *said, nights, pack(self._waits)))
        return writes, [row for number, row in rows.items() if not left[number]]

    def _journal(self, writes: Iterable[Row], message: MessageRow) -> list[Row]:
        """What was set on the rows that have changed, and what waits."""
        calendar = {row[1:4] for row in writes if isinstance(row, CalendarRow)}
        stock = {row[1:3] for row in writes if isinstance(row, StockRow)}
        if not calendar and not stock and not self._waits:
            return []
        if self._waits:
            bodies = journal.set_in_part(self._set, self._waits, self._counted, stock)
        else:
            bodies = journal.set_here(self._painted, self._counted, calendar, stock)
        number, rev, at_ms, author = message.message_id, message.rev, message.at_ms, message.author
        return [JournalRow(self._scope, "", block, number, rev, at_ms, author, body) for block, body in bodies.items()]

    def _calendar(self, state: State, hotel: Hotel, rev: int) -> Iterable[Row]:
        keys = self._calendar_keys
        if not keys:
            return
        stored = [(key, row.body) for key in keys if (row := state.get(CalendarRow, (self._scope, *key))) is not None]
        sheet = Sheet.load(PRODUCT, hotel.guests, keys, stored)
        before = ari.apply(sheet, self._painted)
        self._waits = guard.hold_back(sheet, before, hotel) if self._guarded else ()
        self._set = tuple(sheet_changes(before, sheet)) if self._waits else ()
        changed = sheet.changed_rows(before).tolist()
        for row, body in zip(changed, sheet.pack(changed), strict=True):
            room, plan, block = keys[row]
            yield CalendarRow(self._scope, room, plan, block, rev, body)

    def _stock(self, state: State, hotel: Hotel, rev: int, now_ms: Instant) -> Iterable[Row]:
        keys = self._stock_keys
        if not keys:
            return
        rows = [state.get(StockRow, (self._scope, *key)) for key in keys]
        planes = stock_matrix([row.body if row else None for row in rows]).transpose(1, 0, 2).copy()
        before = planes.copy()
        ari.apply_figures(planes[0].reshape(-1), {key: n for n, key in enumerate(keys)}, self._counted)
        unseen_plane = planes[UNSEEN // BLOCK_DAYS].reshape(-1)
        at = {key: n * BLOCK_DAYS for n, key in enumerate(keys)}
        if self._reads_claims:
            for delivery, claim, change in self._claims(state, hotel, now_ms):
                for (room, day), units in change.items():
                    unseen_plane[at[room, day // BLOCK_DAYS] + day % BLOCK_DAYS] += units
                yield with_claim(delivery, claim, hotel.connections[self._connection], now_ms)
        for n in (planes != before).any(axis=(0, 2)).nonzero()[0].tolist():
            room, block = keys[n]
            yield StockRow(self._scope, room, block, rev, planes[:, n].tobytes())

    @property
    def _reads_claims(self) -> bool:
        """Figures of another kind say nothing of what a PMS has counted, so no claim is ever settled by them."""
        return self._hotel is not None and self._hotel.figure_kind is FigureKind.ROOMS_LEFT

    def _claims(
        self, state: State, hotel: Hotel, now_ms: Instant
    ) -> Iterable[tuple[DeliveryRow, Claim, dict[tuple[str, Day], int]]]:
        """Each delivery that the PMS may or may not have counted in these figures, and what that changes."""
        connection = hotel.connections[self._connection]
        unsettled: list[DeliveryRow] = state.find(UNSETTLED, (self._scope, self._connection))
        days: dict[str, set[Day]] = {}
        for room, _, update in self._counted if unsettled else ():
            days.setdefault(room, set()).update(days_in(update.first, update.last, update.weekdays))
        for delivery in unsettled:
            old = claim = _claim(delivery.claim)
            for room, with_figure in days.items():
                claim = figure_arrived(claim, room, with_figure, now_ms, connection.figure_delay_s)
            if claim is not old:
                yield delivery, claim, unseen_change(old, claim)


def _cleared(clears: Iterable[Clearing], hotel: Hotel, connection: Connection, now_ms: Instant) -> list[AriUpdate]:
    """What a complete document takes away from the hotel's today on; prices that follow another plan's stay theirs."""
    house = hotel.property
    own = [line for line in connection.products if not hotel.plans[line.plan].parent]
    today = local_day(now_ms, house.timezone)
    return [
        update
        for clearing in clears
        for update in ari.cleared(
            [clearing],
            own if clearing.aspect is Aspect.PRICES else connection.products,
            house.currency,
            net=house.net,
            first=today,
        )
    ]


def _check_derived(hotel: Hotel, changes: list[Change]) -> None:
    derived = {plan.code for plan in hotel.plans.values() if plan.parent}
    if not derived:
        return
    for change in changes:
        if change.plan in derived and any(ASPECT_OF[each.field] is Aspect.PRICES for each in change.update.settings):
            raise Rejected(
                f"the prices of {change.update.plan!r} follow another plan and cannot be set",
                Reason.RATE_PLAN,
                record=change.update.record or None,
            )
