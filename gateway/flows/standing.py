"""What stands in the database right now, as figures: who is behind, and what waits. The same in every process."""

from __future__ import annotations

from gateway.flows.services import Services
from gateway.io.metrics import Family
from gateway.model.dates import Day, Instant, local_day
from gateway.store import watching
from gateway.store.database import Transaction

FRESH_MS = 5_000
_CONNECTION = ("property", "connection")


class Standing:
    """Read again when it is asked for after more than ``FRESH_MS``, however many ask."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._read_ms: Instant | None = None
        self._families: list[Family] = []

    async def families(self) -> list[Family]:
        now_ms = self._services.clock.now_ms()
        if self._read_ms is None or not 0 <= now_ms - self._read_ms < FRESH_MS:
            today = local_day(now_ms, "UTC")
            self._families = await self._services.database.read(lambda tx: _read(tx, now_ms, today))
            self._read_ms = now_ms
        return self._families


async def _read(tx: Transaction, now_ms: Instant, today: Day) -> list[Family]:
    counted = await watching.counted(tx)
    few = counted.connections <= watching.LISTED_MAX
    lags = await watching.lags(tx, all_of_them=few)
    outstanding = await watching.outstanding(tx)
    troubles = await watching.troubles(tx, today)
    states = (("all", counted.connections), ("behind", counted.behind), ("failing", counted.failing))
    return [
        Family(
            "gateway_connections",
            "Connections that are sent rates and availability",
            ("state",),
            [((name,), count) for name, count in (*states, ("refusing", counted.refusing))],
        ),
        Family(
            "gateway_lag_revisions",
            "Revisions of the property that a connection's messages do not contain yet",
            _CONNECTION,
            [((lag.scope_id, lag.connection), lag.behind) for lag in lags],
        ),
        Family(
            "gateway_lag_seconds",
            "Age of the oldest change that a connection has not confirmed",
            _CONNECTION,
            [((lag.scope_id, lag.connection), age_s(lag.since_ms, now_ms)) for lag in lags],
        ),
        Family(
            "gateway_call_failures",
            "Calls to a connection that failed one after the other",
            _CONNECTION,
            [((lag.scope_id, lag.connection), lag.failures) for lag in lags],
        ),
        *_deliveries(outstanding, now_ms),
        Family(
            "gateway_bookings_in_trouble",
            "Bookings that are not over and need somebody",
            ("trouble",),
            [
                (("oversold",), sum(found.oversold > 0 for found in troubles)),
                (("parked",), sum(found.parked > 0 for found in troubles)),
            ],
        ),
    ]


def _deliveries(outstanding: list[watching.Outstanding], now_ms: Instant) -> list[Family]:
    """Of the connections with the oldest ones, if there are too many to list."""
    listed = sorted(outstanding, key=lambda found: found.oldest_ms)[: watching.LISTED_MAX]
    labels = (*_CONNECTION, "state")
    keys = [(found.scope_id, found.connection, found.state) for found in listed]
    return [
        Family(
            "gateway_deliveries_outstanding",
            "Reservations that a connection has not confirmed",
            labels,
            [(key, found.deliveries) for key, found in zip(keys, listed, strict=True)],
        ),
        Family(
            "gateway_delivery_age_seconds",
            "Age of the oldest of them",
            labels,
            [(key, age_s(found.oldest_ms, now_ms)) for key, found in zip(keys, listed, strict=True)],
        ),
    ]


def age_s(since_ms: Instant, now_ms: Instant) -> float:
    """Seconds since then; 0 for nothing, and for a clock that was set back."""
    return max(0, now_ms - since_ms) / 1000 if since_ms else 0.0
