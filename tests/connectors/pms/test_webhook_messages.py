"""What a webhook says and what its answers mean; the signatures are checked where they are sent (tests/flows)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from connectors.pms.webhook import CONNECTOR
from connectors.pms.webhook.payload import Payload
from gateway.contract import Confirmed, Decoded, Reply, Site
from gateway.errors import CallFailed, Gone, Malformed, OutcomeUnknown, Retryable, Unsupported
from gateway.messages import DeliverReservation, Ping
from gateway.model.dates import parse_day
from gateway.model.reservation import Content, Guest, Revision, RevisionKind, RoomStay, Service

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW_MS = 1_925_280_000_000
SITE = Site("crm", "webhook", "MIRAMAR", "EUR", url="https://crm.example", password=SECRET, now_ms=NOW_MS)
STAY = RoomStay(
    "DBL",
    "BAR",
    parse_day("2031-05-12"),
    parse_day("2031-05-14"),
    adults=2,
    children=1,
    child_ages=(7,),
    nightly=(12_000, 12_050),
    total=24_050,
    guests=(Guest("Lovelace", "Ada"),),
)
CONTENT = Content(
    "JPY",
    24_600,
    stays=(STAY,),
    booker=Guest("Lovelace", "Ada", email="ada@example.org"),
    services=(Service("PARK", 2, 1_500, "Parking"),),
    comments=("late",),
    card_mask="411111******1111",
)


def delivery(kind: RevisionKind = RevisionKind.NEW, content: Content = CONTENT) -> DeliverReservation:
    revision = Revision("R1", kind, content, version=3, created_ms=NOW_MS)
    return DeliverReservation(
        id="R1-3", at_ms=NOW_MS, reservation_id="R1", revision=revision, source="ota", modified_ms=NOW_MS
    )


def said(command: Any, site: Site = SITE) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(CONNECTOR.encode(command, site).body)
    return found


def test_everything_that_is_known_is_said_once_and_plainly() -> None:
    body = said(delivery())
    assert msgspec.convert(body, Payload).data is not None
    assert (body["type"], body["timestamp"]) == ("reservation.created", "2031-01-04T08:00:00Z")
    data = body["data"]
    (room,) = data.pop("rooms")
    assert data == {
        "property": "MIRAMAR",
        "reservation_id": "R1",
        "revision": 3,
        "source": "ota",
        "modified_at": "2031-01-04T08:00:00Z",
        "created_at": "2031-01-04T08:00:00Z",
        "currency": "JPY",
        "total": "24600",
        "booker": {"surname": "Lovelace", "given": "Ada", "email": "ada@example.org"},
        "services": [{"code": "PARK", "quantity": 2, "total": "1500", "text": "Parking"}],
        "comments": ["late"],
        "card": "411111******1111",
    }
    assert room["nightly"] == ["12000", "12050"]
    assert (room["arrival"], room["departure"], room["child_ages"]) == ("2031-05-12", "2031-05-14", [7])


def test_amounts_are_in_the_hotels_currency_where_a_booking_names_none() -> None:
    data = said(delivery(content=msgspec.structs.replace(CONTENT, currency="")))["data"]
    assert (data["currency"], data["total"]) == ("EUR", "246.00")


def test_a_ping_has_no_data() -> None:
    assert said(Ping(id="1", at_ms=NOW_MS)) == {"type": "ping", "timestamp": "2031-01-04T08:00:00Z"}


def test_the_id_is_of_the_state_and_the_time_of_the_attempt() -> None:
    first = CONNECTOR.encode(delivery(), SITE).headers
    later = CONNECTOR.encode(delivery(), msgspec.structs.replace(SITE, now_ms=NOW_MS + 60_000)).headers
    assert first["webhook-id"] == later["webhook-id"] == "crm-R1-3"
    assert int(later["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 60
    assert first["webhook-signature"] != later["webhook-signature"]


def test_without_effect_there_is_nothing_to_say() -> None:
    with pytest.raises(Unsupported):
        CONNECTOR.encode(delivery(RevisionKind.IGNORE), SITE)


@pytest.mark.parametrize("secret", ["", "secret", f"{SECRET} {SECRET} {SECRET}", f"{SECRET} x"])
def test_a_secret_is_one_or_two(secret: str) -> None:
    with pytest.raises(Malformed):
        CONNECTOR.encode(delivery(), msgspec.structs.replace(SITE, password=secret))


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        *((status, Confirmed) for status in (200, 201, 202, 204, 299)),
        *((status, OutcomeUnknown) for status in (301, 302, 307, 400, 401, 403, 404, 409, 422, 500, 502, 504)),
        (410, Gone),
        (429, Retryable),
        (503, Retryable),
    ],
)
def test_only_success_is_success(status: int, meaning: type) -> None:
    """Whatever stands in the answer (case C20 of the kit, which the standard has otherwise for 2xx)."""
    for body in (b"", b"<html>ok</html>", b'{"error": 1}'):
        assert isinstance(_ended(Reply(status, {"retry-after": "7"}, body)), meaning)


def test_a_wish_for_time_is_heard() -> None:
    for after, wish in (("7", 7.0), ("", None), ("soon", None)):
        ended = _ended(Reply(429, {"retry-after": after}, b""))
        assert isinstance(ended, Retryable)
        assert ended.after_s == wish


def _ended(reply: Reply) -> object:
    command = delivery()
    try:
        decoded = CONNECTOR.decode(command, CONNECTOR.encode(command, SITE), reply, SITE)
    except CallFailed as failed:
        return failed
    assert isinstance(decoded, Decoded)
    return decoded.outcome
