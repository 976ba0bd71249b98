"""Print rows as a table or as JSON, with what the machine was."""

import importlib.metadata
import json
import os
import platform
import sqlite3
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.harness import Metric, Row
from benchmarks.processes import file_system

HEADINGS = ("bench", "figure", "floor", "ours", "ratio", "target", "")
LEGEND = "Floor and ours are each the least disturbed round, or the median; ratios are the median of the rounds' own."
PACKAGES = ("litestar", "uvicorn", "uvloop", "httptools", "lxml", "numpy")


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def machine() -> dict[str, str]:
    """What figures depend on besides the code."""
    return {
        "cpu": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "file_system": file_system(Path(os.environ.get("BENCH_DIR", tempfile.gettempdir()))),
        **{package: importlib.metadata.version(package) for package in PACKAGES},
    }


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def _target(metric: Metric) -> str:
    """Both bounds of a metric in words."""
    bounds = []
    if metric.ratio_max is not None:
        bounds.append(f"≤ {metric.ratio_max:g}×")
    if metric.value_max is not None:
        bounds.append(f"≤ {metric.value_max:g}")
    return " and ".join(bounds)


def table(rows: Sequence[Row]) -> str:
    """Columns aligned, numbers to the right."""
    lines = [HEADINGS]
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}×"
        figures = (_number(row.floor), _number(row.ours), ratio)
        lines.append((row.bench, row.metric.key, *figures, _target(row.metric), row.verdict))
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if 2 <= column <= 4 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def disturbance(others_percent: Mapping[str, float]) -> str:
    """What to hold against the figures above it."""
    shares = ", ".join(f"{name} {percent:.0f} %" for name, percent in others_percent.items())
    return f"Other processes took, in percent of one core: {shares}"


def as_json(rows: Sequence[Row], others_percent: Mapping[str, float]) -> str:
    """Everything, samples included, for keeping beside a release."""
    figures = [{**asdict(row), "ratio": row.ratio, "verdict": row.verdict} for row in rows]
    return json.dumps({"machine": machine(), "others_percent": others_percent, "figures": figures}, indent=2)
