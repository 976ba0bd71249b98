"""What a bench is, how its figures are taken, and how ours are judged against the floor's.

Floor and ours take turns round by round, so that a machine growing warm or busy touches both alike. The ratio is that
of the round in the middle: the best rounds of both need not be of the same moment, and a machine whose speed changes by
half within a minute would be compared with itself.
"""

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from benchmarks.conditions import CPU_REPEATS, ROUNDS

Figures = Mapping[str, float]
Measure = Callable[[], Figures]
Verdict = Literal["ok", "over", "floor over", ""]


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure, with its unit last in `key`.

    `pick` is how rounds become one figure: the least disturbed (`min`), which suits CPU, or the `median`.
    `ratio_max` bounds ours by the floor's, `value_max` bounds ours alone.
    """

    key: str
    pick: Literal["min", "median"] = "median"
    ratio_max: float | None = None
    value_max: float | None = None

    def of(self, samples: Sequence[float]) -> float | None:
        """The figure of all rounds, or none where nothing was measured."""
        if not samples:
            return None
        return min(samples) if self.pick == "min" else statistics.median(samples)


@dataclass(slots=True)
class Bench:
    """A comparison. Without a floor (statement counts) only ours is printed, and the other way round."""

    name: str
    title: str
    metrics: tuple[Metric, ...]
    floor: Measure | None = None
    ours: Measure | None = None
    rounds: int = ROUNDS


@dataclass(frozen=True, slots=True)
class Row:
    """One metric's outcome, with every round's sample."""

    bench: str
    metric: Metric
    floor_samples: tuple[float, ...] = ()
    our_samples: tuple[float, ...] = ()
    floor: float | None = field(init=False)
    ours: float | None = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "floor", self.metric.of(self.floor_samples))
        object.__setattr__(self, "ours", self.metric.of(self.our_samples))

    @property
    def ratio(self) -> float | None:
        """Ours by the floor's: the median of the rounds."""
        pairs = [mine / floor for mine, floor in zip(self.our_samples, self.floor_samples, strict=False) if floor]
        return statistics.median(pairs) if pairs else None

    @property
    def verdict(self) -> Verdict:
        """Empty where there is no target, or nothing of ours yet.

        "floor over": ours is above a bound in absolute units, but so is the least possible code on this machine.
        """
        metric = self.metric
        if self.ours is None or (metric.ratio_max is None and metric.value_max is None):
            return ""
        if metric.ratio_max is not None and self.ratio is not None and self.ratio > metric.ratio_max:
            return "over"
        if metric.value_max is None or self.ours <= metric.value_max:
            return "ok"
        return "floor over" if self.floor is not None and self.floor > metric.value_max else "over"


_benches: dict[str, Bench] = {}


def register(bench: Bench) -> None:
    """Add a bench; names are unique."""
    if bench.name in _benches:
        raise ValueError(f"bench {bench.name!r} is registered twice")
    _benches[bench.name] = bench


def ours(name: str) -> Callable[[Measure], Measure]:
    """Decorate the function that measures our code for the bench `name`, returning that bench's metrics."""

    def attach(measure: Measure) -> Measure:
        if _benches[name].ours is not None:
            raise ValueError(f"bench {name!r} has two measures of ours")
        _benches[name].ours = measure
        return measure

    return attach


def registered() -> Sequence[Bench]:
    """All benches in order of registration."""
    return tuple(_benches.values())


def run_bench(bench: Bench, rounds: int | None = None) -> list[Row]:
    """Measure a bench, floor and ours in turn; a metric that a measure does not return is an error."""
    floors: list[Figures] = []
    mine: list[Figures] = []
    for _ in range(rounds or bench.rounds):
        if bench.floor is not None:
            floors.append(bench.floor())
        if bench.ours is not None:
            mine.append(bench.ours())
    return [
        Row(bench.name, metric, tuple(each[metric.key] for each in floors), tuple(each[metric.key] for each in mine))
        for metric in bench.metrics
    ]


def cpu_and_wall(work: Callable[[], object], repeats: int = CPU_REPEATS) -> Figures:
    """`cpu_ms` (all threads of this process) and `wall_ms` of one call: the least of some repeats after one warm-up.

    Garbage left by others is collected first, but collection stays on: what the work itself allocates is its own cost.
    """
    work()
    cpu_ns: list[int] = []
    wall_ns: list[int] = []
    for _ in range(repeats):
        gc.collect()
        cpu_before_ns, wall_before_ns = time.process_time_ns(), time.perf_counter_ns()
        work()
        cpu_ns.append(time.process_time_ns() - cpu_before_ns)
        wall_ns.append(time.perf_counter_ns() - wall_before_ns)
    return {"cpu_ms": min(cpu_ns) / 1e6, "wall_ms": min(wall_ns) / 1e6}
