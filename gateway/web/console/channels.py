"""Connections: how far each has come, what it refuses, and what can be asked of it."""

from __future__ import annotations

from gateway.errors import NotFound
from gateway.flows.desk import connections
from gateway.flows.desk.connections import ConnectionLine, SyncState
from gateway.model.access import Action
from gateway.model.property import Role
from gateway.web.console.visits import Go, Page, Views, Visit

VIEWS = Views()

_BASE = "/hotels/{property}/channels"
_ONE = f"{_BASE}/{{connection}}"
RANGES_MAX = 300
ORDERS = ("pause", "resume", "full-sync", "repair")


@VIEWS.add("GET", _BASE, Action.LOOK)
async def show_all(visit: Visit) -> Page:
    """Every connection with its health."""
    state = await connections.state(visit.services, visit.property_id)
    return Page("channels.html", {"state": state, "health": health, "ordered": visit.query.text("done")})


@VIEWS.add("GET", _ONE, Action.LOOK)
async def show(visit: Visit) -> Page:
    """One of them, with everything it refuses."""
    line, state = await _line(visit)
    errors = await connections.errors(visit.services, visit.property_id, line.id)
    values = {"line": line, "state": state, "errors": errors, "health": health, "done": visit.query.text("done")}
    roles = {"is_channel": line.role is Role.CHANNEL, "is_receiver": line.role is Role.RECEIVER}
    return Page("channel.html", {**values, **roles, "orders": ORDERS})


@VIEWS.add("GET", f"{_ONE}/audit", Action.LOOK)
async def audit(visit: Visit) -> Page:
    """What it was told against what it should hold."""
    name = visit.path["connection"]
    found = await connections.audit(visit.services, visit.property_id, name, ranges_max=RANGES_MAX)
    return Page("audit.html", {"name": name, "audit": found})


@VIEWS.add("POST", f"{_ONE}/order", Action.SYNC)
async def order(visit: Visit) -> Go:
    """Pause, resume, send everything, or send what differs."""
    services, scope_id, name = visit.services, visit.property_id, visit.path["connection"]
    wanted = visit.form.text("order")
    done = wanted
    if wanted in ("pause", "resume"):
        await connections.pause(services, scope_id, name, visit.author, paused=wanted == "pause")
    elif wanted == "full-sync":
        await connections.full_sync(services, scope_id, name, visit.author)
    elif wanted == "repair":
        if await connections.repair(services, scope_id, name, visit.author) is None:
            done = "nothing"
    else:
        raise NotFound(f"there is no order {wanted[:40]!r}")
    return Go(visit.url("channels", name, query=f"done={done}"))


async def _line(visit: Visit) -> tuple[ConnectionLine, SyncState]:
    name = visit.path["connection"]
    state = await connections.state(visit.services, visit.property_id)
    found = next((line for line in state.connections if line.id == name), None)
    if found is None:
        raise NotFound(f"there is no connection {name!r}")
    return found, state


def health(line: ConnectionLine) -> str:
    """One word for a connection, which is also a class of the style sheet."""
    if line.problem or not line.enabled:
        return "off"
    if line.paused:
        return "paused"
    if line.failures or line.sync_errors or line.deliveries_refused or line.content_error:
        return "trouble"
    if line.lag is None or line.lag or line.cells_pending or line.deliveries_pending or line.content_pending:
        return "busy"
    return "well"
