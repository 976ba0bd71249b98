"""Looking for card numbers in what is left behind: by its own reading of Luhn, so that it shares no mistake."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gateway.store.database import Database, Transaction
from gateway.store.schema import SPECS

# From every digit on, so that a number inside a longer run is found as well.
_RUN = re.compile(rb"(?=([0-9](?:[ -]?[0-9]){12,18}))")


def numbers_in(data: bytes, wanted: frozenset[str]) -> set[str]:
    """Every number of ``wanted`` that stands anywhere in the data, also with blanks or hyphens, if it passes Luhn."""
    runs = {re.sub(rb"[ -]", b"", run[1]).decode() for run in _RUN.finditer(data)}
    return {number for number in wanted if _luhn(number) and any(run.startswith(number) for run in runs)}


def _luhn(number: str) -> bool:
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(number))]
    return sum(value // 10 + value % 10 for value in doubled) % 10 == 0


async def dump(database: Database) -> dict[str, bytes]:
    """Every row of every table, as bytes."""

    async def read(tx: Transaction) -> dict[str, bytes]:
        return {spec.name: b"\n".join(map(_bytes, await tx.rows(row, "1 = 1"))) for row, spec in SPECS.items()}

    return await database.read(read)


def _bytes(row: Iterable[Any]) -> bytes:
    return b"|".join(value if isinstance(value, bytes) else str(value).encode() for value in row)


def files_in(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
