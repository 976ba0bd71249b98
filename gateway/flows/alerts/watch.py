"""Telling people what needs them: once when it begins, again after hours, and when it is over.

One process looks, the one that holds the sending right for a name of that purpose; a process without workers looks
whether there are any. What stands is kept in a table, so neither a restart nor another process tells it again.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from gateway.flows.alerts import findings
from gateway.flows.alerts.findings import Limits, alert
from gateway.flows.alerts.notices import Alert, Teller
from gateway.flows.alerts.texts import AlertKind
from gateway.flows.delivering.receiver_health import ITSELF
from gateway.flows.rounds import Rounds
from gateway.flows.services import Services
from gateway.flows.vault.unattended import UnattendedCards
from gateway.flows.work import Workers
from gateway.model.dates import Instant, local_day
from gateway.settings import Settings
from gateway.store import alerting, paying, selling, statements, watching
from gateway.store.database import Transaction
from gateway.store.tables import AlertRow, Scope

LOOK_S = 30.0
SETTLE_MS = 5 * 60_000
# An alert of refused callbacks stands for so long after the last one.
REFUSED_LATELY_MS = 15 * 60_000
# A statement that fails is tried again each hour.
STATEMENT_ATTEMPTS = 4
# Sales are looked after each second, and one that fails is tried again each minute.
SALES_NEGLECTED_MS = 10 * 60_000
SUBJECT_ALERTS = "alerts"


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
        return findings.workers(until_ms, now_ms)

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
        limits = Limits(self._settings, await self._services.hotels.current(tx, scopes))
        return [
            *findings.lagging(lags, limits, now_ms),
            *findings.failing((*lags, *receivers), limits, now_ms),
            *findings.paused(receivers),
            *findings.refusing(refusing),
            *findings.unacknowledged(outstanding, limits, now_ms),
            *findings.bookings(troubles),
            *await self._payments(tx, now_ms),
            *findings.cards(await self._cards.look(tx, now_ms)),
            *findings.held(await watching.held(tx)),
            *findings.neglected_sales(await selling.neglected(tx, now_ms - SALES_NEGLECTED_MS), now_ms),
            *findings.requests(await selling.unanswered(tx), now_ms),
            *self._of_machine(now_ms),
            *findings.workers(max(self._workers.looked_ms, self._began_ms), now_ms),
        ]

    async def _payments(self, tx: Transaction, now_ms: Instant) -> list[AlertRow]:
        differences = self._settings.alert_payment_differences
        differing = await statements.differing(tx) if differences else []
        found = (
            (AlertKind.PAYMENT_PARKED, await paying.parked_by_account(tx)),
            (AlertKind.PAYMENT_REFUSED, await paying.refused_by_account(tx, now_ms - REFUSED_LATELY_MS)),
            (AlertKind.PAYMENT_UNRESOLVED, await paying.unresolved(tx)),
            (AlertKind.PAYMENT_DIFFERENCES, [one for one in differing if one.number >= differences]),
            (AlertKind.PAYMENT_STATEMENT, await statements.not_fetched(tx, STATEMENT_ATTEMPTS)),
        )
        return [row for kind, troubles in found for row in findings.of_accounts(kind, troubles)]

    def _of_machine(self, now_ms: Instant) -> Iterator[AlertRow]:
        usage = shutil.disk_usage(self._settings.data_dir)
        percent = 100 * usage.free // usage.total
        if percent < self._settings.alert_disk_free_percent:
            yield alert("", AlertKind.DISK, self._settings.data_dir, now_ms, percent=percent)
        limit_ms = self._settings.alert_clock_skew_s * 1000
        for connection, skew_ms in self._services.metrics.skew_ms.items():
            if limit_ms and abs(skew_ms) > limit_ms:
                yield alert("", AlertKind.CLOCK, connection, now_ms, seconds=skew_ms // 1000)


async def current(services: Services, property_id: str) -> tuple[Alert, ...]:
    """What needs somebody at a property, the oldest first; for "" what is wrong with the gateway itself."""
    rows = await services.database.read(lambda tx: alerting.standing(tx, property_id))
    return tuple(Alert.of(row) for row in rows)
