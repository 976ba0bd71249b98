"""Configurations by version, kept compiled in memory. A version never changes, so nothing here goes stale."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from gateway.engine.hotel import Hotel
from gateway.model.property import Property
from gateway.store.database import Transaction
from gateway.store.sql import Lookup
from gateway.store.tables import Config, Scope

_KEPT_MAX = 2_000
_BY_VERSION = Lookup(Config)
unpack_property = msgspec.msgpack.Decoder(Property).decode
pack_property = msgspec.msgpack.Encoder().encode


class Hotels:
    """The compiled hotels this process has met, the latest version of each."""

    def __init__(self) -> None:
        self._kept: dict[str, Hotel] = {}

    async def current(self, tx: Transaction, scopes: Iterable[Scope]) -> dict[str, Hotel]:
        """The hotel of each scope that has a configuration, at the version its scope row names."""
        found: dict[str, Hotel] = {}
        missing: list[tuple[str, int]] = []
        for scope in scopes:
            kept = self._kept.get(scope.scope_id)
            if kept is not None and kept.version == scope.config_version:
                found[scope.scope_id] = kept
            elif scope.config_version:
                missing.append((scope.scope_id, scope.config_version))
        for row in await tx.lookup(_BY_VERSION, missing) if missing else ():
            assert isinstance(row, Config)
            if len(self._kept) >= _KEPT_MAX:
                self._kept.clear()
            found[row.scope_id] = self._kept[row.scope_id] = Hotel(unpack_property(row.body), row.version)
        return found
