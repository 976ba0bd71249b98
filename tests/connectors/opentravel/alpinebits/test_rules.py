"""Every rule: the examples keep it, and a change that breaks it is refused at the place where it is broken.

The changed messages still fit the schema of their version, so that it is the rule that refuses them.
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
    added,
    capabilities_of,
    changed,
    drop,
    examples,
    gone,
    in_all,
    in_place_of_next,
    last,
    put,
    tree_of,
    twice,
    version_of,
    without,
)

AVAIL = in_all("OTA_HotelAvailNotifRQ/complete", until="2018-10")
AVAIL_ROOMS = in_all("OTA_HotelAvailNotifRQ/rooms", until="2018-10")
AVAIL_DELTA = in_all("OTA_HotelAvailNotifRQ/delta", until="2018-10")
THRESHOLD = in_all("OTA_HotelAvailNotifRQ/threshold", until="2018-10")
COUNTS = in_all("OTA_HotelInvCountNotifRQ/complete", since="2020-10")
COUNT_ROOMS = in_all("OTA_HotelInvCountNotifRQ/rooms", since="2020-10")
COUNT_DELTA = in_all("OTA_HotelInvCountNotifRQ/delta", since="2020-10")
BASIC = in_all("OTA_HotelDescriptiveContentNotifRQ/rooms")
INFO = in_all("OTA_HotelDescriptiveContentNotifRQ/info", since="2020-10")
INFO_2018 = in_all("OTA_HotelDescriptiveContentNotifRQ/info", until="2018-10")
NEW = in_all("OTA_HotelRatePlanNotifRQ/new")
JOINED = in_all("OTA_HotelRatePlanNotifRQ/joined")
OVERLAY = in_all("OTA_HotelRatePlanNotifRQ/overlay")
REMOVE = in_all("OTA_HotelRatePlanNotifRQ/remove")
EVENTS = in_all("OTA_HotelPostEventNotifRQ/event", since="2020-10")
PULL = in_all("OTA_HotelRatePlanRQ/pull")

CONTROL = "//o:StatusApplicationControl"
HEADING = "//o:GuestRoom[@Code='DBL'][1]"
FOLLOWING = "//o:GuestRoom[@Code='DBL'][2]"
NAME_TEXT = f"{HEADING}//o:MultimediaDescription[@InfoCode='25']"
STATIC = "//o:Rate[1]"
DATED = "//o:Rate[2]"
GENERIC = "//o:BookingRule[1]"
BY_ROOM = "//o:BookingRule[2]"
PLAN = "//o:RatePlan"
OCCUPANCY = "//o:Occupancy"
CHILD_AMOUNT = "//o:AdditionalGuestAmount[@AgeQualifyingCode='8']"
FREE = "//o:Offer[2]/o:Discount"
FAMILY = "//o:Offer[3]"
STATIC_SUPPLEMENT = "//o:Supplement[1]"
DATED_SUPPLEMENT = "//o:Supplement[3]"
POLICY = "//o:Policy"
BASE = '<BaseByGuestAmt NumberOfGuests="3" AgeQualifyingCode="10" AmountAfterTax="90"/>'
EN_HTML = '<Description TextFormat="HTML" Language="fr">x</Description>'


class Broken(NamedTuple):
    """``off`` are capabilities taken away, ``place`` how the path of the refusal ends."""

    rule: str
    on: list[str]
    path: str
    changes: tuple[Change, ...]
    place: str
    off: tuple[str, ...] = ()


def _broken(rule: str, on: list[str], path: str, *changes: Change, place: str, off: tuple[str, ...] = ()) -> Broken:
    return Broken(rule, on, path, changes, place, off)


def _off(rule: str, on: list[str], *off: str, place: str) -> Broken:
    return Broken(rule, on, "/*", (), place, off)


FREE_ROOMS_RULES = [
    _off("3.1-1", AVAIL_DELTA, FREE_ROOMS_2018 + "deltas", place="/OTA_HotelAvailNotifRQ"),
    _broken("3.1-3", AVAIL, "//o:AvailStatusMessages", drop("HotelCode", "HotelName"), place="/@HotelCode"),
    _broken("3.1 blank", AVAIL, "//o:AvailStatusMessages", put("HotelCode", " "), place="/@HotelCode"),
    _broken("3.1-4", AVAIL_DELTA, "//o:AvailStatusMessage", drop("BookingLimit"), place="/@BookingLimit"),
    _broken(
        "3.1-5 type",
        AVAIL,
        "//o:AvailStatusMessage",
        drop("BookingLimitMessageType"),
        place="/@BookingLimitMessageType",
    ),
    _broken("3.1-5", THRESHOLD, "//o:AvailStatusMessage", drop("BookingThreshold"), place="/@BookingThreshold"),
    _broken("3.1-5", THRESHOLD, "//o:AvailStatusMessage", put("BookingThreshold", "5"), place="/@BookingThreshold"),
    _off("3.1-5 off", THRESHOLD, FREE_ROOMS_2018 + "BookingThreshold", place="/@BookingThreshold"),
    _broken("3.1-6", AVAIL, CONTROL, gone, place="/StatusApplicationControl"),
    _broken("3.1-6 code", AVAIL, CONTROL, drop("InvTypeCode"), place="/@InvTypeCode"),
    _off("3.1-7", AVAIL, FREE_ROOMS_2018 + "categories", place="/@InvTypeCode"),
    _off("3.1-7 rooms", AVAIL_ROOMS, FREE_ROOMS_2018 + "rooms", place="/@InvCode"),
    _broken("3.1-7 limit", AVAIL_ROOMS, "//o:AvailStatusMessage", put("BookingLimit", "2"), place="/@BookingLimit"),
    _broken("3.1-8", AVAIL, CONTROL, put("InvCode", "101"), place=""),
    _broken("3.1 order", AVAIL, CONTROL, put("Start", "2031-12-06"), place="/@Start"),
    _broken("3.1 overlap", AVAIL, CONTROL, put("End", "2031-12-06"), place="/@Start"),
    _off("3.2 delta", COUNT_DELTA, FREE_ROOMS + "deltas", place="/OTA_HotelInvCountNotifRQ"),
    _broken(
        "3.2-1",
        in_all("OTA_HotelInvCountNotifRQ/complete", "2020-10", "2022-10"),
        "//o:Inventories",
        drop("HotelCode", "HotelName"),
        place="/@HotelCode",
    ),
    _off("3.2-3", COUNTS, FREE_ROOMS + "closing_seasons", place="/Inventory"),
    _broken("3.2-3 order", COUNTS, "//o:Inventory[1]", last, place="/Inventory[5]"),
    _broken(
        "3.2-3 counts",
        COUNTS,
        "//o:Inventory[1]",
        added('<InvCounts><InvCount CountType="2" Count="0"/></InvCounts>'),
        place="/InvCounts",
    ),
    _broken("3.2-4", COUNTS, CONTROL, put("End", "2032-04-11"), place="/@Start"),
    _broken("3.2-5", COUNT_DELTA, CONTROL, gone, place="/StatusApplicationControl"),
    _broken("3.2-5 code", COUNT_DELTA, CONTROL, drop("InvTypeCode"), place="/@InvTypeCode"),
    _broken("3.2-5 delta", COUNT_DELTA, CONTROL, drop("InvTypeCode"), put("AllInvCode", "true"), place="/@InvTypeCode"),
    _off("3.2-6", COUNT_DELTA, FREE_ROOMS + "categories", place="/@InvTypeCode"),
    _off("3.2-6 rooms", COUNT_ROOMS, FREE_ROOMS + "rooms", place="/@InvCode"),
    _broken("3.2-6 mixed", COUNT_ROOMS, CONTROL, drop("InvCode"), place="/@InvTypeCode"),
    _broken("3.2-7 twice", COUNTS, "//o:InvCount", put("CountType", "6"), place="/@CountType"),
    _off("3.2-7 order", COUNTS, FREE_ROOMS + "out_of_order", place="/@CountType"),
    _off("3.2-7 market", COUNTS, FREE_ROOMS + "out_of_market", place="/@CountType"),
    _broken("3.2 room", COUNT_ROOMS, "//o:InvCount", put("Count", "2"), place="/@Count"),
    _broken(
        "3.2 room counts",
        COUNT_ROOMS,
        "//o:InvCounts",
        added('<InvCount CountType="6" Count="1"/>'),
        place="/InvCounts",
    ),
    _broken("3.2 overlap", COUNTS, "//o:Inventory[3]/*", put("End", "2031-12-06"), place="/@Start"),
    _broken("3.2 closed", COUNTS, "//o:Inventory[3]/*", put("Start", "2031-11-30"), place="/@Start"),
    _broken("3.2 order", COUNTS, "//o:Inventory[3]/*", put("Start", "2031-12-31"), place="/@Start"),
]

INVENTORY_RULES = [
    *(
        _broken("1.5", in_all(f"{root}", until="2022-10"), path, drop("HotelCode", "HotelName"), place="/@HotelCode")
        for root, path in (
            ("OTA_HotelDescriptiveContentNotifRQ/rooms", "//o:HotelDescriptiveContent"),
            ("OTA_HotelDescriptiveContentNotifRQ/info", "//o:HotelDescriptiveContent"),
            ("OTA_HotelDescriptiveInfoRQ/pull", "//o:HotelDescriptiveInfo"),
            ("OTA_ReadRQ/undelivered", "//o:HotelReadRequest"),
            ("OTA_HotelRatePlanNotifRQ/new", "//o:RatePlans"),
        )
    ),
    _broken("4.1", in_all("OTA_ReadRQ/since"), "//o:HotelReadRequest", put("HotelCode", "  "), place="/@HotelCode"),
    _broken("5.2-3", BASIC, FOLLOWING, put("Code", "TPL"), place="/@MinOccupancy"),
    _broken("5.2-2", BASIC[:1], "//o:HotelDescriptiveContent", added("<HotelInfo/>", 0), place="/HotelInfo"),
    _broken("5.2-4", BASIC, HEADING, drop("MinOccupancy"), place="/@MinOccupancy"),
    _broken("5.2-4", BASIC, HEADING, drop("MaxOccupancy"), place="/@MaxOccupancy"),
    _broken("5.2-4", BASIC, HEADING, put("MaxChildOccupancy", "4"), place="/@MaxChildOccupancy"),
    _broken("5.2-5", BASIC[:3], f"{HEADING}/o:TypeRoom", gone, place="/TypeRoom"),
    _broken("5.2-5", BASIC, f"{HEADING}/o:TypeRoom", drop("StandardOccupancy"), place="/@StandardOccupancy"),
    _broken("5.2-5", BASIC, f"{HEADING}/o:TypeRoom", drop("RoomClassificationCode"), place="/@RoomClassificationCode"),
    _broken(
        "5.2-5", BASIC, f"{HEADING}/o:TypeRoom", put("RoomClassificationCode", "84"), place="/@RoomClassificationCode"
    ),
    _broken("5.2-6", BASIC, "//o:Amenity", drop("RoomAmenityCode"), place="/@RoomAmenityCode"),
    _broken("5.2-6", BASIC, "//o:Amenity", put("RoomAmenityCode", "294"), place="/@RoomAmenityCode"),
    _broken("5.2-6 own", BASIC[3:], "//o:Amenity", put("RoomAmenityCode", "90.ABR"), place="/@RoomAmenityCode"),
    _broken("5.2-6 own", BASIC[3:], "//o:Amenity", put("RoomAmenityCode", "1.ABH"), place="/@RoomAmenityCode"),
    _broken("5.2-7", BASIC, f"{HEADING}/o:MultimediaDescriptions", gone, place="/MultimediaDescriptions"),
    _broken(
        "5.2-7",
        BASIC,
        f"{HEADING}/o:MultimediaDescriptions",
        without("MultimediaDescription"),
        place="/MultimediaDescriptions",
    ),
    _broken("5.2-7 count", BASIC, NAME_TEXT, twice, place="/MultimediaDescriptions"),
    _broken("5.2-7 twice", BASIC, NAME_TEXT, put("InfoCode", "1"), place="/@InfoCode"),
    _broken("5.2-7 code", BASIC, NAME_TEXT, drop("InfoCode"), place="/@InfoCode"),
    _broken("5.2-7 name", BASIC, NAME_TEXT, gone, place="/MultimediaDescriptions"),
    _broken("5.2-7 text", BASIC, NAME_TEXT, without("TextItems"), place="/TextItems"),
    _broken("5.2-7 images", BASIC, "//o:ImageItems", gone, place="/ImageItems"),
    _broken("5.2-8", BASIC, f"{NAME_TEXT}//o:Description", twice, place="/@Language"),
    _broken("5.2-8 html", BASIC, f"{NAME_TEXT}//o:TextItem", added(EN_HTML), place="/@TextFormat"),
    _broken("5.2-8 language", BASIC, f"{NAME_TEXT}//o:Description", put("Language", "xx"), place="/@Language"),
    _broken("5.2-9", BASIC, "//o:ImageItem", put("Category", "24"), place="/@Category"),
    _broken("5.2-9", BASIC, "//o:ImageItem/o:Description", twice, place="/@Language"),
    *(
        _broken("5.2-10", BASIC, FOLLOWING, put(name, "1"), place=f"/@{name}")
        for name in ("MinOccupancy", "MaxOccupancy", "MaxChildOccupancy", "ID")
    ),
    *(
        _broken("5.2-10", BASIC, f"{FOLLOWING}/o:TypeRoom", put(name, "1"), place=f"/@{name}")
        for name in ("RoomClassificationCode", "Size", "StandardOccupancy")
    ),
    _broken("5.2-10", BASIC, FOLLOWING, added("<Amenities><Amenity/></Amenities>"), place="/Amenities"),
    _broken("5.2-10", BASIC[:3], f"{FOLLOWING}/o:TypeRoom", gone, place="/TypeRoom"),
    _broken("5.2-10", BASIC, f"{FOLLOWING}/o:TypeRoom", drop("RoomID"), place="/@RoomID"),
    _broken("5.2 room twice", BASIC, f"{FOLLOWING}/o:TypeRoom", put("RoomID", "102"), place="/@RoomID"),
    _off("5.2 rooms", BASIC, INVENTORY + "use_rooms", place="/@Code"),
    _off("5.2 children", BASIC, INVENTORY + "occupancy_children", place="/@MaxChildOccupancy"),
    _broken("5.2 standard", BASIC, f"{HEADING}/o:TypeRoom", put("StandardOccupancy", "4"), place="/@StandardOccupancy"),
    _broken("5.2 class", BASIC[1:], f"{HEADING}/o:TypeRoom", put("RoomType", "2"), place="/@RoomType"),
]

INFO_RULES = [
    _broken("5.3", INFO_2018, "//o:GuestRoom", put("MinOccupancy", "1"), place="/@MinOccupancy"),
    _broken("5.3", INFO_2018, "//o:GuestRoom", added("<TypeRoom/>", 0), place="/TypeRoom"),
    _broken("5.3", INFO_2018, "//o:MultimediaDescription", put("InfoCode", "23"), place="/@InfoCode"),
    _broken("5.3", INFO_2018, "//o:MultimediaDescription", without("ImageItems"), place="/ImageItems"),
    _broken(
        "5.3",
        INFO,
        "//o:HotelInfo",
        without("CategoryCodes", "Descriptions", "Position", "Services"),
        place="/HotelInfo",
    ),
    _broken("5.3", INFO, "//o:HotelCategory", put("CodeDetail", "4S"), place="/@CodeDetail"),
    _broken("5.3", INFO, "//o:MultimediaDescription", twice, place="/MultimediaDescriptions"),
    _broken("5.3", INFO, "//o:MultimediaDescription", put("InfoCode", "17"), place="/@InfoCode"),
    _broken("5.3", INFO, "//o:MultimediaDescription", drop("InfoCode"), place="/@InfoCode"),
    _broken("5.3", INFO, "//o:TextItems", without("TextItem"), place="/TextItem"),
    _broken("5.3", INFO, "//o:TextItem/o:Description", gone, place="/@TextFormat"),
    _broken("5.3", INFO, "//o:ImageItem", put("Category", "15"), place="/@Category"),
    _broken("5.3", INFO, "//o:VideoItem", twice, place="/@Category"),
    _broken("5.3", INFO, "//o:Position", drop("Latitude", "Altitude"), place="/Position"),
    _broken("5.3", INFO, "//o:Services", without("Service"), place="/Service"),
    _broken("5.3", INFO, "//o:HotelInfo/o:Services/o:Service", drop("ProximityCode"), place="/@ProximityCode"),
    _broken("5.3", INFO, "//o:HotelInfo/o:Services/o:Service", put("ProximityCode", "6"), place="/@ProximityCode"),
    _broken("5.3", INFO, "//o:HotelInfo/o:Services/o:Service", put("Code", "349"), place="/@Code"),
    _broken("5.3", INFO[2:], "//o:HotelInfo/o:Services/o:Service", put("Code", "176.ABH"), place="/@Code"),
    _broken("5.3", INFO, "//o:Feature", put("AccessibleCode", "151"), place="/@AccessibleCode"),
    _broken("5.3", INFO, POLICY, without("CancelPolicy"), place="/Policy"),
    _broken("5.3", INFO, "//o:CheckoutCharge", drop("CurrencyCode"), place="/@CurrencyCode"),
    _broken("5.3", INFO, "//o:CheckoutCharge", put("CurrencyCode", "EUX"), place="/@CurrencyCode"),
    _broken("5.3", INFO, "//o:PetsPolicy", drop("CurrencyCode"), place="/@CurrencyCode"),
    *(
        _broken("5.3", INFO, "//o:TaxPolicy", drop(name), place=f"/@{name}")
        for name in ("Code", "ChargeFrequency", "ChargeUnit", "CurrencyCode")
    ),
    _broken("5.3", INFO, "//o:TaxDescription/o:Text", twice, place="/@Language"),
    _broken("5.3", INFO, "//o:AcceptedPayment", added('<Cash CashIndicator="1"/>'), place="/AcceptedPayment"),
    _broken("5.3", INFO, "//o:AcceptedPayment", without("BankAcct"), place="/AcceptedPayment"),
    _broken("5.3", INFO, "//o:PaymentCard", drop("CardCode"), place="/@CardCode"),
    _broken("5.3", INFO, "//o:Deadline", gone, place="/GuaranteePayment"),
    _broken("5.3", INFO, "//o:StayRequirement", drop("Start"), place="/@Start"),
    _broken("5.3", INFO, "//o:StayRequirement", put("End", "24:00:00"), place="/@End"),
    _broken("5.3", INFO, "//o:StayRequirement", drop("StayContext"), place="/@StayContext"),
    _broken("5.3", INFO, "//o:Award", put("Provider", "Demo"), place="/@Provider"),
    _broken("5.3", INFO, "//o:ContactInfo", drop("Location"), place="/@Location"),
    _broken("5.3", INFO, "//o:Address", drop("Language"), place="/@Language"),
    _broken("5.3", INFO, "//o:Address", twice, place="/@Language"),
]

RATE_PLAN_RULES = [
    _broken("6.3-1", NEW, "//o:RatePlans", put("HotelCode", " "), place="/@HotelCode"),
    _broken("6.3-1", NEW, PLAN, drop("RatePlanCode"), place="/@RatePlanCode"),
    _broken("6.3-1", NEW, PLAN, drop("CurrencyCode"), place="/@CurrencyCode"),
    _broken("6.2", NEW, PLAN, drop("RatePlanNotifType"), place="/@RatePlanNotifType"),
    _broken("6.3-1", in_all("OTA_HotelRatePlanNotifRQ/complete"), PLAN, drop("RatePlanCode"), place="/@RatePlanCode"),
    _off("6.3-2", JOINED, RATE_PLANS + "RatePlanJoin", place="/@RatePlanID"),
    _broken("6.3-2", JOINED, PLAN, drop("RatePlanQualifier"), place="/@RatePlanQualifier"),
    _broken("6.3-4", NEW, "//o:Offers", gone, place="/Offers"),
    _broken("6.3-4", NEW, "//o:Offer[1]", without("OfferRules"), place="/OfferRules"),
    _off("6.3-4", NEW, RATE_PLANS + "OfferRule_BookingOffset", place="/@MinAdvancedBookingOffset"),
    _off("6.3-4", NEW, RATE_PLANS + "OfferRule_DOWLOS", place="/LengthsOfStay"),
    _broken("6.3-4", NEW, OCCUPANCY, gone, place="/OfferRule"),
    _broken("6.3-4", NEW, OCCUPANCY, twice, place="/OfferRule"),
    _broken("6.3-4", NEW, f"{OCCUPANCY}[2]", twice, place="/OfferRule"),
    _broken("6.3-4", NEW, OCCUPANCY, put("MaxOccupancy", "100"), place="/@MaxOccupancy"),
    _broken("6.3-4", NEW, OCCUPANCY, put("MaxAge", "90"), place="/@MaxAge"),
    _broken("6.3-4", NEW, OCCUPANCY, drop("MinAge"), place="/@MinAge"),
    _broken("6.3-4", NEW, f"{OCCUPANCY}[2]", put("MaxAge", "17"), place="/@MaxAge"),
    _broken("6.3-5", NEW, "//o:Offer[2]", in_place_of_next, place="/Offer[3]"),
    _off("6.3-5", NEW, RATE_PLANS + "FreeNightsOffers", place="/Discount"),
    _broken("6.3-5", NEW, FREE, put("NightsDiscounted", "8"), place="/@NightsDiscounted"),
    _broken("6.3-5", NEW, FREE, drop("NightsRequired"), place="/@NightsRequired"),
    _broken("6.3-5", NEW, FREE, put("DiscountPattern", "000001"), place="/@DiscountPattern"),
    _off("6.3-5", NEW, RATE_PLANS + "FamilyOffers", place="/Guest"),
    _broken("6.3-5", NEW, "//o:Guest", put("AgeQualifyingCode", "10"), place="/@AgeQualifyingCode"),
    _broken("6.3-5", NEW, "//o:Guest", put("MaxAge", "3"), place="/@MaxAge"),
    _broken("6.3-5", NEW, "//o:Guest", put("LastQualifyingPosition", "3"), place="/@LastQualifyingPosition"),
    _broken("6.3-5", NEW, f"{FAMILY}/o:Discount", put("NightsRequired", "3"), place="/@NightsRequired"),
    _broken("6.3-6", NEW, "//o:RatePlan/o:Description", twice, place="/@Name"),
    _broken("6.3-6", NEW, "//o:RatePlan/o:Description/o:Text", twice, place="/@Language"),
    _broken("6.3-6", NEW, "//o:RatePlan/o:Description/o:Text", gone, place="/@TextFormat"),
    _off("6.3-7", NEW, RATE_PLANS + "RatePlan_mixed_BookingRule", place="/BookingRule[2]"),
    _off(
        "6.3-7 generic only",
        NEW,
        RATE_PLANS + "RatePlan_mixed_BookingRule",
        RATE_PLANS + "RatePlan_RoomType_BookingRule",
        place="/BookingRule[2]",
    ),
    _off(
        "6.3-7 by room only",
        NEW,
        RATE_PLANS + "RatePlan_mixed_BookingRule",
        RATE_PLANS + "RatePlan_BookingRule",
        place="/BookingRule",
    ),
    _off(
        "6.3-7 none",
        OVERLAY,
        RATE_PLANS + "RatePlan_mixed_BookingRule",
        RATE_PLANS + "RatePlan_BookingRule",
        RATE_PLANS + "RatePlan_RoomType_BookingRule",
        place="/BookingRule",
    ),
    _broken("6.3-7", NEW, BY_ROOM, drop("Code"), place="/@Code"),
    _broken("6.3-7", NEW, BY_ROOM, drop("CodeContext"), place="/@CodeContext"),
    _broken("6.3-7", NEW, GENERIC, drop("Start"), place="/@Start"),
    _broken("6.3-7", NEW, GENERIC, put("Start", "2032-01-07"), place="/@Start"),
    _broken("6.3-7", NEW, GENERIC, twice, place="/@Start"),
    _broken("6.3-7", NEW, "//o:LengthOfStay", twice, place="/@MinMaxMessageType"),
    _broken("6.3-7", NEW, "//o:LengthOfStay", put("Time", "15"), place="/@Time"),
    _off("6.3-7", NEW, RATE_PLANS + "ArrivalDOW", place="/ArrivalDaysOfWeek"),
    _off("6.3-7", NEW, RATE_PLANS + "DepartureDOW", place="/DepartureDaysOfWeek"),
    _broken("6.3-8", NEW, "//o:Rates", without("Rate"), gone, place="/Rate"),
    _broken("6.3-8", NEW, STATIC, drop("UnitMultiplier"), place="/Rate"),
    *(
        _broken("6.3-8", NEW, STATIC, put(name, value), place=f"/@{name}")
        for name, value in (("InvTypeCode", "DBL"), ("Start", "2031-12-01"), ("End", "2031-12-01"))
    ),
    _broken("6.3-8", NEW, f"{STATIC}//o:BaseByGuestAmt", twice, place="/Rate"),
    _broken("6.3-8", NEW, f"{STATIC}//o:BaseByGuestAmt", drop("Type"), place="/@Type"),
    _broken("6.3-8", NEW, f"{STATIC}//o:BaseByGuestAmt", put("AmountAfterTax", "1"), place="/@AmountAfterTax"),
    _broken("6.3-8", NEW, STATIC, without("MealsIncluded"), place="/MealsIncluded"),
    _broken(
        "6.3-8",
        NEW,
        STATIC,
        added('<AdditionalGuestAmounts><AdditionalGuestAmount Amount="1"/></AdditionalGuestAmounts>', 1),
        place="/AdditionalGuestAmounts",
    ),
    *(_broken("6.3-9", NEW, DATED, drop(name), place=f"/@{name}") for name in ("InvTypeCode", "Start", "End")),
    _broken("6.3-9", NEW, DATED, put("Start", "2031-12-31"), place="/@Start"),
    _broken("6.3-9", NEW, DATED, put("End", "2031-12-24"), place="/@Start"),
    _broken("6.3-9", NEW, DATED, put("UnitMultiplier", "1"), place="/@UnitMultiplier"),
    _broken("6.3-9", NEW, DATED, added('<MealsIncluded Breakfast="1"/>'), place="/MealsIncluded"),
    _broken("6.3-9", NEW, DATED, without("BaseByGuestAmts"), place="/BaseByGuestAmts"),
    _broken("6.3-9", NEW, f"{DATED}//o:BaseByGuestAmt", put("Type", "7"), place="/@Type"),
    _broken("6.3-9", NEW, f"{DATED}//o:BaseByGuestAmt", put("AgeQualifyingCode", "8"), place="/@AgeQualifyingCode"),
    *(
        _broken("6.3-9", NEW, f"{DATED}//o:BaseByGuestAmt", drop(name), place=f"/@{name}")
        for name in ("NumberOfGuests", "AgeQualifyingCode", "AmountAfterTax")
    ),
    _broken("6.3-9", NEW, f"{DATED}//o:BaseByGuestAmt", put("NumberOfGuests", "2"), place="/@NumberOfGuests"),
    _broken("6.3-9", NEW, "//o:AdditionalGuestAmount", twice, place="/@AgeQualifyingCode"),
    _broken("6.3-9", NEW, "//o:AdditionalGuestAmount", drop("Amount"), place="/@Amount"),
    _broken("6.3-9", NEW, CHILD_AMOUNT, drop("MinAge", "MaxAge"), place="/@MinAge"),
    _broken("6.3-9", NEW, CHILD_AMOUNT, put("MinAge", "6"), place="/@MinAge"),
    _broken("6.3-9", NEW, CHILD_AMOUNT, put("MinAge", "2"), place="/@MinAge"),
    _broken("6.3-9", NEW, CHILD_AMOUNT, put("MaxAge", "7"), place="/@AgeQualifyingCode"),
    _broken("6.3-9", NEW, f"{DATED}//o:AdditionalGuestAmount[3]", put("MaxAge", "17"), place="/@MaxAge"),
    _broken("6.3-9", NEW, f"{OCCUPANCY}[2]", gone, place="/@AgeQualifyingCode"),
    _off("6.3-10", NEW, RATE_PLANS + "Supplements", place="/Supplement"),
    _broken("6.3-10", NEW, STATIC_SUPPLEMENT, twice, place="/@InvCode"),
    *(
        _broken("6.3-10", NEW, STATIC_SUPPLEMENT, drop(name), place=f"/@{name}")
        for name in ("AddToBasicRateIndicator", "MandatoryIndicator", "ChargeTypeCode")
    ),
    _broken("6.3-10", NEW, STATIC_SUPPLEMENT, put("Amount", "1"), place="/@Amount"),
    _broken("6.3-10", NEW, "//o:PrerequisiteInventory", put("InvCode", "10000010"), place="/@InvCode"),
    _broken("6.3-10", NEW, "//o:PrerequisiteInventory", put("InvType", "ROOMTYPE"), place="/@InvType"),
    _broken("6.3-10", NEW, DATED_SUPPLEMENT, put("InvCode", "OTHER"), place="/@InvCode"),
    _broken("6.3-10", NEW, DATED_SUPPLEMENT, drop("Amount"), place="/@Amount"),
    _broken("6.3-10", NEW, DATED_SUPPLEMENT, drop("End"), place="/@End"),
    _broken("6.3-10", NEW, DATED_SUPPLEMENT, put("ChargeTypeCode", "1"), place="/@ChargeTypeCode"),
    _broken("6.3-10", NEW, DATED_SUPPLEMENT, twice, place="/@Start"),
    _broken(
        "6.3-10",
        NEW,
        "//o:PrerequisiteInventory[@InvType='ROOMTYPE']",
        put("InvType", "ALPINEBITSDOW"),
        place="/@InvType",
    ),
    _broken(
        "6.3-11",
        JOINED,
        f"{PLAN}[2]",
        added('<Description Name="title"><URL>https://example.org</URL></Description>'),
        place="/Description",
    ),
    _broken("6.3-11", JOINED, f"{PLAN}[2]//o:BaseByGuestAmt", put("Type", "7"), place="/Rate"),
    _broken("6.3-11", JOINED, f"{PLAN}[2]//o:MealsIncluded", put("MealPlanCodes", "3"), place="/Rate"),
    _off("6.3-12", OVERLAY, RATE_PLANS + "overlay", place="/@RatePlanNotifType"),
    _broken(
        "6.3-12",
        OVERLAY,
        PLAN,
        added("<Offers><Offer/></Offers>"),
        place="/Offers",
    ),
    _broken("6.3-12", OVERLAY, "//o:Rate", drop("InvTypeCode", "Start", "End"), place="/@InvTypeCode"),
    _broken(
        "6.3-13",
        REMOVE,
        PLAN,
        added('<Description Name="title"><URL>https://example.org</URL></Description>'),
        place="/Description",
    ),
    _broken("7", PULL, "//o:HotelRef", gone, place="/HotelRef"),
    _broken("7", PULL, "//o:DateRange", put("Start", "2032-01-01"), place="/@Start"),
]

OTHER_RULES = [
    _broken(
        "1.3", in_all("OTA_PingRQ/handshake"), "//o:EchoData", lambda node: _write(node, "hello"), place="/EchoData"
    ),
    _broken(
        "1.3",
        in_all("OTA_PingRQ/handshake"),
        "//o:EchoData",
        lambda node: _write(node, '{"versions":[1]}'),
        place="/EchoData",
    ),
    _broken("1.3", in_all("OTA_PingRS/handshake"), "//o:Warning", lambda node: _write(node, "{"), place="/Warning"),
    _broken("8", EVENTS, "//o:EventReport[2]//o:Event_ID", put("ID", "EV-1"), place="/@ID"),
    _broken("8", EVENTS, "//o:Comments", gone, place="/GeneralEventInfo"),
    _broken("8", EVENTS, "//o:Dates", gone, place="/GeneralEventInfo"),
    _broken("8", EVENTS, "//o:Date", put("End", "2031-12-03T09:59:59+01:00"), place="/@End"),
    _broken("8", EVENTS, "//o:AttendeeInfo", put("PreRegisteredQuantity", "13"), place="/@PreRegisteredQuantity"),
]


def _write(node: object, text: str) -> None:
    node.text = text  # type: ignore[attr-defined]


ALL_RULES = [*FREE_ROOMS_RULES, *INVENTORY_RULES, *INFO_RULES, *RATE_PLAN_RULES, *OTHER_RULES]


@pytest.mark.parametrize("example", examples())
def test_an_example_keeps_every_rule(example: str) -> None:
    terms = Terms(version_of(example), capabilities_of(example))
    assert rules.check(tree_of(example), "", terms) == ()


@pytest.mark.parametrize(
    ("broken", "example"),
    [pytest.param(one, example, id=f"{one.rule}: {example} {one.place}") for one in ALL_RULES for example in one.on],
)
def test_a_broken_rule_is_refused_where_it_is_broken(broken: Broken, example: str) -> None:
    root = changed(example, broken.path, *broken.changes)
    terms = Terms(version_of(example), capabilities_of(example) - set(broken.off))
    rules.check_shape(root, terms.version)
    with pytest.raises(Refusal) as refused:
        rules.check_rules(root, action_of(tree_of(example), terms.version), terms)
    assert refused.value.path is not None
    assert refused.value.path.startswith(f"/{example.split('/')[1]}")
    assert refused.value.path.endswith(broken.place)
    assert refused.value.line
