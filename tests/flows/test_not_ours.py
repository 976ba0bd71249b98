"""What waited for its turn is looked at once more: where the right to call has run out meanwhile, nothing is sent."""

from __future__ import annotations

import dataclasses

import pytest

from gateway.flows.delivering.deliver import Deliverer
from gateway.flows.fetch import Fetcher
from gateway.flows.push_ari import Pusher
from gateway.messages import ConfirmReservations
from gateway.store.tables import DeliveryRow, MessageRow
from gateway.store.tables_connections import ConnectionRow, RetrievalRow
from tests.flows.house import House, cancel, channel, down, hotel, new, pms, stay, update
from tests.flows.test_fetch import page
from tests.simulation.plain import Only, PlainConnector


class Lent:
    """The right to call everything, until it is given up."""

    def __init__(self) -> None:
        self.taken = 1
        self.held = True

    def owns(self, connection: str, for_s: float) -> bool:
        return self.held


@pytest.fixture
def leases(empty_house: House) -> Lent:
    lent = Lent()
    process(empty_house, lent)
    return lent


def process(house: House, leases: Lent) -> None:
    """The house with other leases, as if it were another process."""
    house.services = dataclasses.replace(house.services, leases=leases)
    house.pusher, house.deliverer = Pusher(house.services), Deliverer(house.services)


def loses(house: House, leases: Lent, url: str) -> None:
    """The process is suspended while it calls ``url``, for longer than its leases last."""

    async def meanwhile(called: str) -> None:
        leases.held = leases.held and called != url

    house.wire.meanwhile = meanwhile


def states(rows: list[DeliveryRow]) -> list[tuple[str, int, str]]:
    return sorted((row.state, row.attempts, row.error) for row in rows)


async def test_a_delivery_that_waited_for_its_turn_is_left_to_the_owner(empty_house: House, leases: Lent) -> None:
    house = empty_house
    await house.apply(hotel())
    await house.open_for_sale()
    numbers = {await house.say(new(stay(2, 3), booking="B1")), await house.say(new(stay(2, 4), booking="B2"))}
    loses(house, leases, "pms")
    await house.deliver()  # one call at a time: the second delivery waits while the first is under way
    (first,) = house.wire.deliveries()
    assert states(await house.rows(DeliveryRow)) == [("confirmed", 0, ""), ("sent", 0, "")]
    (left,) = numbers - {first.reservation_id}
    booking = "B1" if first.revision.booking_id == "B2" else "B2"
    house.wire.meanwhile = None
    process(house, Lent())
    await house.say(cancel(stay(2, 4), booking=booking))
    await house.deliver()
    told = house.wire.deliveries()[1:]
    assert [(each.reservation_id, each.revision.kind.value) for each in told] == [(left, "cancel")]


async def test_a_delivery_is_not_tried_again_without_the_right(empty_house: House, leases: Lent) -> None:
    house = empty_house
    await house.apply(hotel())
    await house.open_for_sale()
    await house.say(new(stay(2, 3)))
    house.wire.answers["pms"] = [down]
    loses(house, leases, "pms")
    await house.deliver()
    assert len(house.wire.deliveries()) == 1
    assert states(await house.rows(DeliveryRow)) == [("sent", 0, "")]
    assert not await house.rows(MessageRow, "scope_id = 'h' AND kind = 'DeliverReservation'")


async def test_what_was_fetched_is_confirmed_by_the_owner(empty_house: House, leases: Lent) -> None:
    house = empty_house
    await house.apply(hotel(pms(), channel("ota", "asked")))
    await house.open_for_sale()
    house.wire.answers["ota"] = [page(new(stay(2, 5)))]
    loses(house, leases, "ota")
    (before,) = await house.rows(RetrievalRow)
    fetcher = Fetcher(house.services)
    await fetcher.round()
    await fetcher.errands.idle()
    assert not [command for _, command in house.wire.sent if isinstance(command, ConfirmReservations)]
    assert await house.rows(RetrievalRow) == [before]  # due as before, and given again


class Slow(PlainConnector):
    """Says something between being chosen and being called: the process is suspended right there."""

    def __init__(self, leases: Lent) -> None:
        super().__init__()
        self._leases = leases

    def encode(self, command, site):  # type: ignore[no-untyped-def]
        self._leases.held = False
        return super().encode(command, site)


async def test_a_push_that_waited_for_its_turn_is_not_sent(empty_house: House, leases: Lent) -> None:
    house = empty_house
    await house.apply(hotel())
    await house.open_for_sale()
    await house.push()
    house.wire.sent.clear()
    house.services = dataclasses.replace(house.services, connectors=Only(Slow(leases)))
    house.pusher = Pusher(house.services)
    await house.ari(update("pDBL", "", 3, 3, figure=1))
    await house.push()
    assert not house.wire.sent
    (row,) = await house.rows(ConnectionRow, "scope_id = 'h' AND connection = 'ota'")
    assert (row.failures, row.error) == (0, "")
    house.services = dataclasses.replace(house.services, connectors=Only(PlainConnector()))
    process(house, Lent())
    house.clock.pass_s(120)  # until the intent that was written down is no longer believed to be on its way
    await house.push()
    assert house.wire.pushes("ota")
