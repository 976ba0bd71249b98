"""What a batch has loaded and decided so far: the state that decisions are made on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

from gateway.engine.hotel import Hotel
from gateway.store.schema import SPECS
from gateway.store.sql import Lookup, Params
from gateway.store.tables import CalendarRow, MessageRow, Row, Scope, StockRow

RowT = TypeVar("RowT", bound=tuple[Any, ...])
Needs = Iterable[tuple[Lookup, Params]]


class NotLoaded(LookupError):
    """A decision reads what was not asked for: nobody knows whether the database has such a row."""


class Decision(NamedTuple):
    """What is to be written and what is to be answered; of the rows in ``deletes`` only the keys matter.

    ``advances`` raises the scope's revision; rows that carry one were built with :attr:`State.next_rev`.
    """

    answer: Any
    writes: Sequence[Row] = ()
    deletes: Sequence[Row] = ()
    advances: bool = False


# What gateway.store.row_cache keeps and pushing looks for is told apart by the scope's revision alone.
_VERSIONED = frozenset({CalendarRow, StockRow})


class _Table:
    """What is known of one table. In ``changed`` None stands for a row that was deleted."""

    __slots__ = ("asked", "changed", "found", "rows", "width")

    def __init__(self, row: type[Any]) -> None:
        self.width = SPECS[row].width
        self.rows: dict[Params, Any] = {}
        self.changed: dict[Params, Any | None] = {}
        self.asked: set[Params] = set()
        self.found: dict[Lookup, dict[Params, dict[Params, None]]] = {}

    def put(self, key: Params, row: tuple[Any, ...]) -> None:
        self.rows[key] = row
        for lookup, keys in self.found.items():
            members = keys.get(lookup.key_of(row))
            if members is not None:
                members[key] = None


class _Tables(dict[type[Any], _Table]):
    def __missing__(self, row: type[Any]) -> _Table:
        table = self[row] = _Table(row)
        return table


class State:
    """The rows of one batch by table and key, as earlier decisions of the batch left them.

    While ``deciding``, reading what nobody asked for raises :class:`NotLoaded`; before that it finds nothing, since
    ``needs`` may well look for a row in the round in which it names it.
    """

    def __init__(self) -> None:
        self._tables = _Tables()
        self.scopes: dict[str, Scope] = {}
        self.locked: dict[str, Scope] = {}  # the scopes as they were found
        self.hotels: dict[str, Hotel] = {}
        self.reconfigured: set[str] = set()  # scopes whose configuration is no longer the one in ``hotels``
        self.deciding = False

    # --- for decisions ----------------------------------------------------------------------------------------------

    def get(self, row: type[RowT], key: Params) -> RowT | None:
        """The row with that primary key, None if there is none. It must have been asked for by primary key."""
        table = self._tables[row]
        found: RowT | None = table.rows.get(key)
        if found is None and self.deciding and key not in table.asked and key not in table.changed:
            raise NotLoaded(f"{row.__name__} {key!r}")
        return found

    def find(self, lookup: Lookup, key: Params) -> list[Any]:
        """The rows of a lookup that is not by primary key. It must have been asked for."""
        table = self._tables[lookup.row]
        members = table.found.get(lookup, {}).get(key)
        if members is None:
            if self.deciding:
                raise NotLoaded(f"{lookup.row.__name__} by {lookup.fields} {key!r}")
            return []
        rows = table.rows
        return [row for pk in members if (row := rows.get(pk)) is not None and lookup.matches(row, key)]

    def next_rev(self, scope_id: str) -> int:
        """The revision the current decision gives to what it changes."""
        return self.scopes[scope_id].rev + 1

    # --- for the batch ----------------------------------------------------------------------------------------------

    def has(self, lookup: Lookup, key: Params) -> bool:
        """Whether the lookup has been asked for this key."""
        table = self._tables[lookup.row]
        return key in (table.asked if lookup.is_primary else table.found.get(lookup, ()))

    def missing(self, lookup: Lookup, keys: Iterable[Params]) -> list[Params]:
        """The keys not asked for yet, each once; marked as asked for from now on."""
        table = self._tables[lookup.row]
        if lookup.is_primary:
            new = [key for key in dict.fromkeys(keys) if key not in table.asked]
            table.asked.update(new)
            return new
        known = table.found.setdefault(lookup, {})
        new = [key for key in dict.fromkeys(keys) if key not in known]
        known.update((key, {}) for key in new)
        for pk, row in table.changed.items():
            # The database does not have these yet.
            if row is not None and (members := known.get(lookup.key_of(row))) is not None:
                members[pk] = None
        return new

    def loaded(self, rows: Iterable[Row]) -> None:
        """Takes rows from the database, except where the batch has changed them already."""
        for row in rows:
            table = self._tables[type(row)]
            pk = row[: table.width]
            if pk not in table.changed:
                table.put(pk, row)

    def apply(self, decision: Decision, scope_id: str | None) -> None:
        """Makes a decision part of the state. One that advances its scope may write the scope's new row itself."""
        advances = decision.advances
        cause = 0
        for row in decision.writes:
            table = self._tables[type(row)]
            pk = row[: table.width]
            table.put(pk, row)
            table.changed[pk] = row
            if type(row) in _VERSIONED and not decision.advances:
                raise ValueError(f"a {type(row).__name__} changed without a new revision of its scope")
            if type(row) is Scope:
                self._rewrite(row)
                advances = advances and row.scope_id != scope_id
            elif type(row) is MessageRow:
                cause = row.message_id
        for row in decision.deletes:
            table = self._tables[type(row)]
            pk = row[: table.width]
            table.rows.pop(pk, None)
            table.changed[pk] = None
        if advances and scope_id is not None:
            scope = self.scopes[scope_id]
            self.scopes[scope_id] = scope = scope._replace(rev=scope.rev + 1, cause=cause or scope.cause)
            self._tables[Scope].changed[scope_id,] = scope

    def known(self, row: type[Any]) -> dict[Params, Any | None]:
        """Every row of a table that was asked for by primary key or changed, as it is now; None where there is none."""
        table = self._tables[row]
        known: dict[Params, Any | None] = dict.fromkeys(table.asked)
        known.update(table.rows)
        return known

    def changes(self) -> Iterator[tuple[type[Any], list[Row], list[Params]]]:
        """Per table: rows to write, keys to delete."""
        for row, table in self._tables.items():
            if table.changed:
                writes = [changed for changed in table.changed.values() if changed is not None]
                yield row, writes, [pk for pk, changed in table.changed.items() if changed is None]

    def _rewrite(self, scope: Scope) -> None:
        known = self.scopes.get(scope.scope_id)
        if known is not None and known.config_version != scope.config_version:
            self.reconfigured.add(scope.scope_id)
        self.scopes[scope.scope_id] = scope
