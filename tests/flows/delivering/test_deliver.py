"""Reservations go out until the PMS confirms them: at least once, one at a time, the latest, one number for each."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import msgspec
import pytest

from gateway.engine.window import Claim
from gateway.flows.delivering.deliver import Deliverer
from gateway.flows.delivering.jobs import BeginDelivery
from gateway.flows.desk import connections
from gateway.model.property import Role
from gateway.model.reservation import Revision, RevisionKind
from gateway.store import delivering
from gateway.store.tables import DeliveryRow, MessageRow
from tests.flows.house import (
    TODAY,
    House,
    busy,
    cancel,
    channel,
    down,
    hotel,
    lost,
    modify,
    new,
    pms,
    rejecting,
    stay,
    unanswered,
    update,
)


async def delivery(house: House) -> DeliveryRow:
    (row,) = await house.rows(DeliveryRow)
    assert isinstance(row, DeliveryRow)
    return row


def claim(row: DeliveryRow) -> Claim:
    return msgspec.msgpack.decode(row.claim, type=Claim)


async def until_done(house: House) -> None:
    """Every delivery in its time, until none is due any more."""
    for _ in range(50):
        await house.deliver()
        due = [row.due_ms for row in await house.rows(DeliveryRow) if row.due_ms is not None]
        if not due:
            return
        house.clock.pass_s(max(0, min(due) - house.clock.now_ms()) / 1000)
    raise AssertionError("deliveries never come to an end")


async def test_the_pms_gets_the_booking_in_its_own_codes(house: House) -> None:
    await house.open_for_sale()
    number = await house.say(new(stay(2, 5), stay(2, 3, "r2", "nr", units=2)))
    await house.deliver()
    (sent,) = house.wire.deliveries()
    assert (sent.reservation_id, sent.source) == (number, "ota")
    assert (sent.revision.booking_id, sent.revision.kind) == (number, RevisionKind.NEW)
    told = [(s.room, s.plan, s.arrival - TODAY, s.departure - TODAY, s.units) for s in sent.revision.content.stays]
    assert told == [("pDBL", "BAR", 2, 5, 1), ("pFAM", "NR", 2, 3, 2)]
    row = await delivery(house)
    assert (row.state, row.ref, row.error, row.attempts) == ("confirmed", "P1", "", 0)
    await until_done(house)
    assert len(house.wire.deliveries()) == 1


async def test_what_was_said_and_answered_is_kept(house: House) -> None:
    number = await house.say(new(stay(2, 5)))
    await house.deliver()
    (row,) = await house.rows(MessageRow, "scope_id = 'h' AND direction = 'out'")
    assert (row.connection, row.kind, row.outcome, row.detail) == ("pms", "DeliverReservation", "confirmed", number)
    assert number.encode() in row.raw
    assert b"P1" in row.answer


async def test_a_refusal_stays_until_there_is_something_new_to_say(house: House) -> None:
    await house.say(new(stay(2, 5)))
    house.wire.answers["pms"] = [rejecting]
    await house.deliver()
    row = await delivery(house)
    assert (row.state, row.due_ms) == ("refused", None)
    assert row.error.startswith("400")
    house.clock.pass_s(7 * 86_400)
    assert await house.deliver() is None
    assert len(house.wire.deliveries()) == 1
    await house.say(modify(stay(3, 6)))
    await house.deliver()
    assert (await delivery(house)).state == "confirmed"
    assert len(house.wire.deliveries()) == 2


@pytest.mark.parametrize("outcome", [lost, unanswered], ids=["lost", "unanswered"])
async def test_after_an_unknown_outcome_the_same_number_is_sent_again(house: House, outcome: object) -> None:
    await house.say(new(stay(2, 5)))
    house.wire.answers["pms"] = [outcome, outcome]  # type: ignore[list-item]
    await house.deliver()
    row = await delivery(house)
    assert (row.state, row.attempts) == ("pending", 1)
    await until_done(house)
    assert len(house.wire.deliveries()) == 3
    assert len({sent.id for sent in house.wire.deliveries()}) == 1
    assert (await delivery(house)).state == "confirmed"


@pytest.mark.parametrize("outcome", [lost, down], ids=["lost", "down"])
async def test_what_is_sent_again_says_the_same(house: House, outcome: object) -> None:
    """A PMS that never heard of the booking would refuse to modify it."""
    await house.say(new(stay(2, 5)))
    house.wire.answers["pms"] = [outcome] * 4  # type: ignore[list-item]
    await until_done(house)
    assert {sent.revision.kind for sent in house.wire.deliveries()} == {RevisionKind.NEW}
    assert len(set(house.wire.deliveries())) == 1


async def test_a_pms_that_is_down_is_tried_again_and_again(house: House) -> None:
    await house.say(new(stay(2, 5)))
    house.wire.answers["pms"] = [down] * 12
    await until_done(house)
    assert len(house.wire.deliveries()) == 13
    assert len({sent.id for sent in house.wire.deliveries()}) == 1


@pytest.mark.parametrize(("answer", "said"), [(down, "failed"), (lost, "unknown")], ids=["down", "lost"])
async def test_what_did_not_arrive_is_told_from_what_may_have(house: House, answer: object, said: str) -> None:
    await house.say(new(stay(2, 5)))
    house.wire.answers["pms"] = [answer] * 3  # type: ignore[list-item]
    await house.deliver()
    told = [row for row in await house.rows(MessageRow) if row.connection == "pms" and row.direction == "out"]
    assert [row.outcome for row in told] == [said]


async def test_a_pms_that_asks_for_time_gets_it(house: House) -> None:
    await house.say(new(stay(2, 5)))
    house.wire.answers["pms"] = [busy(120)]
    began_ms = house.clock.now_ms()
    await house.deliver()
    row = await delivery(house)
    assert row.due_ms is not None
    assert row.due_ms >= began_ms + 120_000
    house.clock.pass_s(119)
    await house.deliver()
    assert len(house.wire.deliveries()) == 1


async def test_only_the_latest_of_several_revisions_is_said(house: House) -> None:
    await house.say(new(stay(2, 5)))
    await house.say(modify(stay(3, 6)))
    await house.say(modify(stay(4, 7), version=4))
    await house.deliver()
    (sent,) = house.wire.deliveries()
    assert sent.revision.kind is RevisionKind.NEW
    assert [s.arrival - TODAY for s in sent.revision.content.stays] == [4]


async def test_a_booking_cancelled_before_it_was_told_is_never_told(house: House) -> None:
    await house.say(new(stay(2, 5)))
    await house.say(cancel())
    await until_done(house)
    assert house.wire.deliveries() == []
    row = await delivery(house)
    assert (row.state, row.settled) == ("confirmed", 1)


async def test_a_booking_that_may_have_been_told_is_cancelled_there(house: House) -> None:
    await house.say(new(stay(2, 5)))
    house.wire.answers["pms"] = [lost]
    await house.deliver()
    await house.say(cancel())
    await until_done(house)
    assert [sent.revision.kind for sent in house.wire.deliveries()] == [RevisionKind.NEW, RevisionKind.CANCEL]


async def test_changes_follow_in_order(house: House) -> None:
    number = await house.say(new(stay(2, 5)))
    await house.deliver()
    for revision in (modify(stay(3, 6)), cancel()):
        await house.say(revision)
        await house.deliver()
    sent = house.wire.deliveries()
    assert [one.revision.kind for one in sent] == [RevisionKind.NEW, RevisionKind.MODIFY, RevisionKind.CANCEL]
    assert {one.reservation_id for one in sent} == {number}
    assert len({one.id for one in sent}) == 3
    versions = [one.revision.version or 0 for one in sent]
    assert versions == sorted(set(versions))


async def test_a_stale_revision_is_not_told(house: House) -> None:
    await house.say(modify(stay(3, 6)))
    await house.deliver()
    await house.say(new(stay(2, 5)))
    await until_done(house)
    assert len(house.wire.deliveries()) == 1


async def test_a_change_during_the_call_follows_after_it(house: House) -> None:
    """Never two at once for one reservation."""
    await house.say(new(stay(2, 5)))
    under_way = 0

    async def change(_: str) -> None:
        nonlocal under_way
        under_way += 1
        assert under_way == 1
        if len(house.wire.sent) == 1:
            await house.say(modify(stay(3, 6)))
            await house.deliverer.round()
        under_way -= 1

    house.wire.meanwhile = change
    await house.deliver()
    row = await delivery(house)
    assert row.state == "pending"
    assert claim(row).acked[0].arrival == TODAY + 2
    await until_done(house)
    assert [sent.revision.kind for sent in house.wire.deliveries()] == [RevisionKind.NEW, RevisionKind.MODIFY]
    assert claim(await delivery(house)).acked[0].arrival == TODAY + 3


class Interposed:
    """A batcher that lets something happen just before the next delivery is written down as sent."""

    def __init__(self, house: House, revision: Revision) -> None:
        self._house = house
        self._batcher = house.services.batcher
        self._revision: Revision | None = revision

    async def submit(self, job: object, *, weight: int = 1) -> object:
        if isinstance(job, BeginDelivery) and self._revision is not None:
            revision, self._revision = self._revision, None
            await self._house.say(revision)
        return await self._batcher.submit(job, weight=weight)  # type: ignore[arg-type]


async def test_what_is_written_down_as_sent_is_what_is_sent(house: House) -> None:
    """A change that comes between looking and sending must not be taken for told."""
    await house.open_for_sale(figure=3)
    await house.say(new(stay(2, 3)))
    between = Interposed(house, modify(stay(2, 3, units=2)))
    deliverer = Deliverer(replace(house.services, batcher=between))  # type: ignore[arg-type]
    await deliverer.round()
    await deliverer.errands.idle()
    told = [sent.revision.content.stays[0].units for sent in house.wire.deliveries()]
    held = claim(await delivery(house)).acked
    assert sum(run.units for run in held) == (told[-1] if told else 0)
    # The PMS counts what it was told. Its figure is from after the acknowledgement, so it contains that and no more.
    house.clock.pass_s(60)
    await house.ari(update("pDBL", "", 2, 2, figure=3 - (told[-1] if told else 0)))
    assert await house.free("DBL", 2) == 1


async def kill_on_the_way(house: House) -> None:
    """The process ends while every delivery that is due is on its way; another begins."""
    on_its_way = asyncio.Event()

    async def hang(_: str) -> None:
        on_its_way.set()
        await asyncio.Event().wait()

    house.wire.meanwhile = hang
    await house.deliverer.round()
    await on_its_way.wait()
    for task in asyncio.all_tasks():
        if task.get_name().startswith("deliver "):
            task.cancel()
    house.wire.meanwhile = None
    house.deliverer = Deliverer(house.services)


async def test_what_was_under_way_when_the_process_ended_is_sent_again(house: House) -> None:
    await house.say(new(stay(2, 5)))
    await kill_on_the_way(house)
    assert (await delivery(house)).state == "sent"
    await until_done(house)
    first, second = house.wire.deliveries()
    assert first.id == second.id
    assert (await delivery(house)).state == "confirmed"


async def test_a_room_type_the_pms_does_not_know_is_shown_as_refused(empty_house: House) -> None:
    products = tuple(product for product in pms().products if product.room != "FAM")
    await empty_house.apply(hotel(pms(products=products), channel("ota")))
    await empty_house.say(new(stay(2, 3, "r2")))
    await empty_house.deliver()
    row = await delivery(empty_house)
    assert (row.state, row.due_ms) == ("refused", None)
    assert "room_type" in row.error
    assert empty_house.wire.deliveries() == []


async def test_one_pms_after_the_other_gets_every_booking(empty_house: House) -> None:
    await empty_house.apply(hotel(pms(), pms("crm"), channel("ota")))
    await empty_house.say(new(stay(2, 3)))
    empty_house.wire.answers["pms"] = [down] * 3
    await until_done(empty_house)
    assert {row.connection: row.state for row in await empty_house.rows(DeliveryRow)} == {
        "pms": "confirmed",
        "crm": "confirmed",
    }


async def test_what_a_killed_process_left_behind_is_sent_at_once(house: House) -> None:
    await house.say(new(stay(2, 5)))
    await kill_on_the_way(house)
    await house.deliver()
    assert (await delivery(house)).state == "confirmed"
    assert len(house.wire.deliveries()) == 2


async def test_what_was_left_behind_for_a_paused_receiver_waits_until_it_is_resumed(empty_house: House) -> None:
    house = empty_house
    await house.apply(hotel(channel("ota"), msgspec.structs.replace(pms("crm"), role=Role.RECEIVER)))
    await house.say(new(stay(2, 5)))
    await kill_on_the_way(house)
    await connections.pause(house.services, "h", "crm", "person:Ann", paused=True)
    await house.deliver()
    assert len(house.wire.deliveries()) == 1
    await connections.pause(house.services, "h", "crm", "person:Ann", paused=False)
    house.clock.pass_s(60)
    await house.deliver()
    assert (await delivery(house)).state == "confirmed"


async def test_what_somebody_else_has_under_way_is_left_to_them(house: House) -> None:
    class Nothing:
        taken = 1

        def owns(self, connection: str, for_s: float) -> bool:
            return False

    await house.say(new(stay(2, 5)))
    await kill_on_the_way(house)
    other = Deliverer(replace(house.services, leases=Nothing()))
    await other.round()
    await other.errands.idle()
    assert len(house.wire.deliveries()) == 1


async def test_a_delivery_that_has_ended_is_not_begun_again(house: House) -> None:
    await house.say(new(stay(2, 5)))
    begun = await delivery(house)
    await house.deliver()
    assert await house.services.batcher.submit(BeginDelivery(begun, 5.0)) is False


async def test_a_connection_that_is_switched_off_leaves_room_for_the_others(
    empty_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "DUE_MAX", 2)
    house = empty_house
    await house.apply(hotel(pms(), channel("ota")))
    for number in range(3):
        await house.say(new(stay(2, 3), booking=f"B{number}"))
    await house.apply(hotel(pms(enabled=False), channel("ota")))
    assert {row.due_ms for row in await house.rows(DeliveryRow)} == {None}
    other = msgspec.structs.replace(hotel(pms("pms2"), channel("ota2")), id="h2")
    await house.apply(other)
    await house.say(new(stay(2, 3)), "ota2")
    await house.deliver()
    assert len(house.wire.deliveries()) == 1


async def test_a_slow_receiver_with_a_long_queue_leaves_room_for_the_others(
    empty_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "DUE_MAX", 3)
    monkeypatch.setattr(delivering, "DUE_EACH_MAX", 2)
    house = empty_house
    await house.apply(hotel(pms(), channel("ota")))
    await house.apply(msgspec.structs.replace(hotel(pms("pms2"), channel("ota2")), id="h2"))
    for number in range(5):
        await house.say(new(stay(2, 3), booking=f"B{number}"))
    house.clock.pass_s(1)
    await house.say(new(stay(2, 3)), "ota2")
    await house.deliver()
    assert [to for to, _ in house.wire.sent].count("pms2") == 1
    await until_done(house)
    assert len(house.wire.deliveries()) == 6


async def test_bookings_wait_for_a_pms_that_is_switched_off(house: House) -> None:
    await house.say(new(stay(2, 3), booking="B1"))
    await house.apply(hotel(pms(enabled=False), channel("ota")))
    await house.say(new(stay(2, 3), booking="B2"))
    assert await house.deliver() is None
    assert house.wire.deliveries() == []
    await house.apply(hotel(pms(), channel("ota")))
    await until_done(house)
    assert len(house.wire.deliveries()) == 2
