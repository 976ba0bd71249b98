"""What people do about a delivery: enter it by hand, or send it once more."""

from __future__ import annotations

import msgspec
import pytest

from gateway.engine.window import Claim
from gateway.errors import NotFound, Rejected
from gateway.flows.desk import deliveries
from gateway.flows.record import Record
from gateway.flows.refold import Resolver
from gateway.messages import Found, ReservationsAsked
from gateway.model.reservation import RevisionKind
from gateway.store.tables import DeliveryRow, MessageRow
from tests.flows.house import House, channel, hotel, modify, new, pms, rejecting, stay, update


async def delivery(house: House) -> DeliveryRow:
    (row,) = await house.rows(DeliveryRow)
    assert isinstance(row, DeliveryRow)
    return row


async def refused(house: House) -> str:
    """A booking of one room of three on day 2, which the PMS has refused."""
    await house.open_for_sale(figure=3)
    number = await house.say(new(stay(2, 3)))
    house.wire.answers["pms"] = [rejecting]
    await house.deliver()
    assert (await delivery(house)).state == "refused"
    return number


async def test_what_was_entered_by_hand_is_in_the_figures_that_follow(house: House) -> None:
    number = await refused(house)
    line = await deliveries.entered_by_hand(house.services, "h", number, "pms", "person:Ann", ref="77")
    assert (line.state, line.ref, line.error, line.due_ms) == ("confirmed", "77", "", None)
    assert await house.free("DBL", 2) == 2
    house.clock.pass_s(60)
    await house.ari(update("pDBL", "", 2, 2, figure=2))
    assert await house.free("DBL", 2) == 2
    assert (await delivery(house)).settled == 1
    (message,) = [row for row in await house.rows(MessageRow) if row.kind == "entered by hand"]
    assert (message.connection, message.outcome, message.detail, message.author) == (
        "pms",
        "applied",
        number,
        "person:Ann",
    )


async def test_without_that_word_a_refused_booking_is_never_taken_for_counted(house: House) -> None:
    await refused(house)
    house.clock.pass_s(60)
    await house.ari(update("pDBL", "", 2, 2, figure=2))
    assert await house.free("DBL", 2) == 1


async def test_what_the_pms_has_no_code_for_can_be_entered_by_hand(empty_house: House) -> None:
    house = empty_house
    await house.apply(hotel(pms(products=pms().products[:3]), channel("ota")))
    await house.ari(update("pDBL", "", 0, 9, figure=3))
    number = await house.say(new(stay(2, 3), stay(2, 3, "r2")))
    await house.deliver()
    assert (await delivery(house)).error.startswith("room_type")
    await deliveries.entered_by_hand(house.services, "h", number, "pms", "x")
    row = await delivery(house)
    claim = msgspec.msgpack.decode(row.claim, type=Claim)
    assert (row.state, claim.acked == claim.want, claim.refusal) == ("confirmed", True, None)
    await house.say(modify(stay(2, 4)))
    await house.deliver()
    assert [sent.revision.kind for sent in house.wire.deliveries()] == [RevisionKind.MODIFY]


async def test_only_what_was_refused_can_be_entered_by_hand(house: House) -> None:
    number = await house.say(new(stay(2, 3)))
    for state in ("pending", "confirmed"):
        with pytest.raises(Rejected, match=f"it is {state} there"):
            await deliveries.entered_by_hand(house.services, "h", number, "pms", "x")
        await house.deliver()


@pytest.mark.parametrize(("number", "connection"), [("NONE", "pms"), ("", "ota"), ("", "nobody")])
async def test_a_delivery_that_is_none_is_not_found(house: House, number: str, connection: str) -> None:
    known = await house.say(new(stay(2, 3)))
    for act in (deliveries.entered_by_hand, deliveries.resend):
        with pytest.raises(NotFound):
            await act(house.services, "h", number or known, connection, "x")
    with pytest.raises(NotFound):
        await deliveries.resend(house.services, "nowhere", known, "pms", "x")


async def test_a_refused_delivery_is_sent_again(house: House) -> None:
    number = await refused(house)
    line = await deliveries.resend(house.services, "h", number, "pms", "x")
    assert (line.state, line.due_ms) == ("pending", house.clock.now_ms())
    await house.deliver()
    assert (await delivery(house)).state == "confirmed"
    first, second = house.wire.deliveries()
    assert first == second


async def test_a_confirmed_delivery_is_sent_again_in_the_same_words(house: House) -> None:
    number = await house.say(new(stay(2, 3)))
    await house.deliver()
    await deliveries.resend(house.services, "h", number, "pms", "x")
    await house.deliver()
    first, second = house.wire.deliveries()
    assert first == second
    assert (await delivery(house)).state == "confirmed"
    assert await house.free("DBL", 2) == 0 == (await delivery(house)).attempts


async def test_a_receiver_that_fetches_finds_it_again(empty_house: House) -> None:
    house = empty_house
    await house.apply(hotel(pms(url=""), channel("ota")))
    number = await house.say(new(stay(2, 4)))

    async def fetched() -> list[str]:
        reply = await house.post("pms", ReservationsAsked("P"))
        return [one.reservation_id for one in msgspec.json.decode(reply.body, type=Found).reservations]

    assert await fetched() == [number]
    house_row = await delivery(house)
    assert house_row.state == "sent"
    await deliveries.resend(house.services, "h", number, "pms", "x")
    assert (await fetched(), (await delivery(house)).due_ms) == ([number], None)


async def test_what_waits_is_not_sent_again(house: House) -> None:
    number = await house.say(new(stay(2, 3, "attic")))
    with pytest.raises(Rejected, match="waits for something of it to be mapped"):
        await deliveries.resend(house.services, "h", number, "pms", "x")
    other = await house.say(new(stay(2, 3), booking="B2"))
    await house.apply(hotel(pms(enabled=False), channel("ota")))
    with pytest.raises(Rejected, match="not enabled"):
        await deliveries.resend(house.services, "h", other, "pms", "x")


async def test_what_lacked_a_code_is_sent_once_there_is_one(empty_house: House) -> None:
    house = empty_house
    await house.apply(hotel(pms(products=pms().products[:3]), channel("ota")))
    await house.say(new(stay(2, 3, "r2")))
    await house.deliver()
    assert (await delivery(house)).state == "refused"
    await house.apply(hotel(pms(products=pms().products[:4]), channel("ota"), guard_reopenings=7))
    assert house.wire.deliveries() == []
    assert (await delivery(house)).state == "pending"
    await house.deliver()
    assert (await delivery(house)).state == "confirmed"
    (told,) = house.wire.deliveries()
    assert told.revision.content.stays[0].room == "pFAM"
    await house.apply(hotel(pms(), channel("ota")))
    await house.deliver()
    assert len(house.wire.deliveries()) == 1


async def test_what_is_refused_for_another_reason_waits_for_people(house: House) -> None:
    await refused(house)
    await house.apply(hotel(guard_reopenings=7))
    assert (await delivery(house)).state == "refused"


async def test_another_process_sends_what_was_mapped_while_it_slept(empty_house: House) -> None:
    """The process that took the new mapping may have died right after."""
    house = empty_house
    await house.apply(hotel(pms(products=pms().products[:3]), channel("ota")))
    await house.say(new(stay(2, 3, "r2")))
    await house.deliver()
    unmapped = await delivery(house)
    await house.apply(hotel(pms(), channel("ota")))
    await house.services.batcher.submit(Record([unmapped]))
    resolver = Resolver(house.services)
    await resolver.round()
    assert (await delivery(house)).state == "pending"
