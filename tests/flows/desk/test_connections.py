"""How far connections have come, sending everything again, and the drift audit."""

from __future__ import annotations

import pytest

from gateway.errors import NotFound, Rejected
from gateway.flows.desk import calendar, connections
from gateway.messages import PushRates
from gateway.model.ari import Aspect, Field
from gateway.store import pushing
from gateway.store.tables import MessageRow
from gateway.store.tables_connections import ShadowRow
from tests.flows.house import TODAY, House, channel, hotel, lost, new, pms, refusing, rejecting, stay, update


async def line(house: House, name: str = "ota") -> connections.ConnectionLine:
    state = await connections.state(house.services, "h")
    return next(known for known in state.connections if known.id == name)


@pytest.fixture
async def sold(house: House) -> House:
    """Everything is open and confirmed."""
    await house.open_for_sale()
    await house.push()
    return house


async def test_the_lag_is_what_has_not_been_planned(sold: House) -> None:
    assert ((await line(sold)).lag, (await line(sold)).cells_pending) == (0, 0)
    await sold.ari(update("pDBL", "BAR", 3, 9, price2=9_000))
    assert (await line(sold)).lag == 1
    await sold.push()
    shown = await line(sold)
    assert (shown.lag, shown.cells_pending, shown.failures) == (0, 0, 0)
    assert shown.confirmed_ms == sold.clock.now_ms()
    assert shown.sent_last_minute == len(sold.wire.pushes("ota"))


async def test_what_failed_and_what_waits_is_told(sold: House) -> None:
    sold.wire.answers["ota"] = [lost]
    await sold.ari(update("pDBL", "BAR", 3, 9, price2=9_000))
    await sold.push()
    shown = await line(sold)
    assert (shown.failures, shown.error, shown.cells_pending) == (1, "no answer", 14)  # and the derived plan
    await sold.say(new(stay(1, 2)))
    assert (await line(sold, "pms")).deliveries_pending == 1
    sold.wire.answers["pms"] = [rejecting]
    await sold.deliver()
    shown = await line(sold, "pms")
    assert (shown.deliveries_pending, shown.deliveries_refused, shown.pushes) == (0, 1, False)


async def test_a_refused_target_comes_with_its_message_and_raw_answer(sold: House) -> None:
    sold.wire.answers["ota"] = [refusing(0)]
    await sold.ari(update("pDBL", "BAR", 3, 9, price2=9_000))
    await sold.push()
    found = await connections.errors(sold.services, "h", "ota")
    assert [(each.aspect, each.room, each.text) for each in found] == [("prices", "r1", "not loaded")]
    assert "not loaded" in found[0].answer
    assert "PushRates" in found[0].raw
    assert (await line(sold)).sync_errors == 1
    assert await connections.errors(sold.services, "h") == found
    with pytest.raises(NotFound):
        await connections.errors(sold.services, "h", "nobody")


async def test_the_state_costs_the_same_for_any_number_of_connections(empty_house: House) -> None:
    house = empty_house
    counted = []
    for count in (1, 12):
        await house.apply(hotel(pms(), *(channel(f"c{n}") for n in range(count))))
        await house.push()
        before = house.services.database.counter.statements
        await connections.state(house.services, "h")
        counted.append(house.services.database.counter.statements - before)
    assert counted[0] == counted[1] <= 10


async def test_a_full_sync_sends_everything_again(sold: House) -> None:
    held = dict(sold.wire.held)
    sent = len(sold.wire.sent)
    sold.wire.held.clear()
    ordered = await connections.full_sync(sold.services, "h", "ota", "person:ada")
    assert (await line(sold)).lag is None
    due = await sold.services.database.read(lambda tx: pushing.due(tx, sold.clock.now_ms()))
    assert [each.connection for each in due] == ["ota"]
    await sold.push()
    assert sold.wire.held == held
    shown = await line(sold)
    assert (shown.lag, shown.order, shown.order_done) == (0, ordered.order, ordered.order)
    (logged,) = await sold.rows(MessageRow, "kind = 'order'")
    assert (logged.author, logged.message_id) == ("person:ada", ordered.message_id)
    sent = len(sold.wire.sent)
    await sold.push()
    assert len(sold.wire.sent) == sent


async def test_a_full_sync_that_is_asked_for_while_one_is_under_way_is_done_too(sold: House) -> None:
    """The pusher writes its own row after the order came, and must not undo it."""
    await sold.ari(update("pDBL", "BAR", 3, 9, price2=9_000))

    async def meanwhile(url: str) -> None:
        sold.wire.meanwhile = None
        await connections.full_sync(sold.services, "h", "ota", "x")
        sold.wire.held.clear()

    sold.wire.meanwhile = meanwhile
    await sold.push()
    assert len({key[3] for key in sold.wire.held}) == 24
    shown = await line(sold)
    assert shown.order == shown.order_done == 1


async def test_a_paused_connection_is_told_nothing_until_it_is_resumed(sold: House) -> None:
    sent = len(sold.wire.sent)
    await connections.pause(sold.services, "h", "ota", "x", paused=True)
    await sold.ari(update("pDBL", "BAR", 3, 9, price2=9_000))
    await sold.push()
    assert len(sold.wire.sent) == sent
    assert await sold.services.database.read(lambda tx: pushing.due(tx, sold.clock.now_ms())) == []
    shown = await line(sold)
    assert (shown.paused, shown.lag) == (True, 2)
    await connections.pause(sold.services, "h", "ota", "x", paused=False)
    await sold.push()
    assert sold.wire.held["ota", "r1", "bar", TODAY + 3, "price2"] == 9_000
    assert not (await line(sold)).paused


async def test_only_channels_take_orders(sold: House) -> None:
    with pytest.raises(Rejected):
        await connections.full_sync(sold.services, "h", "pms", "x")
    with pytest.raises(NotFound):
        await connections.pause(sold.services, "h", "nobody", "x", paused=True)
    with pytest.raises(Rejected):
        await connections.audit(sold.services, "h", "pms")


# --- audit ------------------------------------------------------------------------------------------------------------


async def audited(house: House) -> connections.Audit:
    return await connections.audit(house.services, "h", "ota")


async def test_nothing_differs_where_everything_is_confirmed(sold: House) -> None:
    found = await audited(sold)
    assert (found.drifted, found.drifts, found.by_reason) == (0, (), {})
    assert found.cells == 24 * (2 + 6 + 6)  # limits of two rooms, rules and prices of six products


async def test_before_the_first_push_everything_differs(house: House) -> None:
    await house.open_for_sale()
    found = await audited(house)
    assert found.by_reason == {"never_sent": found.cells}
    assert all(drift.held is None for drift in found.drifts)


async def test_everything_is_counted_however_little_is_shown(house: House) -> None:
    await house.open_for_sale()
    whole = await audited(house)
    part = await connections.audit(house.services, "h", "ota", ranges_max=2)
    assert (part.drifts, part.cells, part.by_reason) == (whole.drifts[:2], whole.cells, whole.by_reason)
    assert len(whole.drifts) > 2


async def test_what_is_on_its_way_in_doubt_or_refused_is_told_apart(sold: House) -> None:
    part = update("DBL", "BAR", 3, 4, currency="", price2=9_000)
    await calendar.change(sold.services, "h", [part], "x")
    found = await audited(sold)
    assert found.by_reason == {"differs": 4}
    (price,) = [each for each in found.drifts if each.plan == "bar"]
    assert (price.first - TODAY, price.last - TODAY, price.field, price.guests) == (3, 4, "price", 2)
    assert (price.wanted, price.held) == (9_000, 12_000)
    sold.wire.answers["ota"] = [lost]
    await sold.push()
    assert (await audited(sold)).by_reason == {"in_doubt": 4}
    sold.clock.pass_s(120)
    sold.wire.answers["ota"] = [refusing(0)]
    await sold.push()
    found = await audited(sold)
    assert set(found.by_reason) == {"refused"}
    assert {(each.held, each.detail) for each in found.drifts} == {(None, "not loaded")}


async def corrupt(house: House) -> None:
    """Our shadow says something else than what is wanted on two days, as only a mistake of ours could make it."""
    from gateway.engine.calendar import SHADOW_LIMIT, Sheet

    rows = await house.rows(ShadowRow, "aspect = 'limit' AND room = 'r1'")
    for row in rows:
        sheet = Sheet.load(SHADOW_LIMIT, 1, [(row.block,)], [((row.block,), row.body)])
        for day in (TODAY + 5, TODAY + 6):
            if day // 32 == row.block:
                sheet.columns[Aspect.LIMIT.value][0, day % 32] = 1
        changed = row._replace(body=sheet.pack([0])[0])
        await house.services.database.write(lambda tx, changed=changed: tx.upsert(ShadowRow, [changed]))  # type: ignore[misc]


async def test_a_repair_sends_what_differs_and_nothing_else(sold: House) -> None:
    await corrupt(sold)
    found = await audited(sold)
    assert [(each.first - TODAY, each.last - TODAY, each.wanted, each.held) for each in found.drifts] == [(5, 6, 3, 1)]
    sent = len(sold.wire.sent)
    ordered = await connections.repair(sold.services, "h", "ota", "person:ada")
    assert ordered is not None
    await sold.push()
    (said,) = [command for _, command in sold.wire.sent[sent:] if not isinstance(command, PushRates)]
    assert len(sold.wire.sent) == sent + 1
    (part,) = said.updates  # type: ignore[union-attr]
    assert (part.first - TODAY, part.last - TODAY) == (5, 6)
    assert [(each.field, each.value) for each in part.settings] == [(Field.FIGURE, 3)]
    assert (await audited(sold)).drifted == 0
    assert await connections.repair(sold.services, "h", "ota", "x") is None


async def test_a_repair_does_not_shrink_a_full_sync_that_waits(sold: House) -> None:
    await corrupt(sold)
    await connections.full_sync(sold.services, "h", "ota", "x")
    await connections.repair(sold.services, "h", "ota", "x")
    sold.wire.held.clear()
    await sold.push()
    assert len({key[3] for key in sold.wire.held}) == 24
