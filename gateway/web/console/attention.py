"""What needs somebody: alerts that stand, changes that wait, and bookings that are parked or oversold."""

from __future__ import annotations

from gateway.flows.alerts import watch
from gateway.flows.desk import holding, reservations
from gateway.model.access import EVERY_PROPERTY, Action
from gateway.web.console.visits import Page, Views, Visit

VIEWS = Views()


@VIEWS.add("GET", "/hotels/{property}/alerts", Action.LOOK)
async def show(visit: Visit) -> Page:
    """Of the property; and of the gateway itself, to those who look after every property."""
    assert visit.session is not None
    services = visit.services
    found = await watch.current(services, visit.property_id)
    of_gateway = visit.session.principal.may(Action.LOOK, EVERY_PROPERTY)
    gateway = await watch.current(services, "") if of_gateway else ()
    trouble = None
    if visit.may(Action.READ_RESERVATIONS):
        cursor = visit.query.text("cursor")
        trouble = await reservations.trouble(services, visit.property_id, cursor=cursor, limit=50)
    held = await holding.find(services, visit.property_id)
    return Page("alerts.html", {"alerts": found, "gateway_alerts": gateway, "trouble": trouble, "held": held})
