"""The profile ``ota``: what any release from 2003B to 2017B allows is taken, and what none allows is not."""

from __future__ import annotations

import pytest
from lxml import etree

from connectors.opentravel._shared import inspect_releases, inspect_words
from connectors.opentravel._shared.inspect_ota import inspect
from connectors.opentravel._shared.inspect_shapes import schema
from gateway.contract_inspecting import Inspected, Inspection
from gateway.errors import Malformed, Reason, Refusal, Unsupported
from gateway.wire import shape
from tests.inspecting.documents import NAMESPACE, PAYMENT, answer, avail, booked
from tests.shapes.documents import Author

OTA = Inspection("ota")

CARD = (
    '<OTA_HotelResNotifRQ xmlns="{}" Version="1.0"><HotelReservations><HotelReservation><RoomStays><RoomStay>'
    "<ResGuestRPHs>{}</ResGuestRPHs></RoomStay></RoomStays>{}</HotelReservation></HotelReservations>"
    "</OTA_HotelResNotifRQ>"
)


@pytest.mark.parametrize(
    "data",
    [
        avail(),
        avail('<RestrictionStatus Status="Open"/>'),
        answer("<Success/>"),
        answer('<Errors><Error Type="3" Code="320"/></Errors>'),
        avail()
        .decode()
        .replace("<OTA", "<?xml version='1.0' encoding='UTF-16'?><!-- a sample --><OTA", 1)
        .encode("utf-16"),
        avail(attributes='Version="1.002" TimeStamp="2003-03-17T09:30:47-05:00" Target="Test" SequenceNmbr="1"'),
        b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        + avail()
        + b"</s:Body></s:Envelope>",
    ],
)
def test_what_a_full_description_has_is_taken_without_a_warning(data: bytes) -> None:
    found = inspect(data, OTA)
    assert found.root in ("OTA_HotelAvailNotifRQ", "OTA_HotelAvailNotifRS")
    assert found.warnings == ()


@pytest.mark.parametrize(
    "data",
    [
        avail(namespace=""),
        avail(namespace="http://www.opentravel.org/OTA"),
        avail(namespace="http://www.opentravel.org/OTA/2002/08"),
        CARD.format(NAMESPACE, '<ResGuestRPH RPH="1"/>', "").encode(),
        answer("<Success/>", "OTA_AirAvailRS"),
        answer("", "OTA_HotelSearchRQ"),
        answer("", "OTA_HotelRFP_NotifRQ"),
        answer("", "OTA_HotelRFP_RQ"),
        answer("", "OTA_HotelGetMsgRQ"),
        answer("", "OTA_HotelInvCountRQ"),
        answer("", "OTA_PostEventReportRQ"),
        answer("<Success/>", "OTA_HotelCacheChangeNotifRS"),
        answer("<Success/>", "OTA_ProfileReadRS"),
        answer("<Success/>", "OTA_VehRetResRS"),
        answer("<VehRetResRQCore><Older/></VehRetResRQCore>", "OTA_VehRetResRQ"),
        answer("<ReadRequests><AirReadRequest><Older/></AirReadRequest></ReadRequests>", "OTA_ReadRQ"),
        answer("<ReadRequests><TourReadRequest/></ReadRequests>", "OTA_ReadRQ"),
    ],
)
def test_what_other_releases_and_trades_have_is_taken_with_a_warning(data: bytes) -> None:
    assert len(inspect(data, OTA).warnings) == 1


XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'

WRONG = [
    (avail(attributes=f'Version="1.0" {XSI} xsi:type="Strange"'), "OTA_HotelAvailNotifRQ/@type", Reason.SYNTAX),
    (avail(attributes='Version="1.0" EchoToken=""'), "OTA_HotelAvailNotifRQ/@EchoToken", Reason.INVALID_VALUE),
    (
        answer("<ReadRequests><HotelReadRequest><Older/></HotelReadRequest></ReadRequests>", "OTA_ReadRQ"),
        "ReadRequests/HotelReadRequest/Older",
        Reason.SYNTAX,
    ),
    (
        answer('<VehRetResRQInfo><SearchDateRange Start="2031-02-30"/></VehRetResRQInfo>', "OTA_VehRetResRQ"),
        "SearchDateRange/@Start",
        Reason.INVALID_DATE,
    ),
    (
        answer(
            '<ReadRequests><AirReadRequest Older="1"><DepartureDate>2031-02-30</DepartureDate></AirReadRequest>'
            "</ReadRequests>",
            "OTA_ReadRQ",
        ),
        "AirReadRequest/DepartureDate",
        Reason.INVALID_DATE,
    ),
    (
        answer(
            "<ReadRequests><AirReadRequest/><HotelReadRequest><Older/></HotelReadRequest></ReadRequests>", "OTA_ReadRQ"
        ),
        "HotelReadRequest/Older",
        Reason.SYNTAX,
    ),
    (answer("<VehRetResRQCore/><Errors/><Success/>", "OTA_VehRetResRS"), "OTA_VehRetResRS/Errors", Reason.SYNTAX),
    (avail("<Strange/>"), "AvailStatusMessage/Strange", Reason.SYNTAX),
    (avail("<RateAmountMessages/>"), "AvailStatusMessage/RateAmountMessages", Reason.SYNTAX),
    (avail('<x:A xmlns:x="urn:x"/>'), "AvailStatusMessage/A", Reason.SYNTAX),
    (avail('<RestrictionStatus Status="Shut"/>'), "RestrictionStatus/@Status", Reason.INVALID_VALUE),
    (avail('<RestrictionStatus Colour="red"/>'), "RestrictionStatus/@Colour", Reason.SYNTAX),
    (avail('<LengthsOfStay><LengthOfStay Time="two"/></LengthsOfStay>'), "LengthOfStay/@Time", Reason.INVALID_VALUE),
    (avail("<RestrictionStatus/><RestrictionStatus/>"), "RestrictionStatus[2]", Reason.SYNTAX),
    (avail("<RestrictionStatus/><LengthsOfStay/>"), "LengthsOfStay", Reason.SYNTAX),
    (avail("words"), "AvailStatusMessage", Reason.SYNTAX),
    (avail(attributes=""), "OTA_HotelAvailNotifRQ/@Version", Reason.REQUIRED_MISSING),
    (avail(attributes='Version="one"'), "OTA_HotelAvailNotifRQ/@Version", Reason.INVALID_VALUE),
    (avail(attributes='Version="1" TimeStamp="2031-02-30T10:00:00Z"'), "@TimeStamp", Reason.INVALID_DATE),
    (answer('<Success/><Errors><Error Type="3"/></Errors>'), "Errors", Reason.SYNTAX),
    (answer(""), "OTA_HotelAvailNotifRS", Reason.REQUIRED_MISSING),
    (answer("<Errors/>"), "Errors", Reason.REQUIRED_MISSING),
    (booked("<DepositPayments/>"), "DepositPayments", Reason.REQUIRED_MISSING),
    (booked("<RequiredPayment/>"), "RoomStay/RequiredPayment", Reason.SYNTAX),
    (
        booked(PAYMENT.format("DepositPayments")).replace(b'Percent="10"', b'Percent="x"'),
        "RequiredPayment/AmountPercent/@Percent",
        Reason.INVALID_VALUE,
    ),
    (answer("<Success/><Errors/>", "OTA_AirAvailRS"), "OTA_AirAvailRS/Errors", Reason.SYNTAX),
    (answer("<Success/>", "OTA_AirAvailRS").replace(b'"1.0"', b'"x"'), "@Version", Reason.INVALID_VALUE),
    (answer("<Success/>", "OTA_AirAvailRS").replace(b'Version="1.0"', b""), "@Version", Reason.REQUIRED_MISSING),
]


@pytest.mark.parametrize(("data", "path", "reason"), WRONG)
def test_what_is_wrong_in_every_release_is_refused_at_its_place(data: bytes, path: str, reason: Reason) -> None:
    with pytest.raises(Malformed) as caught:
        inspect(data, OTA)
    assert (caught.value.path or "").endswith(path)
    assert (caught.value.reason, caught.value.line) == (reason, 1)


@pytest.mark.parametrize(
    "data",
    [
        b"<html/>",
        answer("", "OTA_HotelStrangeRQ"),
        answer("", "OTA_StrangeRS"),
        answer("", "HotelAvailNotifRQ"),
        answer("", "OTA_HotelAvailNotif"),
        avail(namespace="http://www.example.org/OTA/2003/05"),
        avail(namespace="http://www.opentravel.org/OTA/2003/05/"),
    ],
)
def test_what_is_no_message_of_opentravel_is_unsupported(data: bytes) -> None:
    with pytest.raises(Unsupported):
        inspect(data, OTA)


def test_an_action_names_the_message() -> None:
    assert inspect(avail(), Inspection("ota", "OTA_HotelAvailNotif")).root == "OTA_HotelAvailNotifRQ"
    with pytest.raises(Unsupported):
        inspect(avail(), Inspection("ota", "OTA_HotelRateAmountNotif"))


@pytest.mark.parametrize("release", inspect_words.RELEASES)
def test_the_tolerant_reading_takes_whatever_a_release_has(release: str) -> None:
    table = schema(release)
    for root in sorted(table.table.roots)[::3]:
        document = etree.fromstring(etree.tostring(Author(table, 1).document(root)))
        shape.check(document, table)
        inspect_releases.check(document)


def test_a_long_document_gets_the_same_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [avail(), avail(namespace=""), CARD.format(NAMESPACE, '<ResGuestRPH RPH="1"/>', "").encode()]
    short = [_verdict(data) for data in (*cases, *(data for data, _, _ in WRONG))]
    monkeypatch.setattr("connectors.opentravel._shared.inspect_ota.TREE_BYTES_MAX", 0)
    assert [_verdict(data) for data in (*cases, *(data for data, _, _ in WRONG))] == short


def _verdict(data: bytes) -> tuple[object, ...]:
    try:
        found: Inspected = inspect(data, OTA)
    except Refusal as refusal:
        return type(refusal), refusal.reason, refusal.path, refusal.line
    return (found.root, len(found.warnings) > 0)
