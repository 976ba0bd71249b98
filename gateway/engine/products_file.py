"""The part of a hotel file that says what there is to sell: ``[[room_types]]`` and ``[[rate_plans]]``."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, Literal

from msgspec import Meta

from gateway.engine.file_reader import FileReader
from gateway.engine.file_table import WORD, Numeral, Shape, Tables, Text, codes_in, place
from gateway.engine.readable import shown
from gateway.errors import Malformed
from gateway.model.ari import OCCUPANCY_MAX, STAY_MAX
from gateway.model.dates import FIRST_DAY, LAST_DAY, Day, parse_day
from gateway.model.property import LengthRate, Part, RatePlan, RoomType, Rounding

LINEAGE_MAX = 8  # plans from a derived one to its own prices, both counted, as gateway.engine.rates follows them
UNITS_MAX = 9_999
PARTS_MAX = 20

_RoomCode = Annotated[str, Meta(pattern=rf"\A{WORD}{{1,16}}\Z", description="a code: 1 to 16 of A-Z a-z 0-9 . _ -")]
_PlanCode = Annotated[str, Meta(pattern=rf"\A{WORD}{{1,64}}\Z", description="a code: 1 to 64 of A-Z a-z 0-9 . _ -")]
_Units = Annotated[int, Meta(ge=1, le=UNITS_MAX, description=f"a number of rooms from 1 to {UNITS_MAX}")]
_Date = Annotated[str, Meta(pattern=r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z", description='a date in quotes, "2031-05-12"')]
_Rounding = Annotated[Rounding, Meta(description='"nearest", "up" or "down"')]


class RoomTable(Shape, frozen=True, kw_only=True):
    """A table of ``room_types``."""

    required = ("code",)

    code: _RoomCode = ""
    name: Text = ""
    units: _Units | None = None
    adults_max: Annotated[
        int, Meta(ge=1, le=OCCUPANCY_MAX, description=f"a number of adults from 1 to {OCCUPANCY_MAX}")
    ] = 2
    made_of: (
        Annotated[
            dict[str, _Units],
            Meta(min_length=1, max_length=PARTS_MAX, description="room types with how many, { DBL = 2 }"),
        ]
        | None
    ) = None


class LengthTable(Shape, frozen=True, kw_only=True):
    """A line of a plan's ``lengths``."""

    required = ("nights",)

    nights: Annotated[int, Meta(ge=2, le=STAY_MAX, description=f"a number of nights from 2 to {STAY_MAX}")] = 2
    percent: Numeral = None
    amount: Numeral = None
    round_to: Numeral = None
    rounding: _Rounding = Rounding.NEAREST
    first: _Date | None = None
    last: _Date | None = None


class PlanTable(Shape, frozen=True, kw_only=True):
    """A table of ``rate_plans``."""

    required = ("code",)

    code: _PlanCode = ""
    name: Text = ""
    derived_from: Text = ""
    percent: Numeral = None
    amount: Numeral = None
    round_to: Numeral = None
    rounding: _Rounding = Rounding.NEAREST
    restrictions: Annotated[Literal["inherited", "own"], Meta(description='"inherited" or "own"')] = "inherited"
    lengths: Annotated[Tables, Meta(max_length=100, description="a list of at most 100 tables")] = ()


class ProductsReader:
    """Reads room types and rate plans; amounts are left unread where no currency is known."""

    def __init__(self, reader: FileReader, currency: str) -> None:
        self._reader = reader
        self._currency = currency

    # --- room types ---

    def room_types(self, raw: Tables) -> tuple[RoomType, ...]:
        tables = [self._reader.table(RoomTable, each, f"room_types[{index}]") for index, each in enumerate(raw)]
        self._reader.unique([table.code for table in tables], "room_types", "code")
        units = {table.code: table.units or 0 for table in tables}
        linked = {table.code for table in tables if table.made_of}
        rooms = []
        for index, table in enumerate(tables):
            path = f"room_types[{index}]"
            parts = tuple(Part(room, count) for room, count in (table.made_of or {}).items())
            self._parts(table.code, parts, f"{path}.made_of", codes_in(raw), linked)
            most = min((units.get(part.room, 0) // part.units for part in parts), default=0)
            if table.units is None and "units" not in raw[index] and not parts:
                self._reader.wrong(f"{path}.units", "is missing")
            elif table.units is None and not most and parts:
                self._reader.wrong(f"{path}.made_of", "takes more rooms than there are")
            name, count = table.name or table.code, table.units or most
            rooms.append(RoomType(table.code, name, count, table.adults_max, parts))
        return tuple(rooms)

    def _parts(
        self, code: str, parts: Sequence[Part], path: str, known: Sequence[str], linked: Collection[str]
    ) -> None:
        for part in parts:
            at = place(path, part.room)
            if part.room not in known:
                hint = self._reader.meant(part.room, known)
                self._reader.wrong(at, f"there is no room type {shown(part.room)}{hint}")
            elif part.room == code or part.room in linked:
                self._reader.wrong(at, "must be a room type with rooms of its own, not one that is made of others")

    # --- rate plans ---

    def rate_plans(self, raw: Tables) -> tuple[RatePlan, ...]:
        plans = tuple(self._rate_plan(table, f"rate_plans[{index}]") for index, table in enumerate(raw))
        self._reader.unique([plan.code for plan in plans], "rate_plans", "code")
        known = codes_in(raw)
        parents: dict[str, str] = {}
        for plan in plans:
            parents.setdefault(plan.code, plan.parent)
        for index, plan in enumerate(plans):
            path = f"rate_plans[{index}].derived_from"
            if plan.parent and plan.parent not in known:
                self._reader.wrong(
                    path, f"there is no rate plan {shown(plan.parent)}{self._reader.meant(plan.parent, known)}"
                )
            elif parents.get(plan.code) == plan.parent:
                self._lineage(plan.code, parents, path)
        return plans

    def _rate_plan(self, raw: dict[str, Any], path: str) -> RatePlan:
        table = self._reader.table(PlanTable, raw, path)
        if "derived_from" not in raw:
            for key in ("percent", "amount", "round_to", "rounding", "restrictions"):
                if key in raw:
                    self._reader.wrong(f"{path}.{key}", "is for derived rate plans; add derived_from, or leave it out")
        return RatePlan(
            table.code,
            table.name or table.code,
            table.derived_from,
            self._reader.adjustment(table, path, "", self._currency),
            tuple(self._length(each, f"{path}.lengths[{index}]") for index, each in enumerate(table.lengths)),
            table.restrictions == "own",
        )

    def _length(self, raw: Mapping[str, Any], path: str) -> LengthRate:
        table = self._reader.table(LengthTable, raw, path)
        if table.percent is None and table.amount is None:
            self._reader.wrong(path, "needs a percent or an amount")
        first, last = (
            self._day(table.first, FIRST_DAY, f"{path}.first"),
            self._day(table.last, LAST_DAY, f"{path}.last"),
        )
        if first > last:
            self._reader.wrong(f"{path}.last", "is before first")
        return LengthRate(table.nights, self._reader.adjustment(table, path, "", self._currency), first, last)

    def _day(self, text: str | None, default: Day, path: str) -> Day:
        try:
            return default if text is None else parse_day(text)
        except Malformed as fault:
            self._reader.wrong(path, fault.text)
            return default

    def _lineage(self, code: str, parents: Mapping[str, str], path: str) -> None:
        """Reports a circle at the first of its plans, and a line of parents that is too long."""
        line = {code: None}
        while parent := parents.get(next(reversed(line))):
            if parent in line:
                if parent == code and code == next(other for other in parents if other in line):
                    self._reader.wrong(path, f"{' -> '.join([*line, code])} goes round in a circle")
                return
            line[parent] = None
        if len(line) > LINEAGE_MAX:
            self._reader.wrong(path, f"{code} is derived over more than {LINEAGE_MAX} rate plans")
