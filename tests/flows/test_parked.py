"""What is not mapped is taken all the same, and holds a room where one is set; mapping it moves exactly its nights."""

from __future__ import annotations

import msgspec
import pytest

from gateway.flows.apply_hotel import ApplyHotel
from gateway.flows.desk import reservations
from gateway.flows.refold import Resolver
from gateway.messages import Found, ReservationsAsked
from gateway.model.property import Connection, Product
from gateway.model.reservation import Content, Revision, RevisionKind
from gateway.store.tables import DeliveryRow, MessageRow
from tests.flows.house import PRODUCTS, House, cancel, channel, hotel, modify, new, pms, sealed, stay

PENTHOUSE = (*PRODUCTS, *(Product("FAM", plan, "penthouse", plan.lower()) for plan in ("BAR", "NR", "HB")))
GALA = (*PRODUCTS, Product("DBL", "HB", "r1", "gala"))


async def state(house: House) -> str:
    (row,) = await house.rows(DeliveryRow)
    assert isinstance(row, DeliveryRow)
    return row.state


async def map_it(house: House, **settings: object) -> None:
    await house.apply(hotel(pms(), channel("ota", **settings)))  # type: ignore[arg-type]


def rooms_told(house: House) -> list[tuple[RevisionKind, str, int]]:
    return [
        (sent.revision.kind, sent.revision.content.stays[0].room, sent.revision.version or 0)
        for sent in house.wire.deliveries()
    ]


def in_currency(code: str, version: int = 1) -> Revision:
    return Revision("B1", RevisionKind.NEW, Content(currency=code, stays=(stay(2, 4),)), version=version)


async def test_without_a_fallback_an_unmapped_room_takes_nothing_and_the_pms_hears_of_it_once_it_is_mapped(
    house: House,
) -> None:
    await house.open_for_sale()
    number = await house.say(new(stay(2, 4, "penthouse")))
    await house.deliver()
    assert (await house.sold("DBL"), await house.sold("FAM"), await state(house)) == ({}, {}, "parked")
    assert house.wire.deliveries() == []
    (line,) = (await reservations.trouble(house.services, "h")).items
    assert (line.reservation.reservation_id, line.unmapped) == (number, ("penthouse",))
    await map_it(house, products=PENTHOUSE)
    assert await house.sold("FAM") == {2: 1, 3: 1}
    await house.deliver()
    assert [room for _, room, _ in rooms_told(house)] == ["pFAM"]
    assert (await reservations.trouble(house.services, "h")).items == ()


async def test_the_fallback_is_held_and_told_until_the_room_is_mapped(empty_house: House) -> None:
    house = empty_house
    await map_it(house, fallback_room="DBL")
    await house.open_for_sale()
    await house.say(new(stay(2, 4, "penthouse", units=2), stay(1, 2, "r2")))
    assert (await house.sold("DBL"), await house.sold("FAM")) == ({2: 2, 3: 2}, {1: 1})
    assert (await house.reservation()).parked == 1
    assert (await house.outcomes())[-1] == "parked"
    await house.deliver()
    await map_it(house, fallback_room="DBL", products=PENTHOUSE)
    assert (await house.sold("DBL"), await house.sold("FAM")) == ({}, {1: 1, 2: 2, 3: 2})
    assert (await house.reservation()).parked == 0
    await house.deliver()
    # Under a number of its own, or a PMS would take it for a repetition.
    assert rooms_told(house) == [(RevisionKind.NEW, "pDBL", 1), (RevisionKind.MODIFY, "pFAM", 2)]
    assert len({sent.id for sent in house.wire.deliveries()}) == 2
    assert await state(house) == "confirmed"


async def test_another_fallback_is_held_from_when_it_is_set(house: House) -> None:
    await house.open_for_sale()
    await house.say(new(stay(2, 4, "penthouse")))
    await map_it(house, fallback_room="DBL")
    assert (await house.sold("DBL"), await house.sold("FAM")) == ({2: 1, 3: 1}, {})
    await map_it(house, fallback_room="FAM")
    assert (await house.sold("DBL"), await house.sold("FAM")) == ({}, {2: 1, 3: 1})
    await house.deliver()
    assert [room for _, room, _ in rooms_told(house)] == ["pFAM"]
    # The PMS has been told of it, so it stays although no fallback is set any more.
    await map_it(house)
    assert (await house.sold("DBL"), await house.sold("FAM")) == ({}, {2: 1, 3: 1})
    assert (await house.reservation()).parked == 1


async def test_a_fallback_that_is_full_is_oversold(empty_house: House) -> None:
    house = empty_house
    await map_it(house, fallback_room="DBL")
    await house.open_for_sale(figure=1)
    await house.say(new(stay(2, 3, "penthouse", units=2)))
    assert (await house.reservation()).oversold == 1
    assert await house.free("DBL", 2) == -1


async def test_an_unmapped_plan_parks_and_its_room_is_taken(house: House) -> None:
    await house.open_for_sale()
    await house.say(new(stay(2, 4, plan="gala")))
    assert (await house.sold("DBL"), (await house.reservation()).parked) == ({2: 1, 3: 1}, 1)
    await house.deliver()
    assert (house.wire.deliveries(), await state(house)) == ([], "parked")
    (line,) = (await reservations.trouble(house.services, "h")).items
    assert line.unmapped == ("gala",)
    await map_it(house, products=GALA)
    assert (await house.sold("DBL"), (await house.reservation()).parked) == ({2: 1, 3: 1}, 0)
    await house.deliver()
    assert [sent.revision.content.stays[0].plan for sent in house.wire.deliveries()] == ["HB"]


@pytest.mark.parametrize("code", ["EUR", ""])
async def test_a_currency_of_the_house_does_not_park(house: House, code: str) -> None:
    await house.say(in_currency(code))
    assert (await house.reservation()).parked == 0


async def test_another_currency_parks_until_it_is_allowed(house: House) -> None:
    await house.open_for_sale()
    await house.say(in_currency("USD"))
    assert (await house.sold("DBL"), (await house.reservation()).parked) == ({2: 1, 3: 1}, 1)
    (line,) = (await reservations.trouble(house.services, "h")).items
    assert line.unmapped == ("USD",)
    await map_it(house, booking_currencies=("USD",))
    assert (await house.reservation()).parked == 0
    await house.deliver()
    assert await state(house) == "confirmed"


async def test_plan_and_currency_keep_their_meaning_within_a_booking(house: House) -> None:
    await map_it(house, products=GALA, booking_currencies=("USD",))
    first = Revision("B1", RevisionKind.NEW, Content(currency="USD", stays=(stay(2, 4, plan="gala"),)), version=1)
    await house.say(first)
    await map_it(house)
    later = Content(currency="USD", stays=(stay(3, 5, plan="gala"),))
    await house.say(Revision("B1", RevisionKind.MODIFY, later, version=2))
    assert (await house.reservation()).parked == 0


async def test_what_is_cancelled_is_not_parked(house: House) -> None:
    await house.say(new(stay(2, 4, "penthouse")))
    await house.say(cancel())
    assert ((await house.reservation()).parked, await state(house)) == (0, "pending")
    await house.deliver()
    assert house.wire.deliveries() == []


async def test_a_change_to_an_unmapped_room_keeps_the_room_it_had(house: House) -> None:
    """The PMS holds that room, so selling it again would oversell the house."""
    await house.open_for_sale()
    await house.say(new(stay(2, 4)))
    await house.deliver()
    await house.say(modify(stay(3, 5, "penthouse")))
    await house.deliver()
    assert (await house.sold("DBL"), (await house.reservation()).parked) == ({3: 1, 4: 1}, 1)
    await map_it(house, products=PENTHOUSE)
    assert (await house.sold("DBL"), await house.sold("FAM")) == ({}, {3: 1, 4: 1})
    await house.deliver()
    await house.say(cancel())
    await house.deliver()
    assert rooms_told(house) == [
        (RevisionKind.NEW, "pDBL", 1),
        (RevisionKind.MODIFY, "pDBL", 2),
        (RevisionKind.MODIFY, "pFAM", 3),
        (RevisionKind.CANCEL, "pFAM", 4),
    ]


async def test_the_cancellation_of_what_is_parked_reaches_who_was_told(house: House) -> None:
    await house.open_for_sale()
    await house.say(new(stay(2, 4)))
    await house.deliver()
    await house.say(modify(stay(2, 4), stay(2, 4, "attic")))
    await house.say(cancel())
    await house.deliver()
    assert (await state(house), [kind for kind, *_ in rooms_told(house)]) == (
        "confirmed",
        [RevisionKind.NEW, RevisionKind.CANCEL],
    )


async def test_what_nobody_resolved_is_resolved_by_the_workers(house: House) -> None:
    """Whoever applied the mapping ended before it came to the bookings."""
    await house.say(new(stay(2, 4, "penthouse")))
    job = ApplyHotel(sealed(hotel(pms(), channel("ota", products=PENTHOUSE))), "test", 1)
    await house.services.batcher.submit(job)
    assert (await house.reservation()).parked == 1
    resolver = Resolver(house.services)
    await resolver.round()
    assert ((await house.reservation()).parked, await house.sold("FAM")) == (0, {2: 1, 3: 1})


async def test_a_receiver_that_fetches_is_not_handed_what_waits(empty_house: House) -> None:
    house = empty_house
    await house.apply(hotel(pms(url=""), channel("ota")))
    number = await house.say(new(stay(2, 4, plan="gala")))

    async def fetched(asked: ReservationsAsked) -> list[str]:
        reply = await house.post("pms", asked)
        return [one.reservation_id for one in msgspec.json.decode(reply.body, type=Found).reservations]

    began_ms = house.clock.now_ms()
    for asked in (ReservationsAsked("P"), ReservationsAsked("P", booking_id=number)):
        assert await fetched(asked) == []
    house.clock.pass_s(60)
    await house.apply(hotel(pms(url=""), channel("ota", products=GALA)))
    assert await fetched(ReservationsAsked("P")) == [number]
    # It has changed for them when it was mapped.
    assert await fetched(ReservationsAsked("P", since_ms=began_ms + 1)) == [number]


async def test_the_remark_says_who_mapped_it(house: House) -> None:
    await house.say(new(stay(2, 4, "penthouse")))
    await map_it(house, products=PENTHOUSE)
    shown = await reservations.show(house.services, "h", (await house.reservation()).reservation_id)
    assert [(line.revision.kind, line.author) for line in shown.revisions] == [
        (RevisionKind.NEW, "connection:ota"),
        (RevisionKind.IGNORE, "test"),
    ]
    (mapping,) = [row for row in await house.rows(MessageRow) if row.kind == "mapping"]
    assert (mapping.outcome, mapping.detail) == ("applied", shown.reservation.reservation_id)


async def test_a_repetition_after_mapping_changes_nothing(house: House) -> None:
    await house.open_for_sale()
    await house.say(new(stay(2, 4, "penthouse")))
    await map_it(house, products=PENTHOUSE)
    before = await house.ledger()
    await house.say(new(stay(2, 4, "penthouse")))
    assert await house.ledger() == before
    await house.say(modify(stay(3, 5, "penthouse")))
    assert await house.sold("FAM") == {3: 1, 4: 1}


async def test_bookings_of_a_channel_that_is_gone_are_still_delivered(house: House) -> None:
    await house.say(new(stay(2, 4)))
    without: Connection = msgspec.structs.replace(channel("ota"), url="")
    await house.apply(hotel(pms(), without))
    await house.apply(hotel(pms()))
    await house.deliver()
    assert [room for _, room, _ in rooms_told(house)] == ["pDBL"]
