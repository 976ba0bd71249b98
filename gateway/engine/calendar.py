"""Packed days: calendar rows of 32 aligned days, and many of them at once as columns.

A stored row is ``version, guests, groups`` (one byte each; ``groups`` is a bit set) followed by the columns of those
groups, each with its 32 days in a run, little endian. A group whose 32 days all hold the default is left out, so a
usual row is a few hundred bytes. :data:`PRODUCT`, :data:`RULES` … declare what the columns are; nothing else knows the layout.

A :class:`Sheet` holds any number of rows side by side, which lets numpy work on a hotel's year in one step.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.model.dates import BLOCK_DAYS

VERSION = 1
NO_PRICE = -1
NO_LIMIT = -1

Array = NDArray[Any]
Key = tuple[Any, ...]  # whatever names a row; its last part is the block


class Column(NamedTuple):
    """One value per day, or with ``by_guests`` one per day and occupancy (1 guest first)."""

    name: str
    dtype: str
    default: int
    by_guests: bool = False


class Layout(NamedTuple):
    """Groups of columns in stored order; the position of a group is its bit."""

    groups: tuple[tuple[Column, ...], ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        return tuple(column for group in self.groups for column in group)


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
_SYNC = (Column("sync", "u1", 0),)
_LIMIT = (Column("limit", "<i4", NO_LIMIT),)

# What the property's own calendar holds for a product, a room type or the house.
PRODUCT = Layout((_PRICE, _EXTRA, _STATUS, _STAY, _ADVANCED))
# What a counterpart holds, one layout per aspect; ``sync`` says how sure we are (gateway.engine.plan).
SHADOW_LIMIT = Layout((_SYNC, _LIMIT))
SHADOW_RULES = Layout((_SYNC, _STATUS, _STAY, _ADVANCED))
SHADOW_PRICES = Layout((_SYNC, _PRICE, _EXTRA))


class Sheet:
    """Rows of one layout as columns: ``sheet.columns["cta"]`` has shape (rows, 32), prices (rows, 32, guests)."""

    def __init__(self, layout: Layout, keys: Sequence[Key], guests: int) -> None:
        self.layout = layout
        self.guests = guests
        self.keys = list(keys)
        self.row = {key: row for row, key in enumerate(self.keys)}
        self.columns: dict[str, Array] = {
            column.name: np.full(self._shape(column, len(self.keys)), column.default, column.dtype)
            for column in layout.columns
        }

    def _shape(self, column: Column, rows: int) -> tuple[int, ...]:
        return (rows, BLOCK_DAYS, self.guests) if column.by_guests else (rows, BLOCK_DAYS)

    @classmethod
    def load(cls, layout: Layout, guests: int, keys: Sequence[Key], stored: Iterable[tuple[Key, bytes]]) -> Sheet:
        """A sheet of ``keys`` filled from stored rows; keys without one hold defaults.

        Rows written for another number of guests keep the prices both numbers have.
        """
        sheet = cls(layout, keys, guests)
        alike: dict[tuple[int, int], list[tuple[int, bytes]]] = {}
        for key, body in stored:
            if body[0] != VERSION:
                raise ValueError(f"calendar row {key!r} has layout version {body[0]}, known is {VERSION}")
            alike.setdefault((body[1], body[2]), []).append((sheet.row[key], body))
        for (their_guests, groups), rows in alike.items():
            sheet._fill(their_guests, groups, rows)
        return sheet

    def _fill(self, guests: int, groups: int, rows: list[tuple[int, bytes]]) -> None:
        raw = np.frombuffer(b"".join([body for _, body in rows]), np.uint8).reshape(len(rows), -1)
        where = np.array([row for row, _ in rows])
        offset = 3
        for bit, group in enumerate(self.layout.groups):
            if not groups >> bit & 1:
                continue
            for column in group:
                size = np.dtype(column.dtype).itemsize * BLOCK_DAYS * (guests if column.by_guests else 1)
                values = np.ascontiguousarray(raw[:, offset : offset + size]).view(column.dtype)
                offset += size
                if column.by_guests:
                    both = min(guests, self.guests)
                    self.columns[column.name][where, :, :both] = values.reshape(len(rows), BLOCK_DAYS, guests)[
                        ..., :both
                    ]
                else:
                    self.columns[column.name][where] = values

    def pack(self, rows: Sequence[int] | Array) -> list[bytes]:
        """The stored form of the given rows, in their order."""
        where = np.asarray(rows, dtype=np.intp)
        if not len(where):
            return []
        bits = np.zeros(len(where), np.uint8)
        for bit, group in enumerate(self.layout.groups):
            for column in group:
                used = self.columns[column.name][where] != column.default
                bits |= used.reshape(len(where), -1).any(axis=1).astype(np.uint8) << bit
        packed: list[bytes] = [b""] * len(where)
        for groups in np.unique(bits):
            members = np.flatnonzero(bits == groups)
            for member, body in zip(members, self._pack_alike(where[members], int(groups)), strict=True):
                packed[member] = body
        return packed

    def _pack_alike(self, where: Array, groups: int) -> list[bytes]:
        head = np.tile(np.array([VERSION, self.guests, groups], np.uint8), (len(where), 1))
        parts = [head]
        for bit, group in enumerate(self.layout.groups):
            if groups >> bit & 1:
                for column in group:
                    values = np.ascontiguousarray(self.columns[column.name][where])
                    parts.append(values.reshape(len(where), -1).view(np.uint8))
        raw = np.concatenate(parts, axis=1)
        width, whole = raw.shape[1], raw.tobytes()
        return [whole[start : start + width] for start in range(0, len(whole), width)]

    def changed_rows(self, before: Sheet) -> Array:
        """The rows in which this sheet differs from ``before``, a sheet of the same keys."""
        changed = np.zeros(len(self.keys), bool)
        for name, values in self.columns.items():
            changed |= (values != before.columns[name]).reshape(len(self.keys), -1).any(axis=1)
        return np.flatnonzero(changed)

    def copy(self) -> Sheet:
        """An independent sheet with the same keys and values."""
        twin = Sheet.__new__(Sheet)
        twin.layout, twin.guests, twin.keys, twin.row = self.layout, self.guests, self.keys, self.row
        twin.columns = {name: values.copy() for name, values in self.columns.items()}
        return twin
