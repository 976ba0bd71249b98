"""What pmsXchange says: valid by SiteMinder's schemas, in the dialect's words; and what counterparts' answers mean."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from lxml import etree

from connectors.opentravel._shared.message_id import MessageId
from connectors.opentravel.pmsxchange import CONNECTOR
from gateway.contract import Confirmed, Decoded, Describes, Document, Head, Refused, Reply
from gateway.contract_inspecting import Inspection, Inspector
from gateway.errors import (
    Malformed,
    OutcomeUnknown,
    Reason,
    Refusal,
    Rejected,
    Retryable,
    Unauthentic,
    Unmapped,
    Unsupported,
)
from gateway.messages import (
    Applied,
    Command,
    Found,
    Ping,
    Pong,
    PushAvailability,
    PushRates,
    Result,
    Taken,
)
from gateway.model.ari import AriUpdate, Field, Setting
from gateway.model.reservation import RevisionKind
from gateway.wire import soap, wsse
from gateway.wire.soap import FaultCode, Version
from gateway.wire.xml import read_tree
from tests.conformance.soap_login import show_token
from tests.connectors.opentravel import siteminder
from tests.connectors.opentravel.siteminder_samples import FIRST, HEAD, NOW_MS, SITE, delivery, outgoing

FIXTURES = Path(__file__).parents[4] / "fixtures" / "opentravel" / "pmsxchange"


def opened(name: str, username: str = "partner", password: str = "partner-secret") -> Document:
    _, body = show_token(HEAD, (FIXTURES / f"{name}.xml").read_bytes(), username, password)
    return CONNECTOR.open(HEAD, [body])


def message_in(body: bytes) -> etree._Element:
    return soap.unwrap(read_tree(body)).payload


def errors_in(reply: Reply) -> list[tuple[str | None, str | None, str | None]]:
    return [(one.get("Type"), one.get("Code"), one.text) for one in message_in(reply.body).iter("{*}Error")]


def update(*settings: Setting, room: str = "DBL", plan: str = "", weekdays: int = 127) -> AriUpdate:
    prices = settings[0].field in (Field.PRICE, Field.EXTRA_ADULT)
    return AriUpdate(room, plan, FIRST, FIRST + 9, settings, weekdays, "EUR" if prices else "")


LIMITS = update(Setting(Field.FIGURE, 4))
RULES = update(
    *(Setting(field, 1) for field in (Field.CLOSED, Field.CTA, Field.CTD, Field.MIN_ARRIVAL, Field.MAX_THROUGH)),
    Setting(Field.MIN_THROUGH, 0),
    plan="FLEX",
    weekdays=0b0110000,
)
PRICES = update(
    Setting(Field.PRICE, 9000, 1),
    Setting(Field.PRICE, 12050, 2),
    Setting(Field.EXTRA_ADULT, 3000),
    Setting(Field.EXTRA_CHILD, 1500),
    plan="FLEX",
)
COMMANDS: list[Command] = [
    Ping(id="p-1", at_ms=NOW_MS),
    PushAvailability(id="a-1", at_ms=NOW_MS, updates=(LIMITS,)),
    PushAvailability(id="a-2", at_ms=NOW_MS, updates=(RULES,)),
    PushRates(id="r-1", at_ms=NOW_MS, updates=(PRICES,)),
    *(delivery(kind) for kind in (RevisionKind.NEW, RevisionKind.MODIFY, RevisionKind.CANCEL)),
]


# --- what we send -----------------------------------------------------------------------------------------------------


@siteminder.needed
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: f"{type(command).__name__} {command.id}")
def test_what_we_send_is_valid(command: Command) -> None:
    request = CONNECTOR.encode(command, SITE)
    assert siteminder.faults(request.body, "pmsxchange") == []
    envelope = soap.unwrap(read_tree(request.body))
    assert envelope.header is not None
    assert wsse.read_token(list(envelope.header)) == ("gateway", "p<w>")
    operation = request.headers["soapaction"].strip('"').removeprefix("http://www.siteminder.com.au/pmsxchange/")
    assert str(envelope.payload.tag).endswith(f"OTA_{operation}")


def test_requests_are_signed_with_the_pms_code() -> None:
    for command in COMMANDS[1:]:
        (requestor,) = message_in(CONNECTOR.encode(command, SITE).body).iterfind("{*}POS/{*}Source/{*}RequestorID")
        assert (requestor.get("Type"), requestor.get("ID")) == ("22", "GATEWAY")


def test_availability_and_restrictions_go_apart() -> None:
    both = PushAvailability(id="a", at_ms=NOW_MS, updates=(LIMITS, RULES, RULES))
    assert CONNECTOR.encode(both, SITE).parts == 1
    rest = msgspec.structs.replace(both, updates=both.updates[1:])
    assert CONNECTOR.encode(rest, SITE).parts == 2
    mixed = update(Setting(Field.FIGURE, 4), Setting(Field.CLOSED, 1), plan="FLEX")
    with pytest.raises(Unsupported):
        CONNECTOR.encode(msgspec.structs.replace(both, updates=(mixed,)), SITE)


def test_a_message_speaks_of_one_product() -> None:
    other = update(Setting(Field.FIGURE, 4), room="SGL")
    assert CONNECTOR.encode(PushAvailability(id="a", at_ms=NOW_MS, updates=(LIMITS, other)), SITE).parts == 1


def test_every_night_has_a_rate_of_its_own() -> None:
    rates = list(message_in(CONNECTOR.encode(delivery(RevisionKind.NEW), SITE).body).iter("{*}Rate"))
    assert [rate.get("UnitMultiplier") for rate in rates] == ["1", "1", "1"]


def test_a_quote_is_not_delivered() -> None:
    with pytest.raises(Unsupported):
        CONNECTOR.encode(delivery(RevisionKind.IGNORE), SITE)


# --- how they answer --------------------------------------------------------------------------------------------------


def heard(body: bytes, status: int = 200, command: Command = COMMANDS[1]) -> Decoded:
    return CONNECTOR.decode(command, CONNECTOR.encode(command, SITE), Reply(status, {}, body), SITE)


def rs(content: str, root: str = "OTA_HotelAvailNotifRS") -> bytes:
    return soap.wrap(f'<{root} xmlns="{siteminder.NAMESPACE}" Version="1.0">{content}</{root}>'.encode(), Version.V11)


def test_success_confirms() -> None:
    assert heard(rs("<Success/>")) == Decoded(Confirmed())


def test_the_number_of_a_pms_is_kept() -> None:
    ids = '<HotelReservationIDs><HotelReservationID ResID_Type="14" ResID_Value="PMS-7"/></HotelReservationIDs>'
    listed = f"<HotelReservation><ResGlobalInfo>{ids}</ResGlobalInfo></HotelReservation>"
    answer = rs(f"<Success/><HotelReservations>{listed}</HotelReservations>", "OTA_HotelResNotifRS")
    assert heard(answer, command=delivery(RevisionKind.NEW)) == Decoded(Confirmed("PMS-7"))


def test_errors_refuse() -> None:
    error = '<Errors><Error Type="12" Code="402">no such room</Error></Errors>'
    assert heard(rs(error)) == Decoded(Refused("402", "no such room"))


def test_a_busy_system_is_asked_again() -> None:
    with pytest.raises(Retryable):
        heard(rs('<Errors><Error Type="12" Code="450">later</Error></Errors>'))


def test_a_servers_fault_leaves_the_outcome_open() -> None:
    with pytest.raises(OutcomeUnknown):
        heard(soap.write_fault(Version.V11, FaultCode.RECEIVER, "oops"), 500)


def test_a_fault_of_ours_refuses() -> None:
    decoded = heard(soap.write_fault(Version.V11, FaultCode.SENDER, "what?"), 500)
    assert decoded == Decoded(Refused("fault Sender", "what?"))


@pytest.mark.parametrize("body", [b"<html/>", rs("<Success/>", "OTA_PingRS"), rs(""), b""])
def test_anything_else_confirms_nothing(body: bytes) -> None:
    with pytest.raises(OutcomeUnknown):
        heard(body)


# --- what we answer ---------------------------------------------------------------------------------------------------

GOOD: dict[str, list[Result]] = {
    "ping/ping": [Pong("there <&>")],
    "avail/limit": [Applied()],
    "avail/restrictions": [Applied(("one was <odd>",))],
    "rates/one-price": [Applied()],
    "read/undelivered": [Found((outgoing(), outgoing(RevisionKind.MODIFY), outgoing(RevisionKind.CANCEL)))],
    "read/without-hotel": [Found(())],
    "report/stored": [Applied()],
    "reservation/book": [Taken("K7MPQ2RSTU", "WEB-7781", "new", "DEMO01")],
}


@siteminder.needed
@pytest.mark.parametrize("name", GOOD)
def test_what_we_answer_is_valid(name: str) -> None:
    document = opened(name)
    good = CONNECTOR.answer(document, SITE, GOOD[name], NOW_MS)
    bad = CONNECTOR.answer(document, SITE, [Unmapped(Reason.ROOM_TYPE, "X") for _ in GOOD[name]], NOW_MS)
    for reply in (good, bad):
        assert reply.status == 200
        assert siteminder.faults(reply.body, "pmsxchange") == []


def test_a_report_on_what_was_never_handed_out_is_an_error() -> None:
    reply = CONNECTOR.answer(opened("report/stored"), SITE, [Applied(("no reservation 'X'",))], NOW_MS)
    assert errors_in(reply) == [("3", "385", "no reservation 'X'")]
    assert errors_in(CONNECTOR.answer(opened("report/stored"), SITE, [Applied()], NOW_MS)) == []


def test_an_answer_is_in_the_version_of_the_question() -> None:
    reply = CONNECTOR.answer(opened("ping/soap-1.2"), SITE, [Pong("x")], NOW_MS)
    assert reply.headers["content-type"].startswith("application/soap+xml")
    assert soap.unwrap(read_tree(reply.body)).version is Version.V12


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Unauthentic("no"), ("4", "448", "Invalid Username and/or Password")),
        (Unmapped(Reason.HOTEL, "RITZ"), ("6", "392", "Hotel not found for HotelCode=RITZ")),
        (Unmapped(Reason.ROOM_TYPE, "X"), ("12", "402", "Room type code not found for this hotel")),
        (Unmapped(Reason.RATE_PLAN, "X"), ("12", "249", "Rate code not found for this hotel")),
        (Malformed("odd", Reason.INVALID_DATE, path="/a", line=3), ("10", "321", "odd (/a, line 3)")),
        (Rejected("unknown", Reason.BOOKING_REFERENCE), ("3", "385", "unknown")),
        (Rejected("\x01"), ("12", "450", "?")),
    ],
)
def test_refusals_are_in_the_dialects_words(error: Refusal, told: tuple[str, str, str]) -> None:
    reply = CONNECTOR.refuse(opened("avail/limit"), error, NOW_MS)
    assert (reply.status, errors_in(reply)) == (200, [told])
    assert message_in(reply.body).get("EchoToken") == "av-1"


def test_a_server_that_is_away_answers_with_a_fault() -> None:
    for document in (None, opened("avail/limit")):
        reply = CONNECTOR.refuse(document, Rejected("away", Reason.UNAVAILABLE), NOW_MS)
        fault = soap.read_fault(soap.unwrap(read_tree(reply.body)))
        assert (reply.status, fault and fault.code) == (500, FaultCode.RECEIVER)


def test_only_the_kind_asked_for_is_given() -> None:
    found = Found((outgoing(), outgoing(RevisionKind.CANCEL), outgoing(RevisionKind.IGNORE)))
    reply = CONNECTOR.answer(opened("read/cancellations-only"), SITE, [found], NOW_MS)
    given = [one.get("ResStatus") for one in message_in(reply.body).iter("{*}HotelReservation")]
    assert given == ["Cancel"]


def test_a_message_number_says_what_is_confirmed() -> None:
    number = MessageId.of(outgoing(RevisionKind.MODIFY))
    assert MessageId.read(str(number)) == number == ("K7MPQ2RSTU", RevisionKind.MODIFY, NOW_MS + 5)
    for text in ("", "m-4711", "A.x.1", "A.n.", ".n.1", "A.n.-1", "A.n.1.2"):
        with pytest.raises(Rejected):
            MessageId.read(text)
    with pytest.raises(Unsupported):
        str(MessageId("A" * 30, RevisionKind.NEW, NOW_MS))


# --- who sends --------------------------------------------------------------------------------------------------------


def test_the_right_login_and_code_are_let_in() -> None:
    for name in ("avail/limit", "report/stored", "ping/without-pos"):
        CONNECTOR.verify(opened(name), SITE, NOW_MS)


def test_another_code_is_nobody() -> None:
    other = msgspec.structs.replace(SITE, options={"requestor_id": "OTHER"})
    for name in ("avail/limit", "ping/ping", "read/undelivered"):
        with pytest.raises(Unauthentic):
            CONNECTOR.verify(opened(name), other, NOW_MS)


# --- a message by itself ----------------------------------------------------------------------------------------------


def accepted() -> list[str]:
    twins = sorted(FIXTURES.glob("*/*.expected.json"))
    names = [f"{twin.parent.name}/{twin.name.removesuffix('.expected.json')}" for twin in twins]
    return [
        name for name in names if not name.rpartition("/")[2].startswith("refused") or name.endswith("refused-there")
    ]


@pytest.mark.parametrize("name", accepted())
def test_what_the_server_takes_is_accepted(name: str) -> None:
    data = (FIXTURES / f"{name}.xml").read_bytes()
    bare = etree.tostring(message_in(data))
    for form in (data, bare):
        assert CONNECTOR.inspect(form, Inspection("pmsxchange")).root.startswith("OTA_")


def test_known_deviations_are_accepted_with_a_warning() -> None:
    data = (FIXTURES / "avail" / "zone-without-colon.xml").read_bytes()
    assert len(CONNECTOR.inspect(data, Inspection("pmsxchange")).warnings) == 2


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("avail/refused-mixed", "/OTA_HotelAvailNotifRQ/AvailStatusMessages/AvailStatusMessage[2]"),
        ("avail/refused-without-version", "/OTA_HotelAvailNotifRQ/@Version"),
        ("avail/refused-wrong-requestor-type", "/OTA_HotelAvailNotifRQ/POS/Source/RequestorID/@Type"),
        (
            "rates/refused-six-guests",
            "/OTA_HotelRateAmountNotifRQ/RateAmountMessages/RateAmountMessage[1]/BaseByGuestAmt/@NumberOfGuests",
        ),
        ("read/refused-all", "/OTA_ReadRQ/ReadRequests/HotelReadRequest[1]/SelectionCriteria/@SelectionType"),
        ("envelope/refused-two-messages", "/Envelope/Body"),
    ],
)
def test_a_refusal_names_the_place(name: str, path: str) -> None:
    with pytest.raises(Refusal) as raised:
        CONNECTOR.inspect((FIXTURES / f"{name}.xml").read_bytes(), Inspection("pmsxchange"))
    assert raised.value.path == path
    assert raised.value.line


SUCCESS = '<{0} xmlns="http://www.opentravel.org/OTA/2003/05" Version="1.0"><Success/>{1}</{0}>'


@pytest.mark.parametrize("name", ["HotelAvailNotif", "HotelRateAmountNotif", "HotelResNotif", "NotifReport", "Ping"])
def test_answers_have_a_shape_to_check(name: str) -> None:
    data = SUCCESS.format(f"OTA_{name}RS", "<EchoData>x</EchoData>" if name == "Ping" else "")
    assert CONNECTOR.inspect(data.encode(), Inspection("pmsxchange")).warnings
    with pytest.raises(Refusal) as raised:
        CONNECTOR.inspect(data.replace("<Success/>", "<Success/><Success/>").encode(), Inspection("pmsxchange"))
    assert raised.value.path == f"/OTA_{name}RS/Success[2]"


@pytest.mark.parametrize("name", ["OTA_HotelAvailRS", "OTA_HotelAvailRQ", "OTA_VehRetResRQ", "OTA_AirAvailRS"])
def test_what_the_dialect_lacks_is_unsupported(name: str) -> None:
    with pytest.raises(Unsupported):
        CONNECTOR.inspect(SUCCESS.format(name, "").encode(), Inspection("pmsxchange"))


def test_a_message_without_a_hotel_is_refused_at_its_place() -> None:
    data = (FIXTURES / "avail" / "zone-without-colon.xml").read_bytes()
    with pytest.raises(Malformed) as raised:
        CONNECTOR.inspect(re.sub(rb' HotelCode="[^"]*"', b"", data), Inspection("pmsxchange"))
    assert raised.value.path == "/OTA_HotelAvailNotifRQ/AvailStatusMessages/@HotelCode"
    assert raised.value.line


def test_ari_is_written_anew() -> None:
    data = (FIXTURES / "rates" / "occupancies-and-a-child.xml").read_bytes()
    encoded = CONNECTOR.inspect(data, Inspection("pmsxchange", reencode=True)).encoded
    assert encoded is not None
    assert encoded.count(b"<BaseByGuestAmt ") == 2


def test_it_is_all_that_it_says() -> None:
    assert isinstance(CONNECTOR, Inspector)
    assert isinstance(CONNECTOR, Describes)
    assert CONNECTOR.describe(Head("GET", "/", {}), "https://x") is None
