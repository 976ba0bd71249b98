"""How what the flows answer looks on the wire: the same structs, with days and instants as people write them.

A field of type ``Day`` becomes a date (``2031-05-12``), an ``Instant`` named ``created_ms`` a time ``created_at``
(RFC 3339, UTC; 0, which means never, becomes null), and a message number, which has more digits than JavaScript
counts exactly, a text. Structs that travel as arrays between processes become objects. All else stays as it is, so
what a flow says cannot get lost on its way.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache
from operator import attrgetter
from types import UnionType
from typing import Any, NamedTuple, NewType, Union, get_args, get_origin, get_type_hints

import msgspec

_Day = NewType("_Day", int)
_Instant = NewType("_Instant", int)
_OURS = {"Day": _Day, "Instant": _Instant}

Shower = Callable[[Any], Any]


class Shape(NamedTuple):
    """A type as it is shown, and how to get there; ``show`` is None where nothing changes."""

    kind: Any
    show: Shower | None


def show(value: Any) -> Any:
    """A flow's struct in its shown form."""
    kind: Any = type(value)
    shape = shape_of(kind)
    return shape.show(value) if shape.show is not None else value


def shown_type(kind: Any) -> Any:
    """The type that :func:`show` makes of values of this one."""
    return shape_of(kind).kind


@cache
def shape_of(hint: Any) -> Shape:
    if hint is _Day:
        return Shape(date, date.fromordinal)
    if hint is _Instant:
        return Shape(datetime | None, _time)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return _struct(hint)
    arguments = get_args(hint)
    if get_origin(hint) is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return _sequence(shape_of(arguments[0]))
    if get_origin(hint) in (UnionType, Union) and len(arguments) == 2 and type(None) in arguments:
        return _optional(shape_of(next(each for each in arguments if each is not type(None))))
    return Shape(hint, None)


def _time(at_ms: int) -> datetime | None:
    return datetime.fromtimestamp(at_ms / 1000, UTC) if at_ms else None


def _sequence(inner: Shape) -> Shape:
    show_one = inner.show
    if show_one is None:
        return Shape(tuple[inner.kind, ...], None)  # type: ignore[name-defined]
    return Shape(tuple[inner.kind, ...], lambda values: [show_one(value) for value in values])  # type: ignore[name-defined]


def _optional(inner: Shape) -> Shape:
    show_one = inner.show
    if show_one is None:
        return Shape(inner.kind | None, None)
    return Shape(inner.kind | None, lambda value: None if value is None else show_one(value))


def _struct(kind: type[msgspec.Struct]) -> Shape:
    fields = msgspec.structs.fields(kind)
    hints = get_type_hints(kind, localns=_OURS, include_extras=True)
    shapes = [_field(field.name, hints[field.name]) for field in fields]
    names = [_shown_name(field.name, hints[field.name]) for field in fields]
    changed = [shape.show is not None for shape in shapes]
    if not any(changed) and not kind.__struct_config__.array_like:
        return Shape(kind, None)
    twin = _twin(kind, names, shapes)
    # A calendar has thousands of structs in it: all fields are taken at once, and only what changes is touched.
    take = attrgetter(*(field.name for field in fields)) if len(fields) > 1 else None
    changes = [(place, shape.show) for place, shape in enumerate(shapes) if shape.show is not None]

    def values(value: Any) -> list[Any]:
        found = list(take(value)) if take is not None else [getattr(value, field.name) for field in fields]
        for place, shower in changes:
            found[place] = shower(found[place])
        return found

    if kind.__struct_config__.omit_defaults:
        return Shape(twin, lambda value: twin(**dict(zip(names, values(value), strict=True))))
    return Shape(twin, lambda value: twin(*values(value)))


def _twin(kind: type[msgspec.Struct], names: list[str], shapes: list[Shape]) -> type[msgspec.Struct]:
    members: list[tuple[str, Any, Any]] = []
    for field, name, shape in zip(msgspec.structs.fields(kind), names, shapes, strict=True):
        # Everything is always there, unless the flow's own struct leaves out what says nothing.
        keeps_default = kind.__struct_config__.omit_defaults and shape.show is None and not field.required
        members.append((name, shape.kind, field.default if keeps_default else msgspec.NODEFAULT))
    omits = kind.__struct_config__.omit_defaults
    return msgspec.defstruct(
        kind.__name__,
        members,
        frozen=True,
        kw_only=omits,
        omit_defaults=omits,
        tag=kind.__struct_config__.tag,
        namespace={"__doc__": kind.__doc__},
        module=kind.__module__,
    )


def _field(name: str, hint: Any) -> Shape:
    if name == "message_id":
        return Shape(str | None, _text) if type(None) in get_args(hint) else Shape(str, str)
    if name == "message_ids":
        return Shape(tuple[str, ...], lambda values: [str(value) for value in values])
    return shape_of(hint)


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)


def _shown_name(name: str, hint: Any) -> str:
    is_instant = hint is _Instant or _Instant in get_args(hint)
    if not is_instant:
        return name
    return "at" if name == "at_ms" else name.removesuffix("_ms") + "_at"
