"""From a message that came in to everything it has caused: in the log, in the message table and in the figures."""

from __future__ import annotations

from typing import Any

from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from gateway.flows.standing import Standing
from gateway.store.tables import MessageRow, Scope
from gateway.store.tables_connections import ConnectionRow
from tests.flows.house import House, down, new, stay, unanswered, update


async def messages(house: House, direction: str) -> list[MessageRow]:
    found: list[MessageRow] = await house.rows(MessageRow, f"scope_id = 'h' AND direction = '{direction}'")
    return found


def capturing() -> Any:
    """Lines as they would be written: with what is bound to the context."""
    return capture_logs(processors=[merge_contextvars])


async def say_badly(house: House) -> None:
    assert (await house.ari(update("attic", "BAR", 1, 1, price2=1))).status != 200


async def test_what_is_logged_on_the_way_names_the_message(house: House) -> None:
    await house.open_for_sale()
    with capturing() as lines:
        await house.say(new(stay(0, 2, units=9)))
    (line,) = (line for line in lines if line["event"] == "booking_needs_attention")
    newest = (await messages(house, "in"))[-1]
    assert line["correlation"] == f"{newest.message_id:x}"
    with capturing() as lines:
        await say_badly(house)
    (line,) = lines
    refused = (await messages(house, "in"))[-1]
    assert (refused.outcome, line["correlation"]) == ("refused", f"{refused.message_id:x}")


async def test_a_push_names_what_it_follows_from(house: House) -> None:
    await house.open_for_sale()
    await house.push()
    known = (await messages(house, "in"))[-1].message_id
    for price in (9_001, 9_002, 9_002):
        await house.ari(update("pDBL", "BAR", 1, 1, price2=price))
    first, second, unchanged = (row for row in await messages(house, "in") if row.message_id > known)
    house.wire.answers["ota"] = [down]
    with capturing() as lines:
        await house.push()
    (line,) = (line for line in lines if line["event"] == "push_failed")
    assert line["correlation"] == f"{second.message_id:x}"
    assert line["causes"] == [f"{first.message_id:x}", f"{second.message_id:x}"]
    pushed = (await messages(house, "out"))[-1]
    assert pushed.cause == second.message_id
    assert pushed.since < first.rev < second.rev <= pushed.rev
    assert unchanged.outcome == "unchanged"
    (scope,) = await house.rows(Scope)
    assert (scope.rev, scope.cause) == (second.rev, second.message_id)


async def test_a_delivery_names_the_revision_it_hands_on(house: House) -> None:
    await house.open_for_sale()
    for number in (1, 2):
        await house.say(new(stay(0, 2), booking=f"B{number}"))
    await house.deliver()
    causes = [row.cause for row in await messages(house, "out") if row.kind == "DeliverReservation"]
    assert sorted(causes) == [row.message_id for row in (await messages(house, "in"))[-2:]]


async def unconfirmed_ms(house: House) -> int:
    (row,) = (row for row in await house.rows(ConnectionRow) if row.connection == "ota")
    found: int = row.unconfirmed_ms
    return found


async def test_a_change_is_unconfirmed_from_when_it_was_made_until_the_channel_has_confirmed_it(house: House) -> None:
    await house.open_for_sale()
    await house.push()
    assert await unconfirmed_ms(house) == 0
    made_ms = house.clock.now_ms()
    await house.ari(update("pDBL", "BAR", 1, 1, price2=9_001))
    house.clock.pass_s(7)
    house.wire.answers["ota"] = [unanswered]
    await house.push()
    assert await unconfirmed_ms(house) == made_ms
    house.clock.pass_s(2)
    # Another change goes through; the one in doubt is still in doubt.
    await house.ari(update("pFAM", "BAR", 1, 1, price2=9_001))
    await house.push()
    assert await unconfirmed_ms(house) == made_ms
    house.clock.pass_s(300)
    await house.push()
    assert await unconfirmed_ms(house) == 0


async def figures(house: House) -> dict[str, float]:
    text = house.services.metrics.render(await Standing(house.services).families()).decode()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if line[:1] != "#"}


async def test_the_figures_say_what_happened(house: House) -> None:
    await house.open_for_sale()
    await house.push()
    await house.say(new(stay(0, 2, units=9)))
    await say_badly(house)
    house.wire.answers["ota"] = [down]
    await house.push()
    await house.deliver()
    house.clock.pass_s(60)
    await house.ari(update("pDBL", "BAR", 1, 1, price2=9_001))
    house.clock.pass_s(30)
    found = await figures(house)
    assert found['gateway_bookings_total{connection="ota",kind="new"}'] == 1
    assert found['gateway_inbound_total{kind="plain",outcome="taken"}'] == 8
    assert found['gateway_inbound_total{kind="plain",outcome="room_type"}'] == 1
    assert found['gateway_pushes_total{connection="ota",outcome="failed"}'] == 1
    assert found['gateway_push_parts_total{connection="ota",outcome="confirmed"}'] > 0
    assert found['gateway_deliveries_total{connection="pms",outcome="confirmed"}'] == 1
    assert found['gateway_lag_revisions{connection="ota",property="h"}'] == 1
    assert found['gateway_lag_seconds{connection="ota",property="h"}'] >= 90
    assert found['gateway_call_failures{connection="ota",property="h"}'] == 1
    assert found['gateway_bookings_in_trouble{trouble="oversold"}'] == 1
    assert found['gateway_connections{state="behind"}'] == 1
    assert found['gateway_inbound_answer_seconds_count{kind="plain"}'] == 9
    assert found['gateway_call_seconds_count{purpose="deliver"}'] == 1


async def test_what_waits_for_the_pms_is_counted_with_its_age(house: House) -> None:
    await house.open_for_sale()
    await house.say(new(stay(0, 2)))
    house.clock.pass_s(40)
    found = await figures(house)
    key = '{connection="pms",property="h",state="pending"}'
    assert found[f"gateway_deliveries_outstanding{key}"] == 1
    assert 40 <= found[f"gateway_delivery_age_seconds{key}"] < 41


async def test_connections_without_end_do_not_make_figures_without_end(house: House) -> None:
    for number in range(2_000):
        house.services.metrics.booking(f"c{number}", "new")
    found = await figures(house)
    bookings = {name: value for name, value in found.items() if name.startswith("gateway_bookings_total")}
    assert len(bookings) == 501
    assert bookings['gateway_bookings_total{connection="other",kind="new"}'] == 1_500
