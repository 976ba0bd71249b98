"""Mappings, codes that were met, suggestions, and properties."""

from __future__ import annotations

from decimal import Decimal
from typing import cast

import pytest

from gateway.engine.hotel_file import HotelFileError
from gateway.engine.hotel_tables import tables_of
from gateway.errors import Malformed, NotFound, Rejected, Stale
from gateway.flows.desk import configuring, mappings, properties
from gateway.flows.take_content import TakeContent
from gateway.messages import ContentReceived, Described
from gateway.model.property import Adjustment, Product, RatePlan, RoomType, StandingBookings
from gateway.store.tables import MessageRow
from tests.flows.house import House, channel, hotel, new, pms, stay, update


async def describe(house: House, connection: str, event: ContentReceived) -> None:
    found = await house.services.directory.hotel_of(connection)
    assert found is not None
    message = MessageRow("h", house.services.ids.message(), connection, "in", "c", 1, "", "", 0, None, b"x", b"")
    await house.services.batcher.submit(TakeContent("h", found.connections[connection], event, message))


async def test_products_and_what_is_not_sold_there(house: House) -> None:
    shown = await mappings.read(house.services, "h", "ota")
    assert (len(shown.products), shown.unmapped, shown.their_codes) == (6, (), ())
    assert (await properties.show(house.services, "h")).version == shown.version
    with pytest.raises(NotFound):
        await mappings.read(house.services, "h", "nobody")


async def test_a_product_is_remapped_and_another_unmapped(house: House) -> None:
    version = (await mappings.read(house.services, "h", "ota")).version
    put = Product("DBL", "HB", "r1", "demi")
    done = await mappings.change(
        house.services, "h", "ota", "person:ada", put=[put], remove=[("FAM", "HB")], expected=version
    )
    assert (done.applied, done.version) == (True, version + 1)
    shown = await mappings.read(house.services, "h", "ota")
    assert put in shown.products
    assert (len(shown.products), shown.unmapped) == (5, (("FAM", "HB"),))
    (first, *_) = (await properties.versions(house.services, "h")).items
    assert (first.author, first.version) == ("person:ada", version + 1)
    assert any("demi" in change for change in first.changes)
    with pytest.raises(Stale):
        await mappings.change(house.services, "h", "ota", "x", put=[put], expected=version)


async def test_codes_that_would_become_ambiguous_are_refused(house: House) -> None:
    for fault in (
        Product("FAM", "BAR", "r1", "bar"),
        Product("XXX", "BAR", "r9", "bar"),
        Product("DBL", "BAR", "", ""),
    ):
        with pytest.raises(HotelFileError):
            await mappings.change(house.services, "h", "ota", "x", put=[fault])
    with pytest.raises(NotFound):
        await mappings.change(house.services, "h", "ota", "x", remove=[("DBL", "XXX")])


async def test_the_codes_of_theirs_that_were_met(house: House) -> None:
    await house.ari(update("pSUI", "BAR", 0, 1, price2=1))
    await house.say(new(stay(1, 2, room="r9", plan="promo")))
    await describe(house, "ota", ContentReceived("OTA", (Described("r1", "Double"), Described("r9", "Suite"))))
    shown = await mappings.read(house.services, "h", "ota")
    assert [(each.kind, each.code, each.name, each.source, each.mapped) for each in shown.their_codes] == [
        ("plan", "promo", "", "booked", False),
        ("room", "r1", "Double", "content", True),
        ("room", "r9", "", "booked", False),
        ("room", "r9", "Suite", "content", False),
    ]
    (refused,) = (await mappings.read(house.services, "h", "pms")).their_codes
    assert (refused.code, refused.source) == ("pSUI", "refused")


async def test_suggestions_are_of_what_is_free_on_both_sides(empty_house: House) -> None:
    house = empty_house
    await house.apply(hotel(pms(), channel("ota", products=())))
    rooms = (Described("10", "Doppelzimmer"), Described("20", "Familienzimmer"), Described("30", "Garage"))
    plans = (Described("FLEX", "Flexible rate"), Described("NONREF", "Non-refundable"), Described("77", "Halbpension"))
    await describe(house, "ota", ContentReceived("OTA", rooms, plans))
    found = await mappings.suggest(house.services, "h", "ota")
    assert {(each.kind, each.ours, each.theirs) for each in found} == {
        ("room", "DBL", "10"),
        ("room", "FAM", "20"),
        ("plan", "BAR", "FLEX"),
        ("plan", "NR", "NONREF"),
        ("plan", "HB", "77"),
    }
    scores = [each.score for each in found]
    assert scores == sorted(scores, reverse=True)


# --- properties -------------------------------------------------------------------------------------------------------


async def test_properties_by_page_and_by_permission(empty_house: House) -> None:
    house = empty_house
    for name in ("a", "b", "c"):
        await house.apply(hotel(channel(f"ota{name}"), scope_id=name))
    first = await properties.find(house.services, limit=2)
    assert [each.id for each in first.items] == ["a", "b"]
    rest = await properties.find(house.services, limit=2, cursor=first.next)
    assert ([each.id for each in rest.items], rest.next) == (["c"], "")
    some = await properties.find(house.services, only={"b", "nobody"})
    assert [each.id for each in some.items] == ["b"]
    assert (await properties.find(house.services, only=())).items == ()


async def test_no_secret_is_shown(house: House) -> None:
    shown = await properties.show(house.services, "h")
    assert [each.has_inbound and each.has_outbound for each in shown.connections] == [True, True]
    tables, _ = await properties.configuration(house.services, "h")
    assert "password" not in str(tables)
    assert "scrypt" not in str(shown)


def tables(**changes: object) -> dict[str, object]:
    connection = {
        "id": "chan",
        "connector": "plain",
        "profile": "plain",
        "role": "channel",
        "hotel": "C",
        "url": "https://ota.example/x",
        "outbound": {"username": "us", "password": "hidden"},
        "products": [{"room": "DBL", "plan": "BAR", "their_room": "1", "their_plan": "2"}],
    }
    return {
        "property": {"id": "new", "name": "New", "currency": "EUR", "timezone": "Europe/Rome"},
        "room_types": [{"code": "DBL", "units": 3}],
        "rate_plans": [{"code": "BAR"}, {"code": "NR", "derived_from": "BAR", "percent": Decimal("-10.5")}],
        "connections": [connection],
        **changes,
    }


async def test_a_property_is_made_and_changed_as_tables(empty_house: House) -> None:
    services = empty_house.services
    dry = await configuring.configure(services, tables(), "x", expected=0, dry_run=True)
    assert (dry.applied, dry.version) == (False, 0)
    made = await configuring.configure(services, tables(), "x", expected=0)
    assert (made.applied, made.version) == (True, 1)
    with pytest.raises(Stale):
        await configuring.configure(services, tables(), "x", expected=0)
    read, version = await properties.configuration(services, "new")
    assert version == 1
    assert read["rate_plans"][1]["percent"] == "-10.5"
    # Written back without its password, it is as it was.
    same = await configuring.configure(services, read, "x", expected=1)
    assert (same.applied, same.changes) == (False, ())
    hotel_now = await services.directory.hotel_of("chan")
    assert hotel_now is not None
    assert services.vault.open(hotel_now.connections["chan"].outbound.secret) == "hidden"


async def test_what_takes_something_away_needs_force(empty_house: House) -> None:
    services = empty_house.services
    (connection, *_) = cast(list[dict[str, object]], tables()["connections"])
    await configuring.configure(services, tables(connections=[connection | {"enabled": False}]), "x")
    fewer = tables(connections=[])
    fewer.pop("connections")
    with pytest.raises(Rejected, match="chan"):
        await configuring.configure(services, fewer, "x")
    done = await configuring.configure(services, fewer, "x", force=True)
    assert done.destructive


async def test_every_fault_of_tables_is_told(empty_house: House) -> None:
    with pytest.raises(HotelFileError) as told:
        await configuring.configure(empty_house.services, tables(room_types=[{"units": 0}], nonsense=1), "x")
    assert len(told.value.problems) >= 3
    for nonsense in ({}, {"property": 7}, {"property": {"id": "\0"}}):
        with pytest.raises(Malformed):
            await configuring.configure(empty_house.services, nonsense, "x")


async def test_a_room_type_and_a_plan_are_put(house: House) -> None:
    version = (await properties.show(house.services, "h")).version
    await configuring.put_room_type(house.services, "h", RoomType("SUI", "Suite", 1), "x", expected=version)
    await configuring.put_rate_plan(house.services, "h", RatePlan("LM", "Late", "BAR", Adjustment(-2000)), "x")
    shown = await properties.show(house.services, "h")
    assert [room.code for room in shown.room_types] == ["DBL", "FAM", "SUI"]
    assert shown.version == version + 2
    await configuring.put_room_type(house.services, "h", RoomType("DBL", "Double", 5), "x")
    assert (await properties.show(house.services, "h")).room_types[0].units == 5
    for fault in (RoomType("bad code", "x", 1), RoomType("X", "x", 0)):
        with pytest.raises(HotelFileError):
            await configuring.put_room_type(house.services, "h", fault, "x")
    with pytest.raises(HotelFileError, match="circle"):
        await configuring.put_rate_plan(house.services, "h", RatePlan("BAR", "Best", "NR"), "x")


def test_the_tables_of_a_property_leave_nothing_out() -> None:
    """Every setting of the model is in them, or is known not to be one of the hotel file."""
    from gateway.model.property import Connection

    full = tables_of(
        hotel(
            channel(
                "ota",
                enabled=False,
                options={"a": 1},
                fallback_room="DBL",
                booking_currencies=("USD",),
                cards=True,
                pms_number=True,
            ),
            pms(echoes=True, figure_delay_s=7, standing=StandingBookings.SKIP),
        )
    )
    written = {key for table in full["connections"] for key in table}
    renamed = {"rate_ppm": "exchange_rate", "markup": "round_to"}
    unwritten = {renamed.get(name, name) for name in Connection.__struct_fields__} - written
    assert unwritten <= {
        *("currency", "exchange_rate", "round_to", "allotment", "figures", "days_ahead", "inbound", "outbound"),
        "house_figures",
    }
