"""A connector that fails over a command or an answer in a way nobody foresaw: recorded, and tried less and less."""

from __future__ import annotations

import dataclasses

import pytest

from gateway.contract import Decoded, Reply, Request, Site
from gateway.flows.delivering.deliver import Deliverer
from gateway.flows.describe import Describer
from gateway.flows.fetch import Fetcher
from gateway.flows.push_ari import Pusher
from gateway.messages import Command
from gateway.store.tables import DeliveryRow, MessageRow
from gateway.store.tables_connections import ConnectionRow, ContentRow, RetrievalRow
from tests.flows.house import House, channel, hotel, new, pms, stay, update
from tests.simulation.plain import Only, PlainConnector

CANNOT_READ = "the connector 'plain' failed to decode"
CANNOT_SAY = "the connector 'plain' failed to encode"


class Defective(PlainConnector):
    """Fails over what it ``says`` or what it ``reads``."""

    def __init__(self, *, says: bool = False, reads: bool = False) -> None:
        super().__init__()
        self.says, self.reads = says, reads

    def encode(self, command: Command, site: Site) -> Request:
        if self.says:
            raise KeyError("UniqueID")
        return super().encode(command, site)

    def decode(self, command: Command, request: Request, reply: Reply, site: Site) -> Decoded:
        if self.reads:
            raise OverflowError("a year beyond any")
        return super().decode(command, request, reply, site)


def let(house: House, connector: PlainConnector) -> None:
    """The process has this connector from now on."""
    house.services = dataclasses.replace(house.services, connectors=Only(connector))
    house.pusher, house.deliverer = Pusher(house.services), Deliverer(house.services)


async def one(house: House, row: type, condition: str = "scope_id = 'h'") -> object:
    (found,) = await house.rows(row, condition)
    return found


async def test_a_delivery_whose_answer_cannot_be_read_is_unknown_and_waits_longer_each_time(house: House) -> None:
    await house.open_for_sale()
    await house.say(new(stay(2, 3)))
    let(house, connector := Defective(reads=True))
    for _ in range(100):
        await house.deliver()
        house.clock.pass_s(7)
    row = await one(house, DeliveryRow)
    assert isinstance(row, DeliveryRow)
    assert row.state == "pending"
    assert row.error.startswith(CANNOT_READ)
    assert 5 <= row.attempts == len(house.wire.deliveries()) < 25
    logged = await house.rows(MessageRow, "scope_id = 'h' AND kind = 'DeliverReservation'")
    assert {message.outcome for message in logged} == {"unknown"}
    connector.reads = False
    house.clock.pass_s(900)
    await house.deliver()
    row = await one(house, DeliveryRow)
    assert isinstance(row, DeliveryRow)
    assert (row.state, row.error) == ("confirmed", "")


async def test_a_delivery_that_cannot_be_put_into_words_is_refused(house: House) -> None:
    await house.open_for_sale()
    await house.say(new(stay(2, 3)))
    let(house, Defective(says=True))
    await house.deliver()
    row = await one(house, DeliveryRow)
    assert isinstance(row, DeliveryRow)
    assert row.state == "refused"
    assert CANNOT_SAY in row.error
    assert not house.wire.deliveries()


@pytest.mark.parametrize(
    ("defect", "said"), [({"reads": True}, CANNOT_READ), ({"says": True}, CANNOT_SAY)], ids=["reads", "says"]
)
async def test_a_push_is_counted_shown_and_put_off(house: House, defect: dict[str, bool], said: str) -> None:
    await house.open_for_sale()
    await house.push()
    let(house, Defective(**defect))
    await house.ari(update("pDBL", "", 3, 3, figure=1))
    await house.push()
    row = await one(house, ConnectionRow, "connection = 'ota'")
    assert isinstance(row, ConnectionRow)
    assert row.failures == 1
    assert said in row.error
    assert row.paused_until_ms > house.clock.now_ms()


@pytest.mark.parametrize(
    ("defect", "said"), [({"reads": True}, CANNOT_READ), ({"says": True}, CANNOT_SAY)], ids=["reads", "says"]
)
async def test_asking_and_describing_wait_longer_as_well(
    empty_house: House, defect: dict[str, bool], said: str
) -> None:
    house = empty_house
    await house.apply(hotel(pms(), channel("asks", "asked"), channel("named", "named")))
    let(house, Defective(**defect))
    for worker in (Fetcher(house.services), Describer(house.services)):
        await worker.round()
        await worker.errands.idle()
    for kind in (RetrievalRow, ContentRow):
        row = await one(house, kind)
        assert isinstance(row, RetrievalRow | ContentRow)
        assert row.failures == 1
        assert row.error.startswith(said)
        assert row.due_ms is not None
        assert row.due_ms > house.clock.now_ms()
