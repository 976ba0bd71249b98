"""Our side as the server: the form, the headers, housekeeping, handshakes, outcomes and status codes."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest
from lxml import etree

from connectors.opentravel.alpinebits import CONNECTOR
from connectors.opentravel.alpinebits.terms import VERSIONS
from gateway.contract import Head, Reply, Site
from gateway.engine.ari import cleared
from gateway.errors import Malformed, Reason, Refusal, Rejected, Unauthentic, Unmapped
from gateway.messages import (
    Applied,
    AriReceived,
    Clearing,
    ContentReceived,
    DeliveriesReported,
    Found,
    Outgoing,
    PingReceived,
    Pong,
    ReservationReceived,
    ReservationsAsked,
    Result,
    Taken,
)
from gateway.model.ari import Aspect, Field, Setting
from gateway.model.dates import parse_day
from gateway.model.property import Product
from gateway.model.reservation import Content, Guest, Revision, RevisionKind, RoomStay
from gateway.testing import default_site
from gateway.testing.subject import NOW_MS, PASSWORD, USERNAME, show_basic
from gateway.wire.multipart_form import write_parts
from tests.connectors.opentravel.alpinebits.examples import body_of
from tests.connectors.opentravel.alpinebits.schemas import faults, needed

HEADERS = {"x-alpinebits-clientprotocolversion": "2022-10", "x-alpinebits-clientid": "test"}


def site_of(version: str, **options: Any) -> Site:
    return msgspec.structs.replace(default_site(f"alpinebits-{version}"), hotel="DEMO01", options=options)


def ask(
    action: str,
    request: bytes | None,
    version: str = "2022-10",
    site: Site | None = None,
    results: Sequence[Result] | None = None,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> tuple[Reply, list[Any]]:
    """What the web would do: open, verify, parse, answer; refusals in our shape."""
    site = site or site_of(version)
    parts = {"action": action.encode()} | ({"request": request} if request is not None else {})
    content_type, written = write_parts(parts)
    given = {"content-type": content_type, **HEADERS, "x-alpinebits-clientprotocolversion": version, **(headers or {})}
    head, sent = show_basic(Head("POST", "/", given), body if body is not None else written, USERNAME, PASSWORD)
    document, events = None, list[Any]()
    try:
        document = CONNECTOR.open(head, [sent])
        CONNECTOR.verify(document, site, NOW_MS)
        events = list(CONNECTOR.parse(document, site))
        found = results if results is not None else [Applied() for _ in events]
        return CONNECTOR.answer(document, site, found, NOW_MS), events
    except Refusal as refusal:
        return CONNECTOR.refuse(document, refusal, NOW_MS), events


def text_of(reply: Reply) -> str:
    return reply.body.decode()


def root_of(reply: Reply) -> Any:
    assert reply.status == 200, text_of(reply)
    return etree.fromstring(reply.body)


def found_in(reply: Reply, name: str) -> list[Any]:
    return list(root_of(reply).iter(f"{{*}}{name}"))


# --- transport --------------------------------------------------------------------------------------------------------


def test_housekeeping_answers_in_plain_text() -> None:
    for version, said in (("2022-10", "2022-10"), ("2011-11", "2024-10")):
        reply, events = ask("getVersion", None, version, site_of("2024-10"))
        assert (reply.status, text_of(reply), events) == (200, f"OK:{said}", [])
        assert reply.headers["x-alpinebits-server-accept-encoding"] == "gzip"
        assert reply.headers["content-type"].startswith("text/plain")
    reply, _ = ask("getCapabilities", None, "2018-10", site_of("2024-10"))
    assert "action_OTA_HotelAvailNotif,action_OTA_Read" in text_of(reply)
    assert "OTA_HotelAvailNotif_accept_deltas" in text_of(reply)
    assert "InvCount" not in text_of(reply)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"headers": {"x-alpinebits-clientprotocolversion": ""}}, 400),
        ({"headers": {"content-type": "text/xml"}}, 400),
        ({"headers": {"content-encoding": "br"}}, 400),
        ({"headers": {"content-encoding": "gzip"}}, 400),
        ({"version": "2011-11", "site": site_of("2024-10")}, 400),
        ({"version": "2024-10", "site": site_of("2022-10")}, 400),
        ({"action": ""}, 400),
        ({"action": "OTA_Read:guestrequests"}, 400),
        ({"action": "OTA_HotelPostEventNotif:EventReports"}, 400),
        ({"action": "OTA_HotelAvailNotif:FreeRooms"}, 400),
        ({"request": None}, 400),
        ({"request": b"<a"}, 400),
        ({"request": b"<a/>"}, 400),
        ({"request": body_of("2022-10/OTA_PingRQ/handshake")}, 400),
        ({"request": body_of("2022-10/OTA_ReadRQ/since").replace(b"2031-01-01T", b"1 January ")}, 400),
        ({"body": b"x" * 21_000_000}, 413),
        ({"body": gzip.compress(b"x" * 21_000_000), "headers": {"content-encoding": "gzip"}}, 413),
        ({"site": msgspec.structs.replace(site_of("2022-10"), inbound_username="other")}, 401),
    ],
)
def test_what_cannot_be_taken_is_refused_in_plain_text(change: dict[str, Any], status: int) -> None:
    asked = {"action": "OTA_Read:GuestRequests", "request": body_of("2022-10/OTA_ReadRQ/since")}
    reply, _ = ask(**(asked | change))
    assert reply.status == status
    assert text_of(reply).startswith("ERROR:")
    assert ("www-authenticate" in reply.headers) == (status == 401)


def test_a_compressed_form_is_read() -> None:
    content_type, body = write_parts(
        {"action": b"OTA_Read:GuestRequests", "request": body_of("2022-10/OTA_ReadRQ/since")}
    )
    headers = {"content-type": content_type, "content-encoding": "gzip"}
    reply, events = ask("", None, headers=headers, body=gzip.compress(body), results=[Found(())])
    assert found_in(reply, "ReservationsList")
    assert isinstance(events[0], ReservationsAsked)


def test_without_credentials_nobody_is_let_in() -> None:
    content_type, body = write_parts({"action": b"getVersion"})
    document = CONNECTOR.open(Head("POST", "/", {"content-type": content_type, **HEADERS}), [body])
    with pytest.raises(Unauthentic):
        CONNECTOR.verify(document, site_of("2022-10"), NOW_MS)


# --- handshakes -------------------------------------------------------------------------------------------------------


def _handshake(offer: object, header: str = "2024-10", highest: str = "2024-10") -> tuple[Reply, dict[str, Any]]:
    echo = json.dumps(offer)
    frame = etree.fromstring(body_of("2024-10/OTA_PingRQ/handshake"))
    frame[0].text = echo
    request = etree.tostring(frame)
    reply, events = ask("OTA_Ping:Handshaking", request, header, site_of(highest), results=[Pong(echo)])
    assert events == [PingReceived(echo)]
    (warning,) = found_in(reply, "Warning")
    assert (warning.get("Type"), warning.get("Status")) == ("11", "ALPINEBITS_HANDSHAKE")
    assert [one.text for one in found_in(reply, "EchoData")] == [echo]
    common: dict[str, Any] = json.loads(warning.text)
    return reply, common


def test_a_handshake_says_what_both_can_do() -> None:
    offer = {
        "versions": [
            {"version": "2017-10"},
            {
                "version": "2022-10",
                "actions": [
                    {
                        "action": "action_OTA_HotelInvCountNotif",
                        "supports": [
                            "OTA_HotelInvCountNotif_accept_rooms",
                            "OTA_HotelInvCountNotif_accept_deltas",
                            "OTA_HotelInvCountNotif_accept_categories",
                        ],
                    },
                    {"action": "action_OTA_Read"},
                    {"action": "action_OTA_HotelPostEventNotif_EventReports"},
                ],
            },
            {"version": "2024-10", "actions": [{"action": "action_OTA_Ping"}]},
        ]
    }
    for header in ("2024-10", "2018-10", "2031-10"):
        _, common = _handshake(offer, header)
        assert common == {
            "versions": [
                {"version": "2024-10"},
                {
                    "version": "2022-10",
                    "actions": [
                        {
                            "action": "action_OTA_HotelInvCountNotif",
                            "supports": [
                                "OTA_HotelInvCountNotif_accept_categories",
                                "OTA_HotelInvCountNotif_accept_deltas",
                            ],
                        },
                        {"action": "action_OTA_Read"},
                    ],
                },
            ]
        }


def test_a_handshake_without_anything_in_common() -> None:
    offers: list[object] = [{}, {"versions": []}, {"versions": [{"version": "2017-10"}]}]
    for offer in offers:
        assert _handshake(offer)[1] == {}
    assert _handshake({"versions": [{"version": "2024-10"}]}, highest="2022-10")[1] == {}


@needed
@pytest.mark.parametrize("version", VERSIONS)
def test_handshakes_are_valid(version: str) -> None:
    reply, _ = _handshake({"versions": [{"version": version}]}, version)
    assert faults(reply.body, version) == []
    refused, _ = ask(
        "OTA_Ping:Handshaking", body_of(f"{version}/OTA_PingRQ/handshake"), version, results=[Rejected("no")]
    )
    if version == "2018-10":
        assert (refused.status, text_of(refused)[:6]) == (400, "ERROR:")
    else:
        assert faults(refused.body, version) == []


# --- outcomes ---------------------------------------------------------------------------------------------------------


def _asked(version: str) -> dict[str, bytes]:
    free_rooms = "OTA_HotelAvailNotif" if version == "2018-10" else "OTA_HotelInvCountNotif"
    return {
        f"{free_rooms}:FreeRooms": body_of(f"{version}/{free_rooms}RQ/delta"),
        "OTA_HotelRatePlanNotif:RatePlans": body_of(f"{version}/OTA_HotelRatePlanNotifRQ/plain"),
        "OTA_HotelDescriptiveContentNotif:Inventory": body_of(f"{version}/OTA_HotelDescriptiveContentNotifRQ/rooms"),
        "OTA_NotifReport:GuestRequests": body_of(f"{version}/OTA_NotifReportRQ/mixed"),
    }


@needed
@pytest.mark.parametrize("version", VERSIONS)
def test_success_advice_and_errors_are_valid_in_every_version(version: str) -> None:
    for action, body in _asked(version).items():
        good, events = ask(action, body, version)
        assert len(events) == 1
        assert faults(good.body, version) == []
        assert found_in(good, "Success")
        advised, _ = ask(action, body, version, results=[Applied(("mind <the> gap",))])
        assert faults(advised.body, version) == []
        silent = action.startswith("OTA_NotifReport") and version < "2022"
        assert [one.get("Type") for one in found_in(advised, "Warning")][:1] == ([] if silent else ["11"])
        bad, _ = ask(action, body, version, results=[Unmapped(Reason.ROOM_TYPE, "DBL")])
        assert faults(bad.body, version) == []
        (error,) = found_in(bad, "Error")
        assert (error.get("Type"), error.get("Code")) == ("13", "402")
        away, _ = ask(action, body, version, results=[Rejected("later", Reason.UNAVAILABLE)])
        assert away.status == 503


def test_a_broken_rule_is_an_error_outcome_and_a_broken_schema_is_not() -> None:
    body = body_of("2022-10/OTA_HotelInvCountNotifRQ/delta")
    reply, _ = ask("OTA_HotelInvCountNotif:FreeRooms", body.replace(b'InvTypeCode="DBL"', b'InvCode="1"', 1))
    (error,) = found_in(reply, "Error")
    assert (error.get("Type"), error.get("Code")) == ("13", "321")
    assert "/Inventory/StatusApplicationControl/@InvTypeCode, line 5" in error.text
    reply, _ = ask("OTA_HotelInvCountNotif:FreeRooms", body.replace(b'Count="3"', b'Count="x"'))
    assert reply.status == 400


# --- what is read -----------------------------------------------------------------------------------------------------


def _event(example: str, **options: Any) -> Any:
    version, root, _ = example.split("/")
    action = {
        "OTA_HotelAvailNotifRQ": "OTA_HotelAvailNotif:FreeRooms",
        "OTA_HotelInvCountNotifRQ": "OTA_HotelInvCountNotif:FreeRooms",
        "OTA_HotelRatePlanNotifRQ": "OTA_HotelRatePlanNotif:RatePlans",
        "OTA_HotelDescriptiveContentNotifRQ": "OTA_HotelDescriptiveContentNotif:Inventory",
        "OTA_NotifReportRQ": "OTA_NotifReport:GuestRequests",
        "OTA_ReadRQ": "OTA_Read:GuestRequests",
    }[root]
    reply, events = ask(action, body_of(example), version, site_of(version, **options))
    assert reply.status == 200, text_of(reply)
    return events[0] if events else root_of(reply)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_complete_set_takes_away_all_rooms_first(version: str) -> None:
    root = "OTA_HotelAvailNotifRQ/complete" if version == "2018-10" else "OTA_HotelInvCountNotifRQ/categories"
    complete = _event(f"{version}/{root}")
    assert complete.clears == (Clearing(Aspect.LIMIT),)
    assert {(update.room, update.settings[0].value) for update in complete.updates} >= {("DBL", 4)}
    reset = _event(f"{version}/{root.partition('/')[0]}/reset")
    assert reset == AriReceived("DEMO01", (), clears=(Clearing(Aspect.LIMIT),))
    delta = _event(f"{version}/{root.partition('/')[0]}/delta")
    assert delta.clears == ()
    assert delta.updates[0].settings == (Setting(Field.FIGURE, 3),)


def test_plans_that_are_not_in_a_complete_set_are_taken_away() -> None:
    event = _event("2024-10/OTA_HotelRatePlanNotifRQ/complete")
    assert event.updates == ()
    assert {clearing.keep for clearing in event.clears} == {("FLEX", "BB")}
    products = [Product("DBL", plan, "DBL", plan) for plan in ("FLEX", "BB", "OLD")]
    gone = cleared(event.clears, products, "EUR", net=False, first=parse_day("2031-01-01"))
    assert {update.plan for update in gone} == {"OLD"}


def test_an_overlay_needs_to_know_whom_its_prices_are_for() -> None:
    example = "2024-10/OTA_HotelRatePlanNotifRQ/overlay"
    refused = _event(example)
    assert "rate_basis" in refused.findtext(".//{*}Error")
    for basis, price in (("person", 20000), ("room", 10000)):
        prices = _event(example, rate_basis=basis).updates[-1].settings
        assert [setting.value for setting in prices if setting.guests == 2] == [price]


def test_an_overlay_of_rules_says_all_of_them() -> None:
    rules = _event("2022-10/OTA_HotelRatePlanNotifRQ/overlay", rate_basis="room").updates[:-1]
    said = {setting.field: setting.value for update in rules for setting in update.settings}
    assert said == dict.fromkeys(set(said), 0) | {Field.CLOSED: 1}
    assert {Field.CTA, Field.CTD, Field.MIN_ARRIVAL, Field.MIN_THROUGH, Field.MAX_ARRIVAL, Field.MAX_THROUGH} < set(
        said
    )


def test_amounts_for_children_by_age_are_told() -> None:
    body = body_of("2022-10/OTA_HotelRatePlanNotifRQ/plain")
    reply, _ = ask("OTA_HotelRatePlanNotif:RatePlans", body)
    assert "only the highest is kept" in found_in(reply, "Warning")[0].text


def test_packages_of_nights_are_refused() -> None:
    body = body_of("2022-10/OTA_HotelRatePlanNotifRQ/plain").replace(b'UnitMultiplier="1"', b'UnitMultiplier="7"')
    reply, _ = ask("OTA_HotelRatePlanNotif:RatePlans", body)
    assert "packages" in found_in(reply, "Error")[0].text


def test_rooms_are_described_with_their_names() -> None:
    content = _event("2020-10/OTA_HotelDescriptiveContentNotifRQ/rooms")
    assert isinstance(content, ContentReceived)
    assert [(room.code, room.name) for room in content.rooms] == [("DBL", "Balcony twin"), ("SUI", "Suite")]


def test_reports_name_what_was_taken_and_what_was_not() -> None:
    event = _event("2022-10/OTA_NotifReportRQ/mixed")
    assert isinstance(event, DeliveriesReported)
    assert [(one.reservation_id, one.kind, one.error) for one in event.reports] == [
        ("WEB-7781", None, ""),
        ("WEB-7780", RevisionKind.CANCEL, ""),
        ("WEB-7782", None, "room type no longer offered"),
    ]


# --- guest requests ---------------------------------------------------------------------------------------------------


def _booking(number: str, kind: RevisionKind = RevisionKind.NEW, **more: Any) -> Outgoing:
    arrival = parse_day("2031-02-01")
    stay = RoomStay("DBL", "FLEX", arrival, arrival + 2, units=2, adults=2, children=1, child_ages=(9,), total=84001)
    guest = Guest("Muster", "Ada", "no mail", "n/a", ("Am Platz 1",), "Musterdorf", "39100", "Italy", "Demo AG", "de")
    content = Content("EUR", 84001, stays=(stay,), booker=guest, comments=("late",), **more)
    return Outgoing(number, Revision(f"{number}-THEIRS", kind, content, "OTA1", NOW_MS, NOW_MS), "ota", NOW_MS)


@needed
@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_read_is_valid_and_what_cannot_be_told_is_a_warning(version: str) -> None:
    found = Found(
        (
            _booking("R-1"),
            _booking("R-2", RevisionKind.CANCEL),
            _booking("R-3", net=True),
            _booking("R-4", RevisionKind.CANCEL, net=True),
        ),
        more=True,
    )
    body = body_of(f"{version}/OTA_ReadRQ/undelivered")
    reply, events = ask("OTA_Read:GuestRequests", body, version, results=[found])
    assert events == [ReservationsAsked("DEMO01")]
    assert faults(reply.body, version) == []
    assert [one.get("ID") for one in found_in(reply, "UniqueID")] == ["R-1", "R-2", "R-4"]
    assert [one.get("Type") for one in found_in(reply, "UniqueID")] == ["14", "15", "15"]
    assert [one.get("RecordID") for one in found_in(reply, "Warning")] == ["R-3", None]
    assert [one.get("AmountAfterTax") for one in found_in(reply, "Total")][:2] == ["420.01", "420.00"]
    told = root_of(reply).findtext(".//{*}Comment/{*}Text")
    assert told.splitlines() == ["late", "E-mail: no mail", "Telephone: n/a", "Country: Italy", "Company: Demo AG"]


@needed
@pytest.mark.parametrize("version", VERSIONS)
def test_a_push_is_taken_request_by_request(version: str) -> None:
    body = body_of(f"{version}/OTA_HotelResNotifRQ/modified-and-cancelled")
    taken = Taken("R-1", "WEB-7781", "cancel", "DEMO01", ("look at it",))
    refused = Rejected("no", Reason.BOOKING_REFERENCE)
    reply, events = ask("OTA_HotelResNotif:GuestRequests", body, version, results=[refused, taken])
    assert [type(event) for event in events] == [ReservationReceived] * 2
    assert [event.revision.kind for event in events] == [RevisionKind.MODIFY, RevisionKind.CANCEL]
    assert faults(reply.body, version) == []
    assert [(one.get("Type"), one.get("ID")) for one in found_in(reply, "UniqueID")] == [("15", "WEB-7781")]
    assert [(one.get("Type"), one.get("RecordID")) for one in found_in(reply, "Warning")] == [
        ("3", "WEB-7779"),
        ("11", "WEB-7781"),
    ]
    none, _ = ask("OTA_HotelResNotif:GuestRequests", body, version, results=[refused, refused])
    if version < "2022":
        assert (none.status, text_of(none)[:6]) == (400, "ERROR:")
    else:
        assert faults(none.body, version) == []
        assert found_in(none, "Error")


def test_a_booking_is_read() -> None:
    _, events = ask("OTA_HotelResNotif:GuestRequests", body_of("2024-10/OTA_HotelResNotifRQ/services"), "2024-10")
    revision = events[0].revision
    assert (revision.booking_id, revision.kind, revision.channel) == ("WEB-24", RevisionKind.NEW, "123")
    (stay,) = revision.content.stays
    assert (stay.room, stay.plan, stay.adults, stay.child_ages, stay.total) == ("DBL", "FLEX", 2, (9,), 42000)
    assert [(service.code, service.total) for service in revision.content.services] == [("MASSAGE", 2000)]
    assert revision.content.total == 44000
    assert revision.content.card_mask.startswith("444433")
    assert "4444333322221111" not in repr(revision)
    assert (revision.content.booker.surname, revision.content.booker.email) == ("Muster", "ada@example.org")


def test_a_request_for_an_offer_is_no_booking() -> None:
    _, events = ask("OTA_HotelResNotif:GuestRequests", body_of("2018-10/OTA_HotelResNotifRQ/requested"), "2018-10")
    assert events[0].revision.kind is RevisionKind.IGNORE
    assert len(events[0].revision.content.stays) == 1


def test_a_refusal_of_what_could_not_be_read_is_plain_text() -> None:
    reply = CONNECTOR.refuse(None, Malformed("no\r\nway"), NOW_MS)
    assert (reply.status, text_of(reply)) == (400, "ERROR:no??way")
