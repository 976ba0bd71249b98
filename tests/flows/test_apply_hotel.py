"""A hotel file becomes the configuration: once, in one transaction, and it takes nothing from another property."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from gateway.engine import hotel_changes
from gateway.engine.connection_shapes import Side
from gateway.engine.hotel_changes import Severity
from gateway.errors import Rejected, Stale
from gateway.flows.apply_hotel import apply_hotel
from gateway.messages import ReservationReceived
from gateway.model.property import Connection, Property
from gateway.store.database import Database
from gateway.store.hotels import unpack_property
from gateway.store.tables import Config, MessageRow, Scope
from gateway.store.tables_connections import ConnectionRow
from tests.flows.house import House, channel, hotel, lost, new, pms, refusing, sealed, stay
from tests.store.gated import Gated

SECRETS: dict[tuple[str, Side], str] = {
    (connection, side): f"{connection} {side}" for connection in ("pms", "ota") for side in ("inbound", "outbound")
}


WAITING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def current(house: House) -> Property:
    found = await house.services.directory.hotel_of("pms")
    assert found is not None
    return found.property


def connection(prop: Property, name: str) -> Connection:
    return next(known for known in prop.connections if known.id == name)


async def test_the_first_run_makes_the_property(empty_house: House) -> None:
    lines = await empty_house.apply_file(hotel(), SECRETS)
    assert lines
    (scope,) = await empty_house.rows(Scope)
    assert (scope.kind, scope.rev, scope.config_version) == ("property", 1, 1)
    rows = await empty_house.rows(ConnectionRow)
    assert [(row.connection, row.synced_rev, row.synced_version) for row in rows] == [("ota", 0, 0), ("pms", 0, 0)]
    (config,) = await empty_house.rows(Config)
    assert (config.version, config.author, config.at_ms) == (1, "test", empty_house.clock.now_ms())
    (message,) = await empty_house.rows(MessageRow)
    assert (message.kind, message.outcome) == ("hotel file", "applied")


async def test_no_secret_is_stored_in_clear(empty_house: House) -> None:
    await empty_house.apply_file(hotel(), SECRETS)
    stored = repr(await empty_house.ledger()) + repr(await empty_house.rows(MessageRow))
    assert [secret for secret in SECRETS.values() if secret in stored] == []


async def test_the_same_file_again_changes_nothing(empty_house: House) -> None:
    await empty_house.apply_file(hotel(), SECRETS)
    before = await empty_house.ledger()
    assert await empty_house.apply_file(hotel(), SECRETS) == []
    assert await empty_house.ledger() == before


async def test_passwords_that_stay_keep_their_seal(empty_house: House) -> None:
    await empty_house.apply_file(hotel(), SECRETS)
    before = await current(empty_house)
    await empty_house.apply_file(hotel(), SECRETS | {("ota", "outbound"): "new"})
    after = await current(empty_house)
    vault = empty_house.services.vault
    assert connection(after, "pms") == connection(before, "pms")
    assert connection(after, "ota").inbound == connection(before, "ota").inbound
    assert vault.open(connection(after, "ota").outbound.secret) == "new"


async def test_a_changed_inbound_password_holds_at_once(empty_house: House) -> None:
    house = empty_house
    await house.apply_file(hotel(), SECRETS)
    assert (await house.post("ota", password="ota inbound")).status == 200
    await house.apply_file(hotel(), SECRETS | {("ota", "inbound"): "new"})
    assert (await house.post("ota", password="ota inbound")).status == 400
    assert (await house.post("ota", password="new")).status == 200


async def test_a_change_gets_the_next_version_and_wakes_the_workers(house: House) -> None:
    house.changed.clear()
    prop = hotel(pms(), channel("ota"), channel("ota2"))
    assert await house.apply(prop) == 2
    assert house.changed == {"h"}
    (scope,) = await house.rows(Scope)
    assert (scope.rev, scope.config_version) == (2, 2)
    assert [row.connection for row in await house.rows(ConnectionRow)] == ["ota", "ota2", "pms"]


async def test_how_far_a_connection_has_come_outlasts_a_change(house: House) -> None:
    await house.open_for_sale()
    await house.push()
    (before,) = await house.rows(ConnectionRow, "connection = 'ota'")
    await house.apply(hotel(pms(), channel("ota"), channel("ota2")))
    assert await house.rows(ConnectionRow, "connection = 'ota'") == [before]


async def test_an_id_of_another_property_is_refused(house: House) -> None:
    before = await house.ledger()
    for name in ("pms", "ota"):
        taken = hotel(pms("other"), channel(name)) if name == "ota" else hotel(pms(name), channel("other"))
        with pytest.raises(Rejected, match=f"{name}.*another property"):
            await house.apply(msgspec.structs.replace(taken, id="h2"))
    assert await house.ledger() == before
    assert [scope.scope_id for scope in await house.rows(Scope, "TRUE")] == ["h"]


async def test_two_first_runs_at_once_leave_one_property(empty_house: House) -> None:
    """Two people, or one who pressed twice: whatever wins, it is whole, and both are on record."""
    props = [hotel(pms(), channel("ota")), hotel(pms(), channel("ota"), channel("ota2"))]
    await asyncio.gather(*(empty_house.apply(prop) for prop in props))
    (scope,) = await empty_house.rows(Scope)
    assert scope.config_version == 2
    assert [row.version for row in await empty_house.rows(Config)] == [1, 2]


@pytest.mark.parametrize("expected", [None, 0])
async def test_two_processes_that_make_one_property_follow_one_another(
    empty_house: House, database: Database, expected: int | None
) -> None:
    """Whoever comes second changes what the first has made, or is told that there was nothing when it was planned."""
    gated, other = Gated(database), House(database)
    empty_house.services.batcher._database = gated
    other.start()

    async def make(house: House, *channels: Connection) -> int:
        return await apply_hotel(house.services, sealed(hotel(pms(), *channels)), "test", expected=expected)

    first = asyncio.create_task(make(empty_house, channel("ota")))
    await gated.reached.wait()
    second = asyncio.create_task(make(other, channel("ota"), channel("ota2")))
    if database.dialect == "postgresql":
        while not await database.read(lambda tx: tx.fetch(WAITING)):
            await asyncio.sleep(0)
    gated.release()
    assert await first == 1
    if expected is None:
        assert await second == 2
    else:
        with pytest.raises(Stale):
            await second
    kept = await other.rows(Config)
    assert [row.version for row in kept] == ([1, 2] if expected is None else [1])
    assert [known.id for known in unpack_property(kept[0].body).connections] == ["pms", "ota"]
    await other.stop()


async def test_a_connection_that_is_switched_off_takes_no_messages(house: House) -> None:
    await house.open_for_sale()
    await house.apply(hotel(pms(), channel("ota", enabled=False)))
    before = await house.ledger()
    reply = await house.post("ota", ReservationReceived("OTA", new(stay(2, 3))))
    assert reply.status == 400
    assert reply.body.startswith(b"authorization")
    assert await house.ledger() == before


async def test_what_one_process_applies_holds_in_the_others(house: House, database: Database) -> None:
    """`gateway apply` runs beside `gateway serve`."""
    other = House(database)
    other.start()
    assert (await other.post("ota")).status == 200
    await house.apply(hotel(pms(), channel("ota", enabled=False)))
    other.clock.pass_s(2)
    assert (await other.post("ota")).status == 400
    await other.stop()


async def test_what_another_process_applies_holds_here_after_a_clock_was_set_back(
    house: House, database: Database
) -> None:
    other = House(database)
    other.start()
    other.clock.pass_s(86_400)
    assert (await other.post("ota")).status == 200
    other.clock.pass_s(-86_400)
    await house.apply(hotel(pms(), channel("ota", enabled=False)))
    assert (await other.post("ota")).status == 400
    await other.stop()


async def test_a_channel_is_closed_before_it_is_dropped(house: House) -> None:
    await house.open_for_sale()
    await house.push()
    with pytest.raises(Rejected, match=r"'ota' may still have rooms on sale: set enabled = false first"):
        await house.apply(hotel(pms()))
    await house.apply(hotel(pms(), channel("ota", enabled=False)))
    with pytest.raises(Rejected, match="may still have rooms on sale"):
        await house.apply(hotel(pms()))
    house.wire.answers["ota"] = [lost]
    await house.push()
    with pytest.raises(Rejected, match="may still have rooms on sale"):
        await house.apply(hotel(pms()))
    for _ in range(20):
        house.clock.pass_s(30)
        await house.push()
    assert {value for (*_, field), value in house.wire.held.items() if field == "figure"} == {0}
    await house.apply(hotel(pms()))
    assert [known.id for known in (await current(house)).connections] == ["pms"]


async def test_a_channel_that_refuses_to_be_closed_is_not_dropped(house: House) -> None:
    await house.open_for_sale()
    await house.push()
    await house.apply(hotel(pms(), channel("ota", enabled=False)))
    house.wire.answers["ota"] = [refusing(0)]
    for _ in range(3):
        house.clock.pass_s(30)
        await house.push()
    with pytest.raises(Rejected, match="may still have rooms on sale"):
        await house.apply(hotel(pms()))


async def test_a_channel_without_an_address_can_be_dropped(house: House) -> None:
    """Its counterpart is gone, say, and will never confirm anything."""
    await house.open_for_sale()
    await house.push()
    without = msgspec.structs.replace(channel("ota"), url="")
    assert [change.severity for change in hotel_changes.plan(hotel(), hotel(pms(), without))] == [Severity.DESTRUCTIVE]
    await house.apply(hotel(pms(), without))
    await house.apply(hotel(pms()))
