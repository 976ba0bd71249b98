"""Bookings: as they arrive, found again, and one with its whole history."""

from __future__ import annotations

from gateway.engine.booking import Status
from gateway.flows.desk import reservations
from gateway.flows.desk.reservations import Filter, Order
from gateway.model.access import Action
from gateway.web.console.fields import Fields
from gateway.web.console.visits import Page, Views, Visit

VIEWS = Views()

LINES = 50
STATUSES = ("", "booked", "cancelled")


@VIEWS.add("GET", "/hotels/{property}/bookings", Action.READ_RESERVATIONS)
async def show_all(visit: Visit) -> Page:
    """Newest first, or by arrival."""
    query = visit.query
    order = Order(query.choice("order", [each.value for each in Order], Order.CREATED.value))
    page = await reservations.find(
        visit.services, visit.property_id, _filter(query), order=order, cursor=query.text("cursor"), limit=LINES
    )
    values = {"page": page, "query": query, "statuses": STATUSES, "order": order.value}
    return Page("bookings.html", values)


@VIEWS.add("GET", "/hotels/{property}/bookings/{reservation}", Action.READ_RESERVATIONS)
async def show(visit: Visit) -> Page:
    """Every revision and every delivery."""
    found = await reservations.show(visit.services, visit.property_id, visit.path["reservation"])
    return Page("booking.html", {"found": found, "may_read_messages": visit.may(Action.READ_MESSAGES)})


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
