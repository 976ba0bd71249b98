"""Which property a connection belongs to. Connection ids are unique over the whole gateway: they name its endpoints."""

from __future__ import annotations

from collections.abc import Callable

from gateway.engine.hotel import Hotel
from gateway.store.database import Database, Transaction
from gateway.store.hotels import Hotels
from gateway.store.tables import Scope
from gateway.store.tables_connections import ConnectionRow
from gateway.store.tables_paying import PaymentAccountRow, account_scope

# For so long a property's configuration is used before it is looked up again: another process may have changed it.
FRESH_MS = 1_000


class Directory:
    """Finds connections by id. A change made by another process holds here within a second."""

    def __init__(self, database: Database, hotels: Hotels, now_ms: Callable[[], int]) -> None:
        self._database = database
        self._hotels = hotels
        self._now_ms = now_ms
        self._home: dict[str, str] = {}
        self._seen: dict[str, tuple[Hotel, int]] = {}  # with the instant of looking

    async def hotel_of(self, connection: str) -> Hotel | None:
        """The hotel a connection belongs to, None for an unknown id."""
        now_ms = self._now_ms()
        hotel, looked_ms = self._seen.get(self._home.get(connection, ""), (None, 0))
        if hotel is not None and connection in hotel.connections and 0 <= now_ms - looked_ms < FRESH_MS:
            return hotel
        return await self._database.read(lambda tx: self._find(tx, connection, now_ms))

    async def hotel_of_account(self, account: str) -> Hotel | None:
        """The hotel a payment account belongs to, None for an unknown id."""
        now_ms, name = self._now_ms(), account_scope(account)
        hotel, looked_ms = self._seen.get(self._home.get(name, ""), (None, 0))
        if hotel is not None and account in hotel.payments and 0 <= now_ms - looked_ms < FRESH_MS:
            return hotel

        async def find(tx: Transaction) -> Hotel | None:
            rows = await tx.rows(PaymentAccountRow, "scope_id = ?", name)
            found = await self._current(tx, rows[0].property_id, now_ms) if rows else None
            if found is None or account not in found.payments:
                return None
            self._home[name] = found.property.id
            return found

        return await self._database.read(find)

    def forget(self, scope_id: str) -> None:
        """The configuration of the property has changed."""
        self._seen.pop(scope_id, None)

    async def _find(self, tx: Transaction, connection: str, now_ms: int) -> Hotel | None:
        rows = await tx.rows(ConnectionRow, "connection = ?", connection)
        if not rows:
            return None
        scope_id = rows[0].scope_id
        hotel = await self._current(tx, scope_id, now_ms)
        if hotel is None or connection not in hotel.connections:
            return None
        self._home[connection] = scope_id
        return hotel

    async def _current(self, tx: Transaction, scope_id: str, now_ms: int) -> Hotel | None:
        hotel = (await self._hotels.current(tx, await tx.rows(Scope, "scope_id = ?", scope_id))).get(scope_id)
        if hotel is not None:
            self._seen[scope_id] = (hotel, now_ms)
        return hotel
