"""A PMS built with zeep, from SiteMinder's published WSDL and from ours, over a socket to our own web application."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import shutil
import socket
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
import zeep
from lxml import etree
from zeep.exceptions import Fault, XMLParseError
from zeep.plugins import HistoryPlugin
from zeep.wsse.username import UsernameToken

from connectors.opentravel.ota import CONNECTOR as OTA
from connectors.opentravel.pmsxchange import CONNECTOR
from connectors.opentravel.siteconnect import CONNECTOR as SITECONNECT
from gateway.contract import Connector
from gateway.model.property import Connection, Product, Role
from gateway.registry import Registry
from gateway.store.opening import open_database
from gateway.web.app import create_app
from tests.conformance.soap_login import security
from tests.connectors.opentravel import siteminder
from tests.flows.house import PLANS, ROOMS, TODAY, House, channel, hotel, new, stay
from tests.simulation.plain import PlainConnector

BINDING = "{http://www.siteminder.com.au/pmsxchange}PmsXchangeServiceSoap11"
# zeep has no types.
_CLIENT: Any = zeep.Client
_TOKEN: Any = UsernameToken
_HISTORY: Any = HistoryPlugin
POS = {"Source": [{"RequestorID": {"Type": "22", "ID": "GATEWAY"}}]}
NOW = {"Version": Decimal("1.0"), "EchoToken": "e-1", "TimeStamp": datetime(2031, 1, 5, 8, tzinfo=UTC)}


def pms() -> Connection:
    products = tuple(Product(room.code, plan.code, f"p{room.code}", plan.code) for room in ROOMS for plan in PLANS)
    options = {"requestor_id": "GATEWAY"}
    return Connection("pms", "pmsxchange", "pmsxchange", Role.PMS, "DEMO01", products=products, options=options)


class Served(House):
    """The hotel behind the gateway's web application; ``url`` is where its PMS posts."""

    url = ""


@pytest.fixture
async def served(migrated_sqlite: Path, tmp_path: Path) -> AsyncIterator[Served]:
    shutil.copyfile(migrated_sqlite, tmp_path / "gateway.sqlite3")
    database = open_database(f"sqlite:///{tmp_path / 'gateway.sqlite3'}")
    await database.open()
    house = Served(database)
    house.start()
    await house.apply(hotel(pms(), channel("ota")))
    connectors: dict[str, Connector] = {one.name: one for one in (CONNECTOR, SITECONNECT, OTA, PlainConnector())}
    house.services = dataclasses.replace(house.services, connectors=Registry(connectors, {}))
    async with _listening(create_app(house.services)) as base:
        house.url = f"{base}/pmsxchange/pms"
        yield house
    await house.stop()
    await database.close()


@contextlib.asynccontextmanager
async def _listening(app: Any) -> AsyncIterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none"))
        with contextlib.ExitStack() as stack:
            # It is not this server's business how the test process ends.
            server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
            task = asyncio.ensure_future(server.serve([taken]))
            stack.callback(setattr, server, "should_exit", True)
            yield f"http://127.0.0.1:{taken.getsockname()[1]}"
        await task


class Pms:
    """A zeep client; its calls block, so they run on a thread. ``history`` keeps the last envelopes."""

    def __init__(self, wsdl: str, url: str, password: str = "in") -> None:
        self.history = _HISTORY()
        client = _CLIENT(wsdl, wsse=_TOKEN("them", password), plugins=[self.history])
        self._service = client.create_service(BINDING, url)

    async def call(self, operation: str, **message: Any) -> Any:
        return await asyncio.to_thread(getattr(self._service, operation), **NOW, **message)

    async def refused(self, operation: str, **message: Any) -> etree._Element:
        """The one Error of the answer, which zeep has received, but cannot fit into the choice with Success."""
        with contextlib.suppress(XMLParseError):
            await self.call(operation, **message)
        assert not self.said("Success")
        (error,) = self.said("Error")
        return error

    def said(self, name: str) -> list[etree._Element]:
        """Elements of the last answer by local name; zeep shows an empty Success like an absent one."""
        received: Any = self.history.last_received
        return list(received["envelope"].iter(f"{{*}}{name}"))


@pytest.fixture(scope="session")
def published() -> str:
    logging.getLogger("zeep").setLevel(logging.WARNING)
    return str(siteminder.folder() / "pmsxchange" / "pmsxchange_flat.wsdl")


def limit(rooms: int, room: str = "pDBL") -> dict[str, Any]:
    first = date.fromordinal(TODAY).isoformat()
    last = date.fromordinal(TODAY + 9).isoformat()
    return {
        "BookingLimit": rooms,
        "StatusApplicationControl": {"Start": first, "End": last, "InvTypeCode": room},
    }


def of_plan(**more: Any) -> dict[str, Any]:
    control = limit(0)["StatusApplicationControl"] | {"RatePlanCode": "BAR"}
    return {"StatusApplicationControl": control, **more}


@siteminder.needed
async def test_ping(served: Served, published: str) -> None:
    pms = Pms(published, served.url)
    await pms.call("PingRQ", EchoData="are you there? <&>")
    assert pms.said("Success")
    assert [one.text for one in pms.said("EchoData")] == ["are you there? <&>"]
    assert pms.said("OTA_PingRS")[0].get("EchoToken") == "e-1"


@siteminder.needed
async def test_availability_restrictions_and_rates(served: Served, published: str) -> None:
    pms = Pms(published, served.url)
    messages = {"HotelCode": "DEMO01", "AvailStatusMessage": [limit(2), limit(1, "pFAM")]}
    await pms.call("HotelAvailNotifRQ", POS=POS, AvailStatusMessages=messages)
    assert pms.said("Success")
    minimum = {"LengthOfStay": [{"MinMaxMessageType": "SetMinLOS", "Time": 2}]}
    rules = [of_plan(LengthsOfStay=minimum), of_plan(RestrictionStatus={"Restriction": "Arrival", "Status": "Close"})]
    messages = {"HotelCode": "DEMO01", "AvailStatusMessage": rules}
    await pms.call("HotelAvailNotifRQ", POS=POS, AvailStatusMessages=messages)
    assert pms.said("Success")
    amounts = [
        {"AgeQualifyingCode": "10", "NumberOfGuests": 1, "AmountAfterTax": "90.00", "CurrencyCode": "EUR"},
        {"AgeQualifyingCode": "10", "NumberOfGuests": 2, "AmountAfterTax": "120.50", "CurrencyCode": "EUR"},
    ]
    rate = {"BaseByGuestAmts": {"BaseByGuestAmt": amounts}}
    messages = {"HotelCode": "DEMO01", "RateAmountMessage": [of_plan(Rates={"Rate": [rate]})]}
    await pms.call("HotelRateAmountNotifRQ", POS=POS, RateAmountMessages=messages)
    assert pms.said("Success")

    assert [await served.free("DBL", day) for day in (0, 9)] == [2, 2]
    assert await served.free("FAM", 5) == 1
    assert await served.cell("DBL", "BAR", 3, "min_arrival") == 2
    assert await served.cell("DBL", "BAR", 3, "cta") == 1
    assert (await served.cell("DBL", "BAR", 3, "price"))[:2] == [9000, 12050]  # type: ignore[index]


@siteminder.needed
async def test_an_unknown_room_is_an_error_and_no_fault(served: Served, published: str) -> None:
    pms = Pms(published, served.url)
    messages = {"HotelCode": "DEMO01", "AvailStatusMessage": [limit(2), limit(1, "SUITE")]}
    error = await pms.refused("HotelAvailNotifRQ", POS=POS, AvailStatusMessages=messages)
    assert (error.get("Type"), error.get("Code")) == ("12", "402")
    assert error.text == "Room type code not found for this hotel"
    assert await served.free("DBL", 0) == 0


@siteminder.needed
@pytest.mark.parametrize(("password", "requestor"), [("guess", "GATEWAY"), ("in", "OTHER")])
async def test_a_stranger_is_told_in_the_dialects_words(
    served: Served, published: str, password: str, requestor: str
) -> None:
    pms = Pms(published, served.url, password)
    pos = {"Source": [{"RequestorID": {"Type": "22", "ID": requestor}}]}
    messages = {"HotelCode": "DEMO01", "AvailStatusMessage": [limit(2)]}
    error = await pms.refused("HotelAvailNotifRQ", POS=pos, AvailStatusMessages=messages)
    assert (error.get("Type"), error.get("Code")) == ("4", "448")
    assert error.text == "Invalid Username and/or Password"
    assert await served.free("DBL", 0) == 0


UNDELIVERED = {"HotelReadRequest": [{"HotelCode": "DEMO01", "SelectionCriteria": {"SelectionType": "Undelivered"}}]}


def report(number: str, ref: str) -> dict[str, Any]:
    ids = {"HotelReservationID": [{"ResID_Type": "14", "ResID_Value": ref}]}
    unique = [{"Type": "16", "ID": number, "ID_Context": "MESSAGE_UNIQUE_ID"}]
    reservation = {"UniqueID": unique, "ResGlobalInfo": {"HotelReservationIDs": ids}}
    return {"HotelNotifReport": {"HotelReservations": {"HotelReservation": [reservation]}}}


@siteminder.needed
async def test_a_reservation_is_fetched_until_it_is_reported_on(served: Served, published: str) -> None:
    pms = Pms(published, served.url)
    await pms.call("ReadRQ", POS=POS, ReadRequests=UNDELIVERED)
    assert pms.said("Success")
    assert not pms.said("ReservationsList")

    ours = await served.say(new(stay(2, 4), booking="WEB-7781"))
    await pms.call("ReadRQ", POS=POS, ReadRequests=UNDELIVERED)
    (first,) = pms.said("HotelReservation")
    await pms.call("ReadRQ", POS=POS, ReadRequests=UNDELIVERED)
    (reservation,) = pms.said("HotelReservation")
    assert etree.tostring(reservation) == etree.tostring(first)
    assert siteminder.faults(etree.tostring(reservation.getroottree()), "pmsxchange") == []
    ids = {one.get("Type", ""): one.get("ID", "") for one in reservation.iterfind("{*}UniqueID")}
    assert (reservation.get("ResStatus"), ids["14"]) == ("Book", ours)
    assert next(reservation.iter("{*}RoomType")).get("RoomTypeCode") == "pDBL"

    # zeep leaves out the Success that should stand here, because it is empty.
    await pms.call("NotifReportRQ", NotifDetails=report(ids["16"], "PMS-55"))
    assert pms.said("Success")
    await pms.call("ReadRQ", POS=POS, ReadRequests=UNDELIVERED)
    assert not pms.said("HotelReservation")


async def test_a_client_built_from_our_own_description(served: Served) -> None:
    pms = await asyncio.to_thread(Pms, f"{served.url}?wsdl", served.url)
    await pms.call("PingRQ", EchoData="there?")
    assert [one.text for one in pms.said("EchoData")] == ["there?"]
    messages = {"HotelCode": "DEMO01", "AvailStatusMessage": [limit(3)]}
    channel = {"Type": "1", "CompanyName": {"_value_1": "A PMS", "Code": "PMS"}}
    pos = {"Source": [{**POS["Source"][0], "BookingChannel": channel}]}
    await pms.call("HotelAvailNotifRQ", POS=pos, AvailStatusMessages=messages)
    assert pms.said("Success")
    assert await served.free("DBL", 0) == 3


async def test_the_description_names_the_address_that_was_asked(served: Served) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        found = await client.get(f"{served.url}?wsdl", headers={"host": "hotels.example.org"})
        other = await client.get(f"{served.url}?xsd")
        unknown = await client.get(served.url.removesuffix("pms") + "nobody?WSDL")
        forged = await client.get(f"{served.url}?wsdl", headers={"host": 'x"><evil'})
    assert (found.status_code, found.headers["content-type"]) == (200, "text/xml; charset=utf-8")
    (address,) = etree.fromstring(found.content).iter("{http://schemas.xmlsoap.org/wsdl/soap/}address")
    assert address.get("location") == "http://hotels.example.org/pmsxchange/pms"
    assert other.status_code == 405
    assert unknown.status_code == 200
    assert b"evil" not in forged.content


def envelope(body: str, password: str = "in", before: str = "") -> bytes:
    header = f"<soap:Header>{security('them', password)}</soap:Header>"
    opening = '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">'
    return f"{before}{opening}{header}<soap:Body>{body}</soap:Body></soap:Envelope>".encode()


PING = '<OTA_PingRQ xmlns="http://www.opentravel.org/OTA/2003/05" Version="1.0"><EchoData>x</EchoData></OTA_PingRQ>'
BROKEN = {
    "doctype": envelope(PING, before='<!DOCTYPE a [<!ENTITY b "c">]>'),
    "two messages": envelope(PING + PING),
    "nothing": envelope(""),
    "unknown operation": envelope(PING.replace("OTA_PingRQ", "OTA_NoSuchRQ")),
    "no envelope": PING.encode(),
    "not xml": b"hello",
}


@pytest.mark.parametrize("name", BROKEN)
async def test_what_cannot_be_read_is_the_senders_fault(served: Served, name: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        reply = await client.post(served.url, content=BROKEN[name], headers={"content-type": "text/xml"})
    assert reply.status_code == 500  # as SOAP 1.1 says of every fault
    root = etree.fromstring(reply.content)
    assert root.findtext(".//faultcode") == "soap:Client"
    (told,) = root.iter("{http://www.opentravel.org/OTA/2003/05}OTA_ErrorRS")
    assert told.get("ErrorCode")


async def test_any_soap_action_will_do(served: Served) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        for action in ('"http://www.siteminder.com.au/pmsxchange/ReadRQ"', '""', "nonsense"):
            reply = await client.post(served.url, content=envelope(PING), headers={"soapaction": action})
            assert (reply.status_code, b"<Success/>" in reply.content) == (200, True)


async def test_an_unknown_account_is_a_fault(served: Served) -> None:
    pms = await asyncio.to_thread(Pms, f"{served.url}?wsdl", served.url.removesuffix("pms") + "nobody")
    with pytest.raises(Fault) as raised:
        await pms.call("PingRQ", EchoData="there?")
    assert raised.value.code == "soap:Client"
