"""A clock to turn, configurations, message builders and a fake gateway for the simulators' tests."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from simulators.config import Gateway, Hotel, OtaConfig, OtaOptions, PmsConfig, PmsOptions, Room
from simulators.desk import Simulator
from simulators.endpoint import Login, Reply
from simulators.opentravel.days import parse_stamp, to_day
from simulators.ota import OtaSimulator
from simulators.outbox import Item, Retry
from simulators.pms import PmsSimulator

NS = "http://www.opentravel.org/OTA/2003/05"
NOW = parse_stamp("2031-01-05T10:00:00Z")
LOGIN = Login("sim", "secret")
HEADERS = {"authorization": LOGIN.header()}
ROOMS = [
    Room("SGL", ["FLEX"], units=3, prices={"FLEX": {1: 8_000}}),
    Room("DBL", ["FLEX", "NRF"], units=5, prices={"FLEX": {1: 9_000, 2: 12_000}}),
]


class FakeClock:
    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def pass_s(self, seconds: float) -> None:
        self.now += seconds


def ota(clock: FakeClock | None = None, retry: Retry | None = None, **options: Any) -> OtaSimulator:
    config = OtaConfig(Hotel("DEMO01"), ROOMS, login=LOGIN, options=OtaOptions(**options), retry=retry or Retry())
    return OtaSimulator(config, clock or FakeClock())


def pms(clock: FakeClock | None = None, retry: Retry | None = None, **options: Any) -> PmsSimulator:
    chosen = retry or Retry(on_errors=False)
    config = PmsConfig(Hotel("DEMO01"), ROOMS, login=LOGIN, options=PmsOptions(**options), retry=chosen)
    return PmsSimulator(config, clock or FakeClock())


def day(text: str) -> int:
    return to_day(f"2031-{text}")


def avail(*parts: str, hotel: str = "DEMO01", echo: str = "e-1") -> bytes:
    return (
        f'<OTA_HotelAvailNotifRQ xmlns="{NS}" EchoToken="{echo}" Version="1.0">'
        f'<AvailStatusMessages HotelCode="{hotel}">{"".join(parts)}</AvailStatusMessages></OTA_HotelAvailNotifRQ>'
    ).encode()


def limit(first: str, last: str, count: int, room: str = "DBL", days: str = "", locator: int = 1) -> str:
    return (
        f'<AvailStatusMessage BookingLimit="{count}" BookingLimitMessageType="SetLimit" LocatorID="{locator}">'
        f'<StatusApplicationControl Start="2031-{first}" End="2031-{last}" InvTypeCode="{room}" {days}/>'
        "</AvailStatusMessage>"
    )


def rule(first: str, last: str, inner: str, room: str = "DBL", plan: str = "FLEX", locator: int = 1) -> str:
    code = f'RatePlanCode="{plan}"' if plan else ""
    return (
        f'<AvailStatusMessage LocatorID="{locator}">'
        f'<StatusApplicationControl Start="2031-{first}" End="2031-{last}" InvTypeCode="{room}" {code}/>'
        f"{inner}</AvailStatusMessage>"
    )


def status(restriction: str, value: str = "Close") -> str:
    return f'<RestrictionStatus Restriction="{restriction}" Status="{value}"/>'


def los(kind: str, time: str = "", based: str = "") -> str:
    about = f'ArrivalDateBased="{based}"' if based else ""
    nights = f'Time="{time}" TimeUnit="Day"' if time else ""
    return f'<LengthsOfStay {about}><LengthOfStay {nights} MinMaxMessageType="{kind}"/></LengthsOfStay>'


def rates(*parts: str, notif_type: str = "") -> bytes:
    kind = f'NotifType="{notif_type}"' if notif_type else ""
    return (
        f'<OTA_HotelRateAmountNotifRQ xmlns="{NS}" EchoToken="e-3" Version="1.0" {kind}>'
        f'<RateAmountMessages HotelCode="DEMO01">{"".join(parts)}</RateAmountMessages></OTA_HotelRateAmountNotifRQ>'
    ).encode()


def rate(first: str, last: str, amounts: dict[int, str], room: str = "DBL", plan: str = "FLEX", rest: str = "") -> str:
    base = "".join(
        f'<BaseByGuestAmt NumberOfGuests="{guests}" AmountAfterTax="{amount}" CurrencyCode="EUR"/>'
        for guests, amount in amounts.items()
    )
    bases = f"<BaseByGuestAmts>{base}</BaseByGuestAmts>" if base else ""
    return (
        '<RateAmountMessage LocatorID="1">'
        f'<StatusApplicationControl Start="2031-{first}" End="2031-{last}" InvTypeCode="{room}" RatePlanCode="{plan}"/>'
        f"<Rates><Rate>{bases}{rest}</Rate></Rates></RateAmountMessage>"
    )


def post(simulator: Simulator, body: bytes) -> etree._Element:
    """Hand a message in and return the answer's root."""
    reply = simulator.handle(body, HEADERS)
    assert reply.status == 200
    return etree.fromstring(reply.body)


def tags(root: etree._Element, name: str) -> list[dict[str, str]]:
    """Attributes of all elements of a local name."""
    return [dict(node.attrib) for node in root.iter(f"{{{NS}}}{name}")]


def succeeded(root: etree._Element) -> bool:
    return root.find(f"{{{NS}}}Success") is not None


def loaded(simulator: OtaSimulator, count: int = 5) -> OtaSimulator:
    """A channel that can sell February 2031."""
    post(simulator, avail(limit("02-01", "02-28", count), limit("02-01", "02-28", count, "SGL")))
    post(simulator, rates(rate("02-01", "02-28", {1: "90.00", 2: "120.00"})))
    return simulator


def book(simulator: OtaSimulator, first: str = "02-03", last: str = "02-05", **more: Any) -> str:
    body = {"room": "DBL", "plan": "FLEX", "arrival": f"2031-{first}", "departure": f"2031-{last}"} | more
    found: Any = simulator.controls["book"](body)
    return str(found["booking_id"])


def limits(simulator: OtaSimulator, first: str, last: str, room: str = "DBL") -> list[int | None]:
    return [simulator.cells.limit(room, one) for one in range(day(first), day(last) + 1)]


def left(simulator: PmsSimulator, first: str, last: str, room: str = "DBL") -> list[int]:
    return [simulator.house.left(room, one) for one in range(day(first), day(last) + 1)]


def send_all(simulator: Simulator, answer: Callable[[bytes], Reply | None]) -> list[Item]:
    """Drive the outbox without a loop: send what is due until nothing is; `answer` None means silence."""
    sent: list[Item] = []
    for _ in range(1000):
        due = simulator.outbox.due(simulator.clock())
        if not due:
            return sent
        for item in due:
            simulator.outbox.started(item)
            reply = answer(simulator.build(item, simulator.clock()))
            simulator.settle(item, reply, "silence", simulator.clock())
            sent.append(item)
    raise AssertionError("the outbox never ran empty")


def ok(body: bytes) -> Reply:
    """A gateway's Success to any message, with its own number for reservations."""
    root = etree.fromstring(body)
    name = etree.QName(root).localname[:-2] + "RS"
    ids = (
        "<HotelReservations><HotelReservation><ResGlobalInfo><HotelReservationIDs>"
        '<HotelReservationID ResID_Type="10" ResID_Value="GW-1"/></HotelReservationIDs>'
        "</ResGlobalInfo></HotelReservation></HotelReservations>"
    )
    payload = ids if name == "OTA_HotelResNotifRS" else ""
    return Reply(200, {}, f'<{name} xmlns="{NS}" Version="1.0"><Success/>{payload}</{name}>'.encode())


def accepted(simulator: Simulator) -> list[bytes]:
    """Send everything to a gateway that takes it; the bodies in order."""
    bodies: list[bytes] = []

    def take(body: bytes) -> Reply:
        bodies.append(body)
        return ok(body)

    send_all(simulator, take)
    return bodies


class FakeGateway:
    """An ASGI application that keeps what it receives and answers from a script, then with Success.

    A script entry is an HTTP status, or `errors` for an OTA Errors answer.
    """

    def __init__(self, *script: int | str) -> None:
        self.script = list(script)
        self.bodies: list[bytes] = []
        self.paths: list[str] = []
        self.logins: list[str] = []

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        message = await receive()
        self.bodies.append(message["body"])
        self.paths.append(scope["path"])
        self.logins.append(dict(scope["headers"]).get(b"authorization", b"").decode())
        reply = self._reply(message["body"])
        await send({"type": "http.response.start", "status": reply.status, "headers": []})
        await send({"type": "http.response.body", "body": reply.body})

    def _reply(self, body: bytes) -> Reply:
        planned = self.script.pop(0) if self.script else 200
        if planned == "errors":
            error = '<Errors><Error Type="13" Code="448">later</Error></Errors>'
            return Reply(
                200, {}, f'<OTA_HotelResNotifRS xmlns="{NS}" Version="1">{error}</OTA_HotelResNotifRS>'.encode()
            )
        return ok(body) if planned == 200 else Reply(int(planned), {}, b"")


def gateway_at(url: str) -> Gateway:
    return Gateway(url, "conn-1", "gw", "pass")


@cache
def _schema(message: str) -> etree.XMLSchema:
    shared = os.environ.get("GATEWAY_SHARED")
    root = Path(shared) if shared else Path(__file__).resolve().parents[2].parent / "shared"
    path = root / "schemas" / "opentravel-2015A" / f"{message}.xsd"
    if not path.exists():
        pytest.skip(f"the OpenTravel 2015A schemas are not beside the project ({path.parent.name}/{path.name})")
    return etree.XMLSchema(etree.parse(path))


def assert_valid(body: bytes) -> None:
    """Valid against the 2015A schema of its message."""
    root = etree.fromstring(body)
    schema = _schema(etree.QName(root).localname)
    assert schema.validate(root), f"{schema.error_log}\n{body.decode()}"
