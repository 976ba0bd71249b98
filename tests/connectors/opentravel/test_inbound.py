"""What comes in and how it is answered, beyond the fixtures' twins: place of faults, long documents, answers, login."""

from __future__ import annotations

import gzip
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from lxml import etree

from connectors.opentravel._shared.names import NAMESPACE
from connectors.opentravel.ota import CONNECTOR
from connectors.opentravel.ota.document import SMALL_BYTES, OtaDocument
from gateway.contract import Document, Head, Inbound, Outbound, Reply
from gateway.errors import Malformed, Reason, Refusal, Rejected, Unauthentic, Unsupported
from gateway.messages import (
    Applied,
    AriReceived,
    Event,
    Found,
    PingReceived,
    Pong,
    Query,
    ReservationReceived,
    ReservationsAsked,
    Result,
    Taken,
)
from gateway.model.ari import AriUpdate, Field
from gateway.testing import conformance
from gateway.wire import xml
from tests.connectors.opentravel import schemas
from tests.connectors.opentravel.handed_out import HANDED_OUT
from tests.connectors.opentravel.outbound import site

FIXTURES = Path(__file__).parents[3] / "fixtures" / "opentravel"
SITE = site("ota-2015a")
NOW_MS = 1_925_366_401_000
HEAD = Head("POST", "/", {})

# Where dialects read the same bytes differently, each has its own twins.
TestArrivalOwn = conformance(CONNECTOR, profile="ota-arrival", fixtures=FIXTURES / "ota-arrival")
TestThroughOwn = conformance(CONNECTOR, profile="ota-through", fixtures=FIXTURES / "ota-through")


def fixture(name: str) -> bytes:
    return (FIXTURES / "ota" / f"{name}.xml").read_bytes()


def accepted() -> list[str]:
    twins = sorted((FIXTURES / "ota").glob("*/*.expected.json"))
    return [
        f"{twin.parent.name}/{twin.name.removesuffix('.expected.json')}"
        for twin in twins
        if b'"refused"' not in twin.read_bytes()
    ]


def open_(body: bytes, **headers: str) -> Document:
    return CONNECTOR.open(Head("POST", "/", {name.replace("_", "-"): value for name, value in headers.items()}), [body])


def test_it_speaks_both_directions() -> None:
    assert isinstance(CONNECTOR, Inbound)
    assert isinstance(CONNECTOR, Outbound)


# --- faults -----------------------------------------------------------------------------------------------------------


def long_avail(bad: int | None = None) -> bytes:
    """Six hundred items with an impossible date in one of them; each item is two lines."""
    items = "".join(
        f'<AvailStatusMessage BookingLimit="1" LocatorID="{number}">\n'
        f'<StatusApplicationControl Start="2031-02-{30 if number == bad else 10}" End="2031-03-01" InvTypeCode="D"/>'
        "</AvailStatusMessage>\n"
        for number in range(1, 601)
    )
    opening = f'<OTA_HotelAvailNotifRQ xmlns="{NAMESPACE}">\n<AvailStatusMessages HotelCode="H">'
    body = f"{opening}\n{items}</AvailStatusMessages></OTA_HotelAvailNotifRQ>"
    assert len(body) > SMALL_BYTES
    return body.encode()


def test_a_fault_in_a_long_document_is_placed() -> None:
    document = open_(long_avail(bad=300))
    assert isinstance(document, OtaDocument)
    assert document.tree is None
    with pytest.raises(Malformed) as refused:
        CONNECTOR.parse(document, SITE)
    error = refused.value
    expected = "/OTA_HotelAvailNotifRQ/AvailStatusMessages/AvailStatusMessage[300]/StatusApplicationControl/@Start"
    assert (error.path, error.line, error.record) == (expected, 2 + 2 * 300, "300")
    assert error.reason is Reason.INVALID_DATE


@pytest.mark.parametrize(
    ("name", "path", "record"),
    [
        ("avail/refused-limit-negative", "AvailStatusMessage[1]/@BookingLimit", "7"),
        ("rates/refused-percent", "RateAmountMessage[1]/AdditionalGuestAmount/@Percent", "1"),
        ("rates/refused-by-length-of-stay", "RateAmountMessage[1]/Rates/Rate/@MinLOS", "1"),
        ("avail/refused-hurdle-rate", "AvailStatusMessage[1]/HurdleRate", "1"),
        ("reservation/refused-comma", "HotelReservation[1]/RoomStays/RoomStay[1]/Total/@AmountAfterTax", "WEB-7781"),
        ("reservation/refused-requested", "HotelReservation[1]/@ResStatus", "WEB-7781"),
    ],
)
def test_a_refusal_names_path_line_and_record(name: str, path: str, record: str) -> None:
    with pytest.raises(Refusal) as refused:
        CONNECTOR.parse(open_(fixture(name)), SITE)
    assert (refused.value.path or "").endswith(path)
    assert refused.value.record == record
    assert refused.value.line


def test_long_and_short_documents_are_read_alike() -> None:
    [long] = CONNECTOR.parse(open_(long_avail()), SITE)
    short = OtaDocument(**{**msgspec.structs.asdict(open_(long_avail())), "tree": xml.read_tree(long_avail())})
    assert CONNECTOR.parse(short, SITE) == [long]
    assert isinstance(long, AriReceived)
    assert len(long.updates) == 600


def test_a_long_document_with_foreign_elements_is_read_alike() -> None:
    foreign = long_avail().replace(
        b"</AvailStatusMessage>", b"<TPA_Extensions><RestrictionStatus/></TPA_Extensions></AvailStatusMessage>"
    )
    assert CONNECTOR.parse(open_(foreign), SITE) == CONNECTOR.parse(open_(long_avail()), SITE)


def test_a_long_document_cut_off_is_refused() -> None:
    with pytest.raises(Malformed):
        CONNECTOR.parse(open_(long_avail()[:-40]), SITE)


def test_gzip_is_unpacked() -> None:
    body = gzip.compress(long_avail())
    assert CONNECTOR.parse(open_(body, content_encoding="gzip"), SITE) == CONNECTOR.parse(open_(long_avail()), SITE)


LISTS = [
    ("OTA_HotelAvailNotifRQ", "AvailStatusMessages", "AvailStatusMessage", '<RestrictionStatus Status="Open"/>'),
    (
        "OTA_HotelRateAmountNotifRQ",
        "RateAmountMessages",
        "RateAmountMessage",
        '<Rates><Rate><BaseByGuestAmts><BaseByGuestAmt AmountAfterTax="8.00"/></BaseByGuestAmts></Rate></Rates>',
    ),
]
TARGET = '<StatusApplicationControl Start="2031-02-01" End="2031-02-02" InvTypeCode="D" RatePlanCode="P"/>'


@pytest.mark.parametrize("number", [1, 600])
@pytest.mark.parametrize(("root", "container", "item", "said"), LISTS)
def test_a_second_list_is_for_the_same_hotel(root: str, container: str, item: str, said: str, number: int) -> None:
    def listed(hotel: str) -> str:
        return f'<{container} HotelCode="{hotel}">{f"<{item}>{TARGET}{said}</{item}>" * number}</{container}>'

    def parsed(second: str) -> Sequence[Event | Query]:
        body = f'<{root} xmlns="{NAMESPACE}">{listed("H")}{listed(second)}</{root}>'
        return CONNECTOR.parse(open_(body.encode()), SITE)

    [event] = parsed("H")
    assert isinstance(event, AriReceived)
    assert len(event.updates) == 2 * number
    for other in ("OTHER", ""):
        with pytest.raises(Unsupported) as refused:
            parsed(other)
        assert (refused.value.reason, refused.value.path) == (Reason.HOTEL, f"/{root}/{container}/@HotelCode")


@pytest.mark.parametrize("number", [1, 600])
@pytest.mark.parametrize(("root", "container", "item", "said"), LISTS)
def test_a_second_target_of_an_item_is_refused(root: str, container: str, item: str, said: str, number: int) -> None:
    items = f"<{item}>{TARGET}{said}</{item}>" * number + f"<{item}>{TARGET}{TARGET}{said}</{item}>"
    body = f'<{root} xmlns="{NAMESPACE}"><{container} HotelCode="H">{items}</{container}></{root}>'
    with pytest.raises(Malformed) as refused:
        CONNECTOR.parse(open_(body.encode()), SITE)
    assert refused.value.path == f"/{root}/{container}/{item}[{number + 1}]/StatusApplicationControl"


# --- updates ----------------------------------------------------------------------------------------------------------


def updates(root: str, container: str, items: str) -> tuple[AriUpdate, ...]:
    body = f'<{root} xmlns="{NAMESPACE}"><{container} HotelCode="H">{items}</{container}></{root}>'
    [event] = CONNECTOR.parse(open_(body.encode()), SITE)
    assert isinstance(event, AriReceived)
    return event.updates


CONTROL = '<StatusApplicationControl Start="2031-02-01" End="2031-02-02" InvTypeCode="D" RatePlanCode="P"/>'


def avail(*contents: str) -> tuple[AriUpdate, ...]:
    items = "".join(f"<AvailStatusMessage>{CONTROL}{content}</AvailStatusMessage>" for content in contents)
    return updates("OTA_HotelAvailNotifRQ", "AvailStatusMessages", items)


def rates(*contents: str) -> tuple[AriUpdate, ...]:
    items = "".join(
        f"<RateAmountMessage>{CONTROL}<Rates><Rate>{content}</Rate></Rates></RateAmountMessage>" for content in contents
    )
    return updates("OTA_HotelRateAmountNotifRQ", "RateAmountMessages", items)


CLOSED = '<RestrictionStatus Restriction="Master" Status="Close"/>'
OPEN = '<RestrictionStatus Restriction="Master" Status="Open"/>'
TWO_NIGHTS = '<LengthOfStay Time="2" TimeUnit="Day" MinMaxMessageType="SetMinLOS"/>'


def price(guests: int, amount: str, currency: str = "EUR") -> str:
    return (
        f'<BaseByGuestAmts><BaseByGuestAmt NumberOfGuests="{guests}" AgeQualifyingCode="10" AmountAfterTax="{amount}" '
        f'CurrencyCode="{currency}"/></BaseByGuestAmts>'
    )


def child(attributes: str) -> str:
    return (
        f'<AdditionalGuestAmounts><AdditionalGuestAmount AgeQualifyingCode="8" {attributes}/></AdditionalGuestAmounts>'
    )


def test_updates_that_say_the_same_share_it() -> None:
    # The third says it in another spelling, or by way of other elements.
    stays = f'<LengthsOfStay ArrivalDateBased="true">{TWO_NIGHTS}</LengthsOfStay>'
    spelt = f"<LengthsOfStay>{TWO_NIGHTS}</LengthsOfStay>"
    same, other, again, third = avail(stays + CLOSED, stays + OPEN, stays + CLOSED, spelt + CLOSED)
    assert same.settings is again.settings is third.settings
    assert same.settings != other.settings
    same, other, again = rates(
        price(1, "80.00") + child('Amount="5.00"'),
        price(2, "80.00") + child('Amount="5.00"'),
        price(1, "80.00") + child('Amount="5.00"'),
    )
    assert same.settings is again.settings
    assert same.settings != other.settings


def test_an_item_that_says_the_same_a_thousand_times_over_is_refused() -> None:
    for read, content in ((avail, '<RestrictionStatus Status="Open"/>'), (rates, price(1, "80.00"))):
        read(content * 1_000)
        with pytest.raises(Malformed) as refused:
            read(content * 1_001)
        assert refused.value.reason is Reason.TOO_LARGE


def test_amounts_differ_where_only_guests_or_child_differ() -> None:
    found = rates(
        price(1, "80.00"),
        price(2, "80.00"),
        price(1, "80.00") + child('Amount="5.00"'),
        price(1, "80.00") + child('Amount="6.00"'),
        price(1, "80.00", "USD") + child('Amount="6.00"'),
    )
    assert [[(one.value, one.guests) for one in update.settings] for update in found] == [
        [(8000, 1)],
        [(8000, 2)],
        [(8000, 1), (500, 0)],
        [(8000, 1), (600, 0)],
        [(8000, 1), (600, 0)],
    ]
    assert [update.currency for update in found] == ["EUR"] * 4 + ["USD"]


def test_a_currency_named_again_by_a_lone_child_amount_counts_again() -> None:
    found = rates(child('Amount="5.00" CurrencyCode="USD"'), child('Amount="5.00" CurrencyCode="USD"'))
    assert [update.currency for update in found] == ["USD", "USD"]


def test_the_basis_of_a_stay_does_not_reach_into_the_next_item() -> None:
    through = f'<LengthsOfStay ArrivalDateBased="false">{TWO_NIGHTS}</LengthsOfStay>'
    _, second = avail(through, TWO_NIGHTS)
    assert [setting.field for setting in second.settings] == [Field.MIN_ARRIVAL]


@pytest.mark.parametrize("kind", ["FixedLOS", "SetMinLOS", "SetMaxLOS", "RemoveMinLOS", "SetForwardMinStay"])
def test_a_closed_length_outside_of_a_pattern_is_refused(kind: str) -> None:
    attributes = f'Time="2" MinMaxMessageType="{kind}" OpenStatusIndicator="{{}}"'
    length = f"<LengthsOfStay><LengthOfStay {attributes}/></LengthsOfStay>"
    assert avail(length.format("true"))
    for closed in ("false", "0"):
        with pytest.raises(Unsupported) as refused:
            avail(length.format(closed))
        assert (refused.value.path or "").endswith("/LengthOfStay/@OpenStatusIndicator")


def test_a_blank_room_is_not_every_room() -> None:
    blank = CONTROL.replace('"D"', '" "')
    with pytest.raises(Malformed):
        updates(
            "OTA_HotelAvailNotifRQ", "AvailStatusMessages", f"<AvailStatusMessage>{blank}{CLOSED}</AvailStatusMessage>"
        )


# --- login ------------------------------------------------------------------------------------------------------------


def basic(username: str, password: str) -> str:
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode()


def pos(username: str, password: str) -> bytes:
    return (
        f'<OTA_PingRQ xmlns="{NAMESPACE}"><POS><Source><RequestorID Type="22" ID="{username}" '
        f'MessagePassword="{password}"/></Source></POS><EchoData>x</EchoData></OTA_PingRQ>'
    ).encode()


def test_the_message_password_counts_where_there_is_no_header() -> None:
    document = open_(pos("partner", "partner-secret"))
    CONNECTOR.verify(document, SITE, NOW_MS)
    assert b"partner-secret" not in document.archive
    for username, password in (("partner", "wrong"), ("other", "partner-secret"), ("partner", "")):
        with pytest.raises(Unauthentic):
            CONNECTOR.verify(open_(pos(username, password)), SITE, NOW_MS)


def test_a_header_beats_the_message_password() -> None:
    CONNECTOR.verify(open_(pos("x", "y"), authorization=basic("partner", "partner-secret")), SITE, NOW_MS)
    with pytest.raises(Unauthentic):
        CONNECTOR.verify(open_(pos("partner", "partner-secret"), authorization=basic("partner", "no")), SITE, NOW_MS)


def test_the_message_password_of_a_long_document_is_found() -> None:
    head = b'<POS><Source><RequestorID Type="22" ID="partner" MessagePassword="partner-secret"/></Source></POS>'
    CONNECTOR.verify(open_(long_avail().replace(b"<AvailStatusMessages", head + b"<AvailStatusMessages")), SITE, NOW_MS)


def test_both_halves_of_a_login_are_always_checked() -> None:
    asked: list[str] = []

    def check(password: str, /) -> bool:
        asked.append(password)
        return True

    with pytest.raises(Unauthentic):
        CONNECTOR.verify(open_(pos("nobody", "p")), msgspec.structs.replace(SITE, check_inbound=check), NOW_MS)
    assert asked == ["p"]


# --- answers ----------------------------------------------------------------------------------------------------------


def results(document: Document, warnings: tuple[str, ...] = ()) -> list[Result]:
    made: list[Result] = []
    for event in CONNECTOR.parse(document, SITE):
        if isinstance(event, ReservationReceived):
            kind = event.revision.kind.value
            made.append(Taken("R-1", event.revision.booking_id, kind, event.hotel, warnings))
        elif isinstance(event, PingReceived):
            made.append(Pong(event.echo))
        elif isinstance(event, ReservationsAsked):
            made.append(Found(HANDED_OUT))
        else:
            made.append(Applied(warnings))
    return made


def tree(reply: Reply) -> etree._Element:
    return etree.fromstring(reply.body)


def find(reply: Reply, path: str) -> etree._Element:
    found = tree(reply).find("/".join(f"{{{NAMESPACE}}}{step}" for step in path.split("/")))
    assert found is not None, reply.body
    return found


# OTA_ProfileReadRS is not among the schemas that are here; what it holds has a test of its own.
@schemas.needed
@pytest.mark.parametrize("name", [name for name in accepted() if not name.startswith("profile/read")])
def test_every_answer_is_valid(name: str) -> None:
    document = open_(fixture(name))
    no = Rejected("no <room> & no 'rate'", Reason.NO_AVAILABILITY, record="17")
    in_part = [no, *results(document)[1:]]
    for outcome in (results(document), results(document, ("mind the gap",)), [no] * 3, in_part):
        for release in ("2015A", "2011B"):
            reply = CONNECTOR.answer(document, site(f"ota-{release.lower()}"), outcome, NOW_MS)
            assert reply.status == 200
            assert schemas.faults(reply.body, release) == []
    assert schemas.faults(CONNECTOR.refuse(None, no, NOW_MS).body, "2015A") == []


def test_an_answer_echoes_token_and_language() -> None:
    document = open_(fixture("reservation/several-reservations"))
    root = tree(CONNECTOR.answer(document, SITE, results(document), NOW_MS))
    assert (root.get("EchoToken"), root.get("PrimaryLangID")) == ("e-5", "de")
    assert (root.get("TimeStamp"), root.get("ResResponseType")) == ("2031-01-05T08:00:01Z", "Committed")


@pytest.mark.parametrize(
    ("language", "echoed"), [("en-US", "en-US"), ("zh-Hans-CN", "zh-Hans-CN"), ("en_US", None), ("1", None)]
)
def test_only_a_language_is_echoed(language: str, echoed: str | None) -> None:
    ping = f'<OTA_PingRQ xmlns="{NAMESPACE}" Version="1" PrimaryLangID="{language}"><EchoData>x</EchoData></OTA_PingRQ>'
    document = open_(ping.encode())
    no = Unsupported("no")
    for reply in (CONNECTOR.answer(document, SITE, results(document), NOW_MS), CONNECTOR.refuse(document, no, NOW_MS)):
        assert tree(reply).get("PrimaryLangID") == echoed
    unknown = open_(ping.replace("OTA_PingRQ", "OTA_NeverHeardOfRQ").encode())
    assert tree(CONNECTOR.refuse(unknown, no, NOW_MS)).get("PrimaryLangID") == echoed


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("avail/limits-and-rules", False),
        ("rates/price-for-the-room", False),
        ("counts/adjustment", False),
        ("rules/whole-house", False),
        ("rate-plan/removed", False),
        ("reservation/commit", False),
        ("reservation-modify/modify", False),
        ("cancel/commit", False),
        ("profile/create", False),
        ("report/by-message", False),
        ("ping/ping", True),
        ("read/all", True),
    ],
)
def test_a_test_changes_nothing(name: str, taken: bool) -> None:
    document = open_(fixture(name).replace(b' Version="', b' Target="Test" Version="', 1))
    if taken:
        assert CONNECTOR.parse(document, SITE)
        return
    with pytest.raises(Unsupported) as refused:
        CONNECTOR.parse(document, SITE)
    assert refused.value.path == f"/{document.root}/@Target"
    [[error]] = tree(CONNECTOR.refuse(document, refused.value, NOW_MS))
    assert (error.get("Type"), error.get("Code")) == ("2", "450")


def test_an_empty_token_is_not_echoed() -> None:
    document = open_(fixture("avail/without-version-and-token"))
    assert "EchoToken" not in tree(CONNECTOR.answer(document, SITE, results(document), NOW_MS)).attrib


def test_a_reservation_is_answered_with_our_number() -> None:
    document = open_(fixture("reservation/modify"))
    reply = CONNECTOR.answer(document, SITE, results(document), NOW_MS)
    path = "HotelReservations/HotelReservation/ResGlobalInfo/HotelReservationIDs/HotelReservationID"
    assert dict(find(reply, path).attrib) == {"ResID_Type": "10", "ResID_Value": "R-1", "ResID_Source": "GATEWAY"}
    assert tree(reply).get("ResResponseType") == "Modified"


def test_what_is_refused_beside_what_is_taken_is_a_warning() -> None:
    document = open_(fixture("reservation/several-reservations"))
    error = Rejected("booking 'B7' has more than 300 revisions", record="B7")
    reply = CONNECTOR.answer(document, SITE, [error, *results(document)[1:]], NOW_MS)
    root = tree(reply)
    assert [etree.QName(each).localname for each in root] == ["Success", "Warnings", "HotelReservations"]
    found = find(reply, "Warnings/Warning")
    assert (found.get("Type"), found.get("Code"), found.get("RecordID"), found.text) == ("3", "450", "B7", error.text)
    assert len(find(reply, "HotelReservations")) == len(results(document)) - 1


def test_a_ping_is_echoed() -> None:
    document = open_(fixture("ping/ping"))
    assert find(CONNECTOR.answer(document, SITE, results(document), NOW_MS), "EchoData").text == "Hello & good morning"


def test_a_refused_result_becomes_an_error() -> None:
    document = open_(fixture("avail/limits-and-rules"))
    told = "Room type DBL is unknown here and everywhere else that anybody has ever been asked about"
    error = Rejected(told, Reason.ROOM_TYPE, record="2", path="/a", line=4)
    reply = CONNECTOR.answer(document, SITE, [error], NOW_MS)
    found = find(reply, "Errors/Error")
    assert (found.get("Type"), found.get("Code"), found.get("RecordID")) == ("12", "402", "2")
    assert len(found.get("ShortText") or "") == 64
    assert found.text == f"{told} (/a, line 4)"


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        (Reason.SYNTAX, 400),
        (Reason.FORBIDDEN_CONTENT, 400),
        (Reason.TOO_LARGE, 413),
        (Reason.AUTHENTICATION, 401),
        (Reason.UNAVAILABLE, 503),
        (Reason.AUTHORIZATION, 200),
        (Reason.INVALID_VALUE, 200),
        (Reason.BUSINESS_RULE, 200),
    ],
)
def test_a_refusal_has_its_status(reason: Reason, status: int) -> None:
    document = open_(fixture("avail/limits-and-rules"))
    reply = CONNECTOR.refuse(document, Refusal("no", reason), NOW_MS)
    assert reply.status == status
    assert ("www-authenticate" in reply.headers) == (status == 401)
    assert find(reply, "Errors/Error").text == "no"
    assert CONNECTOR.refuse(None, Refusal("no", reason), NOW_MS).status == status


@pytest.mark.parametrize("name", ["unknown/answer-in-place-of-a-request"])
def test_an_unknown_root_is_no_implementation(name: str) -> None:
    document = open_(fixture(name))
    with pytest.raises(Unsupported) as refused:
        CONNECTOR.parse(document, SITE)
    root = tree(CONNECTOR.refuse(document, refused.value, NOW_MS))
    assert etree.QName(root).localname == "OTA_ErrorRS"
    assert root.get("ErrorCode") == "459"
    assert (root.get("ErrorMessage") or "").startswith("Type 2")


@schemas.needed
@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_a_valid_error(reason: Reason) -> None:
    for name in (
        "avail/limits-and-rules",
        "reservation/commit",
        "cancel/commit",
        "ping/ping",
        "read/undelivered",
        "unknown/refused-hotelavailget",
    ):
        reply = CONNECTOR.refuse(open_(fixture(name)), Refusal("no", reason, record="1"), NOW_MS)
        assert schemas.faults(reply.body, "2015A") == []
