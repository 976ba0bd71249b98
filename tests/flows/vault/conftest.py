"""The house with cards."""

from collections.abc import AsyncIterator

import pytest

from gateway.store.database import Database
from tests.flows.vault.house import CardHouse, with_cards


@pytest.fixture
async def empty_house(database: Database) -> AsyncIterator[CardHouse]:
    house = CardHouse(database)
    house.start()
    yield house
    await house.stop()


@pytest.fixture
async def house(empty_house: CardHouse) -> CardHouse:
    await empty_house.apply(with_cards())
    return empty_house
