"""What a counterpart is told when it is wrong, and that nothing of its message took effect."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest
from lxml import etree

from simulators.endpoint import Login
from tests.e2e.town import LOGINS, NS, PATIENCE_S, Town, ahead

MEGABYTE = b" " * 1_048_576


def avail(*parts: str, hotel: str = "MIRAMAR") -> bytes:
    return (
        f'<OTA_HotelAvailNotifRQ xmlns="{NS}" EchoToken="e-1" Version="1.0"><AvailStatusMessages HotelCode="{hotel}">'
        f"{''.join(parts)}</AvailStatusMessages></OTA_HotelAvailNotifRQ>"
    ).encode()


def limit(count: str = "1", first: str = "", last: str = "", room: str = "DZ") -> str:
    return (
        f'<AvailStatusMessage BookingLimit="{count}" BookingLimitMessageType="SetLimit" LocatorID="7">'
        f'<StatusApplicationControl Start="{first or ahead(90)}" End="{last or ahead(91)}" InvTypeCode="{room}"/>'
        "</AvailStatusMessage>"
    )


def rates(amount: str = "99.00", room: str = "DZ", plan: str = "RACK", currency: str = "EUR") -> bytes:
    return (
        f'<OTA_HotelRateAmountNotifRQ xmlns="{NS}" EchoToken="e-1" Version="1.0">'
        '<RateAmountMessages HotelCode="MIRAMAR"><RateAmountMessage LocatorID="7">'
        f'<StatusApplicationControl Start="{ahead(90)}" End="{ahead(91)}" InvTypeCode="{room}" RatePlanCode="{plan}"/>'
        f'<Rates><Rate><BaseByGuestAmts><BaseByGuestAmt NumberOfGuests="2" AmountAfterTax="{amount}" '
        f'CurrencyCode="{currency}"/></BaseByGuestAmts></Rate></Rates></RateAmountMessage></RateAmountMessages>'
        "</OTA_HotelRateAmountNotifRQ>"
    ).encode()


def booking(arrival: str, departure: str, hotel: str = "SB-40127", identity: str = "X-1") -> bytes:
    return (
        f'<OTA_HotelResNotifRQ xmlns="{NS}" EchoToken="e-1" Version="1.0" ResStatus="Commit"><HotelReservations>'
        f'<HotelReservation CreateDateTime="2026-01-01T00:00:00Z"><UniqueID Type="14" ID="{identity}"/><RoomStays>'
        '<RoomStay><RoomTypes><RoomType RoomTypeCode="10"/></RoomTypes><RatePlans><RatePlan RatePlanCode="STD"/>'
        f'</RatePlans><TimeSpan Start="{arrival}" End="{departure}"/><BasicPropertyInfo HotelCode="{hotel}"/>'
        "</RoomStay></RoomStays></HotelReservation></HotelReservations></OTA_HotelResNotifRQ>"
    ).encode()


class Wrong(NamedTuple):
    """A message, and the Type (EWT), Code (ERR), HTTP status and words of its refusal."""

    body: bytes
    kind: str
    code: str
    status: int = 200
    words: str = ""
    connection: str = "demo-pms"


GOOD = limit("3", room="FZ")
WRONG = {
    "not xml": Wrong(b"hello", "12", "367", 400),
    "empty": Wrong(b"", "12", "367", 400),
    "cut off": Wrong(avail(GOOD)[:-40], "12", "367", 400),
    "not utf-8": Wrong(avail(GOOD).replace(b"MIRAMAR", b"MIR\xff"), "12", "367", 400),
    "doctype": Wrong(b'<!DOCTYPE x [<!ENTITY a "b">]>' + avail(GOOD), "7", "367", 400),
    "entity of the machine": Wrong(
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>', "7", "367", 400
    ),
    "unknown message": Wrong(f'<OTA_NoSuchRQ xmlns="{NS}"/>'.encode(), "2", "459"),
    "another namespace": Wrong(b'<OTA_HotelAvailNotifRQ xmlns="urn:other"/>', "2", "450"),
    "unknown hotel": Wrong(avail(GOOD, hotel="RITZ"), "12", "392", words="RITZ"),
    "unknown room": Wrong(avail(GOOD, limit(room="SUITE")), "12", "402", words="SUITE"),
    "unknown plan": Wrong(rates(plan="CORP"), "12", "249", words="CORP"),
    "derived plan": Wrong(rates(plan="RACKNR"), "12", "249", words="RACKNR"),
    "foreign currency": Wrong(rates(currency="USD"), "3", "61", words="USD"),
    "30 February": Wrong(avail(GOOD, limit(first="2027-02-30")), "3", "15", words="2027-02-30"),
    "date in words": Wrong(avail(GOOD, limit(first="tomorrow")), "3", "15", words="tomorrow"),
    "ends before it starts": Wrong(avail(GOOD, limit(first=ahead(92), last=ahead(90))), "3", "404"),
    "negative limit": Wrong(avail(GOOD, limit("-1")), "3", "320", words="-1"),
    "limit in words": Wrong(avail(GOOD, limit("many")), "3", "320", words="many"),
    "price in words": Wrong(rates("cheap"), "3", "320", words="cheap"),
    "rates from a channel": Wrong(avail(limit(room="10"), hotel="SB-40127"), "6", "497", connection="sunbeds"),
    "booking of another hotel": Wrong(
        booking(ahead(90), ahead(91), hotel="RITZ"), "12", "392", words="RITZ", connection="sunbeds"
    ),
    "booking without a night": Wrong(booking(ahead(90), ahead(90)), "3", "404", connection="sunbeds"),
    "booking of 31 April": Wrong(booking("2027-04-31", "2027-05-02"), "3", "15", connection="sunbeds"),
    "booking without an id": Wrong(booking(ahead(90), ahead(91), identity=""), "3", "87", connection="sunbeds"),
}


class Told(NamedTuple):
    """What a refusal says, in whichever of the two shapes it comes."""

    kind: str
    code: str
    words: str
    record: str


def told(reply: httpx.Response) -> Told:
    root = etree.fromstring(reply.content)
    assert root.find(f"{{{NS}}}Success") is None
    if etree.QName(root).localname == "OTA_ErrorRS":
        kind, _, words = root.get("ErrorMessage", "").removeprefix("Type ").partition(": ")
        return Told(kind, root.get("ErrorCode", ""), words, "")
    error = root.find(f"{{{NS}}}Errors/{{{NS}}}Error")
    assert error is not None, reply.text
    assert len(error.get("ShortText", "")) in range(1, 65)
    words = error.get("ShortText", "") + (error.text or "")
    return Told(error.get("Type", ""), error.get("Code", ""), words, error.get("RecordID", ""))


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_message(running_town: Town, name: str) -> None:
    wrong = WRONG[name]
    before = running_town.ledger()
    reply = running_town.post(wrong.connection, wrong.body)
    found = told(reply)
    assert (reply.status_code, found.kind, found.code) == (wrong.status, wrong.kind, wrong.code), reply.text
    assert wrong.words in found.words
    assert running_town.ledger() == before
    assert "xml" in reply.headers["content-type"]


def test_the_answer_names_the_part_and_echoes_the_message(running_town: Town) -> None:
    reply = running_town.post("demo-pms", WRONG["unknown room"].body)
    assert etree.fromstring(reply.content).get("EchoToken") == "e-1"
    assert told(reply).record == "7"


# --- who is there -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("connection", "login"),
    [
        ("demo-pms", Login("miramar-pms", "guess")),
        ("demo-pms", Login("somebody", "demo-pms-in")),
        ("demo-pms", LOGINS["sunbeds"]),
        ("demo-pms", Login("miramar-pms", "")),
    ],
    ids=["wrong password", "wrong user", "another connection's login", "no password"],
)
def test_a_stranger(running_town: Town, connection: str, login: Login) -> None:
    before = running_town.ledger()
    reply = running_town.post(connection, avail(GOOD), login)
    assert reply.status_code == 401
    assert reply.headers["www-authenticate"].startswith("Basic")
    assert told(reply)[:2] == ("4", "497")
    assert running_town.ledger() == before


def test_nobody_in_particular(running_town: Town) -> None:
    url = f"{running_town.gateway.url}/opentravel/demo-pms"
    reply = httpx.post(url, content=avail(GOOD), trust_env=False)
    assert (reply.status_code, told(reply)[:2]) == (401, ("4", "497"))


@pytest.mark.parametrize("connection", ["nobody", "", "x" * 500])
def test_an_unknown_connection(running_town: Town, connection: str) -> None:
    """It is answered in the same words whatever is posted, so nothing can be learned about others."""
    url = f"{running_town.gateway.url}/opentravel/{connection}"
    reply = httpx.post(url, content=avail(GOOD), headers={"authorization": "Basic eDp5"}, trust_env=False)
    assert reply.status_code in (200, 400, 401, 404)
    assert etree.QName(etree.fromstring(reply.content)).localname == "OTA_ErrorRS"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
def test_only_posting(running_town: Town, method: str) -> None:
    url = f"{running_town.gateway.url}/opentravel/demo-pms"
    reply = httpx.request(method, url, headers={"authorization": LOGINS["demo-pms"].header()}, trust_env=False)
    assert (reply.status_code, reply.headers["allow"]) == (405, "POST")
    if method != "HEAD":
        assert told(reply).kind == "2"


# --- too much ---------------------------------------------------------------------------------------------------------


def megabytes(count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield MEGABYTE


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "streamed"])
@pytest.mark.parametrize("size", [25, 100])
def test_a_body_without_end(running_town: Town, size: int, declared: bool) -> None:
    """Other messages are answered meanwhile, and the process stays small."""
    before = running_town.ledger()
    headers = {"content-length": str(size * 1_048_576)} if declared else {}
    replies: list[httpx.Response] = []
    flood = threading.Thread(
        target=lambda: replies.append(running_town.post("demo-pms", megabytes(size), headers=headers))  # type: ignore[arg-type]
    )
    flood.start()
    ping = f'<OTA_PingRQ xmlns="{NS}" Version="1.0"><EchoData>there?</EchoData></OTA_PingRQ>'
    assert "there?" in running_town.post("sunbeds", ping.encode()).text
    flood.join(PATIENCE_S)
    (reply,) = replies
    assert (reply.status_code, told(reply)[:2]) == (413, ("7", "450"))
    assert running_town.ledger() == before


def test_health(running_town: Town) -> None:
    for name, answer in (("live", "alive\n"), ("ready", "ready\n")):
        reply = httpx.get(f"{running_town.gateway.url}/health/{name}", trust_env=False)
        assert (reply.status_code, reply.text) == (200, answer)
