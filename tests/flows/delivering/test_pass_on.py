"""The PMS's number of a booking reaches the channel that wants it: at least once, and once for each state."""

from __future__ import annotations

import pytest

from gateway.flows.desk import deliveries
from gateway.messages import ConfirmReservations, DeliveriesReported, DeliveryReport, ReservationsAsked
from gateway.model.reservation import RevisionKind
from gateway.store.tables import DeliveryRow
from tests.flows.house import House, cancel, channel, down, hotel, modify, new, pms, rejecting, stay, unanswered


@pytest.fixture
async def telling(empty_house: House) -> House:
    await empty_house.apply(hotel(pms(), channel("ota", "asked", pms_number=True), channel("other")))
    await empty_house.open_for_sale()
    return empty_house


def told(house: House) -> list[ConfirmReservations]:
    return [command for _, command in house.wire.sent if isinstance(command, ConfirmReservations)]


async def owed(house: House) -> DeliveryRow:
    (row,) = await house.rows(DeliveryRow, "connection = 'ota'")
    assert isinstance(row, DeliveryRow)
    return row


async def test_the_number_follows_every_state_that_the_pms_holds(telling: House) -> None:
    for revision in (new(stay(2, 5)), modify(stay(3, 6)), cancel()):
        await telling.say(revision)
        await telling.deliver()
        await telling.deliver()
    said = [command.confirmations[0] for command in told(telling)]
    assert [(one.booking_id, one.reservation_id, one.kind, one.version) for one in said] == [
        ("B1", "P1", RevisionKind.NEW, 1),
        ("B1", "P1", RevisionKind.MODIFY, 2),
        ("B1", "P1", RevisionKind.CANCEL, 3),
    ]
    row = await owed(telling)
    assert (row.state, row.ref, row.wanted_seq, row.due_ms) == ("confirmed", "P1", 3, None)


async def test_a_channel_that_does_not_want_it_hears_nothing(telling: House) -> None:
    await telling.say(new(stay(2, 5)), "other")
    await telling.deliver()
    assert await telling.deliver() is None
    assert told(telling) == []


async def test_it_is_said_until_it_is_answered(telling: House) -> None:
    telling.wire.answers["ota"] = [down, down, down, unanswered]
    await telling.say(new(stay(2, 5)))
    await telling.deliver()
    for _ in range(3):
        await telling.deliver()
        due_ms = (await owed(telling)).due_ms
        telling.clock.pass_s(max(0, (due_ms or 0) - telling.clock.now_ms()) / 1000)
    assert (await owed(telling)).state == "confirmed"
    assert len({command.id for command in told(telling)}) == 1


async def test_a_refusal_is_shown_and_can_be_said_again(telling: House) -> None:
    telling.wire.answers["ota"] = [rejecting]
    number = await telling.say(new(stay(2, 5)))
    await telling.deliver()
    await telling.deliver()
    assert (await owed(telling)).state == "refused"
    await deliveries.resend(telling.services, "h", number, "ota", "person:Ann")
    await telling.deliver()
    assert (await owed(telling)).state == "confirmed"


async def test_the_same_answer_again_is_not_passed_on_again(telling: House) -> None:
    number = await telling.say(new(stay(2, 5)))
    await telling.deliver()
    await telling.deliver()
    await deliveries.resend(telling.services, "h", number, "pms", "person:Ann")
    await telling.deliver()
    await telling.deliver()
    assert len(told(telling)) == 1


async def test_a_number_that_somebody_enters_by_hand_is_passed_on_too(telling: House) -> None:
    telling.wire.answers["pms"] = [rejecting]
    number = await telling.say(new(stay(2, 5)))
    await telling.deliver()
    await deliveries.entered_by_hand(telling.services, "h", number, "pms", "person:Ann", ref="77")
    await telling.deliver()
    assert [command.confirmations[0].reservation_id for command in told(telling)] == ["77"]


async def test_so_is_one_that_a_pms_reports_which_fetches(empty_house: House) -> None:
    house = empty_house
    await house.apply(hotel(pms(url=""), channel("ota", "asked", pms_number=True)))
    number = await house.say(new(stay(2, 5)))
    await house.post("pms", ReservationsAsked("P"))
    await house.post("pms", DeliveriesReported("P", (DeliveryReport(number, ref="A9"),)))
    await house.deliver()
    assert [command.confirmations[0].reservation_id for command in told(house)] == ["A9"]


async def test_a_pms_that_gives_no_number_has_none_to_pass_on(empty_house: House) -> None:
    house = empty_house
    await house.apply(hotel(pms(url=""), channel("ota", "asked", pms_number=True)))
    number = await house.say(new(stay(2, 5)))
    await house.post("pms", ReservationsAsked("P"))
    await house.post("pms", DeliveriesReported("P", (DeliveryReport(number),)))
    assert await house.deliver() is None
    assert told(house) == []
