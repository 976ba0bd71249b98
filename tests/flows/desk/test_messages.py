"""The log and taking its messages again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from gateway.errors import Malformed, NotFound, Unsupported
from gateway.flows.desk import calendar, messages, reservations
from gateway.flows.desk.messages import Direction, Filter
from gateway.messages import ReservationReceived
from gateway.model.property import Product
from gateway.store.tables import MessageRow
from tests.flows.house import PRODUCTS, House, channel, hotel, modify, new, pms, stay, update


@pytest.fixture
async def busy(house: House) -> House:
    """Some of every kind."""
    await house.open_for_sale()
    await house.push()
    house.clock.pass_s(1)
    await house.say(new(stay(1, 2), booking="NEEDLE"))
    await house.deliver()
    await house.ari(update("XXX", "", 0, 1, figure=1))
    await calendar.change(house.services, "h", [update("DBL", "", 0, 0, currency="", closed=1)], "person:ada")
    return house


async def found(house: House, wanted: Filter = messages.EVERYTHING) -> list[messages.MessageLine]:
    return list((await messages.find(house.services, "h", wanted, limit=200)).items)


async def test_everything_newest_first(busy: House) -> None:
    lines = await found(busy)
    assert [line.at_ms for line in lines] == sorted((line.at_ms for line in lines), reverse=True)
    assert lines[0].author == "person:ada"
    assert {line.author for line in lines} == {"connection:pms", "connection:ota", "person:ada", "test", ""}
    rows = await busy.rows(MessageRow)
    assert len(lines) == len(rows)


FILTERS: dict[str, tuple[Filter, Callable[[messages.MessageLine], bool]]] = {
    "direction": (Filter(direction=Direction.OUT), lambda line: line.direction is Direction.OUT),
    "connection": (Filter(connection="pms"), lambda line: line.connection == "pms"),
    "kind": (Filter(kind="PushRates"), lambda line: line.kind == "PushRates"),
    "outcome": (Filter(outcome="refused"), lambda line: line.outcome == "refused"),
    "both": (
        Filter(connection="ota", direction=Direction.IN),
        lambda line: line.connection == "ota" and line.direction is Direction.IN,
    ),
    "nothing": (Filter(kind="nothing"), lambda line: False),
}


async def test_filters(busy: House) -> None:
    every = await found(busy)
    for name, (wanted, holds) in FILTERS.items():
        assert await found(busy, wanted) == [line for line in every if holds(line)], name


async def test_a_connection_nobody_knows_is_answered_at_once(busy: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a look through the log, which has nothing of it; one that was taken out of the file is still known."""
    with monkeypatch.context() as bounded:
        bounded.setattr("gateway.store.walking.COVERED_SCAN_MAX", 2)
        page = await messages.find(busy.services, "h", Filter(connection="nobody"))
    assert (page.items, page.next, page.partial) == ((), "", False)
    known = await found(busy, Filter(connection="pms"))
    await busy.apply(hotel(channel("ota")))
    assert await found(busy, Filter(connection="pms")) == known != []


async def test_a_text_is_found_in_what_was_said(busy: House) -> None:
    lines = await found(busy, Filter(text="NEEDLE"))
    assert [line.connection for line in lines] == ["ota"]
    assert await found(busy, Filter(text="%")) == []
    with pytest.raises(Malformed):
        await found(busy, Filter(text="\0"))


async def test_a_range_of_time(busy: House) -> None:
    every = await found(busy)
    middle = every[len(every) // 2].at_ms
    assert await found(busy, Filter(first_ms=middle)) == [line for line in every if line.at_ms >= middle]
    assert await found(busy, Filter(last_ms=middle)) == [line for line in every if line.at_ms <= middle]


async def test_pages_show_each_one_once(busy: House) -> None:
    for wanted in (Filter(), Filter(direction=Direction.IN), Filter(text="a")):
        seen: list[int] = []
        cursor = ""
        while True:
            page = await messages.find(busy.services, "h", wanted, cursor=cursor, limit=3)
            seen += [line.message_id for line in page.items]
            if not (cursor := page.next):
                break
        assert seen == [line.message_id for line in await found(busy, wanted)]


async def test_a_rare_text_is_looked_for_a_part_at_a_time(busy: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what was paid for is told: how far back the look went."""
    monkeypatch.setattr("gateway.store.reading_messages.SEARCH_MESSAGES_MAX", 2)
    seen: list[int] = []
    cursor, pages = "", 0
    while True:
        page = await messages.find(busy.services, "h", Filter(text="NEEDLE"), cursor=cursor)
        seen += [line.message_id for line in page.items]
        pages += 1
        assert page.partial == bool(page.next)
        if not (cursor := page.next):
            break
        assert page.looked_back_ms
    monkeypatch.undo()
    assert seen == [line.message_id for line in await found(busy, Filter(text="NEEDLE"))]
    assert pages > 2


async def test_long_messages_are_looked_through_a_part_at_a_time(busy: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.store.reading_messages.SEARCH_BYTES_MAX", 1)
    page = await messages.find(busy.services, "h", Filter(text="no such thing"))
    assert page.items == ()
    assert page.partial


async def test_one_message_in_full(busy: House) -> None:
    (line,) = await found(busy, Filter(text="NEEDLE"))
    shown = await messages.show(busy.services, "h", line.message_id)
    assert shown.line == line
    assert "NEEDLE" in shown.raw
    assert shown.can_replay
    (refused,) = await found(busy, Filter(outcome="refused"))
    assert "XXX" in (await messages.show(busy.services, "h", refused.message_id)).answer
    for number in (1, -1, 2**63):
        with pytest.raises(NotFound):
            await messages.show(busy.services, "h", number)


# --- replay -----------------------------------------------------------------------------------------------------------


async def replayed(house: House, number: int, *, dry_run: bool) -> messages.Replay:
    return await messages.replay(house.services, "h", number, "person:ada", dry_run=dry_run)


async def test_a_refused_document_is_taken_once_it_is_mapped(house: House) -> None:
    await house.ari(update("pNEW", "BAR", 0, 1, price2=9_900))
    (line,) = await found(house, Filter(outcome="refused"))
    before = await house.ledger()
    still = await replayed(house, line.message_id, dry_run=False)
    assert [part.outcome for part in still.parts] == ["refused"]
    assert (still.committed, await house.ledger()) == (False, before)
    more = Product("DBL", "BAR", "pNEW", "BAR")
    await house.apply(hotel(pms(products=(more,)), channel("ota")))
    shown = await replayed(house, line.message_id, dry_run=True)
    (part,) = shown.parts
    assert (part.outcome, shown.committed) == ("applied", False)
    assert [(c.room, c.plan, c.field, c.before, c.after) for c in part.changes] == [
        ("DBL", "BAR", "price", None, 9_900)
    ]
    assert await house.cell("DBL", "BAR", 0, "price") == [-1, -1, -1, -1]
    done = await replayed(house, line.message_id, dry_run=False)
    assert done.committed
    assert (await house.cell("DBL", "BAR", 0, "price"))[1] == 9_900  # type: ignore[index]
    (logged,) = [each for each in await found(house) if each.message_id in done.message_ids]
    assert (logged.author, logged.outcome) == ("person:ada", "applied")


async def test_a_parked_booking_is_resolved_when_its_room_is_mapped(house: House) -> None:
    await house.open_for_sale(figure=3)
    number = await house.say(new(stay(1, 3, room="r7"), stay(5, 6)))
    assert (await house.reservation()).parked
    assert await house.sold("DBL") == {5: 1}
    more = (*PRODUCTS, Product("FAM", "BAR", "r7", "bar"))
    with_both = tuple(line for line in more if (line.room, line.plan, line.their_room) != ("FAM", "BAR", "r2"))
    await house.apply(hotel(pms(), channel("ota", products=with_both)))
    assert not (await house.reservation()).parked
    assert await house.sold("FAM") == {1: 1, 2: 1}
    await house.deliver()
    (delivered,) = house.wire.deliveries()
    assert [each.room for each in delivered.revision.content.stays] == ["pFAM", "pDBL"]
    shown = await reservations.show(house.services, "h", number)
    assert shown.revisions[0].rooms == ("FAM", "DBL")
    assert shown.revisions[0].author == "connection:ota"


async def test_replaying_what_is_there_does_nothing(house: House) -> None:
    await house.open_for_sale()
    await house.say(new(stay(1, 3)))
    before = await house.ledger()
    (line,) = await found(house, Filter(connection="ota", direction=Direction.IN))
    for dry_run in (True, False):
        done = await replayed(house, line.message_id, dry_run=dry_run)
        assert [(part.outcome, part.changes) for part in done.parts] == [("duplicate", ())]
        assert not done.committed
    assert await house.ledger() == before


async def test_replaying_what_has_been_overtaken_without_versions_does_nothing(house: House) -> None:
    await house.open_for_sale()
    for nights in (stay(1, 3), stay(1, 4)):
        await house.say(modify(nights, version=None))
    first = min(await found(house, Filter(connection="ota")), key=lambda line: line.message_id)
    done = await replayed(house, first.message_id, dry_run=False)
    assert ([part.outcome for part in done.parts], done.committed) == (["duplicate"], False)
    assert len(await found(house, Filter(connection="ota"))) == 2


async def test_a_booking_that_was_never_taken_is(house: House) -> None:
    """Its hotel code was wrong then."""
    await house.open_for_sale()
    await house.apply(hotel(pms(), replace(channel("ota"), hotel="OTHER")))
    await house.post("ota", ReservationReceived("OTA", new(stay(1, 3))))
    (line,) = await found(house, Filter(outcome="refused"))
    await house.apply(hotel())
    shown = await replayed(house, line.message_id, dry_run=True)
    assert {(c.room, c.field, c.before, c.after) for c in shown.parts[0].changes} >= {("DBL", "sold", 0, 1)}
    done = await replayed(house, line.message_id, dry_run=False)
    assert done.parts[0].reservation_id == (await house.reservation()).reservation_id
    assert await house.sold("DBL") == {1: 1, 2: 1}


async def test_only_what_counterparts_sent_is_taken_again(busy: House) -> None:
    for wanted in (Filter(direction=Direction.OUT), Filter(kind="calendar")):
        line = (await found(busy, wanted))[0]
        with pytest.raises(Unsupported):
            await replayed(busy, line.message_id, dry_run=True)
    with pytest.raises(NotFound):
        await replayed(busy, 1, dry_run=True)
