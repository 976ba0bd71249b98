"""The rooms of one room type (or of the house) over a block of 32 days: figure, sold, unseen, held.

A booking touches a handful of nights, so these are plain integers rather than numpy arrays: lowering three nights
costs 0.2 µs instead of 2.5. What the numbers mean together is said in :mod:`gateway.engine.window`.
"""

from __future__ import annotations

from array import array
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.model.dates import BLOCK_DAYS

NO_FIGURE: Final = -1
_WORDS: Final = 4 * BLOCK_DAYS
_EMPTY: Final = array("i", [NO_FIGURE] * BLOCK_DAYS + [0] * (3 * BLOCK_DAYS)).tobytes()

FIGURE: Final = 0
SOLD: Final = BLOCK_DAYS
UNSEEN: Final = 2 * BLOCK_DAYS
HELD: Final = 3 * BLOCK_DAYS


def open_stock(body: bytes | None) -> array[int]:
    """The row as 128 integers, ``row[UNSEEN + day % 32]`` and so on; None is a row nobody has written yet."""
    row = array("i")
    row.frombytes(body if body is not None else _EMPTY)
    if len(row) != _WORDS:
        raise ValueError(f"a stock row has {_WORDS} numbers, not {len(row)}")
    return row


def stock_matrix(bodies: list[bytes | None]) -> NDArray[np.int32]:
    """Many rows at once, shape (rows, 4, 32), in the order figure, sold, unseen, held."""
    joined = b"".join([body if body is not None else _EMPTY for body in bodies])
    return np.frombuffer(joined, np.int32).reshape(len(bodies), 4, BLOCK_DAYS)
