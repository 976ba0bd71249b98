"""Reservations that wait to be fetched: by a PMS that asks us, and by us where a channel waits to be asked."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from lxml import etree

from connectors.opentravel._shared.message_id import MessageId
from connectors.opentravel._shared.names import NAMESPACE
from connectors.opentravel.ota import CONNECTOR
from connectors.opentravel.ota.retrieve import QUESTIONS_MAX
from gateway.contract import Confirmed, Decoded, Head, Refused, Reply, Unknown
from gateway.errors import Malformed, Refusal, Unsupported
from gateway.messages import (
    Applied,
    Confirmation,
    ConfirmReservations,
    DeliveriesReported,
    DeliveryReport,
    Found,
    ReservationReceived,
    ReservationsAsked,
    RetrieveReservations,
)
from gateway.model.reservation import RevisionKind
from gateway.testing import conformance
from tests.connectors.opentravel import schemas
from tests.connectors.opentravel.handed_out import HANDED_OUT, HOUR_MS, MADE_MS, one
from tests.connectors.opentravel.outbound import site

FIXTURES = Path(__file__).parents[3] / "fixtures" / "opentravel" / "ota"
SITE = site("ota-2015a")
PULL = site("ota-pull")
NOW_MS = MADE_MS + 24 * HOUR_MS
ASK = RetrieveReservations(id="c-1", at_ms=NOW_MS)

TestPull = conformance(CONNECTOR, profile="ota-pull", fixtures=FIXTURES / "ping")


def answer(name: str, *found: Found, profile: str = "ota-2015a") -> Reply:
    document = CONNECTOR.open(Head("POST", "/", {}), [(FIXTURES / f"{name}.xml").read_bytes()])
    account = site(profile)
    assert len(CONNECTOR.parse(document, account)) == len(found)
    return CONNECTOR.answer(document, account, list(found), NOW_MS)


def numbers(reply: Reply) -> list[str]:
    found = etree.fromstring(reply.body).iter(f"{{{NAMESPACE}}}HotelReservation")
    return [node.find(f"{{{NAMESPACE}}}UniqueID").get("ID") or "" for node in found]  # type: ignore[union-attr]


# --- they ask us ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "one",
    [
        '<HotelReadRequest HotelCode="DEMO01"/>',
        '<ReadRequest><UniqueID Type="14" ID="1"/></ReadRequest>',
        '<HotelReadRequest HotelCode="DEMO01"><SelectionCriteria SelectionType="Undelivered"/></HotelReadRequest>',
    ],
)
def test_there_is_a_limit_to_the_questions_of_a_message(one: str) -> None:
    for count in (QUESTIONS_MAX, QUESTIONS_MAX + 1):
        text = f'<OTA_ReadRQ xmlns="{NAMESPACE}" Version="1.0"><ReadRequests>{one * count}</ReadRequests></OTA_ReadRQ>'
        document = CONNECTOR.open(Head("POST", "/", {}), [text.encode()])
        if count == QUESTIONS_MAX:
            assert len(CONNECTOR.parse(document, SITE)) == count
        else:
            with pytest.raises(Malformed, match="at most 50"):
                CONNECTOR.parse(document, SITE)


@schemas.needed
@pytest.mark.parametrize("release", ["2015A", "2011B"])
def test_what_is_found_is_valid(release: str) -> None:
    reply = answer("read/undelivered", Found(HANDED_OUT, more=True), profile=f"ota-{release.lower()}")
    assert schemas.faults(reply.body, release) == []
    assert numbers(reply) == ["R-1001", "R-1002", "R-1003"]


def test_the_answer_says_whether_there_is_more() -> None:
    root = etree.fromstring(answer("read/undelivered", Found(HANDED_OUT, more=True)).body)
    assert (etree.QName(root).localname, root.get("MoreIndicator")) == ("OTA_ResRetrieveRS", "true")
    assert etree.fromstring(answer("read/undelivered", Found(HANDED_OUT)).body).get("MoreIndicator") is None


def test_a_status_selects_one_kind() -> None:
    assert numbers(answer("read/cancelled", Found(HANDED_OUT))) == ["R-1003"]


def test_a_reservation_that_two_questions_find_is_said_once() -> None:
    assert numbers(answer("read/two-criteria", Found(HANDED_OUT[:2]), Found(HANDED_OUT[1:]))) == [
        "R-1001",
        "R-1002",
        "R-1003",
    ]


def test_instants_bound_what_was_made_and_what_was_changed() -> None:
    body = (FIXTURES / "read/made-on-a-day.xml").read_bytes()
    body = body.replace(b"1990-01-01", b"2031-01-05").replace(b"2199-12-30", b"2031-01-05")
    found = Found((one(1, RevisionKind.NEW, MADE_MS - 9 * HOUR_MS), one(2, RevisionKind.NEW, MADE_MS + 16 * HOUR_MS)))
    for changed, expected in ((b"CreateDate", ["R-3"]), (b"LastUpdateDate", ["R-1", "R-3"])):
        document = CONNECTOR.open(Head("POST", "/", {}), [body.replace(b"CreateDate", changed)])
        CONNECTOR.parse(document, SITE)
        both = Found((*found.reservations, one(3, RevisionKind.MODIFY)))
        assert numbers(CONNECTOR.answer(document, SITE, [both], NOW_MS)) == expected


def test_a_number_that_is_not_here_is_an_error() -> None:
    root = etree.fromstring(answer("read/by-number", Found(())).body)
    [error] = root.iter(f"{{{NAMESPACE}}}Error")
    assert (error.get("Type"), error.get("Code"), error.get("RecordID")) == ("3", "87", "R-4711")
    assert numbers(answer("read/by-number", Found(HANDED_OUT[:1]))) == ["R-1001"]


def test_a_refusal_names_the_attribute() -> None:
    document = CONNECTOR.open(Head("POST", "/", {}), [(FIXTURES / "read/refused-impossible-date.xml").read_bytes()])
    with pytest.raises(Refusal) as refused:
        CONNECTOR.parse(document, SITE)
    path = "/OTA_ReadRQ/ReadRequests/HotelReadRequest[1]/SelectionCriteria[1]/@Start"
    assert (refused.value.path, refused.value.line) == (path, 3)


def test_the_number_of_a_message_leads_back_to_its_state() -> None:
    number = str(MessageId.of(HANDED_OUT[1]))
    assert number.encode() in answer("read/undelivered", Found(HANDED_OUT)).body
    body = (FIXTURES / "report/by-message.xml").read_bytes().replace(b"R-1001.m.1925366400000", number.encode())
    [event] = CONNECTOR.parse(CONNECTOR.open(Head("POST", "/", {}), [body]), SITE)
    report = DeliveryReport("R-1002", RevisionKind.MODIFY, "PMS-55", modified_ms=HANDED_OUT[1].modified_ms)
    assert event == DeliveriesReported("DEMO01", (report,))


def test_what_nobody_knows_is_named_back() -> None:
    document = CONNECTOR.open(Head("POST", "/", {}), [(FIXTURES / "report/by-reservation.xml").read_bytes()])
    CONNECTOR.parse(document, SITE)
    reply = CONNECTOR.answer(document, SITE, [Applied(("no reservation 'R-1001'",))], NOW_MS)
    assert b"<Success/><Warnings>" in reply.body
    assert b"no reservation 'R-1001'" in reply.body


# --- we ask them ------------------------------------------------------------------------------------------------------


def asked(body: bytes) -> Decoded:
    return CONNECTOR.decode(ASK, CONNECTOR.encode(ASK, PULL), Reply(200, {"content-type": "text/xml"}, body), PULL)


@schemas.needed
def test_our_question_and_our_reports_are_valid() -> None:
    confirmations = (
        Confirmation("B-1", RevisionKind.NEW, "R-1", message="m-1"),
        Confirmation("B-2", RevisionKind.CANCEL, "R-2"),
    )
    for command in (ASK, ConfirmReservations(id="c-2", at_ms=NOW_MS, confirmations=confirmations)):
        assert schemas.faults(CONNECTOR.encode(command, PULL).body, "2015A") == []


def test_we_ask_for_what_was_not_delivered() -> None:
    document = CONNECTOR.open(Head("POST", "/", {}), [CONNECTOR.encode(ASK, PULL).body])
    [event] = CONNECTOR.parse(document, SITE)
    assert event == ReservationsAsked("DEMO01")
    with pytest.raises(Unsupported):
        CONNECTOR.encode(msgspec.structs.replace(ASK, since_ms=1), PULL)


def test_what_one_of_us_hands_out_the_other_fetches_and_confirms() -> None:
    decoded = asked(answer("read/undelivered", Found(HANDED_OUT)).body)
    assert decoded.outcome == Confirmed()
    told = [
        (each.event.revision.booking_id, each.event.revision.kind)
        for each in decoded.events
        if isinstance(each.event, ReservationReceived)
    ]
    assert told == [(each.revision.booking_id, each.revision.kind) for each in HANDED_OUT]
    acknowledged = [each.acknowledge for each in decoded.events]
    assert all(isinstance(each, ConfirmReservations) for each in acknowledged)
    ones = tuple(
        msgspec.structs.replace(each.confirmations[0], reservation_id=f"P-{number}")
        for number, each in enumerate(acknowledged)
        if isinstance(each, ConfirmReservations)
    )
    report = CONNECTOR.encode(ConfirmReservations(id="c-2", at_ms=NOW_MS, confirmations=ones), PULL)
    assert report.parts == 3
    [event] = CONNECTOR.parse(CONNECTOR.open(Head("POST", "/", {}), [report.body]), SITE)
    expected = [
        DeliveryReport(each.reservation_id, each.revision.kind, f"P-{number}", modified_ms=each.modified_ms)
        for number, each in enumerate(HANDED_OUT)
    ]
    assert event == DeliveriesReported("DEMO01", tuple(expected))


def test_more_of_them_are_asked_for_once_these_are_confirmed() -> None:
    follow = asked(answer("read/undelivered", Found(HANDED_OUT, more=True)).body).next
    assert follow == msgspec.structs.replace(ASK, id="c-1-next")
    assert asked(answer("read/undelivered", Found(HANDED_OUT)).body).next is None


def test_one_that_cannot_be_read_does_not_hold_up_the_others() -> None:
    body = answer("read/undelivered", Found(HANDED_OUT)).body.replace(b'End="2031-02-03"', b'End="2031-02-33"', 1)
    decoded = asked(body)
    assert isinstance(decoded.outcome, Refused)
    assert "R-1001" in decoded.outcome.text
    assert len(decoded.events) == 2


def test_what_was_taken_and_what_was_not_are_reported_apart() -> None:
    good, bad = (
        Confirmation("B-1", RevisionKind.NEW, "R-1"),
        Confirmation("B-2", RevisionKind.NEW, "", error="no <room>"),
    )
    command = ConfirmReservations(id="c-2", at_ms=NOW_MS, confirmations=(good, good, bad))
    request = CONNECTOR.encode(command, PULL)
    assert (request.parts, b"<Success/>" in request.body, b"B-2" in request.body) == (2, True, False)
    request = CONNECTOR.encode(msgspec.structs.replace(command, confirmations=(bad,)), PULL)
    assert b"<Errors><Error" in request.body
    assert b"no &lt;room&gt;" in request.body
    with pytest.raises(Unsupported):
        CONNECTOR.encode(msgspec.structs.replace(command, confirmations=()), PULL)


def test_an_error_in_place_of_reservations_is_one() -> None:
    rs = f'<OTA_ResRetrieveRS xmlns="{NAMESPACE}" Version="1.0">%s</OTA_ResRetrieveRS>'
    refused = asked((rs % '<Errors><Error Type="6" Code="497">not you</Error></Errors>').encode()).outcome
    assert refused == Refused("497", "not you")
    assert asked((rs % "<Success/>").encode()) == Decoded(Confirmed())
    assert not isinstance(asked((rs % "<Success/>").encode()).outcome, Unknown)
