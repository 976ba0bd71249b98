"""How much of its cores this machine really gives: a share taken by the host or by other processes spoils figures.

A guest that is not told of stolen time books it as CPU time of whatever ran. It cannot be subtracted afterwards, only
stated beside the figures. `python -m benchmarks.noise` prints the share one core loses.
"""

import os
import subprocess
import sys
import time

from benchmarks.conditions import PROJECT_ROOT

PROBE_S = 1.0
# Longer than any interrupt, shorter than any time slice.
GAP_S = 0.0005


def lost_share(duration_s: float) -> float:
    """Spin, and add up the gaps between two looks at the clock."""
    lost_s, started_s = 0.0, time.perf_counter()
    before_s = started_s
    while before_s < started_s + duration_s:
        now_s = time.perf_counter()
        if now_s - before_s > GAP_S:
            lost_s += now_s - before_s
        before_s = now_s
    return lost_s / (before_s - started_s)


def lost_percent() -> float:
    """The mean loss of all cores while all are kept busy."""
    cores = len(os.sched_getaffinity(0))
    command = [sys.executable, "-m", "benchmarks.noise"]
    probes = [subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE) for _ in range(cores)]
    return sum(float(probe.communicate()[0]) for probe in probes) / cores * 100


if __name__ == "__main__":
    print(lost_share(PROBE_S))
