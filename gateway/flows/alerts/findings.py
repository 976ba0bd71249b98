"""What was found in the database, as alerts: one line for each trouble, with what its sentence names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from gateway.engine.hotel import Hotel
from gateway.flows.alerts.texts import AlertKind
from gateway.flows.vault.unattended import Unattended
from gateway.model.dates import Instant, format_day
from gateway.settings import Settings
from gateway.store import paying, watching
from gateway.store.tables import AlertRow

# Workers look into the database every second, and renew their rights every five.
WORKERS_QUIET_MS = 60_000
_pack = msgspec.msgpack.Encoder().encode


class Limits:
    """The thresholds of a property: its own, or those of the settings. 0 is no such alert."""

    def __init__(self, settings: Settings, hotels: dict[str, Hotel]) -> None:
        self._settings = settings
        self._hotels = hotels

    def of(self, scope_id: str, name: str) -> int:
        hotel = self._hotels.get(scope_id)
        own: int | None = getattr(hotel.property, name) if hotel else None
        limit: int = getattr(self._settings, name) if own is None else own
        return limit


def lagging(lags: Iterable[watching.Lag], limits: Limits, now_ms: Instant) -> Iterator[AlertRow]:
    for lag in lags:
        limit_s = limits.of(lag.scope_id, "alert_lag_s")
        if limit_s and lag.since_ms and now_ms - lag.since_ms > limit_s * 1000:
            minutes = (now_ms - lag.since_ms) // 60_000
            yield alert(lag.scope_id, AlertKind.LAG, lag.connection, lag.since_ms, minutes=minutes, error=lag.error)


def failing(lags: Iterable[watching.Lag | watching.Receiver], limits: Limits, now_ms: Instant) -> Iterator[AlertRow]:
    for lag in lags:
        limit = limits.of(lag.scope_id, "alert_failures")
        if limit and lag.failures >= limit:
            since_ms = lag.confirmed_ms or now_ms
            yield alert(
                lag.scope_id, AlertKind.FAILING, lag.connection, since_ms, failures=lag.failures, error=lag.error
            )


def paused(receivers: Iterable[watching.Receiver]) -> Iterator[AlertRow]:
    for one in receivers:
        if one.paused_ms:
            yield alert(one.scope_id, AlertKind.RECEIVER_PAUSED, one.connection, one.paused_ms, error=one.error)


def refusing(found: Iterable[watching.Refusing]) -> Iterator[AlertRow]:
    for one in found:
        named = {"targets": one.targets, "error": one.text}
        yield alert(one.scope_id, AlertKind.REFUSING, one.connection, one.since_ms, **named)


def unacknowledged(found: Iterable[watching.Outstanding], limits: Limits, now_ms: Instant) -> Iterator[AlertRow]:
    for one in found:
        limit_s = limits.of(one.scope_id, "alert_unacknowledged_s")
        # A refusal does not get better by waiting.
        if limit_s and (one.state == "refused" or now_ms - one.oldest_ms > limit_s * 1000):
            minutes = (now_ms - one.oldest_ms) // 60_000
            subject = one.connection if one.state != "refused" else f"{one.connection} ({one.state})"
            yield alert(
                one.scope_id,
                AlertKind.UNACKNOWLEDGED,
                subject,
                one.oldest_ms,
                deliveries=one.deliveries,
                minutes=minutes,
                state=one.state,
            )


def bookings(troubles: Iterable[watching.Trouble]) -> Iterator[AlertRow]:
    for one in troubles:
        arrival = format_day(one.arrival)
        if one.oversold:
            yield alert(
                one.scope_id, AlertKind.OVERSOLD, one.reservation_id, one.at_ms, nights=one.oversold, arrival=arrival
            )
        if one.parked:
            yield alert(one.scope_id, AlertKind.PARKED, one.reservation_id, one.at_ms, arrival=arrival)


def held(found: Iterable[watching.HeldBack]) -> Iterator[AlertRow]:
    for one in found:
        yield alert(one.scope_id, AlertKind.HELD, one.source, one.since_ms, nights=one.nights)


def neglected_sales(found: Iterable[tuple[str, int, Instant]], now_ms: Instant) -> Iterator[AlertRow]:
    """Of each property: how many of its sales fail again and again, and since when."""
    for scope_id, number, since_ms in found:
        minutes = (now_ms - since_ms) // 60_000
        yield alert(scope_id, AlertKind.SALES, "sales", since_ms, count=number, minutes=minutes)


def requests(found: Iterable[tuple[str, int, Instant, Instant]], now_ms: Instant) -> Iterator[AlertRow]:
    """Of each property: how many requests wait for an answer, since when, and when the first of them ends."""
    for scope_id, number, since_ms, ends_ms in found:
        minutes = max(0, ends_ms - now_ms) // 60_000
        yield alert(scope_id, AlertKind.REQUESTS, "requests", since_ms, count=number, minutes=minutes)


def of_accounts(kind: AlertKind, troubles: Iterable[paying.Trouble]) -> Iterator[AlertRow]:
    """Of payment accounts."""
    for one in troubles:
        yield alert(one.property_id, kind, one.account, one.since_ms, count=one.number, error=one.text)


def cards(found: Iterable[Unattended]) -> Iterator[AlertRow]:
    for one in found:
        named = {"count": one.cards, "reservation": one.reservation_id, "arrival": format_day(one.arrival)}
        yield alert(one.property_id, AlertKind.CARDS, one.property_id, one.since_ms, **named)


def workers(seen_ms: Instant, now_ms: Instant) -> list[AlertRow]:
    if now_ms - seen_ms <= WORKERS_QUIET_MS:
        return []
    return [alert("", AlertKind.WORKERS, "workers", seen_ms, minutes=(now_ms - seen_ms) // 60_000)]


def alert(scope_id: str, kind: AlertKind, subject: str, since_ms: Instant, **named: Any) -> AlertRow:
    return AlertRow(scope_id, kind.value, subject, since_ms, 0, 0, _pack(named))
