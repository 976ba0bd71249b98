"""The journal: what was set here, and what each channel was told, by blocks of 32 days.

A row holds what one message said about the days of one block, so that the story of a day is a walk through the rows of
its block, newest first. Of what was set here only the targets are kept that really changed; of what a channel was told
everything, with its outcome, since only that says what it held.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from gateway.engine.ari import Change
from gateway.engine.calendar import NO_PRICE, Key
from gateway.engine.cells import Changed
from gateway.engine.guard import Held
from gateway.model.ari import ASPECT_OF, AriUpdate, Aspect, Field, Setting
from gateway.model.dates import Day, blocks_of, weekday

CONFIRMED = "confirmed"
UNKNOWN = "unknown"
REFUSED = "refused"
HELD = "held"  # not set: the guard has it wait for a person

Target = tuple[str, str, str, int]  # room, plan, field, guests


class Said(msgspec.Struct, frozen=True, array_like=True):
    """An update, in our codes where it was set here, else in theirs.

    ``outcome`` is of what was told; of what was set here it is ``held`` or empty.
    """

    update: AriUpdate
    outcome: str = ""


class _Set(NamedTuple):
    """A :class:`gateway.engine.ari.Change` as it is read; what was held back has one part more."""

    room: str
    plan: str
    update: AriUpdate
    outcome: str = ""


_encode = msgspec.msgpack.Encoder().encode
_changes = msgspec.msgpack.Decoder(tuple[_Set, ...]).decode
_said = msgspec.msgpack.Decoder(tuple[Said, ...]).decode


def set_here(
    painted: Sequence[Change], figures: Sequence[Change], calendar: Container[Key], stock: Container[Key]
) -> dict[int, bytes]:
    """Bodies by block: the changes of calendar rows ``(room, plan, block)`` and stock rows ``(room, block)`` that are
    among those given. They are kept as they are, since a large document has thousands of them.
    """
    found: dict[int, list[Change]] = {}
    for change in painted:
        room, plan, update = change
        for block in blocks_of(update.first, update.last):
            if (room, plan, block) in calendar:
                found.setdefault(block, []).append(change)
    # Figures and rules of one update come by twice.
    known = {id(change) for change in painted} if figures else ()
    for change in figures:
        room, plan, update = change
        rules_too = id(change) in known
        for block in blocks_of(update.first, update.last):
            if (room, block) in stock and not (rules_too and (room, plan, block) in calendar):
                found.setdefault(block, []).append(change)
    return {block: _encode(changes) for block, changes in found.items()}


def set_in_part(
    set_cells: Iterable[Changed], held: Iterable[Held], figures: Iterable[Change], stock: Container[Key]
) -> dict[int, bytes]:
    """Bodies by block where the guard has held something back: what was set of a message, and what waits.

    Of the calendar that is what has really changed; ``figures`` are kept as by :func:`set_here`.
    """
    entries = []
    for each in set_cells:
        room, plan = each.target
        entries.append(_as_set(room, plan, each.first, each.last, each.field, each.after, each.guests))
    for wait in held:
        entry = _as_set(wait.room, wait.plan, wait.first, wait.last, wait.field, wait.after, wait.guests)
        entries.append(entry._replace(outcome=HELD))
    found: dict[int, list[_Set]] = {}
    for entry in entries:
        for block in blocks_of(entry.update.first, entry.update.last):
            found.setdefault(block, []).append(entry)
    for room, plan, update in figures:
        settings = tuple(each for each in update.settings if ASPECT_OF[each.field] is Aspect.LIMIT)
        only = _Set(room, plan, msgspec.structs.replace(update, settings=settings))
        for block in blocks_of(update.first, update.last):
            if (room, block) in stock:
                found.setdefault(block, []).append(only)
    return {block: _encode(of_block) for block, of_block in found.items()}


def _as_set(room: str, plan: str, first: Day, last: Day, name: str, value: int | None, guests: int) -> _Set:
    absent = 0 if name == Field.PRICE else NO_PRICE
    setting = Setting(Field(name), absent if value is None else value, guests)
    return _Set(room, plan, AriUpdate(room, plan, first, last, (setting,)))


def was_set(body: bytes) -> tuple[Said, ...]:
    """The updates of a body of :func:`set_here` or :func:`set_in_part`, in our codes."""
    return tuple(
        Said(msgspec.structs.replace(update, room=room, plan=plan, record=""), outcome)
        for room, plan, update, outcome in _changes(body)
    )


def was_told(body: bytes) -> tuple[Said, ...]:
    """The updates of a body of :func:`told`, in theirs."""
    return _said(body)


def told(parts: Iterable[Said]) -> dict[int, bytes]:
    """Bodies by block: what a channel was told."""
    found: dict[int, list[Said]] = {}
    for part in parts:
        for block in blocks_of(part.update.first, part.update.last):
            found.setdefault(block, []).append(part)
    return {block: _encode(parts) for block, parts in found.items()}


def about(day: Day, said: Iterable[Said]) -> Iterator[tuple[Said, Setting]]:
    """Each setting that speaks of the day, the last word first."""
    for each in reversed(list(said)):
        update = each.update
        if update.first <= day <= update.last and update.weekdays >> weekday(day) & 1:
            yield from ((each, setting) for setting in reversed(update.settings))


def target(update: AriUpdate, setting: Setting) -> Target:
    """What a setting sets."""
    return update.room, update.plan, setting.field.value, setting.guests
