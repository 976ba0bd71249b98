"""One connector that is not installed: its connections show it and are put off, everybody else is served."""

from __future__ import annotations

import dataclasses

import msgspec
import pytest

from gateway.flows.delivering.deliver import Deliverer
from gateway.flows.describe import Describer
from gateway.flows.fetch import Fetcher
from gateway.flows.push_ari import Pusher
from gateway.flows.work import Workers
from gateway.io.wakes import LocalWakes
from gateway.messages import ReservationReceived
from gateway.model.property import Connection
from gateway.registry import Unavailable
from gateway.store.tables import DeliveryRow
from gateway.store.tables_connections import ConnectionRow, ContentRow, RetrievalRow
from tests.flows.house import House, channel, hotel, new, pms, stay
from tests.simulation.plain import Only, PlainConnector

WHY = "the connector 'theirs' is not available"


class Partly(Only):
    """Everything but one connector."""

    def get(self, name: str) -> PlainConnector:
        if name == "theirs":
            raise Unavailable(WHY)
        return super().get(name)

    def capabilities(self, name, profile):  # type: ignore[no-untyped-def]
        return self.get(name).capabilities(profile)

    inbound = outbound = get


def missing(connection: Connection) -> Connection:
    return msgspec.structs.replace(connection, connector="theirs")


def restart(house: House) -> None:
    """A process that does not have the connector any more."""
    house.services = dataclasses.replace(house.services, connectors=Partly(PlainConnector()))
    house.pusher, house.deliverer = Pusher(house.services), Deliverer(house.services)


async def test_pushes_go_on_in_other_hotels_and_on_other_channels(empty_house: House) -> None:
    house = empty_house
    await house.apply(hotel(pms("pmsa"), missing(channel("gone")), channel("beside"), scope_id="a"))
    await house.apply(hotel())
    await house.open_for_sale()
    restart(house)
    workers = Workers(house.services, LocalWakes())
    await workers._look()
    await workers.pusher.errands.idle()
    assert house.wire.pushes("ota")
    assert house.wire.pushes("beside")
    (row,) = await house.rows(ConnectionRow, "connection = 'gone'")
    assert (row.failures, row.error) == (1, WHY)
    assert row.paused_until_ms > house.clock.now_ms()


async def test_what_one_hotel_raises_does_not_keep_others_from_being_pushed_to(
    empty_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = empty_house
    await house.apply(hotel(pms("pmsa"), channel("otaa"), scope_id="a"))
    await house.apply(hotel())
    workers = Workers(house.services, LocalWakes())
    begun = []

    async def round_(scope_id: str, wanted: frozenset[str] | None = None) -> None:
        begun.append(scope_id)
        raise KeyError(scope_id)

    monkeypatch.setattr(workers.pusher, "round", round_)
    await workers._look()
    assert sorted(begun) == ["a", "h"]


async def test_deliveries_go_on_and_the_one_says_what_it_waits_for(empty_house: House) -> None:
    house = empty_house
    await house.apply(hotel(missing(pms("pmsa")), channel("otaa"), scope_id="a"))
    await house.apply(hotel())
    await house.open_for_sale()
    reply = await house.post("otaa", ReservationReceived("OTAA", new(stay(2, 3))))
    assert reply.status == 200
    await house.say(new(stay(2, 4)))
    restart(house)
    await house.deliver()
    assert len(house.wire.deliveries()) == 1
    (row,) = await house.rows(DeliveryRow, "scope_id = 'a'")
    assert (row.state, row.attempts, row.error) == ("pending", 1, WHY)
    house.services = dataclasses.replace(house.services, connectors=Only(PlainConnector()))
    house.deliverer = Deliverer(house.services)
    house.clock.pass_s(60)
    await house.deliver()
    (row,) = await house.rows(DeliveryRow, "scope_id = 'a'")
    assert (row.state, row.error) == ("confirmed", "")


async def test_others_are_asked_and_told(empty_house: House) -> None:
    house = empty_house
    gone = (missing(channel("asksa", "asked")), missing(channel("nameda", "named")))
    await house.apply(hotel(pms("pmsa"), *gone, scope_id="a"))
    await house.apply(hotel(pms(), channel("asks", "asked"), channel("named", "named")))
    restart(house)
    for worker in (Fetcher(house.services), Describer(house.services)):
        await worker.round()
        await worker.errands.idle()
    assert {url for url, _ in house.wire.sent} == {"asks", "named"}
    for kind in (RetrievalRow, ContentRow):
        (row,) = await house.rows(kind, "scope_id = 'a'")
        assert (row.failures, row.error) == (1, WHY)
        assert row.due_ms > house.clock.now_ms()
