"""Files of reservations, rates and availability."""

from __future__ import annotations

import json

import msgspec
import pytest

from gateway.errors import Malformed, Refusal
from gateway.flows.desk import importing, reservations
from gateway.flows.desk.importing import Format, Imported, What
from gateway.messages import AriReceived, ReservationReceived
from gateway.store.tables import MessageRow
from tests.flows.house import House, cancel, new, stay, update

BOOKINGS = """\
booking_id,status,surname,given,room,plan,arrival,departure,units,adults,total,currency
A1,new,Ng,Ana,r1,bar,2026-11-23,2026-11-25,1,2,200.00,EUR
A1,new,Ng,Ana,r2,bar,2026-11-23,2026-11-24,1,2,,EUR
A2,cancelled,Lee,Bo,r1,bar,2026-11-23,2026-11-25,1,2,,EUR
A3,,Park,Jo,r9,bar,2026-11-26,2026-11-27,2,1,,EUR
"""
ARI = """\
room;plan;first;last;weekdays;price1;price2;closed;min_through;figure
DBL;BAR;2026-11-21;2026-12-20;;80.00;100.00;no;2;
DBL;BAR;2026-11-21;2026-12-20;Fr Sa;;120.00;;;
DBL;;2026-11-21;2026-11-22;;;;;;2
"""


async def take(house: House, what: What, text: str, **more: object) -> Imported:
    given: dict[str, object] = {"connection": "ota" if what is What.RESERVATIONS else "", **more}
    written = given.pop("written", Format.CSV)
    return await importing.take(house.services, "h", what, written, text.encode(), "person:ada", **given)  # type: ignore[arg-type]


def outcomes(imported: Imported) -> list[tuple[int, str]]:
    return [(line.line, line.outcome) for line in imported.lines]


async def test_reservations_that_the_pms_has_already(house: House) -> None:
    """Its figures contain them, and nobody is told of them."""
    await house.open_for_sale(figure=3)
    steps: list[tuple[int, int]] = []
    done = await take(house, What.RESERVATIONS, BOOKINGS, progress=lambda *step: steps.append(step))
    assert done.committed
    assert outcomes(done) == [(2, "taken"), (4, "taken"), (5, "parked")]
    assert steps[-1] == (6, 6)
    assert await house.sold("DBL") == {2: 1, 3: 1}
    assert [await house.free("DBL", day) for day in (2, 3, 4)] == [3, 3, 3]
    await house.deliver()
    assert house.wire.deliveries() == []
    (one,) = (await reservations.find(house.services, "h", reservations.Filter(text="A1"))).items
    assert (one.guest, one.total, len(one.rooms), one.oversold) == ("Ana Ng", 20_000, 2, 0)
    # A cancellation gives the room back, once the PMS knows of it.
    await house.say(cancel(booking="A1", version=None))
    assert await house.free("DBL", 2) == 4
    await house.deliver()
    assert [command.revision.kind for command in house.wire.deliveries()] == ["cancel"]


async def test_a_file_that_is_taken_again_changes_nothing(house: House) -> None:
    await house.open_for_sale()
    await take(house, What.RESERVATIONS, BOOKINGS)
    before = await house.ledger()
    again = await take(house, What.RESERVATIONS, BOOKINGS)
    assert {outcome for _, outcome in outcomes(again)} == {"duplicate"}
    assert await house.ledger() == before


async def test_reservations_the_pms_does_not_have_are_delivered(house: House) -> None:
    await house.open_for_sale(figure=3)
    await take(house, What.RESERVATIONS, BOOKINGS, known_to_pms=False)
    assert await house.free("DBL", 2) == 2
    await house.deliver()
    assert len(house.wire.deliveries()) == 1  # neither the cancelled one nor the parked one


FAULTS = {
    "A9,gone,Ng,Ana,r1,bar,2026-11-23,2026-11-25,1,2,,EUR": "status",
    "A9,new,Ng,Ana,r1,bar,2026-11-25,2026-11-25,1,2,,EUR": "nights",
    "A9,new,Ng,Ana,r1,bar,yesterday,2026-11-25,1,2,,EUR": "date",
    "A9,new,Ng,Ana,r1,bar,2026-11-23,2026-11-25,x,2,,EUR": "units",
    "A9,new,Ng,Ana,r1,bar,2026-11-23,2026-11-25,1,2,1.001,EUR": "amount",
    ",new,Ng,Ana,r1,bar,2026-11-23,2026-11-25,1,2,,EUR": "booking_id",
}


async def test_one_faulty_line_and_nothing_is_taken(house: House) -> None:
    before = await house.ledger()
    for line, expected in FAULTS.items():
        done = await take(house, What.RESERVATIONS, f"{BOOKINGS}{line}\n")
        assert not done.committed
        assert done.counts == {"refused": 1, "taken": 2, "parked": 1}
        (refused,) = [report for report in done.lines if report.outcome == "refused"]
        assert (refused.line, expected in refused.detail) == (6, True), line
    assert await house.ledger() == before
    dry = await take(house, What.RESERVATIONS, BOOKINGS, dry_run=True)
    assert (dry.committed, dry.counts) == (False, {"taken": 2, "parked": 1})
    assert await house.ledger() == before


async def test_rates_and_availability_take_effect_together(house: House) -> None:
    done = await take(house, What.ARI, ARI)
    assert (done.committed, outcomes(done)) == (True, [(2, "applied"), (3, "applied"), (4, "applied")])
    assert await house.cell("DBL", "BAR", 0, "price") == [8_000, 12_000, -1, -1]  # a Saturday
    assert await house.cell("DBL", "BAR", 1, "price") == [8_000, 10_000, -1, -1]
    assert await house.free("DBL", 0) == 2
    (message,) = await house.rows(MessageRow, "kind = 'imported calendar'")
    assert message.author == "person:ada"
    again = await take(house, What.ARI, ARI)
    assert {outcome for _, outcome in outcomes(again)} == {"unchanged"}


async def test_one_faulty_line_of_rates_and_nothing_changes(house: House) -> None:
    before = await house.ledger()
    for line in ("DBL;XXX;2026-11-21;;;;1.00;;;", "DBL;BAR;2026-11-21;;;;1.00;maybe;;", "DBL;NR;2026-11-21;;;;9.00;;;"):
        done = await take(house, What.ARI, ARI + line)
        assert not done.committed
        assert [report.line for report in done.lines if report.outcome == "refused"] == [5]
    assert await house.ledger() == before


async def test_in_the_codes_of_a_connection(house: House) -> None:
    text = "room,plan,first,price2\npDBL,BAR,2026-11-21,77.00\n"
    assert (await take(house, What.ARI, text, connection="pms")).committed
    assert (await house.cell("DBL", "BAR", 0, "price"))[1] == 7_700  # type: ignore[index]


async def test_json_has_the_same_columns(house: House) -> None:
    record = {"booking_id": "J1", "room": "r1", "plan": "bar", "arrival": "2026-11-23", "departure": "2026-11-24"}
    text = json.dumps([{**record, "adults": 2, "total": "99.00", "units": 1}])
    done = await take(house, What.RESERVATIONS, text, written=Format.JSON)
    assert done.counts == {"taken": 1}
    text = json.dumps([{"room": "DBL", "plan": "BAR", "first": "2026-11-21", "price2": "70", "closed": False}])
    assert (await take(house, What.ARI, text, written=Format.JSON)).committed


async def test_messages_of_the_dialect_itself(house: House) -> None:
    events = [ReservationReceived("OTA", new(stay(1, 2), booking=f"X{n}")) for n in range(2)]
    text = msgspec.json.encode(events).decode()
    done = await take(house, What.RESERVATIONS, text, written=Format.OTA)
    assert outcomes(done) == [(1, "taken"), (2, "taken")]
    document = msgspec.json.encode([AriReceived("P", (update("pDBL", "BAR", 0, 1, price2=6_600),))]).decode()
    assert (await take(house, What.ARI, document, written=Format.OTA, connection="pms")).committed
    assert (await house.cell("DBL", "BAR", 0, "price"))[1] == 6_600  # type: ignore[index]
    with pytest.raises(Refusal):
        await take(house, What.ARI, document, written=Format.OTA, connection="ota")


async def test_what_is_no_such_file(house: House) -> None:
    for text in ("", "a,b\n1,2\n", "booking_id,room\nA1\n", 'booking_id\n"A1', "booking_id\nA\0\n"):
        with pytest.raises(Malformed):
            await take(house, What.RESERVATIONS, text)
    for text in ("{}", "[1]", '[{"booking_id": ["A"]}]', '[{"total": 1.5}]', "[{]"):
        with pytest.raises(Malformed):
            await take(house, What.RESERVATIONS, text, written=Format.JSON)
    with pytest.raises(Malformed, match="UTF-8"):
        await importing.take(house.services, "h", What.ARI, Format.CSV, b"\xff", "x")
    with pytest.raises(Malformed, match="connection"):
        await take(house, What.RESERVATIONS, BOOKINGS, connection="")
