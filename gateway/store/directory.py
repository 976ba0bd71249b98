"""Which property a connection belongs to. Connection ids are unique over the whole gateway: they name its endpoints."""

from __future__ import annotations

from gateway.engine.hotel import Hotel
from gateway.store.database import Database, Transaction
from gateway.store.hotels import Hotels
from gateway.store.tables import ConnectionRow, Scope


class Directory:
    """Finds connections by id. Ids are remembered; what is configured under them is read at its current version."""

    def __init__(self, database: Database, hotels: Hotels) -> None:
        self._database = database
        self._hotels = hotels
        self._home: dict[str, str] = {}
        self._seen: dict[str, Hotel] = {}

    async def hotel_of(self, connection: str) -> Hotel | None:
        """The hotel a connection belongs to, None for an unknown id."""
        home = self._home.get(connection)
        known = self._seen.get(home) if home else None
        if known is not None and connection in known.connections:
            return known
        return await self._database.read(lambda tx: self._find(tx, connection))

    def forget(self, scope_id: str) -> None:
        """The configuration of the property has changed."""
        self._seen.pop(scope_id, None)

    async def _find(self, tx: Transaction, connection: str) -> Hotel | None:
        rows = await tx.rows(ConnectionRow, "connection = ?", connection)
        if not rows:
            return None
        scopes = await tx.rows(Scope, "scope_id = ?", rows[0].scope_id)
        hotel = (await self._hotels.current(tx, scopes)).get(rows[0].scope_id)
        if hotel is None or connection not in hotel.connections:
            return None
        self._home[connection] = rows[0].scope_id
        self._seen[rows[0].scope_id] = hotel
        return hotel
