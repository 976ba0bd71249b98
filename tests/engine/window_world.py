"""A hotel night seen from both sides, for an exhaustive search over everything that can happen in which order.

The world knows what is true: what the PMS has applied, which figures are under way, what is wanted. A *rule* is what
the gateway makes of it. The search visits every state once, shortest histories first, so a counterexample is short.
Clock steps are half of ``figure_delay_s``; a figure arrives at most one step after it was produced, so always in less
than the delay. Times are relative to now, and deliveries are counted from the last acknowledgement, or no state would
ever be met again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator
from typing import Any, NamedTuple, Protocol

import msgspec

from gateway.engine import window
from gateway.engine.nights import RoomNights
from gateway.model.property import FigureKind

DELAY_S = 2
STEP_MS = 1000
ROOM, NIGHT = "DBL", 740_000


class Delivery(NamedTuple):
    """``stage``: out, applied (answer under way), refused (answer under way), or lost."""

    stage: str
    seq: int
    value: int


_NONE = Delivery("", 0, 0)


class World(NamedTuple):
    """What is true; one entry per reservation, and ``air`` with (figure, its age) for each figure under way.

    ``entered`` says that something got into the PMS after a refusal; nobody types in what is outdated by then.
    """

    figure: int
    wanted: tuple[int, ...]
    told: tuple[int, ...]
    pms: tuple[int, ...]
    wire: tuple[Delivery | None, ...]
    refused: tuple[Delivery | None, ...]
    entered: tuple[bool, ...]
    air: tuple[tuple[int, int], ...]
    know: tuple[Any, ...]


class Setting(NamedTuple):
    """What can happen in this world. ``units`` are the sizes a reservation may have besides 0."""

    rooms: int = 2
    reservations: int = 1
    units: tuple[int, ...] = (1, 2)
    echo: bool = False
    stamped: bool = False
    losses: bool = False
    refusals: bool = False
    clamped: bool = False
    cancels: bool = True
    air_max: int = 2


class Rule(Protocol):
    """``know`` is opaque to the world; it is hashable and holds no absolute time."""

    def start(self) -> Hashable: ...

    def want(self, know: Any, units: int) -> Hashable: ...

    def sent(self, know: Any, seq: int) -> Hashable: ...

    def acknowledged(self, know: Any, seq: int) -> Hashable: ...

    def rejected(self, know: Any, seq: int) -> Hashable: ...

    def entered_by_hand(self, know: Any) -> Hashable: ...

    def figure(self, know: Any, at_ms: int, produced_ms: int | None) -> Hashable: ...

    def settle(self, know: Any, now_ms: int) -> Hashable: ...

    def sellable(self, figure: int, know: tuple[Any, ...]) -> int: ...

    def aged(self, know: Any, step_ms: int) -> Hashable: ...


class ValueSets:
    """The rule under test. What it is told about the world may be true or not."""

    def __init__(self, delay_s: float = DELAY_S, echoes: bool = False, clamped: bool = False) -> None:
        self.delay_s = delay_s
        self.echoes = echoes
        self.clamped = clamped

    def start(self) -> window.Claim:
        return window.Claim(acked_ms=-2 * DELAY_S * 1000)

    def want(self, know: window.Claim, units: int) -> window.Claim:
        return window.want(know, (RoomNights(ROOM, NIGHT, NIGHT + 1, units),) if units else ())

    def sent(self, know: window.Claim, seq: int) -> window.Claim:
        return window.sent(know, seq, 0)

    def acknowledged(self, know: window.Claim, seq: int) -> window.Claim:
        return _renumbered(window.acknowledged(know, seq, 0))

    def rejected(self, know: window.Claim, seq: int) -> window.Claim:
        return window.rejected(know, seq, 0)

    def entered_by_hand(self, know: window.Claim) -> window.Claim:
        return _renumbered(window.entered_by_hand(know, 0))

    def figure(self, know: window.Claim, at_ms: int, produced_ms: int | None) -> window.Claim:
        return window.figure_arrived(know, ROOM, (NIGHT,), at_ms, self.delay_s, produced_ms)

    def settle(self, know: window.Claim, now_ms: int) -> window.Claim:
        return window.settle(know, now_ms, self.delay_s, self.echoes)

    def sellable(self, figure: int, know: tuple[window.Claim, ...]) -> int:
        unseen = sum(window.unseen(claim).get((ROOM, NIGHT), 0) for claim in know)
        return window.free(FigureKind.ROOMS_LEFT, figure, 0, unseen, 0, clamped=self.clamped)

    def aged(self, know: window.Claim, step_ms: int) -> window.Claim:
        return msgspec.structs.replace(
            know,
            acked_ms=max(know.acked_ms - step_ms, -2 * DELAY_S * 1000),
            older=tuple(window.Older(of.value, of.until_ms - step_ms) for of in know.older),
        )


def _renumbered(claim: window.Claim) -> window.Claim:
    """Counts deliveries from 1 again, as the world does after each acknowledgement."""
    seen = tuple(msgspec.structs.replace(of, after=max(of.after - claim.acked_seq, -1)) for of in claim.seen)
    return msgspec.structs.replace(claim, acked_seq=0, seen=seen)


class Found(NamedTuple):
    """The shortest history to each kind of fault, and how many states were visited."""

    oversold: tuple[str, ...] | None
    undersold: tuple[str, ...] | None
    states: int


def search(rule: Rule, setting: Setting, depth: int) -> Found:
    """Visits every state within ``depth`` events; stops at the first overselling."""
    n = setting.reservations
    start = World(
        setting.rooms, (0,) * n, (0,) * n, (0,) * n, (None,) * n, (None,) * n, (False,) * n, (), (rule.start(),) * n
    )
    seen = {start}
    queue: deque[tuple[World, tuple[str, ...]]] = deque([(start, ())])
    undersold: tuple[str, ...] | None = None
    while queue:
        world, path = queue.popleft()
        true = max(setting.rooms - sum(world.wanted), 0)
        if _sellable(rule, world) > true:
            return Found(path, undersold, len(seen))
        if undersold is None and _at_rest(world):
            undersold = next(((*path, how) for how in _rested(rule, setting, world, true)), None)
        if len(path) < depth:
            for name, after in _events(rule, setting, world):
                if after not in seen:
                    seen.add(after)
                    queue.append((after, (*path, name)))
    return Found(None, undersold, len(seen))


def _sellable(rule: Rule, world: World) -> int:
    return max(rule.sellable(world.figure, world.know), 0)


def _figure(setting: Setting, pms: tuple[int, ...]) -> int:
    left = setting.rooms - sum(pms)
    return max(left, 0) if setting.clamped else left


def _at_rest(world: World) -> bool:
    quiet = not world.air and not any(world.wire) and not any(of is not None for of in world.refused)
    return quiet and world.wanted == world.told == world.pms


def _rested(rule: Rule, setting: Setting, world: World, true: int) -> Iterator[str]:
    """Ways of coming to rest after which the gateway still sells less (or more) than is free."""
    later = 100 * STEP_MS
    asked = world._replace(
        figure=_figure(setting, world.pms), know=tuple(rule.figure(know, later, None) for know in world.know)
    )
    if _sellable(rule, asked) != true:
        yield "a figure much later"
    # What was tried before, or entered by people, may change nothing at the PMS when it comes, and so bring no echo.
    if setting.echo and not setting.losses and not setting.refusals:
        waited = world._replace(know=tuple(rule.settle(know, later) for know in world.know))
        if _sellable(rule, waited) != true:
            yield "time passes"


def _events(rule: Rule, setting: Setting, world: World) -> Iterator[tuple[str, World]]:
    yield from _time_and_figures(rule, setting, world)
    for r in range(setting.reservations):
        yield from _bookings(rule, setting, world, r)
        yield from _deliveries(rule, setting, world, r)
        if setting.refusals:
            yield from _hands(rule, world, r)


def _time_and_figures(rule: Rule, setting: Setting, world: World) -> Iterator[tuple[str, World]]:
    if all(age == 0 for _, age in world.air):
        know = tuple(rule.aged(of, STEP_MS) for of in world.know)
        yield "time", world._replace(air=tuple((figure, 1) for figure, _ in world.air), know=know)
    yield "timers", world._replace(know=tuple(rule.settle(of, 0) for of in world.know))
    if len(world.air) < setting.air_max:
        yield "pms computes", world._replace(air=(*world.air, (_figure(setting, world.pms), 0)))
    if world.air:
        figure, age = world.air[0]
        produced = -age * STEP_MS if setting.stamped else None
        know = tuple(rule.figure(of, 0, produced) for of in world.know)
        yield f"figure {figure} arrives", world._replace(figure=figure, air=world.air[1:], know=know)


def _bookings(rule: Rule, setting: Setting, world: World, r: int) -> Iterator[tuple[str, World]]:
    old = world.wanted[r]
    for units in (0, *setting.units) if setting.cancels else setting.units:
        if units < old or 0 < units - old <= _sellable(rule, world):
            know = _put(world.know, r, rule.want(world.know[r], units))
            yield f"want{r}={units}", world._replace(wanted=_put(world.wanted, r, units), know=know)


def _deliveries(rule: Rule, setting: Setting, world: World, r: int) -> Iterator[tuple[str, World]]:
    flying, refused, value = world.wire[r], world.refused[r], world.wanted[r]
    if flying is None or flying.stage == "lost":
        retry = refused is not None and not world.entered[r]
        if value != world.told[r] or flying is not None or retry:
            seq = 1 + max(of.seq for of in (flying, refused, _NONE) if of is not None)
            yield f"send{r}={value}", _send(rule, world, r, seq)
    elif flying.stage == "out":
        yield f"pms applies {r}", _applied(setting, world, r, flying)
        if setting.refusals and not world.entered[r]:
            yield f"pms refuses {r}", world._replace(wire=_put(world.wire, r, flying._replace(stage="refused")))
    elif flying.stage == "applied":
        know = _put(world.know, r, rule.acknowledged(world.know[r], flying.seq))
        yield f"ack{r}", world._replace(wire=_put(world.wire, r, None), know=know, refused=_put(world.refused, r, None))
    elif flying.stage == "refused":
        know = _put(world.know, r, rule.rejected(world.know[r], flying.seq))
        yield (
            f"refusal{r}",
            world._replace(wire=_put(world.wire, r, None), know=know, refused=_put(world.refused, r, flying)),
        )
    if setting.losses and flying is not None and flying.stage in ("out", "applied"):
        yield f"lost{r}", world._replace(wire=_put(world.wire, r, flying._replace(stage="lost")))


def _send(rule: Rule, world: World, r: int, seq: int) -> World:
    value = world.wanted[r]
    return world._replace(
        wire=_put(world.wire, r, Delivery("out", seq, value)),
        told=_put(world.told, r, value),
        know=_put(world.know, r, rule.sent(world.know[r], seq)),
    )


def _applied(setting: Setting, world: World, r: int, flying: Delivery) -> World:
    pms = _put(world.pms, r, flying.value)
    changed = pms != world.pms  # the same again is no change, and an echo nobody must expect
    air = (*world.air, (_figure(setting, pms), 0)) if setting.echo and changed else world.air
    entered = _put(world.entered, r, world.entered[r] or world.refused[r] is not None)
    return world._replace(pms=pms, air=air, entered=entered, wire=_put(world.wire, r, flying._replace(stage="applied")))


def _hands(rule: Rule, world: World, r: int) -> Iterator[tuple[str, World]]:
    refused = world.refused[r]
    if refused is None:
        return
    if world.pms[r] != refused.value and not world.entered[r]:
        yield (
            f"by hand {r}={refused.value}",
            world._replace(pms=_put(world.pms, r, refused.value), entered=_put(world.entered, r, True)),
        )
    elif world.pms[r] == refused.value and world.wire[r] is None:
        know = _put(world.know, r, rule.entered_by_hand(world.know[r]))
        yield (
            f"marked{r}",
            world._replace(know=know, refused=_put(world.refused, r, None)),
        )


def _put(of: tuple[Any, ...], index: int, value: Any) -> tuple[Any, ...]:
    return (*of[:index], value, *of[index + 1 :])
