"""A PMS that fetches its reservations: each until it is confirmed, and figures that may contain them from then on."""

from __future__ import annotations

import msgspec
import pytest

from gateway.messages import Applied, DeliveriesReported, DeliveryReport, Found, ReservationsAsked
from gateway.model.reservation import RevisionKind
from gateway.store.tables import DeliveryRow, MessageRow
from tests.flows.house import FIGURE_DELAY_S, TODAY, House, cancel, channel, hotel, modify, new, pms, stay, update


@pytest.fixture
async def fetching(house: House) -> House:
    """The PMS has no address of its own."""
    await house.apply(hotel(pms(url=""), channel("ota")))
    await house.open_for_sale()
    return house


async def fetch(house: House, **asked: object) -> Found:
    reply = await house.post("pms", ReservationsAsked("P", **asked))  # type: ignore[arg-type]
    assert reply.status == 200, reply.body
    return msgspec.json.decode(reply.body, type=Found)


async def report(house: House, *reports: DeliveryReport) -> Applied:
    reply = await house.post("pms", DeliveriesReported("P", reports))
    assert reply.status == 200, reply.body
    return msgspec.json.decode(reply.body, type=Applied)


def told(found: Found) -> list[tuple[str, RevisionKind]]:
    return [(each.reservation_id, each.revision.kind) for each in found.reservations]


async def state(house: House) -> list[str]:
    return [row.state for row in await house.rows(DeliveryRow)]


async def test_a_reservation_is_handed_out_until_it_is_confirmed(fetching: House) -> None:
    number = await fetching.say(new(stay(2, 5)))
    first = await fetch(fetching)
    assert told(first) == [(number, RevisionKind.NEW)]
    (room,) = first.reservations[0].revision.content.stays
    assert (room.room, room.plan, room.arrival - TODAY) == ("pDBL", "BAR", 2)
    assert told(await fetch(fetching)) == told(first)
    assert await state(fetching) == ["sent"]

    assert await report(fetching, DeliveryReport(number, ref="P-77")) == Applied()
    assert told(await fetch(fetching)) == []
    (row,) = await fetching.rows(DeliveryRow)
    assert (row.state, row.ref) == ("confirmed", "P-77")


async def test_the_deliverer_does_not_call_who_fetches(fetching: House) -> None:
    await fetching.say(new(stay(2, 5)))
    assert await fetching.deliver() is None
    assert fetching.wire.deliveries() == []


async def test_a_change_between_fetching_and_confirming_is_fetched_again(fetching: House) -> None:
    number = await fetching.say(new(stay(2, 5)))
    await fetch(fetching)
    await fetching.say(modify(stay(2, 6)))
    await report(fetching, DeliveryReport(number, ref="P-1"))
    assert told(await fetch(fetching)) == [(number, RevisionKind.MODIFY)]
    await report(fetching, DeliveryReport(number))
    assert told(await fetch(fetching)) == []


async def test_a_change_of_nothing_but_the_guest_is_fetched_too(fetching: House) -> None:
    number = await fetching.say(new(stay(2, 5)))
    await fetch(fetching)
    await report(fetching, DeliveryReport(number))
    await fetching.say(modify(msgspec.structs.replace(stay(2, 5), comments=("late",))))
    assert told(await fetch(fetching)) == [(number, RevisionKind.MODIFY)]


async def test_what_nobody_knew_of_and_was_cancelled_is_not_mentioned(fetching: House) -> None:
    await fetching.say(new(stay(2, 5)))
    await fetching.say(cancel(stay(2, 5)))
    assert told(await fetch(fetching)) == []
    assert await state(fetching) == ["confirmed"]


async def test_a_cancellation_of_what_was_handed_out_is(fetching: House) -> None:
    number = await fetching.say(new(stay(2, 5)))
    await fetch(fetching)
    await fetching.say(cancel(stay(2, 5)))
    assert told(await fetch(fetching)) == [(number, RevisionKind.CANCEL)]


async def test_a_refusal_is_kept_with_its_words_and_not_handed_out_again(fetching: House) -> None:
    number = await fetching.say(new(stay(2, 5)))
    await fetch(fetching)
    await report(fetching, DeliveryReport(number, error="no such plan"))
    (row,) = await fetching.rows(DeliveryRow)
    assert (row.state, row.error) == ("refused", "refused: no such plan")
    assert told(await fetch(fetching)) == []
    await fetching.say(modify(stay(2, 6)))
    # The PMS holds nothing that it could change.
    assert told(await fetch(fetching)) == [(number, RevisionKind.NEW)]


async def test_a_report_on_what_nobody_handed_out_is_named_back(fetching: House) -> None:
    number = await fetching.say(new(stay(2, 5)))
    await fetch(fetching)
    applied = await report(fetching, DeliveryReport("NOBODY"), DeliveryReport(number))
    assert applied.warnings == ("no reservation 'NOBODY' was ever handed out",)
    assert await state(fetching) == ["confirmed"]


async def test_one_room_without_a_code_does_not_keep_the_others(house: House) -> None:
    known = pms(url="")
    await house.apply(hotel(msgspec.structs.replace(known, products=known.products[:3]), channel("ota")))
    await house.say(new(stay(2, 3, "r2"), booking="B1"))
    number = await house.say(new(stay(2, 3), booking="B2"))
    assert told(await fetch(house)) == [(number, RevisionKind.NEW)]
    assert sorted(await state(house)) == ["pending", "sent"]


async def test_figures_may_contain_what_was_handed_out(fetching: House) -> None:
    """From the fetch on the figure may be the old or the new one, so the lower reading is sold."""
    number = await fetching.say(new(stay(2, 3)))
    assert await fetching.free("DBL", 2) == 2
    await fetch(fetching)
    await fetching.ari(update("pDBL", "", 2, 2, figure=2))
    assert await fetching.free("DBL", 2) == 1
    await report(fetching, DeliveryReport(number))
    fetching.clock.pass_s(FIGURE_DELAY_S + 1)
    await fetching.ari(update("pDBL", "", 2, 2, figure=2))
    assert await fetching.free("DBL", 2) == 2


async def test_an_echo_settles_where_it_is_promised(house: House) -> None:
    await house.apply(hotel(pms(url="", echoes=True), channel("ota")))
    await house.open_for_sale()
    number = await house.say(new(stay(2, 3)))
    await fetch(house)
    await house.ari(update("pDBL", "", 2, 2, figure=2))
    await report(house, DeliveryReport(number))
    assert await house.free("DBL", 2) == 1
    house.clock.pass_s(FIGURE_DELAY_S + 1)
    await house.deliver()
    assert await house.free("DBL", 2) == 2


async def test_asking_by_time_arrival_and_number(fetching: House) -> None:
    early = await fetching.say(new(stay(2, 5), booking="B1"))
    fetching.clock.pass_s(3_600)
    between_ms = fetching.clock.now_ms()
    fetching.clock.pass_s(3_600)
    late = await fetching.say(new(stay(9, 10), booking="B2"))
    await fetch(fetching)
    await report(fetching, DeliveryReport(early), DeliveryReport(late))

    assert {each.reservation_id for each in (await fetch(fetching, since_ms=0)).reservations} == {early, late}
    assert told(await fetch(fetching, since_ms=between_ms)) == [(late, RevisionKind.NEW)]
    assert [number for number, _ in told(await fetch(fetching, last=TODAY + 2))] == [early]
    assert [number for number, _ in told(await fetch(fetching, first=TODAY + 3))] == [late]
    assert [number for number, _ in told(await fetch(fetching, booking_id=early))] == [early]
    assert told(await fetch(fetching, since_ms=fetching.clock.now_ms() + 120_000)) == []
    assert await state(fetching) == ["confirmed", "confirmed"]


async def test_asking_by_departure_and_by_what_was_confirmed(fetching: House) -> None:
    short = await fetching.say(new(stay(2, 3), booking="B1"))
    long = await fetching.say(new(stay(1, 8), booking="B2"))
    await fetch(fetching)
    await report(fetching, DeliveryReport(long))

    async def found(**asked: object) -> list[str]:
        return sorted(number for number, _ in told(await fetch(fetching, **asked)))

    assert await found(first=TODAY + 4, by_departure=True) == [long]
    assert await found(last=TODAY + 4, by_departure=True) == [short]
    assert await found(first=TODAY, confirmed=True) == [long]
    assert await found(first=TODAY, confirmed=False) == [short]
    assert await found(first=TODAY) == sorted((short, long))


async def test_a_hundred_at_a_time(fetching: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.flows.delivering.hand_out.HANDED_OUT_MAX", 2)
    numbers = {await fetching.say(new(stay(n, n + 1), booking=f"B{n}")) for n in range(3)}
    first = await fetch(fetching)
    assert (len(first.reservations), first.more) == (2, True)
    await report(fetching, *(DeliveryReport(each.reservation_id) for each in first.reservations))
    second = await fetch(fetching)
    assert (len(second.reservations), second.more) == (1, False)
    assert {each.reservation_id for each in (*first.reservations, *second.reservations)} == numbers


async def test_only_the_pms_fetches_and_reports_for_its_own_hotel(fetching: House) -> None:
    assert (await fetching.post("ota", ReservationsAsked("OTA"))).body.startswith(b"authorization")
    assert (await fetching.post("ota", DeliveriesReported("OTA", ()))).body.startswith(b"authorization")
    assert (await fetching.post("pms", ReservationsAsked("ELSEWHERE"))).body.startswith(b"hotel")


async def test_the_log_says_what_was_handed_out(fetching: House) -> None:
    number = await fetching.say(new(stay(2, 5)))
    await fetch(fetching)
    rows = await fetching.rows(MessageRow, "scope_id = 'h' AND outcome = 'answered'")
    assert [(row.connection, row.direction, row.detail) for row in rows] == [("pms", "in", number)]


async def test_a_late_report_on_an_earlier_state_says_nothing_of_a_later_one(fetching: House) -> None:
    """The PMS has fetched the cancellation too, and may die before it has applied it."""
    number = await fetching.say(new(stay(2, 5)))
    first = (await fetch(fetching)).reservations[0].modified_ms
    fetching.clock.pass_s(1)
    await fetching.say(cancel())
    last = (await fetch(fetching)).reservations[0].modified_ms
    await report(fetching, DeliveryReport(number, RevisionKind.NEW, "P-1", modified_ms=first))
    assert told(await fetch(fetching)) == [(number, RevisionKind.CANCEL)]
    await report(fetching, DeliveryReport(number, RevisionKind.NEW, error="known already", modified_ms=first))
    assert told(await fetch(fetching)) == [(number, RevisionKind.CANCEL)]
    await report(fetching, DeliveryReport(number, RevisionKind.CANCEL, modified_ms=last))
    assert told(await fetch(fetching)) == []
    (row,) = await fetching.rows(DeliveryRow)
    assert (row.state, row.ref) == ("confirmed", "P-1")


async def test_of_two_states_of_one_instant_a_report_is_on_the_one_that_was_fetched(fetching: House) -> None:
    number = await fetching.say(new(stay(2, 5)))
    at_ms = (await fetch(fetching)).reservations[0].modified_ms
    await fetching.say(cancel())
    await report(fetching, DeliveryReport(number, modified_ms=at_ms))
    assert told(await fetch(fetching)) == [(number, RevisionKind.CANCEL)]
