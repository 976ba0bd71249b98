"""Expedia QuickConnect: what leaves, what comes back, and the limits between."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from lxml import etree

from connectors.opentravel.expedia import CONNECTOR
from connectors.opentravel.expedia.encode_ari import BYTES_MAX, CELLS_MAX, days_counted
from gateway.contract import Confirmed, Refused, Reply
from gateway.contract_inspecting import Inspection
from gateway.errors import Unsupported
from gateway.messages import (
    Confirmation,
    ConfirmReservations,
    PushAvailability,
    PushRates,
    ReservationReceived,
    RetrieveReservations,
)
from gateway.model.ari import AriUpdate, Field, Setting
from gateway.model.reservation import RevisionKind
from tests.connectors.opentravel import twins

DAY = 741_500
REQUESTS, REPLIES = twins.cases("expedia", "requests"), twins.cases("expedia", "replies")
SITE = twins.site("expedia")
RETRIEVE = RetrieveReservations(id="r", at_ms=0)


@pytest.mark.parametrize("path", REQUESTS, ids=twins.id_of)
def test_a_command_becomes_its_golden(path: Path) -> None:
    assert twins.written(CONNECTOR, path).decode() == twins.beside(path, ".xml").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", REQUESTS, ids=twins.id_of)
def test_a_golden_passes_our_own_inspection(path: Path) -> None:
    found = CONNECTOR.inspect(twins.beside(path, ".xml").read_bytes(), Inspection(path.parent.name))
    assert found.warnings == ()


@pytest.mark.parametrize("path", REPLIES, ids=twins.id_of)
def test_a_reply_is_read_as_its_twin_says(path: Path) -> None:
    assert twins.read(CONNECTOR, path).decode() == twins.beside(path, ".expected.json").read_text(encoding="utf-8")


def test_no_card_number_leaves_the_reply() -> None:
    text = "".join(twins.read(CONNECTOR, path).decode() for path in REPLIES)
    assert "411111XXXXXX1111" in text
    assert "4111111111111111" not in text
    assert "4111 1111" not in text


def rooms(count: int, days: int = 1) -> PushAvailability:
    updates = [AriUpdate("1", "", DAY + n, DAY + n + days - 1, (Setting(Field.FIGURE, 1),)) for n in range(count)]
    return PushAvailability(id="p", at_ms=0, updates=tuple(updates))


def test_a_message_keeps_their_limit_of_values() -> None:
    request = CONNECTOR.encode(rooms(60, days=100), SITE)
    assert request.parts == CELLS_MAX // (2 * 100)
    with pytest.raises(Unsupported):
        CONNECTOR.encode(rooms(1, days=CELLS_MAX), SITE)


def test_a_message_keeps_their_limit_of_bytes() -> None:
    plan = "é" * 50
    updates = tuple(
        AriUpdate("1", plan, DAY + n, DAY + n, (Setting(Field.PRICE, 1, 1), Setting(Field.PRICE, 2, 2)), currency="EUR")
        for n in range(400)
    )
    request = CONNECTOR.encode(PushRates(id="p", at_ms=0, updates=updates), SITE)
    assert 0 < request.parts < 400
    assert BYTES_MAX - 600 < len(request.body) <= BYTES_MAX


@pytest.mark.parametrize(
    ("first", "days", "weekdays", "counted"), [(DAY, 14, 0b1100000, 4), (DAY, 3, 0b1111111, 3), (DAY, 1, 0b0, 0)]
)
def test_dates_are_counted_after_the_weekdays(first: int, days: int, weekdays: int, counted: int) -> None:
    update = AriUpdate("1", "", first, first + days - 1, (Setting(Field.FIGURE, 1),), weekdays)
    assert days_counted(update, weekdays) == counted


@pytest.mark.parametrize(
    "update",
    [
        AriUpdate("1", "2", DAY, DAY, (Setting(Field.FIGURE, 1),)),
        AriUpdate("1", "", DAY, DAY, (Setting(Field.CLOSED, 1),)),
        AriUpdate("1", "", DAY, DAY, (Setting(Field.FIGURE, -1),)),
        AriUpdate("1", "", DAY, DAY - 1, (Setting(Field.FIGURE, 1),)),
        AriUpdate("1" * 51, "", DAY, DAY, (Setting(Field.FIGURE, 1),)),
        AriUpdate("1", "2", DAY, DAY, (Setting(Field.MIN_ARRIVAL, 9), Setting(Field.MAX_ARRIVAL, 3))),
        AriUpdate("1", "", DAY, DAY, ()),
    ],
)
def test_what_they_cannot_be_told_is_refused(update: AriUpdate) -> None:
    with pytest.raises(Unsupported):
        CONNECTOR.encode(PushAvailability(id="p", at_ms=0, updates=(update,)), SITE)


@pytest.mark.parametrize(("guests", "profile"), [(0, "expedia"), (2, "expedia-per-day")])
def test_a_property_has_one_pricing_model(guests: int, profile: str) -> None:
    update = AriUpdate("1", "2", DAY, DAY, (Setting(Field.PRICE, 100, guests),), currency="EUR")
    with pytest.raises(Unsupported):
        CONNECTOR.encode(PushRates(id="p", at_ms=0, updates=(update,)), twins.site(profile))


def test_a_booking_that_could_not_be_taken_is_not_confirmed() -> None:
    taken = Confirmation("1", RevisionKind.NEW, "R-1")
    lost = Confirmation("2", RevisionKind.NEW, "", error="no such room")
    both = ConfirmReservations(id="c", at_ms=0, confirmations=(taken, lost, taken))
    request = CONNECTOR.encode(both, SITE)
    assert request.parts == 1
    assert b'bookingID="2"' not in request.body
    with pytest.raises(Unsupported):
        CONNECTOR.encode(ConfirmReservations(id="c", at_ms=0, confirmations=(lost,)), SITE)


def _reply(name: str) -> Reply:
    path = twins.FOLDER / "expedia" / "replies" / "expedia" / name
    return Reply(200, {}, path.read_bytes())


def test_plans_sold_both_ways_are_merged_where_the_hotel_says_so() -> None:
    merged = msgspec.structs.replace(SITE, options={"merge_plans": True})
    reply = _reply("br-two-bookings-newest-first.xml")
    found = CONNECTOR.decode(RETRIEVE, CONNECTOR.encode(RETRIEVE, merged), reply, merged)
    events = [one.event for one in found.events if isinstance(one.event, ReservationReceived)]
    assert [event.revision.content.stays[0].plan for event in events] == ["208880001", "208880001"]


def test_a_full_answer_is_followed_by_another_question() -> None:
    root = etree.fromstring(_reply("br-nothing.xml").body)
    one = etree.fromstring(_reply("br-modify-and-cancel.xml").body)[0][0]
    for number in range(125):
        copy = etree.fromstring(etree.tostring(one))
        copy.set("id", str(number + 1))
        root[0].append(copy)
    found = CONNECTOR.decode(RETRIEVE, CONNECTOR.encode(RETRIEVE, SITE), Reply(200, {}, etree.tostring(root)), SITE)
    assert len(found.events) == 125
    assert found.next == RetrieveReservations(id="r-next", at_ms=0)
    assert found.outcome == Confirmed()


@pytest.mark.parametrize("status", [400, 401, 404])
def test_a_closed_door_is_a_refusal(status: int) -> None:
    found = CONNECTOR.decode(RETRIEVE, CONNECTOR.encode(RETRIEVE, SITE), Reply(status, {}, b"<html/>"), SITE)
    assert found.outcome == Refused(str(status), f"HTTP {status}")
