"""What an availability or rate message asks for, one Item per AvailStatusMessage / RateAmountMessage."""

from typing import Any

import msgspec

from simulators.opentravel.answers import Problem
from simulators.opentravel.days import Span


class LimitChange(msgspec.Struct, frozen=True):
    """Rooms left to sell of a room type: absolute, a difference (`adjust`), or None for no limit."""

    room: str
    span: Span
    limit: int | None
    adjust: bool = False


class RuleChange(msgspec.Struct, frozen=True):
    """Restriction fields (as named in `simulators.cells.Cell`) of a product; None clears. Plan "" is the room type."""

    room: str
    plan: str
    span: Span
    fields: dict[str, Any]


class PriceChange(msgspec.Struct, frozen=True):
    """Prices in minor units: `base` by number of guests (0 = for the room), `extra` by age code or `code:min-max`."""

    room: str
    plan: str
    span: Span
    base: dict[int, int]
    extra: dict[str, int]
    mode: str = "merge"  # merge | replace | remove


Change = LimitChange | RuleChange | PriceChange


class Item(msgspec.Struct):
    """One part of a message. Its changes count only if it has no problems."""

    record_id: str
    changes: list[Change]
    problems: list[Problem]


class Refused(ValueError):
    """A part that cannot be taken, with the Problem to answer."""

    def __init__(self, type_: str, code: str, text: str) -> None:
        super().__init__(text)
        self.type = type_
        self.code = code

    def problem(self, record_id: str) -> Problem:
        return Problem(self.type, self.code, str(self), record_id)
