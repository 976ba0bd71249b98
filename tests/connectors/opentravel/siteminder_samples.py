"""A PMS's account, and one reservation with everything in it, for the tests of both of SiteMinder's dialects."""

from __future__ import annotations

from gateway.contract import Head, Site
from gateway.messages import DeliverReservation, Outgoing
from gateway.model.reservation import Content, Guest, Revision, RevisionKind, RoomStay, Service

NOW_MS = 1_925_366_401_000
FIRST = 741_470
HEAD = Head("POST", "/", {"content-type": "text/xml"})
SITE = Site(
    connection="pms",
    profile="pmsxchange",
    hotel="DEMO01",
    currency="EUR",
    url="https://counterpart.invalid/pms",
    username="gateway",
    password="p<w>",
    inbound_username="partner",
    check_inbound=lambda password: password == "partner-secret",
    options={"requestor_id": "GATEWAY"},
)


ADA = Guest("Muster", "Ada", "ada@example.org", "+43 1 5", ("Ring 1",), "Wien", "1010", "AT", language="de")
BO = Guest("Muster", "Bo")
STAYS = (
    RoomStay(
        "DBL", "FLEX", FIRST, FIRST + 3, adults=2, children=2, infants=1, child_ages=(4, 9),
        nightly=(12000, 12000, 9000), total=33000, guests=(ADA, BO), comments=('Quiet <room> & "cot"',), ref="1",
    ),
    RoomStay("SGL", "FLEX", FIRST, FIRST + 1, units=2, adults=2, total=21000, guests=(BO,)),
)  # fmt: skip
FULL = Content(
    currency="EUR",
    total=56000,
    stays=STAYS,
    booker=ADA,
    services=(Service("PARK", 2, 2000, "a place in the yard"),),
    comments=("late",),
    guarantee="PrePay",
    card_mask="411111XXXXXX1111",
)


def outgoing(kind: RevisionKind = RevisionKind.NEW, content: Content = FULL) -> Outgoing:
    return Outgoing("K7MPQ2RSTU", Revision("WEB-7781", kind, content, "OTA1", 7, NOW_MS), "OTA1", NOW_MS + 5)


def delivery(kind: RevisionKind) -> DeliverReservation:
    one = outgoing(kind)
    return DeliverReservation(
        id="d-1",
        at_ms=NOW_MS,
        reservation_id=one.reservation_id,
        revision=one.revision,
        source=one.source,
        modified_ms=one.modified_ms,
    )
