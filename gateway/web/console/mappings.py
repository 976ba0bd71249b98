"""Mappings: which of their codes stand for our rooms and plans."""

from __future__ import annotations

from gateway.engine.hotel_file import HotelFileError
from gateway.errors import Malformed, Reason, Refusal
from gateway.flows.desk import connections, mappings
from gateway.model.access import Action
from gateway.model.property import Product
from gateway.web.console.visits import Go, Page, Views, Visit
from gateway.web.problems import status_of

VIEWS = Views()

CODE_LENGTH_MAX = 64
_BASE = "/hotels/{property}/mappings"
_ONE = f"{_BASE}/{{connection}}"


@VIEWS.add("GET", _BASE, Action.LOOK)
async def choose(visit: Visit) -> Page:
    """Which connection."""
    state = await connections.state(visit.services, visit.property_id)
    return Page("mappings.html", {"state": state})


@VIEWS.add("GET", _ONE, Action.LOOK)
async def show(visit: Visit) -> Page:
    """What is mapped, what is not, and the codes that were met."""
    return await _page(visit)


@VIEWS.add("POST", _ONE, Action.MAP)
async def change(visit: Visit) -> Page | Go:
    """Maps one product, or takes one out."""
    form = visit.form
    room, _, plan = form.text("product").partition("|")
    try:
        if not room or not plan:
            raise Malformed("say which room type and rate plan", Reason.REQUIRED_MISSING)
        put, remove = [], []
        if form.text("do") == "remove":
            remove = [(room, plan)]
        else:
            put = [Product(room, plan, _code(visit, "their_room"), _code(visit, "their_plan"))]
        await mappings.change(
            visit.services,
            visit.property_id,
            visit.path["connection"],
            visit.author,
            put=put,
            remove=remove,
            expected=form.number("version", 0, 10**9),
        )
    except (Refusal, HotelFileError) as refusal:
        return await _page(visit, refusal)
    return Go(visit.url("mappings", visit.path["connection"], query="saved=1"))


def _code(visit: Visit, name: str) -> str:
    code = visit.form.text(name)
    if not 1 <= len(code) <= CODE_LENGTH_MAX:
        raise Malformed(f"a code has 1 to {CODE_LENGTH_MAX} characters", Reason.INVALID_VALUE)
    return code


async def _page(visit: Visit, refusal: Refusal | HotelFileError | None = None) -> Page:
    connection = visit.path["connection"]
    mapping = await mappings.read(visit.services, visit.property_id, connection)
    may_map = visit.may(Action.MAP)
    problems: tuple[str, ...] = ()
    if refusal is not None:
        problems = tuple(refusal.problems) if isinstance(refusal, HotelFileError) else (refusal.text,)
    values = {
        "mapping": mapping,
        "suggestions": await mappings.suggest(visit.services, visit.property_id, connection) if may_map else (),
        "may_map": may_map,
        "problems": problems,
        "saved": visit.query.is_set("saved"),
        "form": visit.form,
    }
    return Page("mapping.html", values, status=status_of(refusal).value if refusal else 200)
