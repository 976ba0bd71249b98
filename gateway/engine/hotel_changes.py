"""What making one property into another changes: a readable line each, and whether it takes something away."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from gateway.engine.connection_shapes import SecretKey
from gateway.engine.payment_file import PaymentSecret, payment_changes
from gateway.engine.readable import printable, shown
from gateway.engine.selling_tables import selling_changes
from gateway.model.dates import FIRST_DAY, LAST_DAY, format_day
from gateway.model.money import format_minor
from gateway.model.property import (
    Adjustment,
    Allotment,
    Connection,
    Credentials,
    LengthRate,
    Part,
    Property,
    RatePlan,
    Role,
    RoomType,
    Rounding,
    StandingBookings,
)


class Severity(StrEnum):
    """Whether a change can be made without asking."""

    NOTICE = "notice"
    DESTRUCTIVE = "destructive"  # takes something away, or gives every stored price another meaning


class Change(msgspec.Struct, frozen=True):
    """One thing that applying would change; ``line`` begins with ``+``, ``~`` or ``-``."""

    line: str
    severity: Severity = Severity.NOTICE


_Part = TypeVar("_Part", RoomType, RatePlan, Connection)
_LABELS = {
    "alert_failures": "alert after failures",
    "alert_lag_s": "alert when seconds behind",
    "alert_unacknowledged_s": "alert when seconds unconfirmed",
    "adjust": "price",
    "adults_max": "adults",
    "figure_delay_s": "figure delay in seconds",
    "inbound": "inbound user",
    "net": "prices",
    "lengths": "by length of stay",
    "made_of": "made of",
    "outbound": "outbound user",
    "own_rules": "restrictions of its own alone",
    "parent": "derived from",
    "rate_ppm": "exchange rate",
}
_COMPARED_APART = frozenset({"room_types", "rate_plans", "connections", "products", "options", "selling", "payments"})


def plan(
    old: Property | None,
    new: Property,
    changed_secrets: Collection[SecretKey] = (),
    changed_payment_secrets: Collection[PaymentSecret] = (),
) -> list[Change]:
    """What making ``old`` into ``new`` changes, room types first; empty if nothing does.

    Sealed secrets are not compared: the caller says which passwords differ. The order of products has no meaning.
    Raises :class:`ValueError` for two different properties.
    """
    before = old or msgspec.structs.replace(new, room_types=(), rate_plans=(), connections=(), payments=())
    if before.id != new.id:
        raise ValueError(f"{before.id!r} cannot become {new.id!r}: they are two properties")
    found: list[Change] = []
    if old is None:
        found.append(_change(f"+ property {new.id} {shown(new.name)} {new.currency} {new.timezone} {_prices(new.net)}"))
    found += _differences(f"property {new.id}", before, new, before, new)
    found += _parts("room type", before.room_types, new.room_types, before, new)
    found += _parts("rate plan", before.rate_plans, new.rate_plans, before, new)
    found += _parts("connection", before.connections, new.connections, before, new)
    found += map(_change, selling_changes(before.selling, new.selling, new.currency))
    for line in payment_changes(before.payments, new.payments, changed_payment_secrets):
        found.append(_change(line, Severity.DESTRUCTIVE if line.startswith("-") else Severity.NOTICE))
    kept = {connection.id for connection in before.connections} & {connection.id for connection in new.connections}
    found += [
        _change(f"~ connection {connection}: {side} password is replaced")
        for connection, side in sorted(changed_secrets)
        if connection in kept
    ]
    return found


def standing(connection: Connection, bookings: int) -> Change:
    """What becomes of the bookings that stand when a PMS is added."""
    noun = "booking that stands" if bookings == 1 else "bookings that stand"
    if connection.standing is StandingBookings.SKIP:
        return _change(f"~ connection {connection.id}: is taken to hold the {bookings} {noun}")
    return _change(f"~ connection {connection.id}: will be handed {bookings} {noun}")


def render(changes: Sequence[Change]) -> str:
    """The plan for a terminal: one line a change, destructive ones marked ``!``, and a sum."""
    if not changes:
        return "Nothing changes."
    lines = [f"{'!' if change.severity is Severity.DESTRUCTIVE else ' '} {change.line}" for change in changes]
    destructive = sum(change.severity is Severity.DESTRUCTIVE for change in changes)
    total = f"{len(changes)} change{'s' if len(changes) > 1 else ''}"
    return "\n".join([*lines, "", f"{total}, {destructive} destructive (marked !)" if destructive else total])


def _parts(
    noun: str, old: Sequence[_Part], new: Sequence[_Part], before: Property, after: Property
) -> Iterator[Change]:
    was = {_key(part): part for part in old}
    now = {_key(part): part for part in new}
    for key, part in was.items():
        if key not in now:
            yield _change(f"- {noun} {key} {_summary(part, before)}", Severity.DESTRUCTIVE)
    for key, part in now.items():
        if key not in was:
            yield _change(f"+ {noun} {key} {_summary(part, after)}")
            continue
        yield from _differences(f"{noun} {key}", was[key], part, before, after)
    kept = [key for key in now if key in was]
    if kept != [key for key in was if key in now]:
        yield _change(f"~ {noun}s: their order is now {', '.join(now)}")


def _differences(
    head: str, old: Property | _Part, new: Property | _Part, before: Property, after: Property
) -> Iterator[Change]:
    """Goes by the struct's own fields, so that a setting added to the model cannot be forgotten here."""
    for field in new.__struct_fields__:
        was, now = getattr(old, field), getattr(new, field)
        if isinstance(now, Credentials):
            was, now = was.username, now.username
        if field not in _COMPARED_APART and was != now:
            label = _LABELS.get(field, field.replace("_", " "))
            texts = _value(field, was, old, before), _value(field, now, new, after)
            yield _change(f"~ {head}: {label} {texts[0]} → {texts[1]}", _severity(new, field, was, now))
    if isinstance(old, Connection) and isinstance(new, Connection):
        yield from _mapping_differences(head, old, new)


def _mapping_differences(head: str, old: Connection, new: Connection) -> Iterator[Change]:
    for sign, these, those in (("-", old, new), ("+", new, old)):
        others = set(those.products)
        for line in these.products:
            if line not in others:
                codes = f"{shown(line.their_room)} / {shown(line.their_plan)}"
                yield _change(f"{sign} {head}: {line.room} {line.plan} as {codes}")
    # As JSON, because 1, 1.0 and true are equal in Python but not to a connector. Values may be keys, so none is shown.
    was, now = (
        {key: msgspec.json.encode(value, order="deterministic") for key, value in options.items()}
        for options in (old.options, new.options)
    )
    if changed := sorted(key for key in was.keys() | now.keys() if was.get(key) != now.get(key)):
        yield _change(f"~ {head}: options {', '.join(changed)}")


def _change(line: str, severity: Severity = Severity.NOTICE) -> Change:
    return Change(printable(line), severity)


def _severity(owner: object, field: str, was: Any, now: Any) -> Severity:
    """Prices are kept as bare minor units, so a new currency or tax basis gives all of them another meaning.

    A channel that loses its address keeps what it was told last.
    """
    if isinstance(owner, Connection) and field == "url" and owner.role is Role.CHANNEL and not now:
        return Severity.DESTRUCTIVE
    if (isinstance(owner, Property) and field in ("currency", "net")) or (field == "units" and now < was):
        return Severity.DESTRUCTIVE
    return Severity.NOTICE


def _key(part: RoomType | RatePlan | Connection) -> str:
    return part.id if isinstance(part, Connection) else part.code


def _summary(part: RoomType | RatePlan | Connection, hotel: Property) -> str:
    if isinstance(part, RoomType):
        return f"{shown(part.name)} {part.units} units, {part.adults_max} adults"
    if isinstance(part, RatePlan):
        derived = f"{part.parent} {_adjusted(part.adjust, hotel.currency)}" if part.parent else "own prices"
        return f"{shown(part.name)} {derived}"
    if part.role is Role.DIRECT:
        return "(direct)"  # it has no counterpart, and speaks our codes
    count = len(part.products)
    return f"({part.role}, {part.connector}/{part.profile}) hotel {shown(part.hotel)}, {count} products"


def _value(field: str, value: object, owner: object, hotel: Property) -> str:
    if isinstance(value, Adjustment):
        currency = owner.currency if isinstance(owner, Connection) else ""
        return _adjusted(value, currency or hotel.currency)
    if isinstance(value, tuple):
        return ", ".join(_item(each, hotel.currency) for each in value) or "none"
    if isinstance(value, Allotment):
        cap = "no cap" if value.cap is None else f"cap {value.cap}"
        return f"({cap}, keep back {value.keep_back}, close at {value.close_at})"
    worded: Callable[[Any], str] | None = {"net": _prices, "rate_ppm": _decimal(1_000_000), "name": shown}.get(field)
    if worded:
        return worded(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) or "none"


def _item(value: object, currency: str) -> str:
    if isinstance(value, Part):
        return f"{value.units} {value.room}"
    return _length(value, currency) if isinstance(value, LengthRate) else str(value)


def _length(rate: LengthRate, currency: str) -> str:
    first = f" from {format_day(rate.first)}" if rate.first != FIRST_DAY else ""
    last = f" to {format_day(rate.last)}" if rate.last != LAST_DAY else ""
    return f"{rate.nights} nights{first}{last} {_adjusted(rate.adjust, currency)}"


def _prices(net: bool) -> str:
    return "net" if net else "gross"


def _decimal(unit: int) -> Callable[[int], str]:
    return lambda value: f"{(Decimal(value) / unit).normalize():f}"


def _adjusted(by: Adjustment, currency: str) -> str:
    """``-10 % +5.00 rounded nearest to 1.00``."""
    parts = [f"{_decimal(100)(by.percent_bp)} %"]
    if by.amount:
        parts.append(f"{'+' if by.amount > 0 else ''}{format_minor(by.amount, currency)}")
    if by.step != 1 or by.rounding is not Rounding.NEAREST:
        parts.append(f"rounded {by.rounding} to {format_minor(by.step, currency)}")
    return " ".join(parts)
