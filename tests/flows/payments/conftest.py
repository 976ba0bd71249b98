"""The hotel of the payment tests, over SQLite and over PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.store.database import Database
from tests.flows.payments.house import PayHouse, pay_house


@pytest.fixture
async def psp(database: Database) -> AsyncIterator[PayHouse]:
    async with pay_house(database) as house:
        yield house
