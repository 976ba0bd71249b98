"""A property as the tables of a hotel file: what :func:`gateway.engine.hotel_file.read_tables` would read it from.

Passwords are never in it; numbers are the decimal texts that a person would have written.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from gateway.engine.payment_file import account_table
from gateway.engine.selling_tables import selling_tables
from gateway.model.dates import FIRST_DAY, LAST_DAY, format_day
from gateway.model.money import format_minor
from gateway.model.property import (
    Adjustment,
    Allotment,
    Connection,
    Credentials,
    FigureKind,
    LengthRate,
    Property,
    RatePlan,
    Role,
    RoomType,
    Rounding,
    StandingBookings,
)

Tables = dict[str, Any]
_USUAL = {"guard_price_factor": 10, "guard_reopenings": 5_000, "card_days": 7, "mail_bookings_after_s": 1_800}
_THRESHOLDS = ("alert_lag_s", "alert_failures", "alert_unacknowledged_s")


def tables_of(prop: Property) -> Tables:
    """Settings that stand at their defaults are left out."""
    tables: Tables = {
        "property": {
            "id": prop.id,
            "name": prop.name,
            "currency": prop.currency,
            "timezone": prop.timezone,
            "prices": "net" if prop.net else "gross",
            **{name: limit for name in _THRESHOLDS if (limit := getattr(prop, name)) is not None},
            **{name: limit for name, usual in _USUAL.items() if (limit := getattr(prop, name)) != usual},
            **({"mail_bookings_to": list(prop.mail_bookings_to)} if prop.mail_bookings_to else {}),
        },
        "room_types": [room_type(room) for room in prop.room_types],
        "rate_plans": [rate_plan(plan, prop.currency) for plan in prop.rate_plans],
    }
    if prop.connections:
        tables["connections"] = [connection(known, prop.currency) for known in prop.connections]
    if selling := selling_tables(prop.selling, prop.currency):
        tables["selling"] = selling
    if prop.payments:
        tables["payments"] = [account_table(account) for account in prop.payments]
    return tables


def room_type(room: RoomType) -> Tables:
    """An entry of ``room_types``."""
    table: Tables = {"code": room.code, "name": room.name, "units": room.units, "adults_max": room.adults_max}
    return table | ({"made_of": {part.room: part.units for part in room.made_of}} if room.made_of else {})


def rate_plan(plan: RatePlan, currency: str) -> Tables:
    """An entry of ``rate_plans``."""
    table: Tables = {"code": plan.code, "name": plan.name}
    if plan.parent:
        table |= {"derived_from": plan.parent, **_adjustment(plan.adjust, "", currency)}
    if plan.own_rules:
        table["restrictions"] = "own"
    if plan.lengths:
        table["lengths"] = [_length(rate, currency) for rate in plan.lengths]
    return table


def _length(rate: LengthRate, currency: str) -> Tables:
    table: Tables = {"nights": rate.nights, "percent": "0", **_adjustment(rate.adjust, "", currency)}
    for name, none in (("first", FIRST_DAY), ("last", LAST_DAY)):
        if getattr(rate, name) != none:
            table[name] = format_day(getattr(rate, name))
    return table


def connection(known: Connection, currency: str) -> Tables:
    """An entry of ``connections``, its mapping written out product by product."""
    if known.role is Role.DIRECT:
        return _direct(known)
    theirs = known.currency or currency
    table: Tables = {
        "id": known.id,
        "connector": known.connector,
        "profile": known.profile,
        "role": known.role.value,
        "hotel": known.hotel,
    }
    if known.url:
        table["url"] = known.url
    for side in ("inbound", "outbound"):
        credentials: Credentials = getattr(known, side)
        if credentials.username or credentials.secret:
            table[side] = {"username": credentials.username} if credentials.username else {}
    if known.products:
        table["products"] = [
            {"room": it.room, "plan": it.plan, "their_room": it.their_room, "their_plan": it.their_plan}
            for it in known.products
        ]
    if theirs != currency:
        table |= {"currency": theirs, "exchange_rate": _decimal(known.rate_ppm, 6)}
    table |= _channel(known, theirs) if known.role in (Role.CHANNEL, Role.SELLER) else _pms(known)
    if known.days_ahead != 400:
        table["days_ahead"] = known.days_ahead
    if known.cards:
        table["cards"] = True
    if not known.enabled:
        table["enabled"] = False
    if known.options:
        table["options"] = known.options
    return table


def _channel(known: Connection, currency: str) -> Tables:
    table = _adjustment(known.markup, "markup_", currency)
    if known.fallback_room:
        table["fallback_room"] = known.fallback_room
    if known.booking_currencies:
        table["booking_currencies"] = list(known.booking_currencies)
    if known.pms_number:
        table["pms_number"] = True
    return table | _allotment(known.allotment)


def _direct(known: Connection) -> Tables:
    enabled = {} if known.enabled else {"enabled": False}
    return {"id": known.id, "role": known.role.value, **_allotment(known.allotment), **enabled}


def _allotment(allotment: Allotment) -> Tables:
    none = Allotment()
    if allotment == none:
        return {}
    limits = {"cap": allotment.cap, "keep_back": allotment.keep_back, "close_at": allotment.close_at}
    return {"allotment": {name: limit for name, limit in limits.items() if limit != getattr(none, name)}}


def _pms(known: Connection) -> Tables:
    table: Tables = {}
    if known.figures is not FigureKind.ROOMS_LEFT:
        table["figures"] = known.figures.value
    if known.figure_delay_s != 30:
        table["figure_delay_s"] = known.figure_delay_s
    if known.echoes:
        table["echoes"] = True
    if known.standing is not StandingBookings.DELIVER:
        table["standing"] = known.standing.value
    return table


def _adjustment(by: Adjustment, prefix: str, currency: str) -> Tables:
    table: Tables = {}
    if by.percent_bp:
        table[f"{prefix}percent"] = _decimal(by.percent_bp, 2)
    if by.amount:
        table[f"{prefix}amount"] = format_minor(by.amount, currency)
    if by.step != 1:
        table["round_to"] = format_minor(by.step, currency)
    if by.rounding is not Rounding.NEAREST:
        table["rounding"] = by.rounding.value
    return table


def _decimal(value: int, places: int) -> str:
    return f"{Decimal(value).scaleb(-places).normalize():f}"
