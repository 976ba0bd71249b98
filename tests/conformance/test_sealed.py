"""The sealed room sees what a connector does, and not what the tools around it do at the same time."""

from __future__ import annotations

import gc
import time

from hypothesis.internal.conjecture.junkdrawer import gc_cumulative_time

from gateway.testing.sealed import sealed


def test_the_clock_of_a_test_tool_is_not_the_connectors() -> None:
    gc_cumulative_time()  # from here on Hypothesis times every collection
    with sealed() as seen:
        gc.collect()
    assert seen == []


def test_a_clock_read_by_anyone_else_is_seen() -> None:
    with sealed() as seen:
        time.perf_counter()
    assert seen == ["time.perf_counter in test_a_clock_read_by_anyone_else_is_seen"]
