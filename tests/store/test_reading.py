"""What pusher, deliverer and endpoints ask the store."""

from __future__ import annotations

from gateway.model.property import Connection, Property, Role
from gateway.store import delivering, pushing
from gateway.store.database import Database
from gateway.store.directory import Directory
from gateway.store.hotels import Hotels, pack_property
from gateway.store.tables import Config, DeliveryRow, ReservationRow, RevisionRow, Row, Scope
from gateway.store.tables_connections import ConnectionRow, ShadowRow
from tests.store.jobs import put

NOW_MS = 1_000


def connection(name: str, **changes: int) -> ConnectionRow:
    values = {
        "pushes": 1,
        "synced_rev": 5,
        "synced_version": 1,
        "valid_until_ms": NOW_MS + 1,
        "paused_until_ms": 0,
        "failures": 0,
    }
    return ConnectionRow("h", name, **(values | changes), error="", confirmed_ms=0)


def shadow(name: str, due_ms: int | None, block: int = 0) -> ShadowRow:
    return ShadowRow("h", name, "limit", "r", "p", block, 0, due_ms, b"")


def configured(version: int, *names: str) -> list[Row]:
    connections = tuple(Connection(name, "plain", "p", Role.CHANNEL, "H") for name in names)
    body = pack_property(Property("h", "Hotel", "EUR", "Europe/Rome", (), (), connections))
    return [Config("h", version, body, "test", 0), Scope("h", "property", 5, version)]


async def test_a_connection_is_due_for_each_of_the_reasons(database: Database) -> None:
    await put(
        database,
        [
            *configured(1),
            connection("in step"),
            connection("behind", synced_rev=4),
            connection("reconfigured", synced_version=0),
            connection("expired", valid_until_ms=NOW_MS),
            connection("not ours to send to", pushes=0, synced_rev=4),
            connection("paused", synced_rev=4, paused_until_ms=NOW_MS + 1),
            connection("rows due"),
            connection("paused with rows", paused_until_ms=NOW_MS + 1),
            shadow("rows due", NOW_MS),
            shadow("rows due", NOW_MS, 1),
            shadow("in step", NOW_MS + 1),
            shadow("behind", None),
            shadow("paused with rows", NOW_MS),
        ],
    )
    due = await database.read(lambda tx: pushing.due(tx, NOW_MS))
    assert [item.connection for item in due] == ["behind", "expired", "reconfigured", "rows due"]


async def test_shadows_are_read_for_the_connections_asked_for(database: Database) -> None:
    rows = [shadow("a", NOW_MS), shadow("b", NOW_MS), shadow("b", NOW_MS + 1, 7)]
    await put(database, rows)

    async def read(*ids: str) -> tuple[list[ShadowRow], list[ShadowRow]]:
        due = await database.read(lambda tx: pushing.shadow_due(tx, "h", ids, NOW_MS))
        return sorted(due), sorted(await database.read(lambda tx: pushing.shadow_all(tx, "h", ids, 0)))

    assert await read("a", "b") == (rows[:2], rows)
    assert await read("b") == (rows[1:2], rows[1:])
    assert await read() == ([], [])
    assert await database.read(lambda tx: pushing.shadow_all(tx, "h", ["a", "b"], 1)) == rows[2:]


async def test_the_deliveries_that_waited_longest_come_with_what_they_are_about(database: Database) -> None:
    def delivery(number: str, due_ms: int | None) -> DeliveryRow:
        return DeliveryRow("h", "pms", number, 1, "pending", due_ms, 0, "", "", 1, b"")

    numbers = {"late": 10, "later": 20, "not yet": NOW_MS + 5, "done": None}
    for number, due_ms in numbers.items():
        reservation = ReservationRow("h", "ota", "", number, number, "booked", 1, 1, 2, 0, 0, 1, 0, b"")
        await put(database, [reservation, RevisionRow("h", number, 1, 1, b"x"), delivery(number, due_ms)])
    await put(database, configured(1, "pms", "ota"))
    found = await database.read(lambda tx: delivering.due(tx, Hotels(), NOW_MS, 10))
    assert [(item.row.reservation_id, item.source, len(item.revisions)) for item in found.items] == [
        ("late", "ota", 1),
        ("later", "ota", 1),
    ]
    assert found.next_ms == NOW_MS + 5
    only = await database.read(lambda tx: delivering.due(tx, Hotels(), NOW_MS, 1))
    assert [item.row.reservation_id for item in only.items] == ["late"]


async def test_a_connection_leads_to_its_hotel_as_it_is_configured_now(database: Database) -> None:
    directory = Directory(database, Hotels(), lambda: NOW_MS)
    assert await directory.hotel_of("ota") is None
    await put(database, [*configured(1, "ota"), connection("ota")])
    first = await directory.hotel_of("ota")
    assert first is not None
    assert (first.version, await directory.hotel_of("ota")) == (1, first)
    await put(database, configured(2, "ota"))
    directory.forget("h")
    second = await directory.hotel_of("ota")
    assert second is not None
    assert second.version == 2
