"""Whether anything has changed at a property since somebody looked: for pages that keep themselves up to date."""

from __future__ import annotations

from collections.abc import Collection
from hashlib import blake2b

from gateway.flows.services import Services
from gateway.store import reading_pulses


async def read(services: Services, property_ids: Collection[str]) -> dict[str, str]:
    """A short text for each property; another text is another state. Of properties that don't exist as well."""
    found = await services.database.read(lambda tx: reading_pulses.rows(tx, property_ids))
    return {name: blake2b(repr(rows).encode(), digest_size=9).hexdigest() for name, rows in found.items()}
