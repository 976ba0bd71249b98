"""How much other processes, or the host of a virtual machine, took of the cores while something was measured.

On a shared machine latencies tell more about the neighbours than about the server, and even CPU time grows with cold
caches. That cannot be subtracted afterwards, only stated beside the figures.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil


@dataclass(slots=True)
class Others:
    """`percent` of one core, known once the block has ended; 100 on two cores means that one was lost altogether."""

    percent: float = 0.0


def _machine_s() -> float:
    """Busy seconds of all cores, time stolen by a host included."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq + times.steal)


def _own_s() -> float:
    """Seconds of this process and of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


@contextmanager
def others() -> Iterator[Others]:
    """Watch a block that has ended every process it started."""
    found = Others()
    before_s, started_s = _machine_s() - _own_s(), time.perf_counter()
    yield found
    found.percent = max(0.0, (_machine_s() - _own_s() - before_s) / (time.perf_counter() - started_s) * 100)
