"""What they answer, read part by part."""

from __future__ import annotations

import pytest

from connectors.opentravel._shared.names import NAMESPACE
from connectors.opentravel.ota import CONNECTOR
from gateway.contract import Confirmed, Decoded, Refused, Reply, Unknown
from gateway.errors import OutcomeUnknown, Retryable
from gateway.messages import Command, DeliverReservation, Ping, PushAvailability
from gateway.model.ari import AriUpdate, Field, Setting
from gateway.model.reservation import Content, Revision, RevisionKind
from gateway.testing.subject import default_site

# The second update needs two AvailStatusMessages, so LocatorIDs 2 and 3 are both part 1.
PUSH = PushAvailability(
    id="a-1",
    at_ms=0,
    updates=(
        AriUpdate("DBL", "", 741_000, 741_001, (Setting(Field.FIGURE, 4),)),
        AriUpdate("DBL", "FLEX", 741_000, 741_001, (Setting(Field.CLOSED, 1), Setting(Field.CTA, 1))),
        AriUpdate("SGL", "", 741_000, 741_001, (Setting(Field.FIGURE, 1),)),
    ),
)
DELIVERY = DeliverReservation(
    id="d-1",
    at_ms=0,
    reservation_id="R-1",
    revision=Revision("WEB-1", RevisionKind.CANCEL, Content()),
    source="WEB",
    modified_ms=0,
)


def rs(content: str, root: str = "OTA_HotelAvailNotifRS") -> bytes:
    return f'<{root} xmlns="{NAMESPACE}" Version="1.0">{content}</{root}>'.encode()


def decode(
    body: bytes, command: Command = PUSH, status: int = 200, profile: str = "ota-2015a", **headers: str
) -> Decoded:
    site = default_site(profile)
    reply = Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)
    return CONNECTOR.decode(command, CONNECTOR.encode(command, site), reply, site)


def test_success_confirms_every_part() -> None:
    assert decode(rs("<Success/>")) == Decoded(Confirmed())
    assert decode(rs("<Success/>", "OTA_PingRS"), Ping(id="p", at_ms=0)) == Decoded(Confirmed())


def test_a_delivery_is_confirmed_with_their_number() -> None:
    ids = (
        '<HotelReservationID ResID_Type="14" ResID_Value="WEB-1"/>'
        '<HotelReservationID ResID_Type="10" ResID_Value="P-5"/>'
    )
    body = (
        "<Success/><HotelReservations><HotelReservation><ResGlobalInfo><HotelReservationIDs>"
        f"{ids}</HotelReservationIDs></ResGlobalInfo></HotelReservation></HotelReservations>"
    )
    assert decode(rs(body, "OTA_HotelResNotifRS"), DELIVERY).outcome == Confirmed("P-5")


def test_errors_with_record_ids_refuse_those_parts_and_leave_the_others_open() -> None:
    found = decode(rs('<Errors><Error Type="12" Code="402" RecordID="3">Room type is unknown</Error></Errors>'))
    assert isinstance(found.outcome, Unknown)
    assert found.parts == {1: Refused("402", "Room type is unknown")}


def test_errors_without_record_ids_refuse_all() -> None:
    found = decode(rs('<Errors><Error Type="3" Code="392" ShortText="No such hotel"/></Errors>'))
    assert found == Decoded(Refused("392", "No such hotel"))
    assert decode(rs('<Errors><Error Type="3" Code="392"/></Errors>')).outcome == Refused("392", "Invalid hotel code")
    assert isinstance(decode(rs("<Errors/>")).outcome, Refused)


def test_success_beside_errors_is_failure() -> None:
    assert isinstance(decode(rs('<Success/><Errors><Error Type="3" Code="320">x</Error></Errors>')).outcome, Refused)


@pytest.mark.parametrize("code", ["448", "450", "187"])
def test_a_system_in_trouble_is_asked_again(code: str) -> None:
    with pytest.raises(Retryable):
        decode(rs(f'<Errors><Error Type="12" Code="{code}">down</Error></Errors>'))


def test_warnings_refuse_parts_only_where_the_dialect_says_so() -> None:
    body = rs('<Success/><Warnings><Warning Type="3" Code="402" RecordID="2">skipped</Warning></Warnings>')
    assert decode(body) == Decoded(Confirmed())
    skipped = decode(body, profile="ota-through")
    assert skipped == Decoded(Confirmed(), {1: Refused("402", "skipped")})


@pytest.mark.parametrize("status", [408, 429, 503])
def test_what_was_not_done_is_retryable(status: int) -> None:
    with pytest.raises(Retryable) as failed:
        decode(b"", status=status, retry_after="120")
    assert failed.value.after_s == 120
    with pytest.raises(Retryable) as dated:
        decode(b"", status=status, date="Sun, 05 Jan 2031 08:00:00 GMT", retry_after="Sun, 05 Jan 2031 08:01:30 GMT")
    assert dated.value.after_s == 90
    for wish in ("soon", "Mon, 01 Jan 99999999999 00:00:00 GMT"):
        with pytest.raises(Retryable) as silent:
            decode(b"", status=status, date="Sun, 05 Jan 2031 08:00:00 GMT", retry_after=wish)
        assert silent.value.after_s is None


@pytest.mark.parametrize("status", [500, 502, 504, 599])
def test_what_may_have_been_done_is_unknown(status: int) -> None:
    with pytest.raises(OutcomeUnknown):
        decode(rs("<Success/>"), status=status)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 413])
def test_a_closed_door_is_a_refusal(status: int) -> None:
    assert decode(b"<html/>", status=status).outcome == Refused(str(status), f"HTTP {status}")
    explained = rs('<Errors><Error Type="4" Code="497">No access</Error></Errors>')
    assert decode(explained, status=status).outcome == Refused(str(status), "No access")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"ok",
        rs(""),
        rs("<Success/>", "OTA_PingRS"),
        b"<Success/>",
        rs("<Success/>")[:-3],
        b"<!DOCTYPE a><a/>",
    ],
)
def test_a_broken_answer_leaves_the_outcome_open(body: bytes) -> None:
    with pytest.raises(OutcomeUnknown):
        decode(body)


def test_an_unrecognised_root_is_refused() -> None:
    body = f'<OTA_ErrorRS xmlns="{NAMESPACE}" Version="1" ErrorCode="UnrecognizedRoot" ErrorMessage="what?"/>'.encode()
    assert decode(body).outcome == Refused("UnrecognizedRoot", "what?")
