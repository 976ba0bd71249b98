"""Figures for Prometheus, in its text format 0.0.4. What is counted here is this process's own since it started.

Names end in their unit. A label never takes more than a fixed number of values: connections beyond the first
``CONNECTIONS_MAX`` are counted together as ``other``, so that ten thousand hotels cannot fill the memory of whoever
collects.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from email.utils import parsedate_to_datetime
from itertools import accumulate
from typing import NamedTuple

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from gateway.model.dates import Instant

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
CONNECTIONS_MAX = 500
OTHER = "other"
_ANSWER_BUCKETS_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
_CALL_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_COMMIT_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5)
_BATCH_BUCKETS = (1, 2, 5, 10, 20, 50, 100)
# A counterpart's clock hardly moves, and reading a date costs more than counting.
_SKEW_EVERY_MS = 60_000

Sample = tuple[tuple[str, ...], float]


class Family(NamedTuple):
    """Gauges of one name: what was found, by the values of its labels."""

    name: str
    text: str
    labels: Sequence[str]
    samples: Sequence[Sample]


class Tally:
    """Counts by two labels. Only the event loop counts, so there is no lock; the client library's would cost 1 µs."""

    def __init__(self, name: str, text: str, *labels: str) -> None:
        self._named = name, text, labels
        self.counts: dict[tuple[str, str], int] = {}

    def add(self, key: tuple[str, str], count: int = 1) -> None:
        self.counts[key] = self.counts.get(key, 0) + count

    def family(self) -> Metric:
        name, text, labels = self._named
        family = CounterMetricFamily(name, text, labels=labels)
        for values, count in self.counts.items():
            family.add_metric(values, count)
        return family


class Spread:
    """How often what was measured fell into each bucket, by one label."""

    def __init__(self, name: str, text: str, bounds: Sequence[float], *labels: str) -> None:
        self._named = name, text, labels
        self._bounds = bounds
        self._found: dict[str, list[int]] = {}
        self._sums: dict[str, float] = {}

    def add(self, value: float, label: str = "") -> None:
        found = self._found.get(label)
        if found is None:
            found = self._found[label] = [0] * (len(self._bounds) + 1)
            self._sums[label] = 0.0
        found[bisect_left(self._bounds, value)] += 1
        self._sums[label] += value

    def family(self) -> Metric:
        name, text, labels = self._named
        family = HistogramMetricFamily(name, text, labels=labels)
        bounds = [*map(str, self._bounds), "+Inf"]
        for label, found in self._found.items():
            buckets = list(zip(bounds, accumulate(found), strict=True))
            family.add_metric([label] if labels else [], buckets, self._sums[label])
        return family


class Metrics:
    """Everything this process counts. Counting takes less than a microsecond."""

    def __init__(self) -> None:
        self._process = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._process)
        self._names: dict[str, str] = {}
        self._skew_read_ms: dict[str, Instant] = {}
        self.skew_ms: dict[str, int] = {}
        self._asked: list[Callable[[], Metric]] = []
        self._inbound = self._tally("gateway_inbound", "Messages that came in", "kind", "outcome")
        self._bookings = self._tally("gateway_bookings", "Revisions of bookings taken", "connection", "kind")
        self._pushes = self._tally("gateway_pushes", "Messages pushed", "connection", "outcome")
        self._parts = self._tally("gateway_push_parts", "Parts of pushed messages", "connection", "outcome")
        self._deliveries = self._tally("gateway_deliveries", "Reservations handed on", "connection", "outcome")
        self._answer = self._spread("gateway_inbound_answer_seconds", "Until the answer", _ANSWER_BUCKETS_S, "kind")
        self._call = self._spread("gateway_call_seconds", "Calls to counterparts", _CALL_BUCKETS_S, "purpose")
        self._commit = self._spread("gateway_batch_commit_seconds", "Transactions of batches", _COMMIT_BUCKETS_S)
        self._jobs = self._spread("gateway_batch_jobs", "Messages that shared a transaction", _BATCH_BUCKETS)

    def _tally(self, name: str, text: str, *labels: str) -> Tally:
        tally = Tally(name, text, *labels)
        self._asked.append(tally.family)
        return tally

    def _spread(self, name: str, text: str, bounds: Sequence[float], *labels: str) -> Spread:
        spread = Spread(name, text, bounds, *labels)
        self._asked.append(spread.family)
        return spread

    # --- what is counted --------------------------------------------------------------------------------------------

    def inbound(self, kind: str, outcome: str, seconds: float) -> None:
        """A message was answered; ``outcome`` is ``taken`` or a :class:`gateway.errors.Reason`."""
        self._inbound.add((kind, outcome))
        self._answer.add(seconds, kind)

    def booking(self, connection: str, kind: str) -> None:
        """A revision (new, modify, cancel) was taken."""
        self._bookings.add((self._name(connection), kind))

    def push(self, connection: str, outcome: str, parts: Iterable[tuple[str, int]]) -> None:
        """A message was pushed: what became of it as a whole, and how many of its parts came to which end."""
        name = self._name(connection)
        self._pushes.add((name, outcome))
        for part_outcome, count in parts:
            self._parts.add((name, part_outcome), count)

    def delivery(self, connection: str, outcome: str) -> None:
        """A reservation was handed on, or not."""
        self._deliveries.add((self._name(connection), outcome))

    def call(self, purpose: str, seconds: float) -> None:
        """A call to a counterpart came to its end; ``purpose`` is ``push`` or ``deliver``."""
        self._call.add(seconds, purpose)

    def batch(self, jobs: int, seconds: float) -> None:
        """A transaction with so many messages was committed."""
        self._commit.add(seconds)
        self._jobs.add(jobs)

    def clock_of(self, connection: str, date: str | None, now_ms: Instant) -> None:
        """What a counterpart's ``Date`` (RFC 9110 section 6.6.1) says about its clock, to a second and the latency."""
        if date is None or now_ms - self._skew_read_ms.get(connection, 0) < _SKEW_EVERY_MS:
            return
        self._skew_read_ms[connection] = now_ms
        try:
            self.skew_ms[connection] = int(parsedate_to_datetime(date).timestamp() * 1000) - now_ms
        except (ValueError, OverflowError):
            self.skew_ms.pop(connection, None)

    def _name(self, connection: str) -> str:
        name = self._names.get(connection)
        if name is None:
            if len(self._names) >= CONNECTIONS_MAX:
                return OTHER
            name = self._names[connection] = connection
        return name

    # --- what is asked for when it is collected ---------------------------------------------------------------------

    def watch_queue(self, waiting: Callable[[], int]) -> None:
        """Whom to ask how many messages wait for a transaction."""
        name, text = "gateway_batch_waiting", "Messages that wait for a transaction"
        self._asked.append(lambda: _gauges(Family(name, text, (), [((), waiting())])))

    def watch_statements(self, counted: Callable[[], tuple[int, int]]) -> None:
        """Whom to ask for the database's statements and transactions so far."""
        sent, begun = "Statements sent to the database", "Transactions begun"
        self._asked.append(lambda: CounterMetricFamily("gateway_database_statements", sent, counted()[0]))
        self._asked.append(lambda: CounterMetricFamily("gateway_database_transactions", begun, counted()[1]))

    def render(self, standing: Iterable[Family] = ()) -> bytes:
        """Everything counted, and what was found standing in the database."""
        families = [*self._process.collect(), *(ask() for ask in self._asked), *map(_gauges, standing)]
        return generate_latest(_Collected(families))


class _Collected:
    """Families that are there already, in the shape of a registry."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        return iter(self._families)


def _gauges(found: Family) -> Metric:
    family = GaugeMetricFamily(found.name, found.text, labels=list(found.labels))
    for values, figure in found.samples:
        family.add_metric(list(values), figure)
    return family
