"""What the PMS publishes: scopes (what, product, days), turned into compact parts from the state of the moment."""

from collections.abc import Iterator

import msgspec

from simulators.cells import Cell, Cells
from simulators.opentravel.ari_write import RULE_FIELDS, LimitRange, PriceRange, RuleRange, avail_message, rates_message
from simulators.opentravel.days import runs
from simulators.opentravel.vocabulary import Vocabulary
from simulators.pms.house import House

Part = LimitRange | RuleRange | PriceRange


class Scope(msgspec.Struct):
    """`what`: limits, rules or rates, of a room (and plan) on the days [first, last]; `fields` of rules, or all."""

    what: str
    room: str
    plan: str
    first: int
    last: int
    fields: list[str] = []


def parts_of(scope: Scope, house: House, cells: Cells) -> list[Part]:
    """The scope's present values as few ranges as possible."""
    days = range(scope.first, scope.last + 1)
    if scope.what == "limits":
        found = house.left_ranges(scope.room, scope.first, scope.last)
        return [LimitRange(scope.room, first, last, left) for first, last, left in found]
    values: list[tuple[int, Cell]] = [(day, cells.cell(scope.room, scope.plan, day)) for day in days]
    if scope.what == "rates":
        prices = runs((day, (cell.base, cell.extra)) for day, cell in values if cell.base or cell.extra)
        return [PriceRange(scope.room, scope.plan, first, last, *price) for first, last, price in prices]
    return [
        RuleRange(scope.room, scope.plan, first, last, field, value)
        for field in scope.fields or RULE_FIELDS
        for first, last, value in runs((day, getattr(cell, field)) for day, cell in values)
    ]


def packed(scopes: list[Scope], parts_max: int, house: House, cells: Cells) -> Iterator[list[Scope]]:
    """Scopes of one kind, cut and grouped so that each group makes a message of at most `parts_max` parts now.

    A message built later, from a state that has changed meanwhile, may have a few more.
    """
    group: list[Scope] = []
    size = 0
    for scope in scopes:
        for piece, parts in _pieces(scope, parts_max, house, cells):
            if group and size + parts > parts_max:
                yield group
                group, size = [], 0
            group.append(piece)
            size += parts
    if group:
        yield group


def _pieces(scope: Scope, parts_max: int, house: House, cells: Cells) -> Iterator[tuple[Scope, int]]:
    """The scope by single fields, cut between its ranges, with the number of parts of each piece."""
    fields = (scope.fields or RULE_FIELDS) if scope.what == "rules" else [""]
    for field in fields:
        single = msgspec.structs.replace(scope, fields=[field] if field else [])
        parts = parts_of(single, house, cells)
        for start in range(0, len(parts), parts_max):
            chunk = parts[start : start + parts_max]
            yield msgspec.structs.replace(single, first=chunk[0].first, last=chunk[-1].last), len(chunk)


def message(scopes: list[Scope], house: House, cells: Cells, names: Vocabulary, echo: str, stamp: str) -> bytes:
    """One message with the present values of scopes of one kind."""
    parts = [part for scope in scopes for part in parts_of(scope, house, cells)]
    prices = [part for part in parts if isinstance(part, PriceRange)]
    if prices:
        return rates_message(prices, names, echo, stamp)
    return avail_message([part for part in parts if not isinstance(part, PriceRange)], names, echo, stamp)


def touched_scopes(touched: set[tuple[str, int]]) -> list[Scope]:
    """Limit scopes covering (room, day) pairs and nothing else."""
    scopes: list[Scope] = []
    for room in sorted({room for room, _ in touched}):
        days = sorted(day for found, day in touched if found == room)
        scopes += [Scope("limits", room, "", first, last) for first, last, _ in runs((day, None) for day in days)]
    return scopes
