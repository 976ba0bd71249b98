"""One message by itself: action, version and capabilities decide with it."""

from __future__ import annotations

import pytest

from connectors.opentravel.alpinebits import CONNECTOR
from connectors.opentravel.alpinebits.actions import ACTIONS
from connectors.opentravel.alpinebits.terms import VERSIONS
from gateway.contract_inspecting import Inspection, Inspector
from gateway.errors import Malformed, Refusal, Rejected
from tests.connectors.opentravel.alpinebits.examples import (
    EVERYTHING,
    FREE_ROOMS,
    RATE_PLANS,
    body_of,
    capabilities_of,
    examples,
    version_of,
)

COUNTS = "2022-10/OTA_HotelInvCountNotifRQ/categories"


def _inspect(example: str, action: str = "", capabilities: frozenset[str] | None = None, version: str = "") -> str:
    profile = f"alpinebits-{version or version_of(example)}"
    return CONNECTOR.inspect(body_of(example), Inspection(profile, action, capabilities)).root


def test_it_is_an_inspector() -> None:
    assert isinstance(CONNECTOR, Inspector)


@pytest.mark.parametrize("example", examples())
def test_an_example_is_accepted_with_each_of_its_actions(example: str) -> None:
    version, root, case = example.split("/")
    on = capabilities_of(example)
    for action in ACTIONS.values():
        if root not in (action.request, action.response) or not action.is_in(version):
            continue
        if root == "OTA_HotelDescriptiveContentNotifRQ" and (case == "info") != action.name.endswith(":Info"):
            continue
        assert _inspect(example, action.name, on) == root
        if action.handshake:
            assert _inspect(example, action.handshake, on) == root


@pytest.mark.parametrize("example", [name for name in examples() if "/OTA_Hotel" in name])
def test_another_action_is_refused(example: str) -> None:
    with pytest.raises(Rejected, match="does not belong") as refused:
        _inspect(example, "OTA_Ping:Handshaking", capabilities_of(example))
    assert refused.value.path == f"/{example.split('/')[1]}"


@pytest.mark.parametrize("action", ["nonsense", "OTA_HotelAvailNotif:FreeRooms", "getVersion"])
def test_an_action_of_no_or_another_version_is_refused(action: str) -> None:
    with pytest.raises(Refusal, match="is not one of 2022-10"):
        _inspect(COUNTS, action, EVERYTHING)


def test_a_message_of_another_version_is_refused() -> None:
    for version in VERSIONS:
        if version == "2018-10":
            with pytest.raises(Refusal) as refused:
                _inspect(COUNTS, capabilities=EVERYTHING, version=version)
            assert refused.value.path == "/OTA_HotelInvCountNotifRQ"
        else:
            assert _inspect(COUNTS, capabilities=EVERYTHING, version=version)


def test_free_rooms_need_what_is_given_and_nothing_else_is_on() -> None:
    needed = {FREE_ROOMS + name for name in ("categories", "closing_seasons")}
    assert _inspect(COUNTS, capabilities=frozenset(needed))
    for missing in needed:
        with pytest.raises(Rejected, match=missing):
            _inspect(COUNTS, capabilities=frozenset(needed - {missing}))
    with pytest.raises(Rejected, match="closing_seasons is off"):
        _inspect(COUNTS)


def test_rate_plans_and_inventory_are_open_until_something_is_said_about_them() -> None:
    plans, rooms = "2022-10/OTA_HotelRatePlanNotifRQ/new", "2022-10/OTA_HotelDescriptiveContentNotifRQ/rooms"
    assert _inspect(plans)
    assert _inspect(rooms)
    assert _inspect(plans, capabilities=frozenset({FREE_ROOMS + "categories"}))
    with pytest.raises(Rejected, match="is off"):
        _inspect(plans, capabilities=frozenset({"action_OTA_HotelRatePlanNotif_RatePlans"}))
    with pytest.raises(Rejected, match=r"use_rooms is off|occupancy_children is off"):
        _inspect(rooms, capabilities=frozenset({"action_OTA_HotelDescriptiveContentNotif_Inventory"}))
    with pytest.raises(Rejected, match="OfferRule_BookingOffset is off"):
        _inspect(plans, capabilities=frozenset({RATE_PLANS + "Supplements"}))


def test_a_complete_set_that_was_not_announced_is_taken_with_a_warning() -> None:
    on = EVERYTHING - {FREE_ROOMS + "complete_set"}
    found = CONNECTOR.inspect(body_of(COUNTS), Inspection("alpinebits-2022-10", "", on))
    assert "complete_set is off" in found.warnings[0]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<a/>",
        b"<OTA_PingRQ/>",
        b"<OTA_PingRQ xmlns='urn:x' Version='1'><EchoData>{}</EchoData></OTA_PingRQ>",
        b"<!DOCTYPE a><OTA_PingRQ/>",
        b"\xff\xfe<\x00",
        b"<OTA_PingRQ xmlns='http://www.opentravel.org/OTA/2003/05' Version='1'><EchoData>"
        + b"[" * 50_000
        + b"</EchoData></OTA_PingRQ>",
    ],
)
def test_what_cannot_be_read_is_refused(data: bytes) -> None:
    with pytest.raises(Refusal):
        CONNECTOR.inspect(data, Inspection("alpinebits-2024-10"))


@pytest.mark.parametrize("success", ["<Success>yes</Success>", '<Success Code="1"/>', "<Success><Errors/></Success>"])
def test_success_is_empty(success: str) -> None:
    head = 'xmlns="http://www.opentravel.org/OTA/2003/05" Version="1.0"'
    data = f"<OTA_HotelAvailNotifRS {head}>{success}</OTA_HotelAvailNotifRS>"
    assert CONNECTOR.inspect(data.replace(success, "<Success/>").encode(), Inspection("alpinebits-2018-10")).root
    with pytest.raises(Refusal) as raised:
        CONNECTOR.inspect(data.encode(), Inspection("alpinebits-2018-10"))
    assert raised.value.path == "/OTA_HotelAvailNotifRS/Success"


def test_a_fault_of_shape_has_its_place() -> None:
    body = body_of(COUNTS).replace(b'Count="4"', b'Count="four"')
    with pytest.raises(Malformed) as refused:
        CONNECTOR.inspect(body, Inspection("alpinebits-2022-10", "", EVERYTHING))
    assert refused.value.path is not None
    assert refused.value.path.endswith("/InvCount/@Count")
    assert refused.value.line == 11
