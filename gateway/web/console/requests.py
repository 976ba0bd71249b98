"""Requests of guests for plans that are sold on request: accepted or declined."""

from __future__ import annotations

from gateway.errors import Malformed, Reason, Refusal
from gateway.flows.selling import sell
from gateway.model.access import Action
from gateway.web.console.visits import Go, Page, Views, Visit
from gateway.web.problems import status_of

VIEWS = Views()

DONE = ("accept", "decline")
_BASE = "/hotels/{property}/requests"


@VIEWS.add("GET", _BASE, Action.READ_RESERVATIONS)
async def show(visit: Visit) -> Page:
    """Everything that waits, the one that ends first in front."""
    return await _page(visit)


@VIEWS.add("POST", f"{_BASE}/{{sale}}", Action.SET_AVAILABILITY)
async def answer(visit: Visit) -> Page | Go:
    """Makes a reservation of one, or gives its rooms back."""
    visit.require(Action.READ_RESERVATIONS)
    do, place = visit.form.choice("do", DONE, ""), (visit.services, visit.property_id, visit.path["sale"], visit.author)
    try:
        if do == "accept":
            await sell.accept(*place)
        elif do == "decline":
            await sell.decline(*place)
        else:
            raise Malformed("say whether to accept or to decline it", Reason.REQUIRED_MISSING)
    except Refusal as refusal:
        return await _page(visit, refusal)
    return Go(visit.url("requests", query=f"done={do}"))


async def _page(visit: Visit, refusal: Refusal | None = None) -> Page:
    values = {
        "waiting": await sell.requests(visit.services, visit.property_id),
        "done": visit.query.choice("done", DONE, ""),
        "refusal": refusal,
        "may_answer": visit.may(Action.SET_AVAILABILITY),
    }
    return Page("requests.html", values, status=status_of(refusal).value if refusal else 200)
