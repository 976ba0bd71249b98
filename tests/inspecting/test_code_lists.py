"""Numbers that no code list of OpenTravel has are taken, and told."""

from __future__ import annotations

import pytest

from connectors.opentravel._shared.code_lists import numbers, unlisted
from gateway.wire.xml import read_tree
from mappings import CodeTable, load


def told(xml: str) -> tuple[str, ...]:
    return unlisted(read_tree(xml.encode()))


@pytest.mark.parametrize(
    "xml",
    [
        '<a><b AgeQualifyingCode="10"/><b AgeQualifyingCode="18"/></a>',
        '<a MealPlanCodes="1 24" RoomAmenityCode="293"/>',
        '<a RoomAmenityCode="89.ABR"/>',  # a list of somebody's own
        '<a RoomAmenityCode="12.XYZ.X"/>',
        '<a RoomAmenityCode=""/>',
        '<a Code="9999"/>',  # of many lists
    ],
)
def test_numbers_that_are_listed(xml: str) -> None:
    assert told(xml) == ()


def test_numbers_that_are_not_are_told_once() -> None:
    found = told('<a><b AgeQualifyingCode="0"/><b AgeQualifyingCode="0"/><b MealPlanCodes="3 25"/></a>')
    assert found == (
        "AgeQualifyingCode: 0 is not in the code list AQC, which has 1 to 18",
        "MealPlanCodes: 25 is not in the code list MPT, which has 1 to 24",
    )


def test_ten_are_enough() -> None:
    rows = "".join(f'<b RoomAmenityCode="{number}"/>' for number in range(400, 500))
    assert len(told(f"<a>{rows}</a>")) == 10


def test_every_coded_attribute_has_a_list_and_the_meals_have_names() -> None:
    for name in load("codes", "ota_coded", CodeTable).entries.values():
        assert numbers(name)
    meals = load("codes", "mpt", CodeTable).entries
    assert sorted(map(int, meals)) == list(numbers("MPT"))


@pytest.mark.parametrize("form", ["\u0663", "1" * 5000, "-1", "1.5"])
def test_what_is_no_number_is_left_to_the_shape(form: str) -> None:
    assert len(told(f'<a RoomAmenityCode="{form}"/>')) <= 1


def test_the_inspector_tells_them() -> None:
    from connectors.opentravel.ota import CONNECTOR
    from gateway.contract_inspecting import Inspection

    stay = '<HotelReservation><RoomStays><RoomStay><RatePlans><RatePlan><MealsIncluded MealPlanCodes="77"/></RatePlan>'
    ends = "</RatePlans></RoomStay></RoomStays></HotelReservation>"
    message = (
        '<OTA_HotelResNotifRQ xmlns="http://www.opentravel.org/OTA/2003/05" Version="1.0"><HotelReservations>'
        f"{stay}{ends}</HotelReservations></OTA_HotelResNotifRQ>"
    )
    found = CONNECTOR.inspect(message.encode(), Inspection("ota"))
    assert any("MealPlanCodes: 77" in warning for warning in found.warnings)
