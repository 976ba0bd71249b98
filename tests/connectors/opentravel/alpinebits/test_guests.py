"""The rules of guest requests: kept by the examples, told as warnings of what is received."""

from __future__ import annotations

import pytest

from connectors.opentravel.alpinebits import rules
from connectors.opentravel.alpinebits.terms import Terms
from tests.connectors.opentravel.alpinebits.examples import (
    Change,
    changed,
    drop,
    gone,
    in_all,
    put,
    twice,
    version_of,
    without,
)

RESERVED = in_all("OTA_ResRetrieveRS/reserved")
REQUESTED = in_all("OTA_ResRetrieveRS/requested")
BOTH = in_all("OTA_HotelResNotifRQ/modified-and-cancelled")
STAY, SPAN, CARD = "//o:RoomStay", "//o:TimeSpan", "//o:CardNumber"


def _write(text: str) -> Change:
    def change(node: object) -> None:
        node.text = text  # type: ignore[attr-defined]

    return change


BROKEN = [
    ("1", RESERVED, "//o:UniqueID", [put("Type", "15")], "UniqueID/@Type"),
    ("1", BOTH, "//o:HotelReservation[2]/o:UniqueID", [put("Type", "14")], "UniqueID/@Type"),
    ("1", RESERVED, "//o:UniqueID", [put("ID", " ")], "UniqueID/@ID"),
    ("2", RESERVED, "//o:RoomStays", [gone], "HotelReservation/RoomStays"),
    ("3", RESERVED, STAY, [without("RoomTypes")], "RoomStay/RoomTypes"),
    ("3", REQUESTED, "//o:RoomType", [drop("RoomTypeCode")], "RoomType/@RoomTypeCode"),
    ("3", RESERVED, STAY, [without("RatePlans")], "RoomStay/RatePlans"),
    ("3", RESERVED, "//o:RatePlan", [drop("RatePlanCode")], "RatePlan/@RatePlanCode"),
    ("3", RESERVED, "//o:MealsIncluded", [gone], "RatePlan/MealsIncluded"),
    ("3", RESERVED, STAY, [without("Total")], "RoomStay/Total"),
    ("4", RESERVED, STAY, [without("GuestCounts")], "RoomStay/GuestCounts"),
    ("4", RESERVED, "//o:GuestCount", [twice], "GuestCount"),
    ("5", RESERVED, SPAN, [drop("End")], "TimeSpan/@Start"),
    ("5", RESERVED, SPAN, [put("Duration", "P2N")], "TimeSpan"),
    ("5", RESERVED, SPAN, [put("End", "2031-01-31")], "TimeSpan/@Start"),
    ("5", REQUESTED, SPAN, [put("Start", "2031-02-01")], "TimeSpan"),
    ("5", REQUESTED, SPAN, [drop("Duration")], "TimeSpan"),
    ("5", REQUESTED, SPAN, [put("Duration", "P19N")], "TimeSpan/@Duration"),
    ("5", REQUESTED, "//o:StartDateWindow", [put("LatestDate", "2031-01-31")], "StartDateWindow/@EarliestDate"),
    ("6", REQUESTED[:2], f"{STAY}[2]", [twice], "RoomStay"),
    ("7", RESERVED, "//o:Commission", [put("Percent", "101")], "Commission/@Percent"),
    ("8", RESERVED, "//o:ResGuests", [gone], "HotelReservation/ResGuests"),
    ("8", RESERVED, "//o:GivenName", [_write(" ")], "GivenName"),
    ("8", RESERVED, "//o:Email", [_write("a@b@c")], "Email"),
    ("9", RESERVED, "//o:ResGlobalInfo", [gone], "HotelReservation/ResGlobalInfo"),
    ("9", RESERVED[:3], "//o:BasicPropertyInfo", [drop("HotelCode")], "BasicPropertyInfo/@HotelCode"),
    ("9", RESERVED, "//o:PenaltyDescription/o:Text", [_write(" ")], "Text"),
    ("10", RESERVED, CARD, [without("PlainText")], "CardNumber"),
    ("10", RESERVED, CARD, [put("EncryptedValue", "x")], "CardNumber"),
]


@pytest.mark.parametrize(
    ("example", "path", "changes", "place"),
    [
        pytest.param(example, path, changes, place, id=f"{rule}: {example} {place}")
        for rule, on, path, changes, place in BROKEN
        for example in on
    ],
)
def test_a_broken_rule_is_a_warning_that_names_its_place(
    example: str, path: str, changes: list[Change], place: str
) -> None:
    root = changed(example, path, *changes)
    (first, *_) = rules.check(root, "", Terms(version_of(example)))
    assert place in first


def test_an_update_of_the_state_needs_little() -> None:
    root = changed("2022-10/OTA_HotelResNotifRQ/modified-and-cancelled", "//o:HotelReservation", gone)
    alone = changed("2022-10/OTA_HotelResNotifRQ/reserved", "//o:HotelReservation", without("RoomStays", "ResGuests"))
    for action, told in (
        ("OTA_HotelResNotif:GuestRequests_StatusUpdate", False),
        ("OTA_HotelResNotif:GuestRequests", True),
    ):
        assert not rules.check(root, action, Terms("2022-10"))
        assert bool(rules.check(alone, action, Terms("2022-10"))) == told


def test_a_request_without_a_stay_says_so() -> None:
    example = "2022-10/OTA_HotelResNotifRQ/newsletter"
    assert rules.check(changed(example, "/*"), "", Terms("2022-10")) == ()
    root = changed(example, "//o:HotelReservation", put("RoomStayReservation", "true"))
    assert len(rules.check(root, "", Terms("2022-10"))) == 1
