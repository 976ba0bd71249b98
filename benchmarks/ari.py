"""Ours: a large ARI document, from bytes to the committed calendar and the answer."""

from datetime import timedelta
from functools import partial
from itertools import cycle

from benchmarks import conditions
from benchmarks.datasets.ari import AriSet, avail_document, rate_document
from benchmarks.harness import Figures, cpu_and_wall, ours
from benchmarks.house import standard_house


def _measure(kind: str) -> Figures:
    """Two documents take turns, moved by one day against each other, so that every one of them changes the calendar."""
    write = avail_document if kind == "avail" else rate_document
    documents = cycle([write(AriSet()), write(AriSet(first_date=conditions.FIRST_DATE + timedelta(days=1)))])
    with standard_house() as house:

        def work() -> None:
            reply = house.post("bench-pms", next(documents))
            assert reply.status == 200, reply.body[:300]
            assert b"<Success" in reply.body, reply.body[:300]

        return cpu_and_wall(work)


ours("ari-avail")(partial(_measure, "avail"))
ours("ari-rates")(partial(_measure, "rates"))
