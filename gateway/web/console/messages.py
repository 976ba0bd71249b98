"""The message log: finding, reading and taking again what was said."""

from __future__ import annotations

from gateway.errors import Malformed, Reason
from gateway.flows.desk import connections, messages
from gateway.flows.desk.messages import Direction, Filter
from gateway.model.access import Action
from gateway.web.console.visits import Page, Views, Visit

VIEWS = Views()

LINES = 50
CHANGES_MAX = 200
OUTCOMES = (
    "",
    "applied",
    "unchanged",
    "stale",
    "duplicate",
    "parked",
    "discarded",
    "refused",
    "answered",
    "confirmed",
    "unknown",
    "failed",
)
DIRECTIONS = ("", "in", "out")
_ONE = "/hotels/{property}/messages/{message}"


@VIEWS.add("GET", "/hotels/{property}/messages", Action.READ_MESSAGES)
async def show_all(visit: Visit) -> Page:
    """Newest first."""
    query = visit.query
    page = await messages.find(
        visit.services, visit.property_id, _filter(visit), cursor=query.text("cursor"), limit=LINES
    )
    names = await connections.names(visit.services, visit.property_id)
    choices = {"outcomes": OUTCOMES, "directions": DIRECTIONS, "connections": names}
    return Page("messages.html", {"page": page, "query": query, **choices})


def _filter(visit: Visit) -> Filter:
    query, zone = visit.query, visit.formats.zone
    direction = query.choice("direction", DIRECTIONS, "")
    last_ms = query.instant("last", zone)
    return Filter(
        direction=Direction(direction) if direction else None,
        connection=query.text("connection"),
        kind=query.text("kind"),
        outcome=query.choice("outcome", OUTCOMES, ""),
        text=query.text("text"),
        first_ms=query.instant("first", zone),
        last_ms=None if last_ms is None else last_ms + 59_999,  # the whole minute
    )


@VIEWS.add("GET", _ONE, Action.READ_MESSAGES)
async def show(visit: Visit) -> Page:
    """Both texts."""
    found = await messages.show(visit.services, visit.property_id, number_of(visit))
    line = found.line
    is_edit = line.kind == "calendar" and not line.connection and line.outcome in ("applied", "parked")
    values = {
        "found": found,
        "may_replay": found.can_replay and visit.may(Action.REPLAY),
        "may_undo": is_edit and visit.may(Action.SET_AVAILABILITY),
    }
    return Page("message.html", values)


@VIEWS.add("POST", f"{_ONE}/replay", Action.REPLAY)
async def replay(visit: Visit) -> Page:
    """What taking it again would do; once that was seen and confirmed, it is done."""
    is_dry = visit.form.text("do") != "it"
    number = number_of(visit)
    found = await messages.replay(visit.services, visit.property_id, number, visit.author, dry_run=is_dry)
    values = {"number": number, "replay": found, "is_dry": is_dry, "changes_max": CHANGES_MAX}
    return Page("replay.html", {**values, "may_read": visit.may(Action.READ_MESSAGES)})


def number_of(visit: Visit) -> int:
    """The message that the path names; raises Malformed."""
    text = visit.path["message"]
    if not text.isascii() or not text.isdigit() or len(text) > 19 or int(text) >= 2**63:
        raise Malformed(f"{text[:40]!r} is no message number", Reason.INVALID_VALUE)
    return int(text)
