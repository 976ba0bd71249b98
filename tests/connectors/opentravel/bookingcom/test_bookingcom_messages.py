"""Booking.com's kind of channel: what leaves, what comes back, and the queue between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.opentravel.bookingcom import CONNECTOR
from gateway.contract import Refused, Reply
from gateway.errors import OutcomeUnknown, Unsupported
from gateway.messages import (
    Confirmation,
    ConfirmReservations,
    PushAvailability,
    PushRates,
    ReservationReceived,
    RetrieveReservations,
)
from gateway.model.reservation import RevisionKind
from gateway.testing.samples import pushes
from gateway.testing.subject import Subject, default_site
from tests.connectors.opentravel import schemas, twins

REQUESTS, REPLIES = twins.cases("bookingcom", "requests"), twins.cases("bookingcom", "replies")
PROFILES = ("bookingcom", "bookingcom-occupancy")
GENERATED = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
SITE = twins.site("bookingcom")
RETRIEVE = RetrieveReservations(id="r", at_ms=0)


@pytest.mark.parametrize("path", REQUESTS, ids=twins.id_of)
def test_a_command_becomes_its_golden(path: Path) -> None:
    assert twins.written(CONNECTOR, path).decode() == twins.beside(path, ".xml").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", REPLIES, ids=twins.id_of)
def test_a_reply_is_read_as_its_twin_says(path: Path) -> None:
    assert twins.read(CONNECTOR, path).decode() == twins.beside(path, ".expected.json").read_text(encoding="utf-8")


@schemas.needed
@pytest.mark.parametrize("profile", PROFILES)
def test_whatever_is_pushed_is_valid(profile: str) -> None:
    subject = Subject(CONNECTOR, profile, None, default_site(profile))

    @GENERATED
    @given(st.one_of(pushes(PushAvailability, subject), pushes(PushRates, subject)))
    def run(command: Any) -> None:
        try:
            body = CONNECTOR.encode(command, subject.site).body
        except Unsupported:
            return
        assert schemas.faults(body, "2015A") == []

    run()


def test_reservations_are_asked_for_on_their_own_host() -> None:
    site = msgspec.structs.replace(SITE, options={"reservations_url": "https://secure.invalid/hotels/"})
    assert (
        CONNECTOR.encode(RETRIEVE, site).url == "https://secure.invalid/hotels/ota/OTA_HotelResNotif?hotel_ids=770011"
    )
    taken = ConfirmReservations(id="c", at_ms=0, confirmations=(Confirmation("1", RevisionKind.NEW, "R-1"),))
    assert CONNECTOR.encode(taken, site).url == "https://secure.invalid/hotels/ota/OTA_HotelResNotif"


def test_the_queue_knows_no_past() -> None:
    with pytest.raises(Unsupported):
        CONNECTOR.encode(RetrieveReservations(id="r", at_ms=9, since_ms=1), SITE)


def test_an_answer_for_the_other_queue_is_none() -> None:
    path = twins.FOLDER / "bookingcom" / "replies" / "bookingcom" / "modified-nothing.xml"
    with pytest.raises(OutcomeUnknown):
        CONNECTOR.decode(RETRIEVE, CONNECTOR.encode(RETRIEVE, SITE), Reply(200, {}, path.read_bytes()), SITE)


@pytest.mark.parametrize("status", [401, 404])
def test_a_closed_door_is_a_refusal(status: int) -> None:
    found = CONNECTOR.decode(RETRIEVE, CONNECTOR.encode(RETRIEVE, SITE), Reply(status, {}, b""), SITE)
    assert found.outcome == Refused(str(status), f"HTTP {status}")


def test_times_without_a_zone_are_the_hotels() -> None:
    path = twins.FOLDER / "bookingcom" / "replies" / "bookingcom" / "new-two-reservations.xml"
    body = path.read_bytes().replace(b"07:59:00Z", b"07:59:00")
    versions = []
    for zone in ("UTC", "Europe/Amsterdam"):
        site = msgspec.structs.replace(SITE, options={"timezone": zone})
        found = CONNECTOR.decode(RETRIEVE, CONNECTOR.encode(RETRIEVE, site), Reply(200, {}, body), site)
        event = found.events[0].event
        assert isinstance(event, ReservationReceived)
        versions.append(event.revision.version or 0)
    assert versions[0] - versions[1] == 3_600_000
