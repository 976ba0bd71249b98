"""The calendar: looking at it, setting ranges of it with a preview, and one night with its history."""

from __future__ import annotations

from gateway.errors import Refusal, Unauthentic
from gateway.flows.desk import calendar, history
from gateway.flows.desk.calendar import Grid
from gateway.flows.desk.changing import Saved
from gateway.model.access import Action
from gateway.model.dates import Day, format_day, local_day, parse_day
from gateway.web.console.edits import LENGTHS, SWITCHES, Edit, read_edit, takes_rates
from gateway.web.console.faces import Faces, marks_of
from gateway.web.console.fields import Fields
from gateway.web.console.grids import groups, heads
from gateway.web.console.messages import number_of
from gateway.web.console.visits import Go, Page, Views, Visit
from gateway.web.problems import status_of

VIEWS = Views()

SPANS = ("14", "31")
ADULTS = 2
CHANGES_MAX = 300
_BASE = "/hotels/{property}/calendar"


@VIEWS.add("GET", _BASE, Action.LOOK)
async def show(visit: Visit) -> Page:
    """Rooms and plans by night."""
    return await _calendar(visit, visit.query.day("from"))


async def _calendar(visit: Visit, first: Day | None, refusal: Refusal | None = None) -> Page:
    today = _today(visit)
    span = int(visit.query.choice("days", SPANS, SPANS[0]))
    first = first or today
    grid = await calendar.read(visit.services, visit.property_id, first, first + span - 1)
    adults_max = max((room.adults_max for room in grid.rooms), default=1)
    adults = visit.query.number("adults", 1, 12) or min(ADULTS, adults_max)
    return Page(
        "calendar.html",
        {
            "grid": grid,
            "heads": heads(grid, today),
            "groups": groups(grid, Faces(grid, visit.formats, adults)),
            "adults": adults,
            "adults_max": adults_max,
            "span": span,
            "spans": SPANS,
            "today": today,
            "iso": format_day,
            "saved": visit.query.text("saved"),
            "change": change if (change := visit.query.text("change")).isdecimal() else "",
            "refusal": refusal,
            "may_edit": visit.may(Action.SET_AVAILABILITY),
        },
        status=status_of(refusal).value if refusal else 200,
    )


@VIEWS.add("GET", f"{_BASE}/night/{{day}}", Action.LOOK)
async def show_night(visit: Visit) -> Page:
    """Everything about one night, and who set it."""
    day = parse_day(visit.path["day"])
    grid = await calendar.read(visit.services, visit.property_id, day, day)
    changes = await history.changes(visit.services, visit.property_id, day, cursor=visit.query.text("cursor"), limit=50)
    values = {"grid": grid, "day": day, "changes": changes, "marks_of": marks_of, "iso": format_day}
    return Page("night.html", values)


# --- editing ----------------------------------------------------------------------------------------------------------


@VIEWS.add("GET", f"{_BASE}/edit", Action.SET_AVAILABILITY)
async def edit(visit: Visit) -> Page:
    """The form, for the cell or line it was opened from."""
    return await _form(visit, visit.query)


@VIEWS.add("POST", f"{_BASE}/edit", Action.SET_AVAILABILITY)
async def correct(visit: Visit) -> Page:
    """The form as it was filled in, to change something of it."""
    return await _form(visit, visit.form)


@VIEWS.add("POST", f"{_BASE}/preview", Action.SET_AVAILABILITY)
async def preview(visit: Visit) -> Page:
    """What it would change here, and what each channel would get."""
    try:
        wanted = await _wanted(visit)
        found = await calendar.preview(visit.services, visit.property_id, wanted.updates, over_pms=wanted.over_pms)
    except Refusal as refusal:
        return await _form(visit, visit.form, refusal)
    values = {"preview": found, "form": visit.form, "changes_max": CHANGES_MAX}
    return Page("preview.html", values)


@VIEWS.add("POST", f"{_BASE}/save", Action.SET_AVAILABILITY)
async def save(visit: Visit) -> Page | Go:
    """Done; the channels are told by themselves."""
    try:
        wanted = await _wanted(visit)
        saved = await calendar.change(
            visit.services, visit.property_id, wanted.updates, visit.author, over_pms=wanted.over_pms
        )
    except Refusal as refusal:
        return await _form(visit, visit.form, refusal)
    first = visit.form.day("back") or wanted.updates[0].first
    return _saved(visit, first, saved, saved.outcome)


@VIEWS.add("POST", f"{_BASE}/undo/{{message}}", Action.SET_AVAILABILITY)
async def undo(visit: Visit) -> Page | Go:
    """What one edit has changed is as it was before, and the channels are told."""
    back = visit.form.day("back")
    try:
        number = number_of(visit)
        found = await calendar.undoing(visit.services, visit.property_id, number)
        if takes_rates(found.updates):
            visit.require(Action.SET_RATES)
        saved = await calendar.undo(visit.services, visit.property_id, number, visit.author)
    except Unauthentic:
        raise
    except Refusal as refusal:
        return await _calendar(visit, back, refusal)
    return _saved(visit, back or found.updates[0].first, saved, "undone")


def _saved(visit: Visit, first: Day, saved: Saved, what: str) -> Go:
    """To the calendar, which says what was done, and offers to take it back where there is something to."""
    change = f"&change={saved.message_id}" if saved.outcome == "applied" else ""
    return Go(visit.url("calendar", query=f"from={format_day(first)}&saved={what}{change}"))


async def _wanted(visit: Visit) -> Edit:
    today = _today(visit)
    grid = await calendar.read(visit.services, visit.property_id, today, today)
    wanted = read_edit(visit.form, grid)
    if takes_rates(wanted.updates):
        visit.require(Action.SET_RATES)
    return wanted


async def _form(visit: Visit, given: Fields, refusal: Refusal | None = None) -> Page:
    today = _today(visit)
    grid = await calendar.read(visit.services, visit.property_id, today, today)
    values = {
        "grid": grid,
        "given": given,
        "refusal": refusal,
        "adults_max": _adults_max(grid),
        "switches": SWITCHES,
        "lengths": LENGTHS,
        "today": format_day(today),
        "may_rates": visit.may(Action.SET_RATES),
    }
    return Page("edit.html", values, status=status_of(refusal).value if refusal else 200)


def _adults_max(grid: Grid) -> int:
    return max((room.adults_max for room in grid.rooms), default=1)


def _today(visit: Visit) -> Day:
    return local_day(visit.now_ms, visit.hotel.timezone if visit.hotel else "UTC")
