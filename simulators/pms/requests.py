"""Bodies of the PMS's control endpoints, with inclusive ISO dates."""

from typing import Any

import msgspec

from simulators.opentravel.ari_write import RULE_FIELDS
from simulators.opentravel.days import WEEKDAYS, Span, duration_s, to_day


class PublishRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What to send: all rooms, plans and the whole horizon unless named."""

    what: list[str] = msgspec.field(default_factory=lambda: ["limits", "rules", "rates"])
    room: str | None = None
    plan: str | None = None
    first: str | None = None
    last: str | None = None


class PriceRequest(msgspec.Struct, forbid_unknown_fields=True):
    """`prices` by number of guests ("0" = for the room), `extra` by age code: minor units, or text such as "90.00"."""

    room: str
    plan: str
    first: str
    last: str
    prices: dict[int, int | str]
    extra: dict[str, int | str] = {}
    days: tuple[str, ...] = WEEKDAYS
    publish: bool = True


class BlockRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A walk-in or closed rooms on the nights [first, last]; `force` overbooks."""

    room: str
    first: str
    last: str
    units: int = 1
    block_id: str | None = None
    force: bool = False
    publish: bool = True


class UnblockRequest(msgspec.Struct, forbid_unknown_fields=True):
    block_id: str
    publish: bool = True


class FigureRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Compute limits now for one room (or all) on [first, last], to be sent by `release_figure`."""

    first: str
    last: str
    room: str | None = None


class RestrictRequest(msgspec.Struct):
    """Restriction fields to set (None clears) on [first, last]; plan "" is the whole room type."""

    room: str
    plan: str
    span: Span
    fields: dict[str, Any]
    publish: bool


class _RestrictBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `/control/restrict`. Offsets are durations such as `P1D`; a field left out stays as it is."""

    room: str
    first: str
    last: str
    plan: str = ""
    days: tuple[str, ...] = WEEKDAYS
    publish: bool = True
    closed: bool | msgspec.UnsetType = msgspec.UNSET
    cta: bool | msgspec.UnsetType = msgspec.UNSET
    ctd: bool | msgspec.UnsetType = msgspec.UNSET
    min_arrival: int | msgspec.UnsetType | None = msgspec.UNSET
    max_arrival: int | msgspec.UnsetType | None = msgspec.UNSET
    min_through: int | msgspec.UnsetType | None = msgspec.UNSET
    max_through: int | msgspec.UnsetType | None = msgspec.UNSET
    pattern: str | msgspec.UnsetType | None = msgspec.UNSET
    min_offset: str | msgspec.UnsetType | None = msgspec.UNSET
    max_offset: str | msgspec.UnsetType | None = msgspec.UNSET


def restrict_request(body: dict[str, Any]) -> RestrictRequest:
    found = msgspec.convert(body, _RestrictBody)
    given = {name: getattr(found, name) for name in found.__struct_fields__}
    fields = {name: given[name] for name in RULE_FIELDS if given.get(name, msgspec.UNSET) is not msgspec.UNSET}
    for name in ("min_offset", "max_offset"):
        value = given[name]
        if value is not msgspec.UNSET:
            fields[f"{name}_s"] = duration_s(value) if value else None
    if not fields:
        raise ValueError("no restriction is named")
    span = span_of(found.first, found.last, found.days)
    return RestrictRequest(found.room, found.plan, span, fields, found.publish)


def span_of(first: str, last: str, days: tuple[str, ...]) -> Span:
    """Inclusive dates and the weekdays that count (Mon Tue Weds Thur Fri Sat Sun, as OpenTravel spells them)."""
    unknown = set(days) - set(WEEKDAYS)
    if unknown:
        raise ValueError(f"unknown weekdays {sorted(unknown)}")
    span = Span(to_day(first), to_day(last), tuple(day in days for day in WEEKDAYS))
    if span.last < span.first:
        raise ValueError("last is before first")
    return span
