"""A channel, its faults, and a store of packed rows: the pushing engine driven as the flows drive it.

The rules that can be left out are those of the design's model of pushing; with all of them the channel ends up with
what it should hold, and without any one of them it does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from gateway.contract import Capabilities, Confirmed, Outcome, Refused, Unknown
from gateway.engine.calendar import PRODUCT, Key, Sheet
from gateway.engine.hotel import Hotel
from gateway.engine.loaded import Calendar, Slot
from gateway.engine.plan import DIRTY, NEVER, Difference, Shadow, difference, left_view
from gateway.engine.sending import Held, Parcel, Touched, held_before, intend, parcels, postpone, settle, undo
from gateway.engine.view import Channel
from gateway.model.ari import AriUpdate, Aspect, Field
from gateway.model.dates import BLOCK_DAYS, Day, blocks_of, days_in
from gateway.model.property import Connection, Product, Property, RatePlan, Role, RoomType

NIGHTS: tuple[Day, ...] = (739_966, 739_967, 739_968)  # the last one begins a block
ROOMS = ("P", "Q")
CODES = ("x", "y", "z")
TIMEOUT_MS, SETTLE_MS, RETRY_MS = 30_000, 60_000, 900_000


class Rule(StrEnum):
    """The rules of pushing, each of which can be left out."""

    UNKNOWN = "what is sent is in doubt until it is answered"
    CODE = "the shadow is kept by the counterpart's codes"
    TOMBSTONE = "what has left the view is closed"
    OWN_SALE = "a channel's own sale puts its cells in doubt"
    SETTLE = "doubt lasts until no older request can land"
    SNAPSHOT = "the revision is read with the rows"
    EPOCH = "an older configuration's push does not count for a newer one"
    REACH = "while an older complete set may land, nothing is sure, not even what was not in it"


class Sets(StrEnum):
    """How the channel takes limits."""

    NEVER = "as deltas"
    OPENING = "as deltas, once a complete set was confirmed"
    ALWAYS = "as complete sets"


class Late(NamedTuple):
    updates: list[AriUpdate]
    until_ms: int
    complete: bool


class Stored(NamedTuple):
    """A shadow row as the store keeps it."""

    hold_ms: int
    due_ms: int | None
    body: bytes


@dataclass
class Plan:
    """A plan whose first message is under way."""

    parcels: list[Parcel]
    held: list[Held]
    rev: int
    version: int
    sent_ms: int


@dataclass
class World:
    fields: frozenset[Field]
    rules: frozenset[Rule]
    sets: Sets = Sets.NEVER
    opened: bool = False
    afresh: bool = False
    now_ms: int = 0
    rev: int = 1
    version: int = 1
    mapped: dict[str, str] = field(default_factory=lambda: {"P": "x", "Q": "y"})
    horizon: int = len(NIGHTS)
    stock: dict[tuple[str, int], tuple[int, bytes]] = field(default_factory=dict)
    calendar: dict[Key, tuple[int, bytes]] = field(default_factory=dict)
    sales: list[tuple[int, str, Day]] = field(default_factory=list)  # rev, their room, night
    shadow: dict[tuple[Aspect, Slot], Stored] = field(default_factory=dict)
    synced: tuple[int, int] = (0, 0)
    flight: Plan | None = None
    late: list[Late] = field(default_factory=list)
    limits: dict[tuple[str, Day], int] = field(default_factory=dict)  # the channel's own state, from here on
    cells: dict[tuple[str, Day, Field], int] = field(default_factory=dict)
    _compiled: tuple[int, Hotel, Channel] | None = None

    def __post_init__(self) -> None:
        for room in ROOMS:
            for night in NIGHTS:
                self._paint(room, night, Field.PRICE, 100)
        self.settle_down()

    # --- what happens at the property -------------------------------------------------------------------------------

    def change(self, room: str, night: Day, name: Field, value: int) -> None:
        if name is Field.FIGURE:
            if self.figure(room, night) != value:
                self._set_figure(room, night, value)
        elif name in self.fields:
            self._paint(room, night, name, value)

    def figure(self, room: str, night: Day) -> int:
        _, body = self.stock.get((room, night // BLOCK_DAYS), (0, b""))
        return int(np.frombuffer(body, np.int32)[night % BLOCK_DAYS]) if body else 0

    def _set_figure(self, room: str, night: Day, value: int) -> None:
        _, body = self.stock.get((room, night // BLOCK_DAYS), (0, bytes(4 * 4 * BLOCK_DAYS)))
        planes = np.frombuffer(body, np.int32).copy()
        planes[night % BLOCK_DAYS] = value
        self.rev += 1
        self.stock[room, night // BLOCK_DAYS] = (self.rev, planes.tobytes())

    def _paint(self, room: str, night: Day, name: Field, value: int) -> None:
        key = (room, "X", night // BLOCK_DAYS)
        sheet = Sheet.load(PRODUCT, 1, [key], [(key, self.calendar[key][1])] if key in self.calendar else [])
        sheet.columns[name][0, night % BLOCK_DAYS] = value
        self.rev += 1
        self.calendar[key] = (self.rev, sheet.pack([0])[0])

    def remap(self, room: str, code: str | None) -> None:
        if code is None:
            self.mapped.pop(room, None)
        elif code not in self.mapped.values():
            self.mapped[room] = code
        self._configured()

    def shorten(self, days: int) -> None:
        self.horizon = days
        self._configured()

    def _configured(self) -> None:
        self.version += 1
        self.rev += 1

    def own_sale(self, room: str, night: Day, rooms: int) -> None:
        """The channel sells (or a guest cancels there): it moves its own count, and we get the booking."""
        code = self.mapped.get(room, "")
        if (code, night) not in self.limits or self.limits[code, night] + rooms < 0:
            return  # it has nothing to sell, or was never told of that night
        self.limits[code, night] += rooms
        self._set_figure(room, night, max(self.figure(room, night) + rooms, 0))
        self.sales.append((self.rev, code, night))

    def wait(self, ms: int) -> None:
        """A request that is under way is over by its time-out."""
        until = self.now_ms + ms
        self.now_ms = min(until, self.flight.sent_ms + TIMEOUT_MS) if self.flight else until

    # --- the plan ---------------------------------------------------------------------------------------------------

    def channel(self) -> tuple[Hotel, Channel]:
        if self._compiled is None or self._compiled[0] != self.version:
            products = tuple(Product(room, "X", code, "x") for room, code in sorted(self.mapped.items()))
            account = Connection("c", "x", "x", Role.CHANNEL, "H", url="u", products=products)
            rooms = tuple(RoomType(room, room, 9, adults_max=1) for room in ROOMS)
            hotel = Hotel(Property("h", "H", "EUR", "UTC", rooms, (RatePlan("X", "X"),), (account,)), self.version)
            made = Channel(hotel, account, self._capabilities())
            self._compiled = (self.version, hotel, made)
        return self._compiled[1], self._compiled[2]

    def _capabilities(self) -> Capabilities:
        return Capabilities(
            fields=self.fields,
            counts_down=True,
            complete_sets=self.sets is not Sets.NEVER,
            deltas=self.sets is not Sets.ALWAYS,
        )

    def order_everything(self) -> None:
        """Nobody knows what the channel holds."""
        self.afresh = True
        self.opened = False

    def begin(self, between: tuple[str, Day, Field, int] | None = None) -> None:
        """Plans, commits the first message's intent and sends it; ``between`` is a change after rows were read."""
        if self.flight:
            return
        rev = self.rev
        differences, touched, forgotten = self._differences()
        if between:
            self.change(*between)
            if Rule.SNAPSHOT not in self.rules:
                rev = self.rev
        sent = parcels(differences, parts_max=2, complete=self._is_complete)
        self.afresh = False
        for name in forgotten:
            del self.shadow[name]
        kept = dict(self.shadow)
        held: list[Held] = []
        if sent:
            touched += postpone(sent[1:])
            held = held_before(sent[0])
            touched += intend(sent[0], self._hold_ms())
        self._save(touched)
        if sent:
            self.flight = Plan(sent, held, rev, self.version, self.now_ms)
        if sent and Rule.UNKNOWN not in self.rules:
            self.shadow = kept
        else:
            self.synced = (rev, self.version)

    def _hold_ms(self) -> int:
        return self.now_ms + TIMEOUT_MS + SETTLE_MS if Rule.SETTLE in self.rules else 0

    def _differences(self) -> tuple[list[Difference], list[Touched], list[tuple[Aspect, Slot]]]:
        hotel, channel = self.channel()
        window = (NIGHTS[0], NIGHTS[0] + self.horizon - 1)
        full = self.synced[1] != self.version or self.afresh
        rows = Calendar(
            hotel.guests,
            [(key, body) for key, (_, body) in self.calendar.items()],
            [(key, body) for key, (_, body) in self.stock.items()],
        )
        changed = [key for key, (rev, _) in self.calendar.items() if rev > self.synced[0]]
        restocked = [key for key, (rev, _) in self.stock.items() if rev > self.synced[0]]
        differences: list[Difference] = []
        touched: list[Touched] = []
        forgotten: list[tuple[Aspect, Slot]] = []
        for aspect in channel.aspects:
            slots = (
                channel.all_slots(aspect, blocks_of(*window)) if full else channel.slots_of(aspect, changed, restocked)
            )
            doubted = self._own_sales() if aspect is Aspect.LIMIT else []
            slots |= {slot for slot, _ in doubted}
            for (of, slot), stored in self.shadow.items():
                if of is aspect and (full or (stored.due_ms is not None and stored.due_ms <= self.now_ms)):
                    slots.add(self._slot(slot))
            complete = aspect is Aspect.LIMIT and self._is_complete
            if complete and slots:
                slots |= channel.all_slots(aspect, blocks_of(*window))
            late_ms = self._late_ms(slots) if aspect is Aspect.LIMIT and full else 0
            held = [slot for slot in slots if channel.holds(aspect, slot)]
            gone = sorted(slots.difference(held)) if Rule.TOMBSTONE in self.rules else []
            for some, leaving in ((held, False), (gone, True)):
                if not some:
                    continue
                shadow = self._load(aspect, some)
                if self.afresh:
                    shadow.sync[shadow.sync != NEVER] = DIRTY
                for slot, night in doubted:
                    if slot in shadow.sheet.row:
                        cell = shadow.sheet.columns["sync"][shadow.sheet.row[slot]]
                        cell[night % BLOCK_DAYS] = DIRTY if cell[night % BLOCK_DAYS] != NEVER else NEVER
                keys = shadow.sheet.keys
                view = left_view(aspect, keys, 1) if leaving else channel.view(aspect, keys, rows)
                found = difference(
                    channel,
                    shadow,
                    view,
                    window,
                    self.now_ms,
                    leaving=leaving,
                    afresh=full,
                    complete=complete and not leaving,
                    late_ms=late_ms,
                )
                differences.append(found)
                touched.append(Touched(shadow, found.released))
                if leaving:
                    forgotten += self._forgettable(found)
        return differences, touched, forgotten

    @property
    def _is_complete(self) -> bool:
        return self.sets is Sets.ALWAYS or (self.sets is Sets.OPENING and not self.opened)

    def _late_ms(self, slots: set[Slot]) -> int:
        if self.sets is not Sets.OPENING or Rule.REACH not in self.rules:
            return 0
        known = [self.shadow.get((Aspect.LIMIT, self._name(slot))) for slot in slots]
        return max((stored.hold_ms for stored in known if stored is not None), default=0)

    def _own_sales(self) -> list[tuple[Slot, Day]]:
        if Rule.OWN_SALE not in self.rules:
            return []
        since = self.synced[0]
        return [((code, "", night // BLOCK_DAYS), night) for rev, code, night in self.sales if rev > since]

    def _forgettable(self, found: Difference) -> list[tuple[Aspect, Slot]]:
        told = set((found.cells(np.arange(len(found.starts))) // BLOCK_DAYS).tolist())
        names = [(found.aspect, slot) for row, slot in enumerate(found.shadow.sheet.keys) if row not in told]
        due = {(found.aspect, slot): found.shadow.due_ms(row) for row, slot in enumerate(found.shadow.sheet.keys)}
        return [name for name in names if due[name] is None and name in self.shadow]

    # --- the store --------------------------------------------------------------------------------------------------

    def _name(self, slot: Slot) -> Slot:
        """What a row is stored under: codes, or our own room types where that rule is left out."""
        if Rule.CODE in self.rules:
            return slot
        ours = {code: room for room, code in self.mapped.items()}
        return (ours.get(slot[0], slot[0]), slot[1], slot[2])

    def _slot(self, name: Slot) -> Slot:
        return name if Rule.CODE in self.rules else (self.mapped.get(name[0], name[0]), name[1], name[2])

    def _load(self, aspect: Aspect, slots: list[Slot]) -> Shadow:
        stored = [
            (slot, known.body, known.hold_ms)
            for slot in slots
            if (known := self.shadow.get((aspect, self._name(slot)))) is not None
        ]
        return Shadow.load(aspect, 1, slots, stored)

    def _save(self, touched: list[Touched]) -> None:
        for shadow, rows in touched:
            for row, body in zip(rows.tolist(), shadow.sheet.pack(rows), strict=True):
                name = (shadow.aspect, self._name(shadow.sheet.keys[row]))
                self.shadow[name] = Stored(int(shadow.hold_ms[row]), shadow.due_ms(row), body)

    # --- how a message ends -----------------------------------------------------------------------------------------

    def end(self, how: str) -> None:
        if self.flight is None:
            return
        plan, parcel = self.flight, self.flight.parcels[0]
        updates = [part.update for part in parcel.parts]
        whole = parcel.complete
        if how in ("ok", "half", "applied_timeout", "crash"):
            self._apply(updates, complete=whole)
        elif how == "doubt" or (how == "part" and not whole):
            self._apply(updates[1:], complete=whole)
        elif how in ("late", "crash_late"):
            until_ms = self.now_ms + SETTLE_MS if how == "late" else plan.sent_ms + TIMEOUT_MS + SETTLE_MS
            self.late.append(Late(updates, until_ms, whole))
        self.flight = None
        if how.startswith("crash"):
            return
        self._settled(plan, parcel, how)
        if (
            len(plan.parcels) > 1
            and how in ("ok", "part", "doubt")
            and (plan.rev, plan.version) == (self.rev, self.version)
        ):
            held = held_before(plan.parcels[1])
            kept = dict(self.shadow)
            self._save(intend(plan.parcels[1], self._hold_ms()))
            if Rule.UNKNOWN not in self.rules:
                self.shadow = kept
            self.flight = Plan(plan.parcels[1:], held, plan.rev, plan.version, self.now_ms)

    def _settled(self, plan: Plan, parcel: Parcel, how: str) -> None:
        by_part: dict[int, Outcome] = {}
        if how in ("part", "doubt"):
            # A complete set is refused as a whole.
            for number in range(len(parcel) if how == "part" and parcel.complete else 1):
                by_part[number] = Refused("no", "no") if how == "part" else Unknown()
        elif how in ("ok", "half") and parcel.complete:
            self.opened = True
        if how == "busy":
            touched = undo(plan.held)
        else:
            known = how in ("ok", "half", "part", "doubt")
            doubt_until_ms = self.now_ms + SETTLE_MS if Rule.SETTLE in self.rules else 0
            retry_at_ms = self.now_ms + RETRY_MS
            overall: Outcome = Confirmed() if known else Unknown()
            touched = settle(
                parcel, overall, by_part, plan.held, doubt_until_ms=doubt_until_ms, retry_at_ms=retry_at_ms
            ).touched
        if Rule.UNKNOWN in self.rules:
            self._save(touched)
        elif how in ("ok", "half", "part", "doubt"):
            self._save(touched)
            self.synced = (plan.rev, plan.version)
        if Rule.EPOCH not in self.rules:
            self.synced = (self.synced[0], self.version)

    def arrive_late(self) -> None:
        """A request that seemed lost lands after all, if it still can."""
        if self.late:
            updates, until_ms, complete = self.late.pop(0)
            if self.now_ms <= until_ms:
                self._apply(updates, complete=complete)

    def _apply(self, updates: list[AriUpdate], *, complete: bool) -> None:
        if complete:
            self.limits = dict.fromkeys(self.limits, 0)
        for update in updates:
            for night in days_in(update.first, update.last):
                for setting in update.settings:
                    if setting.field is Field.FIGURE:
                        self.limits[update.room, night] = setting.value
                    else:
                        self.cells[update.room, night, setting.field] = setting.value

    # --- and how it must end ----------------------------------------------------------------------------------------

    def settle_down(self) -> None:
        """No more faults: what is still on its way lands, then time passes and everything is answered."""
        if self.flight:
            self.end("ok")
        while self.late:
            self.arrive_late()
        for _ in range(40):
            self.begin()
            if self.flight:
                self.end("ok")
            elif any(stored.due_ms is not None for stored in self.shadow.values()):
                self.now_ms += RETRY_MS
            else:
                return

    def wrong(self) -> list[str]:
        """Where the channel's own state is not what it should be."""
        hotel, channel = self.channel()
        rows = Calendar(
            hotel.guests,
            [(key, body) for key, (_, body) in self.calendar.items()],
            [(key, body) for key, (_, body) in self.stock.items()],
        )
        faults = []
        rooms = {code: room for room, code in self.mapped.items()}
        for code in CODES:
            for number, night in enumerate(NIGHTS):
                sold = code in rooms and number < self.horizon
                limit = channel.view(Aspect.LIMIT, [(code, "", night // 32)], rows) if sold else None
                wanted = int(limit.columns["limit"][0, night % 32]) if limit else 0
                if self.limits.get((code, night), 0) != wanted:
                    faults.append(f"{code} {night}: limit {self.limits.get((code, night), 0)}, not {wanted}")
                if Aspect.RULES in channel.aspects:
                    faults += self._wrong_cells(channel, rows, code, night, sold=sold)
        return faults

    def _wrong_cells(self, channel: Channel, rows: Calendar, code: str, night: Day, *, sold: bool) -> list[str]:
        if not sold:
            shut = self.cells.get((code, night, Field.CLOSED), 1)
            return [] if shut else [f"{code} {night} is open"]
        slot = [(code, "x", night // 32)]
        rules, prices = channel.view(Aspect.RULES, slot, rows), channel.view(Aspect.PRICES, slot, rows)
        wanted = {name: int(rules.columns[name][0, night % 32]) for name in channel.rule_fields}
        price = int(prices.columns["price"][0, night % 32, 0])
        if price >= 0:
            wanted[Field.PRICE] = price
        held = {name: self.cells.get((code, night, name)) for name in wanted}
        return [] if held == wanted else [f"{code} {night}: {held}, not {wanted}"]
