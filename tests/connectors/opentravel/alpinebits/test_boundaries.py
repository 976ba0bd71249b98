"""What lies just inside a rule is taken: the other side of the cases in ``test_rules``, at the capabilities named.

Each example is changed as little as its rule allows, in every version that has it, and read as the server reads it.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from connectors.opentravel.alpinebits import rules
from connectors.opentravel.alpinebits.actions import action_of
from connectors.opentravel.alpinebits.terms import Terms
from gateway.errors import Refusal
from tests.connectors.opentravel.alpinebits.examples import (
    FREE_ROOMS,
    FREE_ROOMS_2018,
    INVENTORY,
    RATE_PLANS,
    Change,
    capabilities_of,
    changed,
    drop,
    gone,
    put,
    twice,
    version_of,
    without,
)
from tests.connectors.opentravel.alpinebits.test_rules import (
    AVAIL,
    AVAIL_DELTA,
    AVAIL_ROOMS,
    BASIC,
    CHILD_AMOUNT,
    CONTROL,
    COUNT_DELTA,
    COUNT_ROOMS,
    COUNTS,
    DATED,
    EVENTS,
    FOLLOWING,
    FREE,
    GENERIC,
    HEADING,
    INFO,
    INFO_2018,
    JOINED,
    NAME_TEXT,
    NEW,
    OCCUPANCY,
    OVERLAY,
    PLAN,
    PULL,
    REMOVE,
    STATIC,
    THRESHOLD,
)


class Kept(NamedTuple):
    """``off`` are capabilities taken away; an empty ``path`` leaves the example as it is."""

    rule: str
    on: list[str]
    path: str
    changes: tuple[Change, ...]
    off: tuple[str, ...] = ()


def _kept(rule: str, on: list[str], path: str, *changes: Change, off: tuple[str, ...] = ()) -> Kept:
    return Kept(rule, on, path, changes, off)


FREE_ROOMS_CASES = [
    _kept("3.1-1 complete without deltas", AVAIL, "/*", off=(FREE_ROOMS_2018 + "deltas",)),
    _kept("3.1-2 purged master", AVAIL, "//o:UniqueID", put("Type", "35")),
    _kept("3.1-3 name alone", AVAIL, "//o:AvailStatusMessages", put("HotelName", "Demo"), drop("HotelCode")),
    _kept("3.1-5 at the limit", THRESHOLD, "//o:AvailStatusMessage", put("BookingThreshold", "4")),
    _kept("3.1-5 from nought", THRESHOLD, "//o:AvailStatusMessage", put("BookingThreshold", "0")),
    _kept("3.1-5 none left", AVAIL, "//o:AvailStatusMessage", put("BookingLimit", "0")),
    _kept("3.1-7 categories only", AVAIL, "/*", off=(FREE_ROOMS_2018 + "rooms",)),
    _kept("3.1-7 rooms only", AVAIL_ROOMS, "/*", off=(FREE_ROOMS_2018 + "categories",)),
    _kept("3.1-7 no room", AVAIL_ROOMS, "//o:AvailStatusMessage", put("BookingLimit", "0")),
    _kept("3.1 one night", AVAIL, CONTROL, put("End", "2031-12-01")),
    _kept("3.2-1 complete without deltas", COUNTS, "/*", off=(FREE_ROOMS + "deltas",)),
    _kept("3.2-1 a delta of its own", COUNT_DELTA, "/*", off=(FREE_ROOMS + "complete_set", FREE_ROOMS + "rooms")),
    _kept("3.2-2 purged master", COUNTS, "//o:UniqueID", put("Type", "35")),
    _kept("3.2-5 a flag is no season", COUNT_DELTA, CONTROL, put("AllInvCode", "true")),
    _kept("3.2-5 not all", COUNTS, "//o:Inventory[3]/*", put("AllInvCode", "false")),
    _kept("3.2-7 no counts", COUNTS, "//o:Inventory[3]", without("InvCounts")),
    _kept("3.2-7 nought", COUNTS, "//o:InvCount", put("Count", "0")),
    _kept("3.2-6 rooms only", COUNT_ROOMS, "/*", off=(FREE_ROOMS + "categories", FREE_ROOMS + "out_of_order")),
]

INVENTORY_CASES = [
    _kept("5.2-2 no room", BASIC, "//o:GuestRooms", without("GuestRoom")),
    _kept("5.2-3 heading alone", BASIC, FOLLOWING, gone),
    _kept("5.2-4 all children", BASIC, HEADING, put("MaxChildOccupancy", "3")),
    _kept("5.2-4 children unsaid", BASIC, HEADING, drop("MaxChildOccupancy"), off=(INVENTORY + "occupancy_children",)),
    _kept("5.2-5 first class", BASIC, f"{HEADING}/o:TypeRoom", put("RoomClassificationCode", "1"), drop("RoomType")),
    _kept("5.2-5 last class", BASIC, f"{HEADING}/o:TypeRoom", put("RoomClassificationCode", "83"), drop("RoomType")),
    _kept("5.2 least", BASIC, f"{HEADING}/o:TypeRoom", put("StandardOccupancy", "1")),
    _kept("5.2 most", BASIC, f"{HEADING}/o:TypeRoom", put("StandardOccupancy", "3")),
    _kept("5.2-6 none", BASIC, "//o:Amenities", gone),
    _kept("5.2-6 first", BASIC, "//o:Amenity", put("RoomAmenityCode", "1")),
    _kept("5.2-6 last", BASIC, "//o:Amenity", put("RoomAmenityCode", "293")),
    _kept("5.2-6 own", BASIC[3:], "//o:Amenity", put("RoomAmenityCode", "89.ABR")),
    _kept(
        "5.2-8 html beside text", BASIC, f"{NAME_TEXT}//o:Description[@Language='en']", twice, put("TextFormat", "HTML")
    ),
    _kept("5.2-9 last picture", BASIC, "//o:ImageItem", put("Category", "23")),
    _kept("5.2-9 bare picture", BASIC, "//o:ImageItem", without("Description")),
    _kept("5.3 bare", INFO_2018, "//o:MultimediaDescriptions", gone),
    *(_kept("5.3 any block may lack", INFO, f"//o:{name}", gone) for name in ("HotelInfo", "Policies", "ContactInfos")),
    _kept("5.3 position alone", INFO, "//o:HotelInfo", without("CategoryCodes", "Descriptions", "Services")),
    _kept("5.3 height alone", INFO, "//o:Position", drop("Latitude", "Longitude")),
    _kept("5.3 last service", INFO, "//o:HotelInfo/o:Services/o:Service", put("Code", "348")),
    _kept("5.3 own service", INFO[2:], "//o:HotelInfo/o:Services/o:Service", put("Code", "175.ABH")),
    _kept("5.3 last proximity", INFO, "//o:HotelInfo/o:Services/o:Service", put("ProximityCode", "5")),
    _kept("5.3 last feature", INFO, "//o:Feature", put("AccessibleCode", "150")),
    _kept("5.3 midnight", INFO, "//o:StayRequirement", put("Start", "00:00:00"), put("End", "23:59:59")),
]

RATE_PLAN_CASES = [
    _kept("6.2 any number", NEW, "//o:RatePlans", put("HotelCode", "x")),
    _kept("6.3-4 up to 99", NEW, OCCUPANCY, put("MaxOccupancy", "99")),
    _kept("6.3-4 ages meet", NEW, f"{OCCUPANCY}[2]", put("MaxAge", "16")),
    _kept("6.3-5 all nights free", NEW, FREE, put("NightsDiscounted", "7"), drop("DiscountPattern")),
    _kept("6.3-5 without a pattern", NEW, FREE, drop("DiscountPattern")),
    _kept("6.3-6 no descriptions", NEW, PLAN, without("Description")),
    _kept("6.3-7 no rules", NEW, PLAN, without("BookingRules"), off=(RATE_PLANS + "RatePlan_mixed_BookingRule",)),
    _kept("6.3-7 one night", NEW, GENERIC, put("End", "2031-12-20")),
    _kept("6.3-7 minimum is maximum", NEW, "//o:LengthOfStay", put("Time", "14")),
    _kept("6.3-8 unit unsaid", NEW, STATIC, drop("RateTimeUnit", "UnitMultiplier")),
    _kept("6.3-8 packages", NEW, STATIC, put("UnitMultiplier", "7")),
    _kept("6.3-9 one night", NEW, DATED, put("End", "2031-12-01")),
    _kept("6.3-9 open ages", NEW, CHILD_AMOUNT, drop("MinAge")),
    _kept("6.3-9 free", NEW, "//o:AdditionalGuestAmount", put("Amount", "0")),
    _kept("6.3-10 no supplements", NEW, PLAN, without("Supplements"), off=(RATE_PLANS + "Supplements",)),
    _kept("6.3-11 joined", JOINED, "/*"),
    _kept("6.3-12 rules alone", OVERLAY, PLAN, without("Rates", "Supplements")),
    _kept("6.3-12 rates alone", OVERLAY, PLAN, without("BookingRules", "Supplements")),
    _kept("6.3-13 nothing else", REMOVE, "/*", off=(RATE_PLANS + "overlay",)),
    _kept("7 open end", PULL, "//o:DateRange", drop("End")),
    _kept("7 all days", PULL, "//o:DateRange", gone),
    _kept("7 all plans", PULL, "//o:RatePlanCandidate", drop("RatePlanCode")),
    _kept("8 full", EVENTS, "//o:AttendeeInfo", put("PreRegisteredQuantity", "12")),
    _kept("8 at once", EVENTS, "//o:Date", put("End", "2031-12-03T10:00:00+01:00")),
]

ALL = [*FREE_ROOMS_CASES, *INVENTORY_CASES, *RATE_PLAN_CASES]


@pytest.mark.parametrize(
    ("kept", "example"), [pytest.param(one, example, id=f"{one.rule}: {example}") for one in ALL for example in one.on]
)
def test_what_keeps_a_rule_just_so_is_taken(kept: Kept, example: str) -> None:
    root = changed(example, kept.path, *kept.changes)
    terms = Terms(version_of(example), capabilities_of(example) - set(kept.off))
    rules.check_shape(root, terms.version)
    rules.check_rules(root, action_of(root, terms.version), terms)


@pytest.mark.parametrize("example", AVAIL_DELTA + COUNT_DELTA)
def test_an_item_without_anything_is_no_reset_in_a_delta(example: str) -> None:
    """It is one in a complete set only, so it breaks the rules of an item."""
    item = "//o:AvailStatusMessage" if "Avail" in example else "//o:Inventory"
    root = changed(example, item, without("StatusApplicationControl", "InvCounts"))
    terms = Terms(version_of(example), capabilities_of(example))
    with pytest.raises(Refusal):
        rules.check_rules(root, action_of(root, terms.version), terms)
