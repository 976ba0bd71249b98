"""What SiteConnect says: valid by SiteMinder's schemas, and in the words it demands of a channel."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from lxml import etree

from connectors.opentravel.siteconnect import CONNECTOR
from gateway.contract import Document, Reply
from gateway.contract_inspecting import Inspection, Inspector
from gateway.errors import Malformed, Reason, Refusal, Unmapped, Unsupported
from gateway.messages import Applied, AriReceived, Command, PushAvailability, PushRates, Result, Taken
from gateway.model.ari import AriUpdate, Field, Setting
from gateway.model.reservation import RevisionKind
from gateway.wire import soap
from gateway.wire.xml import read_tree
from tests.conformance.soap_login import show_token
from tests.connectors.opentravel import siteminder
from tests.connectors.opentravel.siteminder_samples import FIRST, HEAD, NOW_MS, delivery
from tests.connectors.opentravel.siteminder_samples import SITE as PMS

FIXTURES = Path(__file__).parents[4] / "fixtures" / "opentravel" / "siteconnect"
SITE = msgspec.structs.replace(PMS, profile="siteconnect")
PDP = msgspec.structs.replace(PMS, profile="siteconnect-pdp")


def update(
    *settings: Setting, room: str = "DBL", plan: str = "FLEX", first: int = FIRST, last: int = FIRST + 9
) -> AriUpdate:
    prices = settings[0].field is Field.PRICE
    return AriUpdate(room, plan, first, last, settings, currency="EUR" if prices else "")


def availability(*updates: AriUpdate) -> PushAvailability:
    return PushAvailability(id="a-1", at_ms=NOW_MS, updates=updates)


def opened(name: str) -> Document:
    _, body = show_token(HEAD, (FIXTURES / f"{name}.xml").read_bytes(), "partner", "partner-secret")
    return CONNECTOR.open(HEAD, [body])


def sent(command: Command) -> etree._Element:
    return soap.unwrap(read_tree(CONNECTOR.encode(command, SITE).body)).payload


LIMIT = update(Setting(Field.FIGURE, 4))
RULES = update(*(Setting(field, 1) for field in (Field.CLOSED, Field.CTA, Field.MIN_ARRIVAL, Field.MAX_THROUGH)))
CLEARED = update(*(Setting(field, 0) for field in (Field.CLOSED, Field.MIN_ARRIVAL, Field.MIN_THROUGH)))
OCCUPANCIES = update(Setting(Field.PRICE, 9000, 1), Setting(Field.PRICE, 15000, 3), Setting(Field.EXTRA_CHILD, 1500))
ROOM_PRICE = update(Setting(Field.PRICE, 12000), Setting(Field.EXTRA_ADULT, 3000))


@siteminder.needed
@pytest.mark.parametrize(
    "command",
    [
        *(availability(one) for one in (LIMIT, RULES, CLEARED)),
        PushRates(id="r-1", at_ms=NOW_MS, updates=(OCCUPANCIES,)),
        *(delivery(kind) for kind in (RevisionKind.NEW, RevisionKind.MODIFY, RevisionKind.CANCEL)),
    ],
)
def test_what_we_send_is_valid(command: Command) -> None:
    request = CONNECTOR.encode(command, SITE)
    assert siteminder.faults(request.body, "siteconnect") == []
    operation = request.headers["soapaction"].strip('"')
    assert sent(command).tag == f"{{{siteminder.NAMESPACE}}}OTA_{operation}"


@siteminder.needed
def test_one_price_for_the_room_is_valid() -> None:
    request = CONNECTOR.encode(PushRates(id="r-1", at_ms=NOW_MS, updates=(ROOM_PRICE,)), PDP)
    assert siteminder.faults(request.body, "siteconnect") == []
    assert b"NumberOfGuests" not in request.body


def test_a_stop_sell_names_no_restriction() -> None:
    statuses = [dict(one.attrib) for one in sent(availability(RULES)).iter("{*}RestrictionStatus")]
    assert statuses == [{"Status": "Close"}, {"Restriction": "Arrival", "Status": "Close"}]


def test_a_length_is_taken_back_without_a_time() -> None:
    lengths = [dict(one.attrib) for one in sent(availability(CLEARED)).iter("{*}LengthOfStay")]
    assert lengths == [{"MinMaxMessageType": "SetMinLOS"}, {"MinMaxMessageType": "SetForwardMinStay"}]


def test_the_root_says_what_became_of_a_reservation() -> None:
    for kind, status in (
        (RevisionKind.NEW, "Commit"),
        (RevisionKind.MODIFY, "Modify"),
        (RevisionKind.CANCEL, "Cancel"),
    ):
        root = sent(delivery(kind))
        (reservation,) = root.iter("{*}HotelReservation")
        assert (root.get("ResStatus"), reservation.get("ResStatus")) == (status, None)
        assert [one.get("Type") for one in reservation.iterfind("{*}UniqueID")] == ["14"]


@pytest.mark.parametrize("room", ["", "DBL"])
def test_everything_is_said_of_a_room_type(room: str) -> None:
    command = availability(update(Setting(Field.FIGURE, 1), room=room))
    if room:
        assert CONNECTOR.encode(command, SITE).parts == 1
    else:
        with pytest.raises(Unsupported):
            CONNECTOR.encode(command, SITE)


# --- what we answer ---------------------------------------------------------------------------------------------------

GOOD: dict[str, list[Result]] = {
    "avail/stop-sell": [Applied(("a warning",))],
    "rates/occupancies-with-a-gap": [Applied()],
    "reservation/commit": [Taken("K7MPQ2RSTU", "WEB-7781", "new", "DEMO01")],
}


@siteminder.needed
@pytest.mark.parametrize("name", GOOD)
def test_what_we_answer_is_valid(name: str) -> None:
    document = opened(name)
    good = CONNECTOR.answer(document, SITE, GOOD[name], NOW_MS)
    bad = CONNECTOR.answer(document, SITE, [Malformed("no") for _ in GOOD[name]], NOW_MS)
    for reply in (good, bad):
        assert siteminder.faults(reply.body, "siteconnect") == []


def told(reply: Reply) -> list[tuple[str | None, ...]]:
    return [(one.get("Type"), one.get("Code"), one.text) for one in read_tree(reply.body).iter("{*}Error")]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Unmapped(Reason.PRODUCT, "X"), "Combination of room code and rate code not found for this hotel"),
        (Malformed("odd", Reason.OCCUPANCY), "Invalid included occupancy"),
    ],
)
def test_refusals_use_the_texts_that_are_demanded(error: Refusal, said: str) -> None:
    ((kind, _, text),) = told(CONNECTOR.refuse(opened("avail/stop-sell"), error, NOW_MS))
    assert (kind, text) == ("12", said)


# --- what comes in ----------------------------------------------------------------------------------------------------


def test_the_lowest_number_of_rooms_holds() -> None:
    command = availability(
        update(Setting(Field.FIGURE, 4)),
        update(Setting(Field.FIGURE, 2), plan="NR", first=FIRST + 2, last=FIRST + 3),
        update(Setting(Field.FIGURE, 4), plan="NR", first=FIRST + 4, last=FIRST + 4),
        update(Setting(Field.FIGURE, 1), plan="HB", first=FIRST + 3, last=FIRST + 3),
        update(Setting(Field.FIGURE, 9), room="SGL"),
    )
    body = b"".join(
        etree.tostring(one)
        for part in command.updates
        for one in sent(availability(part)).iter("{*}AvailStatusMessage")
    )
    whole = sent(availability(LIMIT))
    (container,) = whole.iter("{*}AvailStatusMessages")
    container[:] = list(etree.fromstring(b"<all>" + body + b"</all>"))
    document = CONNECTOR.open(HEAD, [soap.wrap(etree.tostring(whole), soap.Version.V11)])
    (event,) = CONNECTOR.parse(document, SITE)
    assert isinstance(event, AriReceived)
    added = [(one.room, one.plan, one.first - FIRST, one.last - FIRST, one.settings) for one in event.updates[5:]]
    assert added == [
        ("DBL", "", 2, 2, (Setting(Field.FIGURE, 2),)),
        ("DBL", "", 3, 3, (Setting(Field.FIGURE, 1),)),
    ]


def test_inspection_takes_what_the_server_takes() -> None:
    assert isinstance(CONNECTOR, Inspector)
    data = (FIXTURES / "avail" / "known-deviations.xml").read_bytes()
    found = CONNECTOR.inspect(data, Inspection("siteconnect"))
    assert (found.root, len(found.warnings)) == ("OTA_HotelAvailNotifRQ", 2)
    with pytest.raises(Unsupported):
        CONNECTOR.inspect(b"<OTA_PingRQ/>", Inspection("siteconnect"))


def test_inspection_takes_the_shape_of_what_is_never_sent_to_us() -> None:
    head = 'xmlns="http://www.opentravel.org/OTA/2003/05" Version="1.0"'
    answer = f"<OTA_HotelResNotifRS {head}><Success/></OTA_HotelResNotifRS>".encode()
    assert CONNECTOR.inspect(answer, Inspection("siteconnect", reencode=True)).encoded is None
    with pytest.raises(Malformed):
        CONNECTOR.inspect(answer.replace(b"<Success/>", b"<Strange/>"), Inspection("siteconnect"))
