"""Bookings: as they arrive, found again, and one with its whole history."""

from __future__ import annotations

from gateway.engine.booking import Status
from gateway.errors import Malformed, Reason, Refusal
from gateway.flows.desk import connections, deliveries, reservations
from gateway.flows.desk.reservations import Filter, Order
from gateway.flows.selling import sell
from gateway.flows.vault.show import ShownCard, cards_of, show_card
from gateway.model.access import Action
from gateway.web.console.fields import Fields
from gateway.web.console.visits import Go, Page, Views, Visit
from gateway.web.problems import status_of

VIEWS = Views()

LINES = 50
STATUSES = ("", "booked", "cancelled")
DONE = ("resend", "entered")
_ONE = "/hotels/{property}/bookings/{reservation}"


@VIEWS.add("GET", "/hotels/{property}/bookings", Action.READ_RESERVATIONS)
async def show_all(visit: Visit) -> Page:
    """Newest first, or by arrival."""
    query = visit.query
    order = Order(query.choice("order", [each.value for each in Order], Order.CREATED.value))
    page = await reservations.find(
        visit.services, visit.property_id, _filter(query), order=order, cursor=query.text("cursor"), limit=LINES
    )
    requests = await sell.requests(visit.services, visit.property_id)
    names = await connections.names(visit.services, visit.property_id)
    choices = {"statuses": STATUSES, "order": order.value, "connections": names}
    return Page("bookings.html", {"page": page, "query": query, "requests": len(requests), **choices})


@VIEWS.add("GET", _ONE, Action.READ_RESERVATIONS)
async def show(visit: Visit) -> Page:
    """Every revision and every delivery."""
    return await _page(visit)


@VIEWS.add("POST", f"{_ONE}/delivery", Action.HAND_OVER)
async def hand_over(visit: Visit) -> Page | Go:
    """Sends it to one receiver again, or takes down that somebody has entered it there."""
    number, form = visit.path["reservation"], visit.form
    connection, do = form.text("connection"), form.choice("do", DONE, "")
    place = (visit.services, visit.property_id, number, connection, visit.author)
    try:
        if do == "resend":
            await deliveries.resend(*place)
        elif do == "entered":
            await deliveries.entered_by_hand(*place, ref=form.text("ref"))
        else:
            raise Malformed("say whether to send it again or that it was entered", Reason.REQUIRED_MISSING)
    except Refusal as refusal:
        return await _page(visit, refusal)
    return Go(visit.url("bookings", number, query=f"done={do}"))


@VIEWS.add("POST", f"{_ONE}/card", Action.SHOW_CARDS)
async def show_number(visit: Visit) -> Page:
    """A card in full, on a page that nobody keeps; who has seen it and why is on record before."""
    number, form = visit.path["reservation"], visit.form
    try:
        card = await show_card(
            visit.services, visit.property_id, number, form.text("card"), visit.author, form.text("reason")
        )
    except Refusal as refusal:
        return await _page(visit, refusal)
    return await _page(visit, card=card)


async def _page(visit: Visit, refusal: Refusal | None = None, card: ShownCard | None = None) -> Page:
    found = await reservations.show(visit.services, visit.property_id, visit.path["reservation"])
    values = {
        "found": found,
        "cards": await cards_of(visit.services, visit.property_id, visit.path["reservation"]),
        "card": card,
        "may_show_cards": visit.may(Action.SHOW_CARDS) and visit.may(Action.READ_RESERVATIONS),
        "may_read_messages": visit.may(Action.READ_MESSAGES),
        "may_hand_over": visit.may(Action.HAND_OVER) and visit.may(Action.READ_RESERVATIONS),
        "done": visit.query.choice("done", DONE, ""),
        "refusal": refusal,
    }
    return Page("booking.html", values, status=status_of(refusal).value if refusal else 200)


def _filter(query: Fields) -> Filter:
    status = query.choice("status", STATUSES, "")
    return Filter(
        status=Status(status) if status else None,
        connection=query.text("connection")[:64],
        arrival_first=query.day("arrival_first"),
        arrival_last=query.day("arrival_last"),
        text=query.text("text"),
        parked=query.is_set("parked"),
        oversold=query.is_set("oversold"),
    )
