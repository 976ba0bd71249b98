"""Google Hotel ARI: what leaves, what comes back, and messages inspected by themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from connectors.opentravel.google import CONNECTOR
from gateway.contract_inspecting import Inspection, Inspector
from gateway.errors import Malformed, Refusal, Unsupported
from gateway.messages import Described, PushAvailability, PushContent, PushRates
from gateway.model.ari import Field
from gateway.testing.samples import pushes
from gateway.testing.subject import Subject, default_site
from tests.connectors.opentravel import schemas, twins

REQUESTS, REPLIES = twins.cases("google", "requests"), twins.cases("google", "replies")
PROFILES = ("google-ari", "google-ari-counts")
GENERATED = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
NAMESPACE = ' xmlns="http://www.opentravel.org/OTA/2003/05"'


@pytest.mark.parametrize("path", REQUESTS, ids=twins.id_of)
def test_a_command_becomes_its_golden(path: Path) -> None:
    assert twins.written(CONNECTOR, path).decode() == twins.beside(path, ".xml").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", REPLIES, ids=twins.id_of)
def test_a_reply_is_read_as_its_twin_says(path: Path) -> None:
    assert twins.read(CONNECTOR, path).decode() == twins.beside(path, ".expected.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", [*REQUESTS, *REPLIES], ids=twins.id_of)
def test_goldens_and_replies_pass_inspection(path: Path) -> None:
    CONNECTOR.inspect(twins.beside(path, ".xml").read_bytes(), Inspection("google-ari"))


def test_it_is_an_inspector() -> None:
    assert isinstance(CONNECTOR, Inspector)


def _speakable(command: Any) -> bool:
    """Offsets stand on a status, and the engine says all rules of a product together."""
    offsets = {Field.MIN_OFFSET_H, Field.MAX_OFFSET_H}
    fields = [{setting.field for setting in update.settings} for update in command.updates]
    return all(Field.CLOSED in some or not some & offsets for some in fields)


@schemas.needed
@pytest.mark.parametrize("profile", PROFILES)
def test_whatever_is_written_is_valid_but_for_the_partner_key(profile: str) -> None:
    """Google's RequestorID lacks the Type that OpenTravel demands; everything else is as in 2015A."""
    subject = Subject(CONNECTOR, profile, None, default_site(profile))

    @GENERATED
    @given(st.one_of(pushes(PushAvailability, subject), pushes(PushRates, subject)))
    def run(command: Any) -> None:
        try:
            body = CONNECTOR.encode(command, subject.site).body
        except Unsupported:
            return
        root = etree.fromstring(body)
        root.remove(root[0])
        assert schemas.faults(etree.tostring(root), "2015A") == []
        if _speakable(command):
            CONNECTOR.inspect(body, Inspection(profile))

    run()


def test_messages_go_to_one_address_where_the_account_says_so() -> None:
    site = msgspec.structs.replace(twins.site("google-ari"), options={"one_address": True, "partner": "key-7"})
    request = CONNECTOR.encode(PushContent(id="c", at_ms=0, rooms=(Described("D"),), plans=()), site)
    assert request.url == site.url
    assert b'partner="key-7"' in request.body


# --- inspection -------------------------------------------------------------------------------------------------------

HEAD = 'EchoToken="g-1" TimeStamp="2031-01-05T08:00:00Z" Version="3.0"'
POS = '<POS><Source><RequestorID ID="partner"/></Source></POS>'
AVAIL = f"""<OTA_HotelAvailNotifRQ{NAMESPACE} {HEAD}>{POS}
<AvailStatusMessages HotelCode="DEMO01">
<AvailStatusMessage BookingLimit="4"><StatusApplicationControl Start="2031-02-01" End="2031-02-28" InvTypeCode="DBL"/>
</AvailStatusMessage>
<AvailStatusMessage>
<StatusApplicationControl Start="2031-02-01" End="2031-02-28" Mon="true" InvTypeCode="DBL" RatePlanCode="FLEX"/>
<LengthsOfStay><LengthOfStay Time="2" TimeUnit="Day" MinMaxMessageType="SetMinLOS"/></LengthsOfStay>
<RestrictionStatus Status="Close" Restriction="Arrival" MinAdvancedBookingOffset="2"/>
</AvailStatusMessage>
<AvailStatusMessage>
<StatusApplicationControl Start="2031-02-01" End="2031-02-28" InvTypeCode="DBL" RatePlanCode="FLEX"/>
<LengthsOfStay FixedPatternLength="4"><LengthOfStay MinMaxMessageType="FullPatternLOS">
<LOS_Pattern FullPatternLOS="NYYN"/></LengthOfStay></LengthsOfStay>
</AvailStatusMessage>
</AvailStatusMessages>
</OTA_HotelAvailNotifRQ>"""
COUNTS = f"""<OTA_HotelInvCountNotifRQ{NAMESPACE} {HEAD}>
<Inventories HotelCode="DEMO01"><Inventory>
<StatusApplicationControl Start="2031-02-01" End="2031-02-28" InvTypeCode="DBL"/>
<InvCounts><InvCount Count="5" CountType="2"/></InvCounts>
</Inventory></Inventories></OTA_HotelInvCountNotifRQ>"""
RATES = f"""<OTA_HotelRateAmountNotifRQ{NAMESPACE} {HEAD} NotifType="Delta" NotifScopeType="ProductRate">
<RateAmountMessages HotelCode="DEMO01"><RateAmountMessage>
<StatusApplicationControl Start="2031-02-01" End="2031-02-28" InvTypeCode="DBL" RatePlanCode="FLEX"/>
<Rates><Rate><BaseByGuestAmts>
<BaseByGuestAmt AmountAfterTax="110.00" CurrencyCode="EUR" NumberOfGuests="2"/>
</BaseByGuestAmts><AdditionalGuestAmounts>
<AdditionalGuestAmount Amount="20" AgeQualifyingCode="8" MaxAge="12"/>
</AdditionalGuestAmounts></Rate></Rates>
</RateAmountMessage></RateAmountMessages></OTA_HotelRateAmountNotifRQ>"""
BY_STAY = RATES.replace('"FLEX"', '"FLEX" RatePlanType="26"').replace(
    "<Rate>", '<Rate RateTimeUnit="Day" UnitMultiplier="2">'
)
REMOVE = RATES.replace('"Delta"', '"Remove"')
REMOVE = REMOVE[: REMOVE.index("<Rates>")] + REMOVE[REMOVE.index("</Rates>") + 8 :]
CONTENT = """<Transaction timestamp="2031-01-05T08:00:00Z" id="42" partner="partner">
<PropertyDataSet action="overlay"><Property>DEMO01</Property>
<RoomData><RoomID>DBL</RoomID><Name><Text text="Double" language="en"/></Name><Capacity>3</Capacity>
<RoomFeatures><Suite/></RoomFeatures></RoomData>
<PackageData><PackageID>FLEX</PackageID><Refundable available="true"/></PackageData>
</PropertyDataSet></Transaction>"""


def inspect(text: str) -> str:
    return CONNECTOR.inspect(text.encode(), Inspection("google-ari")).root


@pytest.mark.parametrize(
    "text", [AVAIL, COUNTS, RATES, BY_STAY, REMOVE, CONTENT, AVAIL.replace(NAMESPACE, ""), RATES.replace(NAMESPACE, "")]
)
def test_a_right_message_passes(text: str) -> None:
    assert inspect(text) == text[1:].split()[0]


A, R = "/OTA_HotelAvailNotifRQ/AvailStatusMessages", "/OTA_HotelRateAmountNotifRQ/RateAmountMessages/RateAmountMessage"
CONTROL = "StatusApplicationControl"


@pytest.mark.parametrize(
    ("text", "old", "new", "path", "line"),
    [
        (AVAIL, 'EchoToken="g-1"', 'EchoToken="g 1"', "/OTA_HotelAvailNotifRQ/@EchoToken", 1),
        (AVAIL, 'EchoToken="g-1" ', "", "/OTA_HotelAvailNotifRQ/@EchoToken", 1),
        (AVAIL, ' TimeStamp="2031-01-05T08:00:00Z"', "", "/OTA_HotelAvailNotifRQ/@TimeStamp", 1),
        (AVAIL, '"3.0"', '"1.0"', "/OTA_HotelAvailNotifRQ/@Version", 1),
        (AVAIL, ' HotelCode="DEMO01"', "", f"{A}/@HotelCode", 2),
        (AVAIL, 'BookingLimit="4"', 'BookingLimit="-1"', f"{A}/AvailStatusMessage/@BookingLimit", 3),
        (AVAIL, 'BookingLimit="4"', "", f"{A}/AvailStatusMessage", 3),
        (AVAIL, 'DBL"/>', 'DBL" RatePlanCode="X"/>', f"{A}/AvailStatusMessage/{CONTROL}/@RatePlanCode", 3),
        (AVAIL, ' RatePlanCode="FLEX"', "", f"{A}/AvailStatusMessage[2]/{CONTROL}/@RatePlanCode", 6),
        (AVAIL, "2031-02-28", "2031-01-28", f"{A}/AvailStatusMessage/{CONTROL}/@End", 3),
        (AVAIL, "2031-02-28", "2031-02-30", f"{A}/AvailStatusMessage/{CONTROL}/@End", 3),
        (AVAIL, "SetMinLOS", "MinLOS", f"{A}/AvailStatusMessage[2]/LengthsOfStay/LengthOfStay/@MinMaxMessageType", 7),
        (AVAIL, ' Time="2"', "", f"{A}/AvailStatusMessage[2]/LengthsOfStay/LengthOfStay/@Time", 7),
        (AVAIL, '"Close"', '"Closed"', f"{A}/AvailStatusMessage[2]/RestrictionStatus/@Status", 8),
        (
            AVAIL,
            'Offset="2"',
            'Offset="P"',
            f"{A}/AvailStatusMessage[2]/RestrictionStatus/@MinAdvancedBookingOffset",
            8,
        ),
        (
            AVAIL,
            '"NYYN"',
            '"NYY"',
            f"{A}/AvailStatusMessage[3]/LengthsOfStay/LengthOfStay/LOS_Pattern/@FullPatternLOS",
            13,
        ),
        (COUNTS, 'CountType="2"', 'CountType="4"', "/Inventories/Inventory/InvCounts/InvCount/@CountType", 4),
        (COUNTS, ' InvTypeCode="DBL"', "", f"/Inventories/Inventory/{CONTROL}/@InvTypeCode", 3),
        (RATES, '"Delta"', '"New"', "/OTA_HotelRateAmountNotifRQ/@NotifType", 1),
        (RATES, ' AmountAfterTax="110.00"', "", f"{R}/Rates/Rate/BaseByGuestAmts/BaseByGuestAmt/@AmountAfterTax", 5),
        (RATES, ' CurrencyCode="EUR"', "", f"{R}/Rates/Rate/BaseByGuestAmts/BaseByGuestAmt/@CurrencyCode", 5),
        (RATES, '"8"', '"7"', "/AdditionalGuestAmounts/AdditionalGuestAmount/@AgeQualifyingCode", 7),
        (BY_STAY, ' UnitMultiplier="2"', "", f"{R}/Rates/Rate/@UnitMultiplier", 4),
        (REMOVE, '"Remove"', '"Overlay"', f"{R}/Rates", 2),
        (CONTENT, "<RoomID>DBL</RoomID>", "", "/Transaction/PropertyDataSet/RoomData/Name", 3),
        (CONTENT, ">3<", ">many<", "/Transaction/PropertyDataSet/RoomData/Capacity", 3),
        (CONTENT, ' id="42"', "", "/Transaction/@id", 1),
        (CONTENT, "<Transaction ", f"<Transaction{NAMESPACE} ", "/Transaction", 1),
    ],
)
def test_a_wrong_message_is_placed(text: str, old: str, new: str, path: str, line: int) -> None:
    assert old in text
    with pytest.raises(Malformed) as refused:
        inspect(text.replace(old, new, 1))
    assert (refused.value.path or "").endswith(path)
    assert refused.value.line == line


@pytest.mark.parametrize("data", [b"", b"<a/>", b"<!DOCTYPE a><a/>", b"<OTA_PingRQ/>", b"<a>", b"<x:a xmlns:x='y'/>"])
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(Refusal):
        CONNECTOR.inspect(data, Inspection("google-ari"))


def test_another_action_is_refused() -> None:
    with pytest.raises(Unsupported):
        CONNECTOR.inspect(AVAIL.encode(), Inspection("google-ari", action="OTA_HotelInvCountNotif"))
