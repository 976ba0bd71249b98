"""Telling people what needs them: once when it begins, again after hours, and when it is over.

One process looks, the one that holds the sending right for a name of that purpose; a process without workers looks
whether there are any. What stands is kept in a table, so neither a restart nor another process tells it again.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from gateway.engine.hotel import Hotel
from gateway.flows.alerts.notices import Alert, Teller
from gateway.flows.alerts.texts import AlertKind
from gateway.flows.delivering.receiver_health import ITSELF
from gateway.flows.rounds import Rounds
from gateway.flows.services import Services
from gateway.flows.vault.unattended import Unattended, UnattendedCards
from gateway.flows.work import Workers
from gateway.model.dates import Instant, format_day, local_day
from gateway.settings import Settings
from gateway.store import alerting, paying, selling, statements, watching
from gateway.store.database import Transaction
from gateway.store.tables import AlertRow, Scope

LOOK_S = 30.0
SETTLE_MS = 5 * 60_000
# Workers look into the database every second, and renew their rights every five.
WORKERS_QUIET_MS = 60_000
# An alert of refused callbacks stands for so long after the last one.
REFUSED_LATELY_MS = 15 * 60_000
# A statement that fails is tried again each hour.
STATEMENT_ATTEMPTS = 4
# Sales are looked after each second, and one that fails is tried again each minute.
SALES_NEGLECTED_MS = 10 * 60_000
SUBJECT_ALERTS = "alerts"
_pack = msgspec.msgpack.Encoder().encode


class Alerts(Rounds):
    """The loop of one process; ``workers`` is None for one that only serves the web."""

    def __init__(self, services: Services, settings: Settings, workers: Workers | None) -> None:
        super().__init__(services, "alerts", every_s=LOOK_S, first_s=LOOK_S)
        self._settings = settings
        self._workers = workers
        self._teller = Teller(services, settings)
        self._cards = UnattendedCards(services)
        self._began_ms = services.clock.now_ms()

    async def round(self) -> None:
        """One look, and whoever has to be told is told."""
        services, now_ms = self._services, self._services.clock.now_ms()
        look = self._look_whole if self._workers is not None else self._look_for_workers
        kinds = list(AlertKind) if self._workers is not None else [AlertKind.WORKERS]
        if self._workers is not None and not services.leases.owns(SUBJECT_ALERTS, LOOK_S):
            return
        found = await services.database.read(lambda tx: look(tx, now_ms))

        async def write(tx: Transaction) -> alerting.Turn:
            repeat_ms = self._settings.alert_repeat_h * 3_600_000
            return await alerting.look(tx, found, kinds, now_ms, settle_ms=SETTLE_MS, repeat_ms=repeat_ms)

        turn = await services.database.write(write)
        if any(turn):
            await self._teller.tell(turn, now_ms)
            await services.database.write(lambda tx: alerting.told(tx, turn, now_ms))

    # --- what there is ----------------------------------------------------------------------------------------------

    async def _look_for_workers(self, tx: Transaction, now_ms: Instant) -> list[AlertRow]:
        if tx.dialect == "sqlite":  # the only process there may be
            return []
        until_ms = max(await watching.working_until(tx) or 0, self._began_ms)
        return _workers_alert(until_ms, now_ms)

    async def _look_whole(self, tx: Transaction, now_ms: Instant) -> list[AlertRow]:
        assert self._workers is not None
        lags = await watching.lags(tx, all_of_them=False)
        refusing = await watching.refusing(tx)
        receivers = await watching.receivers(tx, ITSELF)
        outstanding = await watching.outstanding(tx)
        today = local_day(now_ms, "UTC") - 1  # it may still be yesterday at the hotel
        troubles = await watching.troubles(tx, today)
        named = sorted({row[0] for row in (*lags, *refusing, *receivers, *outstanding)})
        scopes = [
            row for row in await tx.lookup(watching.SCOPES, [(name,) for name in named]) if isinstance(row, Scope)
        ]
        limits = _Limits(self._settings, await self._services.hotels.current(tx, scopes))
        return [
            *_lagging(lags, limits, now_ms),
            *_failing((*lags, *receivers), limits, now_ms),
            *(
                _alert(one.scope_id, AlertKind.RECEIVER_PAUSED, one.connection, one.paused_ms, error=one.error)
                for one in receivers
                if one.paused_ms
            ),
            *(
                _alert(
                    one.scope_id, AlertKind.REFUSING, one.connection, one.since_ms, targets=one.targets, error=one.text
                )
                for one in refusing
            ),
            *_unacknowledged(outstanding, limits, now_ms),
            *_bookings(troubles),
            *await _payments(tx, now_ms, self._settings.alert_payment_differences),
            *_cards(await self._cards.look(tx, now_ms)),
            *(
                _alert(one.scope_id, AlertKind.HELD, one.source, one.since_ms, nights=one.nights)
                for one in await watching.held(tx)
            ),
            *(
                _alert(
                    scope_id, AlertKind.SALES, "sales", since_ms, count=number, minutes=(now_ms - since_ms) // 60_000
                )
                for scope_id, number, since_ms in await selling.neglected(tx, now_ms - SALES_NEGLECTED_MS)
            ),
            *(
                _alert(
                    scope_id,
                    AlertKind.REQUESTS,
                    "requests",
                    since_ms,
                    count=number,
                    minutes=max(0, ends_ms - now_ms) // 60_000,
                )
                for scope_id, number, since_ms, ends_ms in await selling.unanswered(tx)
            ),
            *self._of_machine(now_ms),
            *_workers_alert(max(self._workers.looked_ms, self._began_ms), now_ms),
        ]

    def _of_machine(self, now_ms: Instant) -> Iterator[AlertRow]:
        usage = shutil.disk_usage(self._settings.data_dir)
        percent = 100 * usage.free // usage.total
        if percent < self._settings.alert_disk_free_percent:
            yield _alert("", AlertKind.DISK, self._settings.data_dir, now_ms, percent=percent)
        limit_ms = self._settings.alert_clock_skew_s * 1000
        for connection, skew_ms in self._services.metrics.skew_ms.items():
            if limit_ms and abs(skew_ms) > limit_ms:
                yield _alert("", AlertKind.CLOCK, connection, now_ms, seconds=skew_ms // 1000)


class _Limits:
    """The thresholds of a property: its own, or those of the settings. 0 is no such alert."""

    def __init__(self, settings: Settings, hotels: dict[str, Hotel]) -> None:
        self._settings = settings
        self._hotels = hotels

    def of(self, scope_id: str, name: str) -> int:
        hotel = self._hotels.get(scope_id)
        own: int | None = getattr(hotel.property, name) if hotel else None
        limit: int = getattr(self._settings, name) if own is None else own
        return limit


def _lagging(lags: Iterable[watching.Lag], limits: _Limits, now_ms: Instant) -> Iterator[AlertRow]:
    for lag in lags:
        limit_s = limits.of(lag.scope_id, "alert_lag_s")
        if limit_s and lag.since_ms and now_ms - lag.since_ms > limit_s * 1000:
            minutes = (now_ms - lag.since_ms) // 60_000
            yield _alert(lag.scope_id, AlertKind.LAG, lag.connection, lag.since_ms, minutes=minutes, error=lag.error)


def _failing(lags: Iterable[watching.Lag | watching.Receiver], limits: _Limits, now_ms: Instant) -> Iterator[AlertRow]:
    for lag in lags:
        limit = limits.of(lag.scope_id, "alert_failures")
        if limit and lag.failures >= limit:
            since_ms = lag.confirmed_ms or now_ms
            yield _alert(
                lag.scope_id, AlertKind.FAILING, lag.connection, since_ms, failures=lag.failures, error=lag.error
            )


def _unacknowledged(found: Iterable[watching.Outstanding], limits: _Limits, now_ms: Instant) -> Iterator[AlertRow]:
    for one in found:
        limit_s = limits.of(one.scope_id, "alert_unacknowledged_s")
        # A refusal does not get better by waiting.
        if limit_s and (one.state == "refused" or now_ms - one.oldest_ms > limit_s * 1000):
            minutes = (now_ms - one.oldest_ms) // 60_000
            subject = one.connection if one.state != "refused" else f"{one.connection} ({one.state})"
            yield _alert(
                one.scope_id,
                AlertKind.UNACKNOWLEDGED,
                subject,
                one.oldest_ms,
                deliveries=one.deliveries,
                minutes=minutes,
                state=one.state,
            )


def _bookings(troubles: Iterable[watching.Trouble]) -> Iterator[AlertRow]:
    for one in troubles:
        arrival = format_day(one.arrival)
        if one.oversold:
            yield _alert(
                one.scope_id, AlertKind.OVERSOLD, one.reservation_id, one.at_ms, nights=one.oversold, arrival=arrival
            )
        if one.parked:
            yield _alert(one.scope_id, AlertKind.PARKED, one.reservation_id, one.at_ms, arrival=arrival)


async def _payments(tx: Transaction, now_ms: Instant, differences: int) -> list[AlertRow]:
    differing = await statements.differing(tx) if differences else []
    found = (
        (AlertKind.PAYMENT_PARKED, await paying.parked_by_account(tx)),
        (AlertKind.PAYMENT_REFUSED, await paying.refused_by_account(tx, now_ms - REFUSED_LATELY_MS)),
        (AlertKind.PAYMENT_UNRESOLVED, await paying.unresolved(tx)),
        (AlertKind.PAYMENT_DIFFERENCES, [one for one in differing if one.number >= differences]),
        (AlertKind.PAYMENT_STATEMENT, await statements.not_fetched(tx, STATEMENT_ATTEMPTS)),
    )
    return [
        _alert(one.property_id, kind, one.account, one.since_ms, count=one.number, error=one.text)
        for kind, troubles in found
        for one in troubles
    ]


def _cards(found: Iterable[Unattended]) -> Iterator[AlertRow]:
    for one in found:
        named = {"count": one.cards, "reservation": one.reservation_id, "arrival": format_day(one.arrival)}
        yield _alert(one.property_id, AlertKind.CARDS, one.property_id, one.since_ms, **named)


def _workers_alert(seen_ms: Instant, now_ms: Instant) -> list[AlertRow]:
    if now_ms - seen_ms <= WORKERS_QUIET_MS:
        return []
    return [_alert("", AlertKind.WORKERS, "workers", seen_ms, minutes=(now_ms - seen_ms) // 60_000)]


def _alert(scope_id: str, kind: AlertKind, subject: str, since_ms: Instant, **named: Any) -> AlertRow:
    return AlertRow(scope_id, kind.value, subject, since_ms, 0, 0, _pack(named))


async def current(services: Services, property_id: str) -> tuple[Alert, ...]:
    """What needs somebody at a property, the oldest first; for "" what is wrong with the gateway itself."""
    rows = await services.database.read(lambda tx: alerting.standing(tx, property_id))
    return tuple(Alert.of(row) for row in rows)
