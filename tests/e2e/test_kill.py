"""kill -9 at any moment loses nothing that was acknowledged; SIGTERM loses nothing and says so with status 0."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulators.ota import OtaSimulator
from tests.e2e.town import PATIENCE_S, Counterpart, Process, Town, ahead, eventually, town

KILLS = 3
# Of each channel. The PMS is handed ten reservations a second at most, and has to have them all in the end.
SALES_PER_S = 8.0
SALES = 16  # between two kills; what is sold while the gateway is away is told when it is back
BETWEEN_KILLS = 12  # acknowledgements, of both channels together


@pytest.fixture
def busy_town(tmp_path: Path) -> Iterator[Town]:
    """The house is open on both channels."""
    with town(tmp_path) as built:
        built.gateway.start()
        built.gateway.wait_until_ready()
        built.pms.tell("publish")
        eventually(built.check_is_open)
        yield built


def simulator(channel: Counterpart) -> OtaSimulator:
    found = channel.app.simulator
    assert isinstance(found, OtaSimulator)
    return found


def acknowledged(channel: Counterpart) -> dict[str, tuple[str, int]]:
    """Booking id to our number for it and the acknowledged revisions, as the channel has it on record."""
    found = {}
    for booking in list(simulator(channel).sales.bookings.by_id.values()):
        acks = [sent.ack for sent in list(booking.history) if sent.ack.state == "acknowledged"]
        if acks:
            found[booking.booking_id] = acks[0].ids["10"], len(acks)
    return found


def count(built: Town) -> int:
    return sum(
        revisions for channel in (built.sunbeds, built.farfare) for _, revisions in acknowledged(channel).values()
    )


def check_nothing_is_missing(built: Town, promised: dict[str, dict[str, tuple[str, int]]]) -> None:
    """Every acknowledged booking is in the database under the number it was given, with all its revisions."""
    for name, bookings in promised.items():
        stored = {
            booking: (number, revisions)
            for booking, number, revisions in built.rows(
                "SELECT booking_id, reservation_id, revisions FROM reservation WHERE connection = ?", name
            )
        }
        for booking, (number, revisions) in bookings.items():
            assert booking in stored, f"{name} {booking} was acknowledged as {number} and is gone"
            assert stored[booking][0] == number
            assert stored[booking][1] >= revisions


def promises(built: Town) -> dict[str, dict[str, tuple[str, int]]]:
    return {channel.name: acknowledged(channel) for channel in (built.sunbeds, built.farfare)}


def load_until(built: Town, more: int) -> None:
    """Both channels sell, change and cancel, whatever they are told, until so many more revisions are acknowledged.

    Prices change all the while.
    """
    target = count(built) + more
    for channel in (built.sunbeds, built.farfare):
        seed = target + len(channel.name)
        channel.tell(
            "sell", rate_per_s=SALES_PER_S, count=SALES, seed=seed, modify_share=0.2, cancel_share=0.2, force=True
        )
    prices = iter(range(100_000))

    def enough() -> None:
        price = {"2": f"{100 + next(prices) % 50}.00"}
        built.pms.tell("price", room="DZ", plan="RACK", first=ahead(70), last=ahead(75), prices=price)
        assert count(built) >= target

    eventually(enough)


def stop_selling(built: Town) -> None:
    for channel in (built.sunbeds, built.farfare):
        channel.tell("sell", rate_per_s=0.0)


def check_the_end(built: Town) -> None:
    """Everybody has come to the same: the channels' own books, ours, the PMS's, and what the channels hold."""
    for channel in (built.sunbeds, built.farfare):
        bookings = simulator(channel).sales.bookings.by_id
        assert all(booking.acknowledged() for booking in bookings.values())
        numbers = {booking: number for booking, (number, _) in acknowledged(channel).items()}
        stored = dict(built.rows("SELECT booking_id, status FROM reservation WHERE connection = ?", channel.name))
        said = {name: "cancelled" if booking.cancelled() else "booked" for name, booking in bookings.items()}
        assert stored == said
        known = {one["key"][-10:]: one for one in built.pms.look("reservations")}
        for name, booking in bookings.items():
            arrived = known.get(numbers[name])
            if arrived is None:
                assert booking.cancelled(), f"{name} never reached the PMS"
                continue
            applied = arrived["applied"]
            assert (applied["kind"] == "cancel") == booking.cancelled()
            if not booking.cancelled():
                nights = [(stay["arrival"], stay["departure"], stay["units"]) for stay in applied["stays"]]
                assert nights == [(stay.arrival, stay.departure, stay.units) for stay in booking.latest.stays]
    assert built.rows("SELECT 1 FROM delivery WHERE state NOT IN ('confirmed')") == []
    assert built.pms.look("outbox") == []
    built.check_channels_agree_with_the_pms(1, 66)


def test_kill_9_in_the_middle_of_everything(busy_town: Town) -> None:
    for _ in range(KILLS):
        load_until(busy_town, BETWEEN_KILLS)
        promised = promises(busy_town)
        busy_town.gateway.kill()
        check_nothing_is_missing(busy_town, promised)
        busy_town.gateway.start()
        busy_town.gateway.wait_until_ready()
    stop_selling(busy_town)
    eventually(lambda: check_the_end(busy_town))
    prices = busy_town.pms.look("state", **{"from": ahead(70), "to": ahead(70)})["products"]["DZ/RACK"][0][2]["base"]
    held = busy_town.sunbeds.holds("10", "STD", ahead(70))["base"]["0"]
    assert held == 10 * round(prices["2"] * 1.12 / 10)


def test_sigterm_in_the_middle_of_everything(busy_town: Town) -> None:
    load_until(busy_town, BETWEEN_KILLS)
    assert busy_town.gateway.terminate(within_s=10) == 0
    check_nothing_is_missing(busy_town, promises(busy_town))
    assert "Traceback" not in busy_town.gateway.log()
    busy_town.gateway.start()
    busy_town.gateway.wait_until_ready()
    stop_selling(busy_town)
    eventually(lambda: check_the_end(busy_town))


def test_sigterm_while_counterparts_do_not_answer(tmp_path: Path) -> None:
    """Calls that hang do not hold up the end; what became of them is found out after the next start."""
    with town(tmp_path, hurried=False) as built:
        for counterpart in (built.pms, built.farfare):
            counterpart.tell("faults", kind="applied_timeout", count=None, hold_s=60)
        built.gateway.start()
        built.gateway.wait_until_ready()
        built.pms.tell("publish")
        booking = built.sunbeds.book("10", "STD", 80, stay={"price": 10_000}, force=True)
        eventually(lambda: built.sunbeds.acknowledged(booking))
        for counterpart in (built.pms, built.farfare):
            eventually(lambda counterpart=counterpart: _fired(counterpart))  # type: ignore[misc]
        assert built.gateway.terminate(within_s=10) == 0
        assert "Traceback" not in built.gateway.log()


def _fired(counterpart: Counterpart) -> None:
    assert counterpart.look("control/faults")["fired"].get("applied_timeout", 0) > 0


def test_sigterm_while_it_starts(tmp_path: Path) -> None:
    """A start that waits for its database ends when it is told to."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/nothing"
        waiting = Process(Town(tmp_path).environment | {"GATEWAY_DATABASE_URL": url}, tmp_path / "gateway.log")
        waiting.start()
        silent.settimeout(PATIENCE_S)
        connection, _ = silent.accept()
        try:
            assert waiting.terminate(within_s=10) == 0
        finally:
            connection.close()
            waiting.stop()
