"""Calendar and stock rows this process has in hand, so that the next batch of the same property need not read them.

Such rows change only together with their scope's revision. A batch holds the lock on the scope and knows its revision,
so rows kept at that revision are what the database would give, whoever wrote last.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.store.sql import Params
from gateway.store.tables import CalendarRow, Row, Scope, StockRow

CACHED: tuple[type[Any], ...] = (CalendarRow, StockRow)
ROWS_MAX = 65_536  # some 50 MB

Rows = dict[Params, Row | None]  # None: there is no such row


class _Property:
    __slots__ = ("rev", "rows")

    def __init__(self) -> None:
        self.rev = -1
        self.rows: dict[type[Any], Rows] = {table: {} for table in CACHED}

    def __len__(self) -> int:
        return sum(map(len, self.rows.values()))


class RowCache:
    """The properties used last, up to ``rows_max`` rows."""

    def __init__(self, rows_max: int = ROWS_MAX) -> None:
        self._rows_max = rows_max
        self._count = 0
        self._kept: OrderedDict[str, _Property] = OrderedDict()

    def take(self, table: type[Any], scope: Scope, keys: Sequence[Params]) -> tuple[list[Row], list[Params]]:
        """The rows known for these keys of the scope, and the keys that have to be read."""
        kept = self._kept.get(scope.scope_id)
        if kept is None or kept.rev != scope.rev:
            return [], list(keys)
        rows = kept.rows[table]
        unknown = [key for key in keys if key not in rows]
        return [row for key in keys if (row := rows.get(key)) is not None], unknown

    def keep(self, scope: Scope, before_rev: int, rows: Mapping[type[Any], Rows]) -> None:
        """After a commit: rows as they are at ``scope.rev``, of a batch that found the scope at ``before_rev``."""
        kept = self._kept.get(scope.scope_id)
        if kept is None or kept.rev != before_rev:
            self.forget(scope.scope_id)
            kept = self._kept[scope.scope_id] = _Property()
        self._count -= len(kept)
        kept.rev = scope.rev
        for table, changed in rows.items():
            kept.rows[table].update(changed)
        self._count += len(kept)
        self._kept.move_to_end(scope.scope_id)
        while self._count > self._rows_max and len(self._kept) > 1:
            self.forget(next(iter(self._kept)))

    def forget(self, scope_id: str) -> None:
        """Drops what is kept of a property."""
        self._count -= len(self._kept.pop(scope_id, ()))
