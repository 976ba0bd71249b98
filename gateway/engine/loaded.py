"""The rows of a property's calendar that were loaded, as arrays to be looked up in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

import numpy as np

from gateway.engine.calendar import (
    PRODUCT,
    Array,
    Key,
    Sheet,
)
from gateway.engine.stock import stock_matrix

Slot = tuple[str, str, int]
Target = tuple[str, str]  # room and plan, theirs or ours

_NOWHERE: Key = ("", "", -1)
PLACED_MAX = 64


class Calendar:
    """The rows of a property that were loaded, ready to be looked up by key; rows that do not exist hold defaults."""

    def __init__(
        self,
        guests: int,
        calendar: Iterable[tuple[Key, bytes]],
        stock: Iterable[tuple[Key, bytes]],
    ) -> None:
        rows = list(calendar)
        self.sheet = Sheet.load(PRODUCT, guests, [*(key for key, _ in rows), _NOWHERE], rows)
        self._nowhere = len(rows)
        self._by_target: dict[Target | None, dict[int, int]] = {}
        # Rows of one target usually follow each other.
        for target, run in groupby(enumerate(rows), key=lambda numbered: numbered[1][0][:2]):
            self._by_target.setdefault(target, {}).update([(key[2], row) for row, (key, _) in run])
        self._placed: dict[tuple[tuple[Target | None, ...], tuple[int, ...]], Array] = {}
        self._priced: tuple[object, list[Slot], Array] | None = None
        stocked = list(stock)
        self._stock_row = {key: row for row, (key, _) in enumerate(stocked)}
        self._stock = stock_matrix([*(body for _, body in stocked), None])

    def rows(self, keys: Iterable[Key]) -> Array:
        """Indexes into the sheet."""
        row, nowhere = self.sheet.row, self._nowhere
        return np.array([row.get(key, nowhere) for key in keys], np.intp)

    def find(self, wanted: Iterable[tuple[Target | None, Sequence[int]]]) -> Array:
        """Indexes into the sheet for the blocks of our targets, one after the other; None stands for no target."""
        nowhere = self._nowhere
        found: list[int] = []
        for target, blocks in wanted:
            rows = self._by_target.get(target)
            found += [rows.get(block, nowhere) for block in blocks] if rows else [nowhere] * len(blocks)
        return np.array(found, np.intp)

    def placed(self, targets: tuple[Target | None, ...], blocks: tuple[int, ...]) -> Array:
        """As :meth:`find`, shape (targets, blocks), for who asks the same of one calendar again and again."""
        name = (targets, blocks)
        known = self._placed.get(name)
        if known is None:
            if len(self._placed) >= PLACED_MAX:
                self._placed.clear()
            found = self.find((target, blocks) for target in targets)
            known = self._placed[name] = found.reshape(len(targets), len(blocks))
        return known

    def priced(self, channel: object, slots: list[Slot], make: Callable[[], Array]) -> Array:
        """What ``make`` says of the slots; the rules of a channel and its prices both ask, one after the other."""
        known = self._priced
        if known is None or known[0] is not channel or known[1] != slots:
            known = self._priced = (channel, slots, make())
        return known[2]

    def exists(self, rows: Array) -> bool:
        """Whether any of the looked-up rows is really there."""
        return bool((rows != self._nowhere).any())

    def stock(self, keys: Iterable[Key]) -> Array:
        """Shape (keys, 4, 32): figure, sold, unseen, held; see :mod:`gateway.engine.stock`."""
        row, nowhere = self._stock_row, len(self._stock_row)
        found: Array = self._stock[[row.get(key, nowhere) for key in keys]]
        return found
