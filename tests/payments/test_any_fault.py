"""Whatever is lost, repeated, late or out of order at any of the five: in the end the ledger is the gateway's books."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import Rejected
from gateway.store.opening import open_database
from tests.payments.five import GATEWAYS, Five, opened

FAULTS = st.fixed_dictionaries(
    {
        "lose_answers": st.integers(0, 2),
        "refuse": st.integers(0, 1),
        "copies": st.integers(1, 3),
        "shuffle": st.booleans(),
        "withhold": st.booleans(),
    }
)
STEPS = st.lists(
    st.tuples(st.sampled_from(["charge", "pay", "refund", "tell", "settle", "wait"]), FAULTS, st.integers(1, 10_000)),
    min_size=2,
    max_size=6,
)


@pytest.mark.slow
@pytest.mark.parametrize("gateway", GATEWAYS)
def test_any_fault_ends_in_the_same_books(gateway: str, migrated_sqlite: Path) -> None:
    @settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
    @given(slow=st.booleans(), steps=STEPS)
    def history(slow: bool, steps: list[tuple[str, dict[str, Any], int]]) -> None:
        asyncio.run(_lived(gateway, migrated_sqlite, slow, steps))

    history()


async def _lived(gateway: str, template: Path, slow: bool, steps: list[tuple[str, dict[str, Any], int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gateway.sqlite3"
        shutil.copyfile(template, path)
        database = open_database(f"sqlite:///{path}")
        await database.open()
        async with opened(gateway, database) as five:
            five.psp.slow = slow
            await five.charge()
            for step, faults, number in steps:
                _switch(five, **faults)
                await _happened(five, step, number)
            _switch(five)
            await _ended(five)
        await database.close()


def _switch(five: Five, **faults: Any) -> None:
    wanted = {"lose_answers": 0, "refuse": 0, "copies": 1, "shuffle": False, "withhold": False} | faults
    for name, value in wanted.items():
        setattr(five.courier.faults, name, value)


async def _happened(five: Five, step: str, number: int) -> None:
    match step:
        case "charge":
            await five.charge(five.case.at_once if number % 2 else five.case.declined)
        case "pay":
            await five.guests_pay()
        case "refund":
            payment = five.payments[number % len(five.payments)]
            try:
                await five.give_back(payment, number)
            except Rejected:
                return  # nothing was sent
        case "tell":
            await five.told()
        case "settle":
            five.psp.settle(succeeds=bool(number % 4))
        case "wait":
            five.clock.pass_s(number % 700)
            await five.work()


async def _ended(five: Five) -> None:
    """Once nothing goes wrong any more, everything comes to its end."""
    five.psp.slow = False
    for _ in range(3):
        five.psp.settle()
        await five.settle(30)
    await five.ledger_is_the_books()
    for payment in five.payments:
        position = await five.position(payment)
        assert position.refunded + position.refund_pending <= position.captured <= position.authorised
