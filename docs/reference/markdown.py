"""Markdown as the pages of this folder have it."""

from __future__ import annotations

from collections.abc import Iterable

_NOTE = "Written by `docs/reference/make.py` from the code (`make docs`); a test compares them."


def head(name: str, *lines: str) -> list[str]:
    """A page's title and first lines."""
    return [f"# {name}", "", _NOTE, "", *lines, ""]


def table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """A table; bars inside a cell would end it."""
    columns = list(columns)
    lines = (" | ".join(cell.replace("|", "\\|") for cell in row) for row in rows)
    return [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|", *(f"| {line} |" for line in lines), ""]
