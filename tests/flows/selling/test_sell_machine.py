"""Sales, channels' bookings, figures and time in any order: what the house decides never sells a room twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.engine.asking import Ask, Party
from gateway.engine.calendar import PRODUCT, Sheet
from gateway.engine.hotel import Hotel
from gateway.engine.loaded import Calendar
from gateway.engine.nights import Nights, per_night
from gateway.engine.offers import shop_of
from gateway.engine.sale import Customer, Sale, SaleState
from gateway.engine.stock import FIGURE, HELD, SOLD, UNSEEN, open_stock
from gateway.errors import Refusal
from gateway.flows.delivering.standing import Begun
from gateway.flows.relink import Relink
from gateway.flows.selling.bookings import ConfirmSale, ModifySale
from gateway.flows.selling.endings import EndSale
from gateway.flows.selling.holds import EndHolds, TakeHold
from gateway.flows.selling.rows import open_sale, pack_sale
from gateway.flows.take_booking import TakeBooking
from gateway.messages import ReservationReceived
from gateway.model.dates import BLOCK_DAYS, day_start_ms
from gateway.model.property import FigureKind, Part, Product, Property, RoomType
from gateway.store.batch import Job
from gateway.store.schema import SPECS
from gateway.store.sql import Lookup, Params
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import CalendarRow, MessageRow, ReservationRow, RevisionRow, SaleRow, Scope, StockRow
from tests.flows.house import PRODUCTS, TODAY, cancel, channel, hotel, new, pms, stay
from tests.flows.selling.test_sell import TERMS, site

NIGHTS = range(TODAY + 1, TODAY + 7)
ALL = ("DBL", "FAM", "STE", "TWN")
ROOM = st.sampled_from(ALL)
LINKED = (
    RoomType("STE", "Suite", 1, made_of=(Part("DBL", 2),)),
    RoomType("TWN", "Twin", 9, made_of=(Part("DBL"),)),
)
SPAN = st.tuples(st.integers(1, 5), st.integers(1, 2)).map(lambda span: (span[0], min(span[0] + span[1], 7)))


taken_by = msgspec.msgpack.Decoder(Nights).decode


def built(kind: FigureKind, *, linked: bool) -> Property:
    """The usual hotel with two types more, which are made of its doubles or stand by themselves."""
    plain = hotel(pms(figures=kind), channel("ota", products=PRODUCTS), site(), selling=TERMS)
    more = LINKED if linked else tuple(msgspec.structs.replace(room, made_of=()) for room in LINKED)
    theirs = (*PRODUCTS, Product("STE", "BAR", "r3", "bar"), Product("TWN", "BAR", "r4", "bar"))
    connections = tuple(
        msgspec.structs.replace(known, products=theirs) if known.id == "ota" else known for known in plain.connections
    )
    return msgspec.structs.replace(plain, room_types=(*plain.room_types, *more), connections=connections)


class Ledger:
    """The rows of one property in memory, changed by jobs as the batcher would, one after the other."""

    def __init__(self, kind: FigureKind, rooms: int, *, linked: bool) -> None:
        self.hotel = Hotel(built(kind, linked=linked), 1)
        self.now_ms = day_start_ms(TODAY, "UTC")
        self._rows: dict[type, dict[Params, tuple[object, ...]]] = {row: {} for row in SPECS}
        self._rows[Scope][("h",)] = Scope("h", "property", 0, 1)
        self._numbers = iter(range(1, 10_000_000))
        block = TODAY // BLOCK_DAYS
        keys = [(room, plan, at) for room in ALL for plan in ("BAR", "HB") for at in (block, block + 1)]
        sheet = Sheet(PRODUCT, keys, 4)
        sheet.columns["price"][:] = 10_000
        for key, body in zip(keys, sheet.pack(range(len(keys))), strict=True):
            self._rows[CalendarRow]["h", *key] = CalendarRow("h", *key, 0, body)
        for room in ALL if not linked else ("DBL", "FAM"):
            self.figure(room, rooms)

    def figure(self, room: str, rooms: int) -> None:
        """The PMS has seen everything, and says how many there are."""
        for night in NIGHTS:
            key = ("h", room, night // BLOCK_DAYS)
            stored = self._rows[StockRow].get(key)
            stock, slot = open_stock(stored[-1] if stored else None), night % BLOCK_DAYS  # type: ignore[arg-type]
            stock[FIGURE + slot] = rooms
            if self.hotel.figure_kind is FigureKind.ROOMS_LEFT:
                stock[UNSEEN + slot] = 0
            self._rows[StockRow][key] = StockRow(*key, 0, stock.tobytes())

    def number(self) -> int:
        return next(self._numbers)

    def message(self, connection: str = "site") -> MessageRow:
        return MessageRow("h", self.number(), connection, "in", "K", self.now_ms, "", "", 0, None, b"", b"")

    def run(self, *jobs: Job) -> list[object]:
        """As one batch: each sees what those before it decided."""
        state = State()
        state.hotels = {"h": self.hotel}
        state.scopes = {"h": self._rows[Scope]["h",]}  # type: ignore[dict-item]
        answers: list[object] = []
        for job in jobs:
            for _ in range(4):
                asked = [(lookup, key) for lookup, key in job.needs(state, self.now_ms) if not state.has(lookup, key)]
                for lookup, key in asked:
                    state.missing(lookup, [key])
                    state.loaded(self._found(lookup, key))  # type: ignore[arg-type]
            state.deciding = True
            try:
                decision = job.decide(state, self.now_ms)
                state.apply(decision, "h")
                answers.append(decision.answer)
            except Refusal as refusal:
                answers.append(refusal)
            state.deciding = False
        for row, writes, deletes in state.changes():
            for written in writes:
                self._rows[row][written[: SPECS[row].width]] = written
            for deleted in deletes:
                del self._rows[row][tuple(deleted)]
        return answers

    def _found(self, lookup: Lookup, key: Params) -> Iterator[tuple[object, ...]]:
        return (row for row in self._rows[lookup.row].values() if lookup.key_of(row) == tuple(key))

    def all(self, row: type) -> list[tuple[object, ...]]:
        return list(self._rows[row].values())

    def sales(self, *states: SaleState) -> list[SaleRow]:
        return [row for row in self.all(SaleRow) if isinstance(row, SaleRow) and row.state in states]

    def counts(self, room: str, night: int) -> tuple[int, int, int, int]:
        """Figure, sold, unseen and held."""
        row = self._rows[StockRow].get(("h", room, night // BLOCK_DAYS))
        stock = open_stock(row[-1] if row else None)  # type: ignore[arg-type]
        slot = night % BLOCK_DAYS
        return stock[FIGURE + slot], stock[SOLD + slot], stock[UNSEEN + slot], stock[HELD + slot]

    def quote(self, room: str, first: int, last: int, replaces: str = "") -> str:
        """Whatever rooms there are: what a quote says is not what decides."""
        shop = shop_of(self.hotel, "site")
        rows = [row for row in self.all(CalendarRow) if isinstance(row, CalendarRow)]
        blocks = (TODAY // BLOCK_DAYS, TODAY // BLOCK_DAYS + 1)
        stock = [((name, block), open_stock(None)) for name in ALL for block in blocks]
        for _, counts in stock:
            counts[FIGURE:SOLD] = type(counts)("i", [9] * BLOCK_DAYS)
        calendar = Calendar(4, [(row[1:4], row.body) for row in rows], [(key, body.tobytes()) for key, body in stock])
        ask = Ask(TODAY + first, TODAY + last, Party(2), rooms=frozenset({room}), plans=frozenset({"BAR"}))
        (offer,) = shop.search(calendar, ask, self.now_ms).offers
        sale = Sale((offer,), (shop.policy("BAR"),), "EUR", replaces=replaces)
        number = f"S{self.number()}"
        ends_ms = self.now_ms + TERMS.quote_s * 1000
        row = SaleRow("h", number, "site", "quoted", self.now_ms, ends_ms, ends_ms, None, 0, "", pack_sale(sale))
        self._rows[SaleRow]["h", number] = row
        return number


class _Relinking:
    """The part of applying a hotel file that bookings and holds see."""

    scope_id: str | None = "h"

    def __init__(self, before: Hotel, after: Hotel) -> None:
        self._relink = Relink(before, after)

    def needs(self, state: State, now_ms: int) -> Needs:
        yield from self._relink.needs(state, now_ms)

    def decide(self, state: State, now_ms: int) -> Decision:
        return Decision(None, self._relink.rows(state, now_ms, state.next_rev("h"), Begun({})), advances=True)


class Selling(RuleBasedStateMachine):
    """``allowed`` is by how much channels and the PMS, which do not ask, have oversold a night."""

    ledger: Ledger

    @initialize(kind=st.sampled_from(FigureKind), rooms=st.integers(0, 3), linked=st.booleans())
    def open(self, kind: FigureKind, rooms: int, linked: bool) -> None:
        self.ledger = Ledger(kind, rooms, linked=linked)
        self.bookings: list[str] = []

    def _over(self) -> Counter[tuple[str, int]]:
        over: Counter[tuple[str, int]] = Counter()
        units = {room.code: room.units for room in self.ledger.hotel.property.room_types if room.made_of}
        for room in ALL:
            for night in NIGHTS:
                figure, sold, unseen, held = self.ledger.counts(room, night)
                if figure < 0:
                    left = units.get(room, sold + held) - sold - held
                elif self.ledger.hotel.figure_kind is FigureKind.ALLOCATION:
                    left = figure - sold - held
                else:
                    left = figure + unseen - held
                over[room, night] = max(0, -left)
        return over

    def _ours(self, *jobs: Job) -> list[object]:
        """The house decides, so no night may be more oversold than it was."""
        before = self._over()
        answers = self.ledger.run(*jobs)
        for cell, missing in self._over().items():
            assert missing <= before[cell], (cell, answers)
        return answers

    def _pick(self, data: st.DataObject, *states: SaleState) -> str | None:
        known = sorted(row.sale_id for row in self.ledger.sales(*states))
        return data.draw(st.sampled_from(known)) if known else None

    @rule(room=ROOM, span=SPAN, times=st.integers(1, 3))
    def hold(self, room: str, span: tuple[int, int], times: int) -> None:
        quotes = [self.ledger.quote(room, *span) for _ in range(times)]
        self._ours(*(TakeHold(self.ledger.message(), one, Customer(), TERMS.hold_s) for one in quotes))

    @rule(room=ROOM, span=SPAN, times=st.integers(1, 3))
    def confirm_quotes(self, room: str, span: tuple[int, int], times: int) -> None:
        quotes = [self.ledger.quote(room, *span) for _ in range(times)]
        self._ours(*(ConfirmSale(self.ledger.message(), one, Customer()) for one in quotes))

    @rule(data=st.data(), paid=st.booleans(), twice=st.booleans())
    def confirm(self, data: st.DataObject, paid: bool, twice: bool) -> None:
        states = [SaleState.HELD, SaleState.RELEASED, SaleState.BOOKED, SaleState.CANCELLED]
        if (number := self._pick(data, *states)) is not None:
            payment = "P1" if paid else ""
            jobs = [ConfirmSale(self.ledger.message(), number, None, payment) for _ in range(1 + twice)]
            self._ours(*jobs)

    @rule(data=st.data(), span=SPAN, room=ROOM)
    def modify(self, data: st.DataObject, span: tuple[int, int], room: str) -> None:
        if (number := self._pick(data, SaleState.BOOKED)) is not None:
            quote = self.ledger.quote(room, *span, replaces=number)
            self._ours(ModifySale(self.ledger.message(), number, quote, None))

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        if (number := self._pick(data, SaleState.BOOKED, SaleState.HELD)) is not None:
            self._ours(EndSale(self.ledger.message(), number, no_show=False))

    @rule(seconds=st.sampled_from([1, TERMS.hold_s, TERMS.quote_s]))
    def time_goes_by(self, seconds: int) -> None:
        self.ledger.now_ms += seconds * 1000

    @rule()
    def release(self) -> None:
        due = [
            row for row in self.ledger.sales(*SaleState) if row.due_ms is not None and row.due_ms <= self.ledger.now_ms
        ]
        self._ours(EndHolds("h", [row.sale_id for row in due]))

    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        if (number := self._pick(data, SaleState.HELD)) is not None:
            self._ours(EndHolds("h", [number], self.ledger.message()))

    @rule(room=st.sampled_from(["r1", "r2", "r3", "r4"]), span=SPAN)
    def a_channel_sells(self, room: str, span: tuple[int, int]) -> None:
        booking = f"B{self.ledger.number()}"
        self.bookings.append(booking)
        event = ReservationReceived("OTA", new(stay(*span, room=room), booking=booking))
        self.ledger.run(TakeBooking("h", "ota", event, self.ledger.message("ota"), f"R{booking}"))

    @rule(data=st.data())
    def a_channel_cancels(self, data: st.DataObject) -> None:
        if self.bookings:
            booking = data.draw(st.sampled_from(self.bookings))
            event = ReservationReceived("OTA", cancel(booking=booking))
            self.ledger.run(TakeBooking("h", "ota", event, self.ledger.message("ota"), f"R{booking}"))

    @rule(room=ROOM, rooms=st.integers(0, 3))
    def a_figure_comes(self, room: str, rooms: int) -> None:
        self.ledger.figure(room, rooms)

    @rule()
    def types_are_linked_in_another_way(self) -> None:
        """Who was there before may have to be moved, so this may oversell."""
        before = self.ledger.hotel
        after = Hotel(built(before.figure_kind, linked=not before.links), before.version + 1)
        self.ledger.run(_Relinking(before, after))
        self.ledger.hotel = after

    @invariant()
    def what_is_held_is_what_holds_take(self) -> None:
        if not hasattr(self, "ledger"):
            return
        held: Counter[tuple[str, int]] = Counter()
        for row in self.ledger.sales(SaleState.HELD):
            held.update(per_night(self.ledger.hotel.links.levels(open_sale(row.body).nights)))
        for room in ALL:
            for night in NIGHTS:
                assert self.ledger.counts(room, night)[3] == held[room, night]

    @invariant()
    def what_is_sold_is_what_reservations_take(self) -> None:
        if not hasattr(self, "ledger"):
            return
        sold: Counter[tuple[str, int]] = Counter()
        for row in self.ledger.all(ReservationRow):
            assert isinstance(row, ReservationRow)
            sold.update(per_night(taken_by(row.nights)))
        for room in ALL:
            for night in NIGHTS:
                assert self.ledger.counts(room, night)[1] == sold[room, night]

    @invariant()
    def every_booked_sale_is_a_reservation_of_the_same_nights(self) -> None:
        if not hasattr(self, "ledger"):
            return
        reservations = {
            row.reservation_id: row for row in self.ledger.all(ReservationRow) if isinstance(row, ReservationRow)
        }
        for sale in self.ledger.sales(SaleState.BOOKED):
            row = reservations[sale.sale_id]
            takes = self.ledger.hotel.links.levels(open_sale(sale.body).nights)
            assert (row.status, taken_by(row.nights)) == ("booked", takes)
        for sale in self.ledger.sales(SaleState.CANCELLED):
            assert reservations[sale.sale_id].status == "cancelled"
        revisions = Counter(row.reservation_id for row in self.ledger.all(RevisionRow) if isinstance(row, RevisionRow))
        assert all(revisions[number] == row.revisions for number, row in reservations.items())

    @invariant()
    def what_linked_types_sold_is_gone_from_their_parts(self) -> None:
        """Told from the bookings and holds alone: the ledger says the same of every physical type."""
        if not hasattr(self, "ledger") or not self.ledger.hotel.links:
            return
        taken: Counter[tuple[str, int]] = Counter()
        for sale in self.ledger.sales(SaleState.HELD):
            taken.update(per_night(open_sale(sale.body).nights))
        for row in self.ledger.all(ReservationRow):
            assert isinstance(row, ReservationRow)
            taken.update(per_night(self.ledger.hotel.links.sold(taken_by(row.nights))))
        for night in NIGHTS:
            _, sold, _, held = self.ledger.counts("DBL", night)
            assert sold + held == taken["DBL", night] + 2 * taken["STE", night] + taken["TWN", night]


TestSelling = Selling.TestCase
TestSelling.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
