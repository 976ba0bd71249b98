"""Bookings come in: each takes its nights once, whatever is repeated, late or out of order, and no sale is refused."""

from __future__ import annotations

import asyncio
from itertools import permutations
from typing import Any

import msgspec
import pytest

from gateway.flows import take_booking
from gateway.messages import ReservationReceived
from gateway.store.tables import DeliveryRow, MessageRow, ReservationRow, RevisionRow
from tests.flows.house import TODAY, House, cancel, channel, hotel, modify, new, pms, stay


async def test_a_booking_takes_its_nights(house: House) -> None:
    await house.open_for_sale()
    number = await house.say(new(stay(2, 5), stay(2, 3, "r2", units=2)))
    assert await house.sold("DBL") == {2: 1, 3: 1, 4: 1}
    assert await house.sold("FAM") == {2: 2}
    assert [await house.free("DBL", day) for day in (1, 2, 4, 5)] == [3, 2, 2, 3]
    found = await house.reservation()
    assert (found.reservation_id, found.status, found.parked, found.oversold) == (number, "booked", 0, 0)
    (delivery,) = await house.rows(DeliveryRow)
    assert (delivery.connection, delivery.state, delivery.due_ms) == ("pms", "pending", house.clock.now_ms())


async def test_a_booking_over_the_turn_of_a_block(house: House) -> None:
    await house.open_for_sale()
    await house.say(new(stay(0, 60)))
    assert await house.sold("DBL", 0, 65) == dict.fromkeys(range(60), 1)


async def test_the_same_again_gets_the_same_answer_and_does_nothing(house: House) -> None:
    await house.open_for_sale()
    for revision in (new(stay(2, 5)), modify(stay(3, 6)), cancel()):
        first = await house.post("ota", ReservationReceived("OTA", revision))
        before = await house.ledger()
        for _ in range(3):
            again = await house.post("ota", ReservationReceived("OTA", revision))
            assert (again.status, again.body) == (200, first.body)
        assert await house.ledger() == before


async def test_who_goes_back_without_a_version_is_in_the_log(house: House) -> None:
    """It is a repetition for us, and may not have been meant as one."""
    await house.open_for_sale()
    there, further = modify(stay(2, 5), version=None), modify(stay(4, 8), version=None)
    for said in (there, further):
        await house.say(said)
    before, heard = await house.ledger(), len(await house.outcomes())
    await house.say(further)  # what stands anyway
    assert len(await house.outcomes()) == heard
    await house.say(there)
    last = (await house.rows(MessageRow))[-1]
    assert (last.outcome, last.detail) == ("duplicate", "duplicate of revision 1; revision 2 stands")
    assert last.raw
    assert await house.ledger() == before
    assert await house.sold("DBL") == dict.fromkeys(range(4, 8), 1)


async def test_with_versions_a_late_copy_is_no_news(house: House) -> None:
    await house.open_for_sale()
    for said in (new(stay(2, 5)), modify(stay(4, 8))):
        await house.say(said)
    heard = await house.outcomes()
    await house.say(new(stay(2, 5)))
    assert await house.outcomes() == heard


async def test_a_modification_moves_the_nights(house: House) -> None:
    await house.open_for_sale()
    first = await house.say(new(stay(2, 5)))
    second = await house.say(modify(stay(4, 8, units=2), stay(2, 3, "r2")))
    assert first == second
    assert await house.sold("DBL") == dict.fromkeys(range(4, 8), 2)
    assert await house.sold("FAM") == {2: 1}


async def test_a_cancellation_gives_everything_back(house: House) -> None:
    await house.open_for_sale()
    await house.say(new(stay(2, 5), stay(1, 2, "r2")))
    await house.say(cancel())
    assert await house.sold("DBL") == await house.sold("FAM") == {}
    assert (await house.reservation()).status == "cancelled"


REVISIONS = {"new": new(stay(2, 5)), "modify": modify(stay(4, 7)), "cancel": cancel()}


@pytest.mark.parametrize("order", list(permutations(REVISIONS)), ids=" ".join)
async def test_versions_arrive_in_any_order(house: House, order: tuple[str, ...]) -> None:
    """Cancel before new, stale after fresh, each of them twice."""
    await house.open_for_sale()
    numbers = {await house.say(REVISIONS[name]) for name in (*order, *order)}
    assert len(numbers) == 1
    found = await house.reservation()
    assert (found.status, found.revisions) == ("cancelled", 3)
    assert await house.sold("DBL") == {}


async def test_a_stale_revision_changes_no_night(house: House) -> None:
    await house.open_for_sale()
    await house.say(modify(stay(4, 7)))
    (before,) = await house.rows(DeliveryRow)
    await house.say(new(stay(2, 5)))
    assert await house.sold("DBL") == {4: 1, 5: 1, 6: 1}
    assert (await house.outcomes())[-1] == "stale"
    assert await house.rows(DeliveryRow) == [before]


async def test_an_unversioned_cancel_before_its_new(house: House) -> None:
    await house.open_for_sale()
    await house.say(cancel(version=None))
    await house.say(new(stay(2, 5), version=None))
    assert (await house.reservation()).status == "cancelled"
    assert await house.sold("DBL") == {}


async def test_a_room_that_is_gone_is_sold_all_the_same_and_counted(house: House) -> None:
    await house.open_for_sale(figure=1)
    await house.say(new(stay(2, 4), booking="B1"))
    await house.say(new(stay(3, 6, units=2), booking="B2"))
    found = {row.booking_id: row.oversold for row in await house.rows(ReservationRow)}
    # Of the second: two of two on the third night, one of two on the fourth and the fifth.
    assert found == {"B1": 0, "B2": 4}
    assert [await house.free("DBL", day) for day in range(2, 6)] == [0, -2, -1, -1]


async def test_without_a_figure_nothing_was_free(house: House) -> None:
    await house.say(new(stay(2, 4, units=2)))
    assert (await house.reservation()).oversold == 4
    assert await house.sold("DBL") == {2: 2, 3: 2}


async def test_an_unknown_room_type_is_parked_and_the_rest_is_taken(house: House) -> None:
    await house.open_for_sale()
    number = await house.say(new(stay(2, 4), stay(2, 4, "penthouse")))
    found = await house.reservation()
    assert (found.reservation_id, found.parked) == (number, 1)
    assert await house.sold("DBL") == {2: 1, 3: 1}
    assert (await house.outcomes())[-1] == "parked"


async def test_a_room_type_unmapped_since_keeps_its_meaning_within_the_booking(house: House) -> None:
    await house.open_for_sale()
    await house.say(new(stay(2, 4)))
    products = tuple(product for product in hotel().connections[1].products if product.room != "DBL")
    await house.apply(hotel(pms(), channel("ota", products=products)))
    await house.say(modify(stay(3, 5)))
    assert await house.sold("DBL") == {3: 1, 4: 1}
    assert (await house.reservation()).parked == 0


async def test_ten_at_once_are_one(house: House) -> None:
    await house.open_for_sale()
    numbers = await asyncio.gather(*(house.say(new(stay(2, 5))) for _ in range(10)))
    assert len(set(numbers)) == 1
    assert len(await house.rows(ReservationRow)) == len(await house.rows(RevisionRow)) == 1
    assert await house.sold("DBL") == {2: 1, 3: 1, 4: 1}


async def test_the_whole_life_of_a_booking_at_once(house: House) -> None:
    await house.open_for_sale()
    revisions = [*REVISIONS.values()] * 5
    numbers = await asyncio.gather(*(house.say(revision) for revision in revisions))
    assert len(set(numbers)) == 1
    assert await house.sold("DBL") == {}
    assert (await house.reservation()).revisions == 3


async def test_ten_guests_at_once(house: House) -> None:
    await house.open_for_sale(figure=3)
    guests = [new(stay(2, 3), booking=f"B{n}") for n in range(10)]
    numbers = await asyncio.gather(*(house.say(guest) for guest in guests))
    assert len(set(numbers)) == 10
    assert await house.sold("DBL") == {2: 10}
    assert sum(row.oversold for row in await house.rows(ReservationRow)) == 7
    assert await house.free("DBL", 2) == -7


async def test_two_channels_behind_one_connection_may_share_an_id(house: House) -> None:
    await house.open_for_sale()
    first = await house.say(new(stay(2, 3), channel="BDC"))
    second = await house.say(new(stay(5, 6), channel="EXP"))
    assert first != second
    assert await house.sold("DBL") == {2: 1, 5: 1}


async def test_two_connections_may_share_an_id(empty_house: House) -> None:
    await empty_house.apply(hotel(pms(), channel("ota"), channel("ota2")))
    await empty_house.open_for_sale()
    numbers = {await empty_house.say(new(stay(2, 3)), connection) for connection in ("ota", "ota2")}
    assert len(numbers) == 2
    assert await empty_house.sold("DBL") == {2: 2}


async def test_several_bookings_in_one_document(house: House) -> None:
    await house.open_for_sale()
    document = [ReservationReceived("OTA", new(stay(2, 3), booking=name)) for name in ("B1", "B2", "B1")]
    reply = await house.post("ota", *document)
    first, second, third = msgspec.json.decode(reply.body, type=list[str])
    assert first == third != second
    assert await house.sold("DBL") == {2: 2}
    whole, *parts = [row for row in await house.rows(MessageRow) if row.connection == "ota"]
    assert whole.raw
    assert len(parts) == 2  # the repetition says nothing new
    assert {(part.cause, part.raw) for part in parts} == {(whole.message_id, b"")}


ABSURD = msgspec.structs.replace(stay(2, 3), units=2**31)


async def test_of_a_document_that_is_refused_in_part_each_part_is_answered(house: House) -> None:
    await house.open_for_sale()
    document = [
        ReservationReceived("OTA", new(ABSURD, booking="B1")),
        ReservationReceived("OTA", new(stay(2, 3), booking="B2")),
    ]
    reply = await house.post("ota", *document)
    refused, taken = msgspec.json.decode(reply.body, type=list[str])
    assert (reply.status, refused, taken) == (200, "B1 invalid_value", (await house.reservation()).reservation_id)
    whole, *parts = [row for row in await house.rows(MessageRow) if row.connection == "ota"]
    assert (whole.outcome, whole.detail, bool(whole.raw)) == ("applied", "2 parts, 1 refused", True)
    assert {(part.outcome, part.cause, part.raw) for part in parts} == {
        ("applied", whole.message_id, b""),
        ("refused", whole.message_id, b""),
    }


async def test_a_document_all_of_which_is_refused_took_no_effect(house: House) -> None:
    await house.open_for_sale()
    before = await house.ledger()
    document = [ReservationReceived("OTA", new(ABSURD, booking=name)) for name in ("B1", "B2")]
    reply = await house.post("ota", *document)
    assert (reply.status, reply.body[:15]) == (400, b"invalid_value: ")
    assert await house.ledger() == before
    (whole,) = [row for row in await house.rows(MessageRow) if row.connection == "ota"]
    assert (whole.outcome, bool(whole.raw)) == ("refused", True)


async def test_a_booking_for_another_hotel_is_refused_before_anything_is_taken(house: House) -> None:
    await house.open_for_sale()
    before = await house.ledger()
    ours, theirs = ReservationReceived("OTA", new(stay(2, 3))), ReservationReceived("X", new(stay(2, 3), booking="B2"))
    assert (await house.post("ota", ours, theirs)).status == 400
    assert await house.ledger() == before


async def test_a_booking_that_never_ends_is_refused_at_last(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repetition is still answered."""
    monkeypatch.setattr(take_booking, "REVISIONS_MAX", 20)
    changes = [modify(stay(2, 3), version=version) for version in range(1, 21)]
    for revision in changes:
        await house.say(revision)
    one_more = await house.post("ota", ReservationReceived("OTA", modify(stay(2, 4), version=2_000)))
    assert one_more.status == 400
    again = await house.post("ota", ReservationReceived("OTA", changes[-1]))
    assert again.status == 200
    assert await house.sold("DBL") == {2: 1}


@pytest.mark.parametrize("version", [None, 2_000])
async def test_however_long_a_booking_is_its_cancellation_is_taken(
    house: House, monkeypatch: pytest.MonkeyPatch, version: int | None
) -> None:
    """Nothing revives it then."""
    monkeypatch.setattr(take_booking, "REVISIONS_MAX", 5)
    for last in range(1, 6):
        await house.say(modify(stay(2, 3 + last), version=last))
    await house.say(cancel(version=version))
    assert (await house.reservation()).status == "cancelled"
    assert await house.sold("DBL") == {}
    revived = await house.post("ota", ReservationReceived("OTA", modify(stay(2, 4), version=3_000)))
    assert revived.body == b"business_rule: booking 'B1' has more than 5 revisions"


async def test_cancellations_do_not_go_on_without_end(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that change nothing; the one that does is taken all the same."""
    monkeypatch.setattr(take_booking, "REVISIONS_MAX", 1)
    monkeypatch.setattr(take_booking, "CANCELS_MAX", 2)
    await house.say(modify(stay(2, 3), version=100))
    for version in (1, 2):
        await house.say(cancel(version=version))
    stale = await house.post("ota", ReservationReceived("OTA", cancel(version=3)))
    assert stale.body == b"business_rule: booking 'B1' has more than 3 revisions"
    await house.say(cancel(version=101))
    assert (await house.reservation()).status == "cancelled"
    again = await house.post("ota", ReservationReceived("OTA", cancel(version=102)))
    assert again.status == 400
    assert (await house.reservation()).revisions == 4


@pytest.mark.parametrize(
    "said",
    [
        pytest.param({"units": 2**31}, id="rooms beyond 32 bits"),
        pytest.param({"units": 2**70}, id="rooms beyond 64 bits"),
        pytest.param({"units": -1}, id="fewer rooms than none"),
        pytest.param({"departure": TODAY + 1_010}, id="years"),
        pytest.param({"arrival": -(2**70)}, id="before all time"),
        pytest.param({"arrival": 2**70, "departure": 2**70 + 1}, id="after all time"),
        pytest.param({"adults": 2**70}, id="guests beyond 64 bits"),
        pytest.param({"nightly": (2**70,)}, id="money beyond 64 bits"),
    ],
)
@pytest.mark.parametrize("known", [False, True])
async def test_absurd_numbers_are_refused_in_words(house: House, said: dict[str, Any], known: bool) -> None:
    """By the booking, not by the database: whoever sends them is not asked to come again."""
    if known:
        await house.say(new(stay(2, 5)))
    before = await house.ledger()
    absurd = modify(msgspec.structs.replace(stay(2, 5), **said))
    reply = await house.post("ota", ReservationReceived("OTA", absurd))
    assert reply.body.decode().startswith("invalid_value: ")
    assert await house.ledger() == before


async def test_an_absurd_version_is_refused_in_words(house: House) -> None:
    reply = await house.post("ota", ReservationReceived("OTA", new(stay(2, 5), version=2**70)))
    assert reply.body.decode().startswith("invalid_value: ")
