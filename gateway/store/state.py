"""What a batch has loaded and decided so far: the state that decisions are made on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

from gateway.engine.hotel import Hotel
from gateway.store.sql import Lookup, Params
from gateway.store.tables import SPECS, Row, Scope

RowT = TypeVar("RowT", bound=tuple[Any, ...])
Needs = Iterable[tuple[Lookup, Params]]


class Decision(NamedTuple):
    """What is to be written and what is to be answered.

    ``advances`` raises the scope's revision; rows that carry one were built with :attr:`State.next_rev`.
    """

    answer: Any
    writes: Sequence[Row] = ()
    deletes: Sequence[Row] = ()
    advances: bool = False


class State:
    """The rows of one batch by table and key, as earlier decisions of the batch left them."""

    def __init__(self) -> None:
        self._rows: dict[type[Any], dict[Params, Row]] = {}
        self._found: dict[Lookup, dict[Params, dict[Params, None]]] = {}
        self._lookups: dict[type[Any], list[Lookup]] = {}
        self._changed: dict[type[Any], dict[Params, Row | None]] = {}
        self.scopes: dict[str, Scope] = {}
        self.hotels: dict[str, Hotel] = {}

    # --- for decisions ----------------------------------------------------------------------------------------------

    def get(self, row: type[RowT], key: Params) -> RowT | None:
        """The row with that primary key, None if there is none. It must have been asked for."""
        return self._rows.get(row, {}).get(key)  # type: ignore[return-value]

    def find(self, lookup: Lookup, key: Params) -> list[Any]:
        """The rows of a lookup that is not by primary key."""
        rows = self._rows.get(lookup.row, {})
        return [rows[pk] for pk in self._found[lookup].get(key, ()) if pk in rows]

    def next_rev(self, scope_id: str) -> int:
        """The revision the current decision gives to what it changes."""
        return self.scopes[scope_id].rev + 1

    # --- for the batcher --------------------------------------------------------------------------------------------

    def missing(self, lookup: Lookup, keys: Iterable[Params]) -> list[Params]:
        """The keys not loaded yet, marked as loaded from now on."""
        known = self._found.get(lookup)
        if known is None:
            known = self._found[lookup] = {}
            self._lookups.setdefault(lookup.row, []).append(lookup)
        new = []
        for key in keys:
            if key not in known:
                known[key] = {}
                new.append(key)
        return new

    def loaded(self, rows: Iterable[Row]) -> None:
        """Takes rows from the database, except where the batch has changed them already."""
        for row in rows:
            table = type(row)
            pk = row[: SPECS[table].width]
            if pk not in self._changed.get(table, ()):
                self._put(table, pk, row)

    def apply(self, decision: Decision, scope_id: str | None) -> None:
        """Makes a decision part of the state."""
        for row in decision.writes:
            table = type(row)
            pk = row[: SPECS[table].width]
            self._put(table, pk, row)
            self._changed.setdefault(table, {})[pk] = row
        for row in decision.deletes:
            table = type(row)
            pk = row[: SPECS[table].width]
            self._rows.get(table, {}).pop(pk, None)
            self._changed.setdefault(table, {})[pk] = None
        if decision.advances and scope_id is not None:
            scope = self.scopes[scope_id]
            advanced = scope._replace(rev=scope.rev + 1)
            for row in decision.writes:
                if isinstance(row, Scope):
                    advanced = row
            self.scopes[scope_id] = advanced
            self._changed.setdefault(Scope, {})[(scope_id,)] = advanced

    def changes(self) -> Iterable[tuple[type[Any], list[Row], list[Params]]]:
        """Per table: rows to write, keys to delete."""
        for table, changed in self._changed.items():
            yield (
                table,
                [row for row in changed.values() if row is not None],
                [pk for pk, row in changed.items() if row is None],
            )

    def _put(self, table: type[Any], pk: Params, row: Row) -> None:
        self._rows.setdefault(table, {})[pk] = row
        for lookup in self._lookups.get(table, ()):
            members = self._found[lookup].get(lookup.key_of(row))
            if members is not None:
                members[pk] = None
