"""Turning differences into messages, and replies into what the shadow then knows.

One message at a time is under way per connection: :func:`held_before` and :func:`intend`, then the call, then
:func:`settle` (and :func:`take_back` of what the message did not carry) or :func:`undo`, and only then the next one's
intent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from gateway.contract import Accepted, Confirmed, Outcome, Refused
from gateway.engine.calendar import Array
from gateway.engine.plan import CONFIRMED, DIRTY, DOUBT, REFUSED, Difference, Shadow, kept_down
from gateway.model.ari import AriUpdate, Aspect
from gateway.model.dates import BLOCK_DAYS, Instant


class Part(NamedTuple):
    """One run of a difference, and the update that says it."""

    of: Difference
    run: int
    update: AriUpdate


class Touched(NamedTuple):
    """Rows of a shadow that changed and have to be stored."""

    shadow: Shadow
    rows: Array


class Runs(NamedTuple):
    """Some runs of a difference."""

    of: Difference
    runs: Array

    @property
    def cells(self) -> Array:
        return self.of.cells(self.runs)


class Parcel:
    """One message: rates, or availability with rules, or all limits there are (``complete``).

    Its parts are made when somebody asks for them.
    """

    def __init__(self, rates: bool, urgent: bool, content: Sequence[Runs], complete: bool = False) -> None:
        self.rates = rates
        self.urgent = urgent
        self.complete = complete
        self.content = tuple(content)

    def __len__(self) -> int:
        return sum(len(runs) for _, runs in self.content)

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        return tuple(
            Part(of, run, update)
            for of, runs in self.content
            for run, update in zip(runs.tolist(), of.updates(runs), strict=True)
        )

    def divided(self, count: int) -> tuple[Parcel, Parcel | None]:
        """The first ``count`` parts, and what is left of it: a message of theirs may have no place for all of it."""
        if count >= len(self):
            return self, None
        said: list[Runs] = []
        left: list[Runs] = []
        for of, runs in self.content:
            taken = max(0, min(count, len(runs)))
            count -= taken
            said += [Runs(of, runs[:taken])] if taken else []
            left += [Runs(of, runs[taken:])] if taken < len(runs) else []
        return Parcel(self.rates, self.urgent, said, self.complete), Parcel(self.rates, self.urgent, left)


def parcels(differences: Sequence[Difference], parts_max: int, *, complete: bool = False) -> list[Parcel]:
    """Closings first, then prices, then openings: nothing reopens at a price that is no longer true.

    A run that closes or lowers anything goes first as a whole, and so do, with ``complete``, the limits: all of them
    are one message, whatever their number. Where prices are to follow, that message opens nothing, and a second one
    after them says what it kept back.
    """
    rates = [of for of in differences if of.aspect is Aspect.PRICES]
    limits = [of for of in differences if complete and of.aspect is Aspect.LIMIT]
    others = [
        of for of in differences if of.aspect is not Aspect.PRICES and not (complete and of.aspect is Aspect.LIMIT)
    ]
    sets = _complete_sets(limits, priced=any(len(of.starts) for of in rates))
    closing = [Runs(of, np.flatnonzero(of.urgent)) for of in others]
    prices = [Runs(of, np.arange(len(of.starts))) for of in rates]
    opening = [Runs(of, np.flatnonzero(~of.urgent)) for of in others]
    return [
        *(whole for whole in sets if whole.urgent),
        *(Parcel(rates=False, urgent=True, content=some) for some in _portions(closing, parts_max)),
        *(Parcel(rates=True, urgent=False, content=some) for some in _portions(prices, parts_max)),
        *(Parcel(rates=False, urgent=False, content=some) for some in _portions(opening, parts_max)),
        *(whole for whole in sets if not whole.urgent),
    ]


def _complete_sets(limits: Iterable[Difference], *, priced: bool) -> list[Parcel]:
    """All limits as one message, or as two where it lowers some and others must wait until prices have been told."""
    limits = [of for of in limits if len(of.starts)]
    if not limits:
        return []
    urgent = any(bool(of.urgent.any()) for of in limits)
    lowered = [kept_down(of) for of in limits] if urgent and priced else []
    if any(of.behind is not None and bool(of.behind.any()) for of in lowered):
        return [_complete_set(lowered, urgent=True), _complete_set(limits, urgent=False)]
    return [_complete_set(limits, urgent=urgent)]


def _complete_set(limits: Iterable[Difference], *, urgent: bool) -> Parcel:
    content = [Runs(of, np.arange(len(of.starts))) for of in limits]
    return Parcel(rates=False, urgent=urgent, content=content, complete=True)


def _portions(content: Iterable[Runs], parts_max: int) -> list[list[Runs]]:
    """The same runs in the same order, at most ``parts_max`` together."""
    portions: list[list[Runs]] = []
    room = 0
    for of, runs in content:
        while len(runs):
            if not room:
                portions.append([])
                room = parts_max
            portions[-1].append(Runs(of, runs[:room]))
            taken = min(room, len(runs))
            runs, room = runs[taken:], room - taken
    return portions


class Held(NamedTuple):
    """What the shadow said of a parcel's cells before it was sent, and what their rows waited for."""

    shadow: Shadow
    rows: Array
    hold_ms: Array
    cells: Array
    values: Mapping[str, Array]


def held_before(parcel: Parcel) -> list[Held]:
    """To be taken before :func:`intend`: for :func:`settle`, as doubt that is there already outlasts this parcel's
    answer, and for :func:`undo`."""
    found = []
    for some in parcel.content:
        shadow, cells = some.of.shadow, some.cells
        rows = _rows(shadow, cells)
        values = {name: _flat(column)[cells] for name, column in shadow.sheet.columns.items()}
        found.append(Held(shadow, rows, shadow.hold_ms[rows], cells, values))
    return found


def intend(parcel: Parcel, hold_ms: Instant) -> list[Touched]:
    """Writes the intent into the shadows: the cells now hold what is about to be said, in doubt until ``hold_ms``."""
    touched = []
    for some in parcel.content:
        of, cells = some.of, some.cells
        for name, wanted in of.view.columns.items():
            if name != "sync":
                _flat(of.shadow.sheet.columns[name])[cells] = _flat(wanted)[cells]
        of.shadow.sync[cells] = DOUBT
        rows = _rows(of.shadow, cells)
        of.shadow.hold_ms[rows] = np.maximum(of.shadow.hold_ms[rows], hold_ms)
        touched.append(Touched(of.shadow, rows))
    return touched


def postpone(waiting: Sequence[Parcel]) -> list[Touched]:
    """Marks the cells of parcels that are not sent yet, so that the connection's revision may advance past them."""
    runs: dict[int, list[Array]] = {}
    differences: dict[int, Difference] = {}
    for parcel in waiting:
        for of, some in parcel.content:
            differences[id(of)] = of
            runs.setdefault(id(of), []).append(some)
    touched = []
    for number, of in differences.items():
        cells = of.cells(np.concatenate(runs[number]))
        of.shadow.sync[cells] = DIRTY
        touched.append(Touched(of.shadow, _rows(of.shadow, cells)))
    return touched


class Settled(NamedTuple):
    """The rows to store, and the parts that were refused."""

    touched: list[Touched]
    refused: list[tuple[Part, Refused]]


def settle(
    parcel: Parcel,
    overall: Outcome,
    by_part: Mapping[int, Outcome],
    before: Sequence[Held],
    *,
    doubt_until_ms: Instant,
    retry_at_ms: Instant,
) -> Settled:
    """What an answer makes of the cells in doubt."""
    for held in before:
        held.shadow.hold_ms[held.rows] = held.hold_ms
    refused: list[tuple[Part, Refused]] = []
    first = 0
    for of, runs in parcel.content:
        outcomes = [by_part.get(first + index, overall) for index in range(len(runs))]
        confirmed = of.cells(runs[[isinstance(outcome, Confirmed) for outcome in outcomes]])
        of.shadow.sync[confirmed] = np.where(of.lingering[confirmed], DOUBT, CONFIRMED)
        if of.behind is not None:
            of.shadow.sync[confirmed[of.behind[confirmed]]] = DIRTY
        for index, outcome in enumerate(outcomes):
            if isinstance(outcome, Confirmed):
                continue
            cells = of.cells(runs[index : index + 1])
            hold_ms = outcome.deadline_ms if isinstance(outcome, Accepted) else doubt_until_ms
            if isinstance(outcome, Refused):
                of.shadow.sync[cells] = REFUSED
                refused.append((parcel.parts[first + index], outcome))
                hold_ms = retry_at_ms
            rows = _rows(of.shadow, cells)
            of.shadow.hold_ms[rows] = np.maximum(of.shadow.hold_ms[rows], hold_ms)
        first += len(runs)
    return Settled([Touched(held.shadow, held.rows) for held in before], refused)


def undo(before: Sequence[Held]) -> list[Touched]:
    """The message certainly did not arrive: its cells hold what they held, and are to be sent again."""
    for held in before:
        held.shadow.hold_ms[held.rows] = held.hold_ms
        for name, values in held.values.items():
            _flat(held.shadow.sheet.columns[name])[held.cells] = values
        held.shadow.sync[held.cells] = DIRTY
    return [Touched(held.shadow, held.rows) for held in before]


def take_back(left: Parcel, before: Sequence[Held]) -> None:
    """These parts were in no message: their cells hold what they held, and are to be sent. After :func:`settle`."""
    of_shadow = {id(held.shadow): held for held in before}
    for some in left.content:
        held = of_shadow[id(some.of.shadow)]
        mine = np.isin(held.cells, some.cells)
        cells = held.cells[mine]
        for name, values in held.values.items():
            _flat(held.shadow.sheet.columns[name])[cells] = values[mine]
        held.shadow.sync[cells] = DIRTY


def _rows(shadow: Shadow, cells: Array) -> Array:
    """The rows that the cells lie in, ascending."""
    touched = np.zeros(len(shadow.sheet.keys), bool)
    touched[cells // BLOCK_DAYS] = True
    return np.flatnonzero(touched)


def _flat(values: Array) -> Array:
    return values.reshape(-1, *values.shape[2:])
