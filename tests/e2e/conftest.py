"""One town for all tests that leave it in order; tests that break things build their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.town import Town, eventually, town


@pytest.fixture(scope="session")
def running_town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Everything runs, and both channels hold what the PMS has published."""
    with town(tmp_path_factory.mktemp("town")) as built:
        built.gateway.start()
        built.gateway.wait_until_ready()
        built.pms.tell("publish")
        eventually(built.check_is_open)
        yield built
