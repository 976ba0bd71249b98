"""What the guard holds back: shown with what would change, then let through or thrown away."""

from __future__ import annotations

from gateway.errors import Malformed, NotFound, Reason, Refusal
from gateway.flows.desk import holding
from gateway.model.access import Action
from gateway.web.console.messages import number_of
from gateway.web.console.visits import Go, Page, Views, Visit
from gateway.web.problems import status_of

VIEWS = Views()

CHANGES_MAX = 100
DONE = ("confirm", "discard")
_BASE = "/hotels/{property}/held"


@VIEWS.add("GET", _BASE, Action.LOOK)
async def show(visit: Visit) -> Page:
    """Everything that waits, by the message it came in."""
    return await _page(visit)


@VIEWS.add("POST", f"{_BASE}/{{message}}", Action.SET_RATES)
async def decide(visit: Visit) -> Page | Go:
    """Sets what waited of one message, or throws it away."""
    do = visit.form.choice("do", DONE, "")
    try:
        number = number_of(visit)
        if do == "confirm":
            await holding.confirm(visit.services, visit.property_id, number, visit.author)
        elif do == "discard":
            await holding.discard(visit.services, visit.property_id, number, visit.author)
        else:
            raise Malformed("say whether to confirm or to discard it", Reason.REQUIRED_MISSING)
    except NotFound:
        # Somebody else was quicker, or newer values have taken its place.
        return Go(visit.url("held", query="done=gone"))
    except Refusal as refusal:
        return await _page(visit, refusal)
    return Go(visit.url("held", query=f"done={do}"))


async def _page(visit: Visit, refusal: Refusal | None = None) -> Page:
    values = {
        "waiting": await holding.find(visit.services, visit.property_id),
        "done": visit.query.choice("done", (*DONE, "gone"), ""),
        "refusal": refusal,
        "may_decide": visit.may(Action.SET_RATES),
        "may_read": visit.may(Action.READ_MESSAGES),
        "changes_max": CHANGES_MAX,
    }
    return Page("held.html", values, status=status_of(refusal).value if refusal else 200)
