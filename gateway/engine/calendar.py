"""Packed days: calendar rows of 32 aligned days, and many of them at once as columns.

A stored row is ``version, guests, groups`` (one byte each; ``groups`` is a bit set) followed by the columns of those
groups, each with its 32 days in a run, little endian. A group whose 32 days all hold the default is left out, so a
usual row is a few hundred bytes; one with every group is below 2 KB for up to 3 guests (with prices and rules but no
extra persons for up to 5). :data:`PRODUCT` and the shadow layouts declare what the columns are; nothing else knows
the layout.

A :class:`Sheet` holds any number of rows side by side, which lets numpy work on a hotel's year in one step.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.model.dates import BLOCK_DAYS

VERSION = 1
NO_PRICE = -1
NO_LIMIT = -1
GONE = "price_gone"
_HEAD = 3

Array = NDArray[Any]
Key = tuple[Any, ...]  # whatever names a row; its last part is the block


class Column(NamedTuple):
    """One value per day, or with ``by_guests`` one per day and occupancy (1 guest first)."""

    name: str
    dtype: str
    default: int
    by_guests: bool = False

    def shape(self, rows: int, guests: int) -> tuple[int, ...]:
        return (rows, BLOCK_DAYS, guests) if self.by_guests else (rows, BLOCK_DAYS)


class Layout(NamedTuple):
    """Groups of columns in stored order; the position of a group is its bit."""

    groups: tuple[tuple[Column, ...], ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        return tuple(column for group in self.groups for column in group)

    def stored(self, groups: int) -> list[Column]:
        """The columns of the groups in the bit set, in stored order."""
        return [column for bit, group in enumerate(self.groups) if groups >> bit & 1 for column in group]


_PRICE = (Column("price", "<i8", NO_PRICE, by_guests=True),)
_EXTRA = (Column("extra_adult", "<i8", NO_PRICE), Column("extra_child", "<i8", NO_PRICE))
_STATUS = (Column("closed", "u1", 0), Column("cta", "u1", 0), Column("ctd", "u1", 0))
_STAY = (
    Column("min_arrival", "<u2", 0),
    Column("min_through", "<u2", 0),
    Column("max_arrival", "<u2", 0),
    Column("max_through", "<u2", 0),
)
_ADVANCED = (Column("los_closed", "<u4", 0), Column("min_offset_h", "<u2", 0), Column("max_offset_h", "<u2", 0))
# Occupancies that had a price which was taken away: a counterpart may still hold it (decision 12).
_GONE = (Column(GONE, "u1", 0, by_guests=True),)
_SYNC = (Column("sync", "u1", 0),)
_LIMIT = (Column("limit", "<i4", NO_LIMIT),)

# What the property's own calendar holds for a product, a room type or the house.
PRODUCT = Layout((_PRICE, _EXTRA, _STATUS, _STAY, _ADVANCED, _GONE))
# What a counterpart holds, one layout per aspect; ``sync`` says how sure we are (gateway.engine.plan).
SHADOW_LIMIT = Layout((_SYNC, _LIMIT))
SHADOW_RULES = Layout((_SYNC, _STATUS, _STAY, _ADVANCED))
SHADOW_PRICES = Layout((_SYNC, _PRICE, _EXTRA))


class Sheet:
    """Rows of one layout as columns: ``sheet.columns["cta"]`` has shape (rows, 32), prices (rows, 32, guests).

    ``filled`` names the columns that stored rows had values for. The others held nothing but defaults when the sheet
    was made, so who only reads it may pass them over.
    """

    def __init__(self, layout: Layout, keys: Sequence[Key], guests: int) -> None:
        self.layout = layout
        self.guests = guests
        self.keys = list(keys)
        self.columns: dict[str, Array] = {
            column.name: np.full(column.shape(len(self.keys), guests), column.default, column.dtype)
            for column in layout.columns
        }
        self.filled: set[str] = set()

    @cached_property
    def row(self) -> dict[Key, int]:
        """The index of each key's row."""
        return {key: row for row, key in enumerate(self.keys)}

    @cached_property
    def blocks(self) -> Array:
        """The block of each row."""
        return np.array([key[-1] for key in self.keys], np.int64)

    @cached_property
    def targets(self) -> Array:
        """A number per row; neighbours whose keys differ in nothing but the block have the same."""
        names = [key[:-1] for key in self.keys]
        return np.cumsum([False, *(name != previous for previous, name in pairwise(names))])[: len(names)]

    @classmethod
    def load(cls, layout: Layout, guests: int, keys: Sequence[Key], stored: Iterable[tuple[Key, bytes]]) -> Sheet:
        """A sheet of ``keys`` filled from stored rows; keys without one hold defaults.

        Rows written for another number of guests keep the prices both numbers have. ValueError for a row of another
        version or length than its head says, KeyError for one that is not among ``keys``.
        """
        sheet = cls(layout, keys, guests)
        alike: dict[bytes, list[tuple[Key, bytes]]] = {}
        for row in stored:
            alike.setdefault(row[1][:_HEAD], []).append(row)
        for head, rows in alike.items():
            if len(head) < _HEAD or head[0] != VERSION:
                raise ValueError(f"calendar row {rows[0][0]!r} begins with {head!r}, known is version {VERSION}")
            where = np.array([sheet.row[key] for key, _ in rows])
            sheet._fill(head[1], layout.stored(head[2]), where, [body for _, body in rows])
        return sheet

    def _fill(self, guests: int, columns: list[Column], where: Array, bodies: list[bytes]) -> None:
        dtype = np.dtype([("head", "u1", _HEAD), *((c.name, c.dtype, c.shape(1, guests)[1:]) for c in columns)])
        if {*map(len, bodies)} != {dtype.itemsize}:
            raise ValueError(f"a calendar row whose head asks for {dtype.itemsize} bytes has another length")
        rows = np.frombuffer(b"".join(bodies), dtype)
        self.filled.update(column.name for column in columns)
        for column in columns:
            if column.by_guests and guests != self.guests:
                both = min(guests, self.guests)
                self.columns[column.name][where, :, :both] = rows[column.name][..., :both]
            else:
                self.columns[column.name][where] = rows[column.name]

    def pack(self, rows: Sequence[int] | Array) -> list[bytes]:
        """The stored form of the given rows, in their order."""
        where = np.asarray(rows, dtype=np.intp)
        if not len(where):
            return []
        groups = np.zeros(len(where), np.uint8)
        for bit, group in enumerate(self.layout.groups):
            for column in group:
                used = (self.columns[column.name][where] != column.default).reshape(len(where), -1).any(axis=1)
                groups |= used.astype(np.uint8) << bit
        packed = [b""] * len(where)
        for alike in np.flatnonzero(np.bincount(groups)).tolist():
            members = np.flatnonzero(groups == alike)
            for member, body in zip(members.tolist(), self._pack_alike(where[members], alike), strict=True):
                packed[member] = body
        return packed

    def _pack_alike(self, where: Array, groups: int) -> list[bytes]:
        columns = self.layout.stored(groups)
        dtype = np.dtype([("head", "u1", _HEAD), *((c.name, c.dtype, c.shape(1, self.guests)[1:]) for c in columns)])
        rows = np.empty(len(where), dtype)
        rows["head"] = VERSION, self.guests, groups
        for column in columns:
            rows[column.name] = self.columns[column.name][where]
        width, whole = dtype.itemsize, rows.tobytes()
        return [whole[start : start + width] for start in range(0, len(whole), width)]

    def changed_rows(self, before: Sheet) -> Array:
        """The rows in which this sheet differs from ``before``, a sheet of the same keys."""
        changed = np.zeros(len(self.keys), bool)
        for name, values in self.columns.items():
            if values is not before.columns[name]:
                changed |= (values != before.columns[name]).reshape(len(self.keys), -1).any(axis=1)
        return np.flatnonzero(changed)

    def twin(self) -> Sheet:
        """A sheet with the same keys that shares each column until one of the two gets another in its place."""
        twin = Sheet.__new__(Sheet)
        twin.layout, twin.guests, twin.keys, twin.filled = self.layout, self.guests, self.keys, set(self.filled)
        twin.columns = dict(self.columns)
        return twin

    def copy(self) -> Sheet:
        """An independent sheet with the same keys and values."""
        copy = self.twin()
        copy.columns = {name: values.copy() for name, values in self.columns.items()}
        return copy
