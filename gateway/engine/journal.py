"""The journal: what was set here, and what each channel was told, by blocks of 32 days.

A row holds what one message said about the days of one block, so that the story of a day is a walk through the rows of
its block, newest first. Of what was set here only the targets are kept that really changed; of what a channel was told
everything, with its outcome, since only that says what it held.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence

import msgspec

from gateway.engine.ari import Change
from gateway.engine.calendar import Key
from gateway.model.ari import AriUpdate, Setting
from gateway.model.dates import Day, blocks_of, weekday

CONFIRMED = "confirmed"
UNKNOWN = "unknown"
REFUSED = "refused"

Target = tuple[str, str, str, int]  # room, plan, field, guests


class Said(msgspec.Struct, frozen=True, array_like=True):
    """An update, in our codes where it was set here, else in theirs; ``outcome`` only of what was told."""

    update: AriUpdate
    outcome: str = ""


_encode = msgspec.msgpack.Encoder().encode
_changes = msgspec.msgpack.Decoder(tuple[Change, ...]).decode
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


def was_set(body: bytes) -> tuple[Said, ...]:
    """The updates of a body of :func:`set_here`, in our codes."""
    return tuple(
        Said(msgspec.structs.replace(update, room=room, plan=plan, record="")) for room, plan, update in _changes(body)
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
