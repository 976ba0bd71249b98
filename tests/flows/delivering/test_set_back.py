"""A clock that was ahead and is put right: what was written down meanwhile does not wait for the hours it was ahead."""

from __future__ import annotations

from gateway.flows.delivering.set_back import SetBack
from gateway.flows.describe import Describer
from gateway.flows.fetch import Fetcher
from gateway.messages import PushContent, RetrieveReservations
from gateway.store.tables import DeliveryRow
from tests.flows.house import House, channel, down, hotel, new, pms, stay

AHEAD_S = 7_200


async def test_a_booking_taken_under_a_clock_that_was_ahead_is_delivered(house: House) -> None:
    house.clock.pass_s(AHEAD_S)
    await house.say(new(stay(2, 5), booking="tried"))
    house.wire.answers["pms"] = [down] * 3
    await house.deliver()
    await house.say(new(stay(2, 5), booking="untried"))
    house.clock.pass_s(-AHEAD_S)
    await house.deliver()
    assert {row.state for row in await house.rows(DeliveryRow)} == {"pending"}
    assert await SetBack(house.services).round() == 2
    await house.deliver()
    assert {row.state for row in await house.rows(DeliveryRow)} == {"confirmed"}
    assert await SetBack(house.services).round() == 0


async def test_what_waits_for_its_next_try_goes_on_waiting(house: House) -> None:
    await house.say(new(stay(2, 5)))
    house.wire.answers["pms"] = [down] * 30
    for _ in range(6):
        await house.deliver()
        house.clock.pass_s(20)
    (row,) = await house.rows(DeliveryRow)
    assert row.attempts > 1
    assert await SetBack(house.services).round() == 0
    assert await house.rows(DeliveryRow) == [row]


async def test_who_is_asked_for_reservations_is_asked_again_once_the_clock_is_right(house: House) -> None:
    await house.apply(hotel(pms(), channel("ota", "asked")))
    fetcher = Fetcher(house.services)

    async def asked() -> int:
        house.wire.sent.clear()
        await fetcher.round()
        await fetcher.errands.idle()
        return sum(isinstance(command, RetrieveReservations) for _, command in house.wire.sent)

    house.clock.pass_s(AHEAD_S)
    assert await asked() == 1
    assert await SetBack(house.services).round() == 0
    house.clock.pass_s(-AHEAD_S)
    assert await asked() == 0
    assert await SetBack(house.services).round() == 1
    assert await asked() == 1
    assert await SetBack(house.services).round() == 0


async def test_who_is_told_what_rooms_are_called_is_told_again_once_the_clock_is_right(house: House) -> None:
    describer = Describer(house.services)

    async def told() -> int:
        house.wire.sent.clear()
        await describer.round()
        await describer.errands.idle()
        return sum(isinstance(command, PushContent) for _, command in house.wire.sent)

    house.clock.pass_s(AHEAD_S)
    await house.apply(hotel(pms(), channel("ota", "named")))
    house.wire.answers["ota"] = [down] * 10
    await told()
    house.wire.answers.clear()
    assert await SetBack(house.services).round() == 0
    house.clock.pass_s(-AHEAD_S)
    assert await told() == 0
    assert await SetBack(house.services).round() == 1
    assert await told() == 1
