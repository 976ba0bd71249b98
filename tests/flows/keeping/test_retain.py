"""What is old is forgotten, in small steps, and never what somebody still needs."""

from __future__ import annotations

import msgspec
import pytest

from gateway.flows.access.identity import key_digest
from gateway.flows.desk import holding, messages
from gateway.flows.keeping.retain import Retention
from gateway.messages import Found, ReservationsAsked
from gateway.settings import Settings
from gateway.store import access, retaining
from gateway.store.tables import DeliveryRow, HeldRow, JournalRow, MessageRow, RevisionRow
from gateway.store.tables_access import SessionRow
from tests.flows.house import TODAY, House, channel, hotel, new, pms, rejecting, stay, update

DAY_S = 86_400
NEVER = Settings(keep_bodies_days=0, keep_messages_days=0, keep_journal_days=0, keep_codes_days=0)


def kept(**days: int) -> Settings:
    return msgspec.structs.replace(NEVER, **days)


async def forget(house: House, settings: Settings) -> None:
    await Retention(house.services, settings, pause_s=0).round()


async def bodies(house: House) -> list[tuple[str, bool]]:
    """The kinds of inbound messages of counterparts, the oldest first, and whether their texts are there."""
    rows = [row for row in await house.rows(MessageRow) if row.connection and row.direction == "in"]
    return [(row.kind, bool(row.raw)) for row in sorted(rows, key=lambda row: row.message_id)]


async def test_texts_go_first_and_lines_later(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retaining, "BATCH_ROWS", 2)
    await house.open_for_sale()
    number = await house.say(new(stay(2, 3)))
    await house.push()
    await house.deliver()
    house.clock.pass_s(60)
    await house.ari(update("pDBL", "", 2, 2, figure=2))  # contains it, so that nothing is open
    house.clock.pass_s(40 * DAY_S)
    await house.ari(update("pDBL", "", 50, 50, figure=2))
    every = len(await house.rows(MessageRow))
    await forget(house, kept(keep_bodies_days=30))
    found = await bodies(house)
    assert [is_there for _, is_there in found] == [False] * (len(found) - 1) + [True]
    assert len(await house.rows(MessageRow)) == every
    old = min(row.message_id for row in await house.rows(MessageRow) if row.connection)
    assert not (await messages.show(house.services, "h", old)).can_replay

    await house.push()
    await forget(house, kept(keep_messages_days=30))
    left = await house.rows(MessageRow)
    assert {row.at_ms for row in left} == {house.clock.now_ms()}
    # What the reservation follows from is not there any more, and is not needed.
    assert len(await house.rows(RevisionRow)) == 1
    again = await house.say(new(stay(2, 3)))
    assert again == number


async def test_for_good_is_for_good(house: House) -> None:
    await house.open_for_sale()
    before = sorted(await house.rows(MessageRow))
    house.clock.pass_s(5_000 * DAY_S)
    await forget(house, NEVER)
    assert sorted(await house.rows(MessageRow)) == before


async def test_what_is_not_settled_is_spared(house: House) -> None:
    await house.open_for_sale()
    await house.say(new(stay(2, 3), booking="refused"))
    house.wire.answers["pms"] = [rejecting]
    await house.deliver()
    parked = await house.say(new(stay(1, 2, room="suite"), booking="parked"))
    await house.ari(update("pDBL", "BAR", 3, 5, price2=1_200_000))
    (held,) = await holding.find(house.services, "h")
    await house.push()
    house.clock.pass_s(40 * DAY_S)
    await forget(house, kept(keep_bodies_days=30, keep_messages_days=30))
    left = {row.message_id: row for row in await house.rows(MessageRow)}
    needed = {row.message_id for row in await house.rows(RevisionRow)} | {held.message_id}
    assert left.keys() == needed
    assert all(row.raw for row in left.values())
    assert len(needed) == 3
    assert (await house.rows(HeldRow))[0].message_id in left
    assert {row.state for row in await house.rows(DeliveryRow)} == {"refused", "parked"}
    assert parked


async def test_what_was_handed_over_goes_although_no_figure_ever_settles_it(house: House) -> None:
    await house.open_for_sale()
    await house.say(new(stay(2, 3)))
    await house.push()
    await house.deliver()
    (delivery,) = await house.rows(DeliveryRow)
    assert (delivery.state, delivery.settled) == ("confirmed", 0)
    house.clock.pass_s(40 * DAY_S)
    await forget(house, kept(keep_bodies_days=30))
    assert not any(is_there for _, is_there in await bodies(house))


async def test_what_a_channel_does_not_know_yet_is_spared(house: House) -> None:
    await house.push()
    await house.open_for_sale()
    every = len(await bodies(house))
    house.clock.pass_s(40 * DAY_S)
    await forget(house, kept(keep_messages_days=30))
    assert len(await bodies(house)) == every > 0  # how far it is behind is told by these
    await house.push()
    await forget(house, kept(keep_messages_days=30))
    assert await bodies(house) == []


async def test_the_journal_goes_by_the_nights_it_speaks_of(house: House) -> None:
    await house.open_for_sale()
    every = {row.block for row in await house.rows(JournalRow)}
    house.clock.pass_s(100 * DAY_S)
    await forget(house, kept(keep_journal_days=30))
    left = {row.block for row in await house.rows(JournalRow)}
    assert left == {block for block in every if block >= (TODAY + 70) // 32}
    assert left != every


async def test_sessions_that_have_ended_go(house: House) -> None:
    now_ms = house.clock.now_ms()
    rows = [SessionRow(key_digest(name), "p", now_ms, now_ms, now_ms + ms, "") for name, ms in (("a", 5), ("b", 10**9))]
    for row in rows:
        await house.services.database.write(lambda tx, row=row: access.begin_session(tx, row))  # type: ignore[misc]
    house.clock.pass_s(1)
    await forget(house, NEVER)
    assert [row.session_id for row in await house.rows(SessionRow, "1 = 1")] == [key_digest("b")]


async def test_a_receiver_may_still_ask_for_what_changed_since(house: House) -> None:
    """Messages tell revisions from instants; where they are gone, more is shown and never less."""
    await house.apply(hotel(pms(url=""), channel("ota")))
    await house.open_for_sale()
    since_ms = house.clock.now_ms()
    house.clock.pass_s(120)
    await house.say(new(stay(2, 3)))
    house.clock.pass_s(120)
    await house.ari(update("pDBL", "", 9, 9, figure=2))
    numbers = [row.message_id for row in await house.rows(MessageRow) if row.at_ms < house.clock.now_ms()]
    await house.services.database.write(lambda tx: tx.delete(MessageRow, [("h", number) for number in numbers]))
    reply = await house.post("pms", ReservationsAsked("P", since_ms=since_ms))
    assert len(msgspec.json.decode(reply.body, type=Found).reservations) == 1
