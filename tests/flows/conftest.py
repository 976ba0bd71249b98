"""The hotel of the flow tests, over SQLite and over PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.store.database import Database
from tests.flows.house import House, hotel


@pytest.fixture
async def empty_house(database: Database) -> AsyncIterator[House]:
    """A process without any property."""
    house = House(database)
    house.start()
    yield house
    await house.stop()


@pytest.fixture
async def house(empty_house: House) -> House:
    """The usual hotel, without figures or prices yet."""
    await empty_house.apply(hotel())
    return empty_house
