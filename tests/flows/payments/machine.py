"""What the state machines of payments have in common: a database of their own, faults, and an end that has to come out.

A machine sets ``house`` to what it drives once its database is open, and says in ``ends`` what must hold at last.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from abc import abstractmethod
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from gateway.store.opening import open_database
from tests.flows.payments.house import PayHouse, broken, down, failing, lost, unanswered

FAULTS = st.lists(st.sampled_from([lost, unanswered, broken, failing, down]), max_size=2)


class MoneyMachine(RuleBasedStateMachine):
    """Over a copy of the migrated database ``template``."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        path = Path(self._folder.name) / "gateway.sqlite3"
        shutil.copyfile(self.template, path)
        self._runner = asyncio.Runner()
        self.database = open_database(f"sqlite:///{path}")
        self.house: PayHouse | None = None

    def run(self, work: Any) -> Any:
        """On the machine's own loop."""
        return self._runner.run(work)

    def teardown(self) -> None:
        try:
            self.run(self.ends())
        finally:
            if self.house is not None:
                self.run(self.house.stop())
            self.run(self.database.close())
            self._runner.close()
            self._folder.cleanup()

    @abstractmethod
    async def ends(self) -> None:
        """Everything is told and asked for; then what is held must be what the gateways' books say."""


def play(machine: type[MoneyMachine], template: Path, steps: int) -> None:
    """A few histories of so many steps."""
    machine.template = template
    case = machine.TestCase
    case.settings = settings(
        max_examples=15, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)
    )
    case("runTest").runTest()
