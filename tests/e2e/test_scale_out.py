"""The same over PostgreSQL and Redis, with one process for the web and two that work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.town import Process, Town, ahead, eventually, town


@pytest.fixture
def three_processes(tmp_path: Path, postgres_url: str, redis_url: str) -> Iterator[tuple[Town, list[Process]]]:
    """They share the data folder for the key, and nothing else but the database and Redis."""
    with town(tmp_path, {"GATEWAY_DATABASE_URL": postgres_url, "GATEWAY_REDIS_URL": redis_url}) as built:
        built.gateway = Process(built.environment, tmp_path / "web.log", "--no-workers", port=built.gateway.port)
        workers = [Process(built.environment, tmp_path / f"worker-{number}.log") for number in (1, 2)]
        everybody = [built.gateway, *workers]
        try:
            for process in everybody:
                process.start()
            for process in everybody:
                process.wait_until_ready()
            yield built, workers
        finally:
            for process in everybody:
                process.stop()


def test_the_journey(three_processes: tuple[Town, list[Process]]) -> None:
    built, workers = three_processes
    built.pms.tell("publish")
    eventually(built.check_is_open)

    sold(built, 30)
    built.pms.tell("price", room="DZ", plan="RACK", first=ahead(20), last=ahead(20), prices={"2": "50.00"})
    eventually(lambda: _equal(built.sunbeds.holds("10", "STD", ahead(20))["base"], {"0": 5_600}))

    # Whoever ends in order hands its work over at once, and the last one does all of it.
    assert workers[0].terminate(within_s=15) == 0
    sold(built, 33)
    assert workers[1].terminate(within_s=15) == 0

    # Without anybody who works, bookings are still taken; they are handed on when somebody is back.
    booking = built.farfare.book("DOUBLE", "FLEX", 36)
    number = eventually(lambda: built.farfare.acknowledged(booking))
    assert built.pms.left("DZ", ahead(36)) == 10
    workers[0].start()
    eventually(lambda: built.pms.nights(number))
    eventually(lambda: built.check_channels_agree_with_the_pms(36, 36))


def sold(built: Town, night: int) -> None:
    """A booking goes all the way, is repeated, changed and cancelled."""
    booking = built.sunbeds.book("10", "STD", night)
    number = eventually(lambda: built.sunbeds.acknowledged(booking))
    built.sunbeds.tell("resend", booking_id=booking)
    eventually(lambda: _equal(built.pms.nights(number), {("DZ", ahead(night)): 1}))
    eventually(lambda: built.check_channels_agree_with_the_pms(night, night))
    built.sunbeds.tell("modify", booking_id=booking, arrival=ahead(night + 1), departure=ahead(night + 2))
    eventually(lambda: _equal(built.pms.nights(number), {("DZ", ahead(night + 1)): 1}))
    built.sunbeds.tell("cancel", booking_id=booking)
    eventually(lambda: _equal(built.pms.nights(number), {}))
    eventually(lambda: built.check_channels_agree_with_the_pms(night, night + 1))


def _equal(found: object, expected: object) -> None:
    assert found == expected
