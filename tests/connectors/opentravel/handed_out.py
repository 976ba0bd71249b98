"""A new, a changed and a cancelled reservation, as they are handed to whoever fetches them."""

from __future__ import annotations

from gateway.messages import Outgoing
from gateway.model.dates import parse_day
from gateway.model.reservation import Content, Guest, Revision, RevisionKind, RoomStay, Service

MADE_MS = 1_925_366_400_000  # 2031-01-05T08:00:00Z
HOUR_MS = 3_600_000

_GUEST = Guest("Muster", "Ada", email="ada@example.org", city="Bern", country="CH")
_CONTENT = Content(
    currency="EUR",
    total=27000,
    stays=(
        RoomStay(
            "DBL",
            "FLEX",
            parse_day("2031-02-01"),
            parse_day("2031-02-03"),
            adults=2,
            nightly=(12000, 12000),
            total=24000,
            guests=(_GUEST,),
        ),
    ),
    booker=_GUEST,
    services=(Service("PARK", 2, 3000, "Garage"),),
    comments=("Late arrival",),
    card_mask="411111XXXXXX1111",
)


def one(number: int, kind: RevisionKind, made_ms: int = MADE_MS) -> Outgoing:
    """``R-<number>``, made at that instant and changed an hour later for each step in its life."""
    steps = (RevisionKind.NEW, RevisionKind.MODIFY, RevisionKind.CANCEL).index(kind)
    revision = Revision(f"R-{number}", kind, _CONTENT, version=steps + 1, created_ms=made_ms)
    return Outgoing(f"R-{number}", revision, "booking", made_ms + steps * HOUR_MS)


HANDED_OUT = (one(1001, RevisionKind.NEW), one(1002, RevisionKind.MODIFY), one(1003, RevisionKind.CANCEL))
