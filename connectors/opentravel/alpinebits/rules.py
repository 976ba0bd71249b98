"""A message of AlpineBits held against its standard: limits of XML, schema of the version, then the rules.

The order is the server's. What every rule is called and where it comes from stands in the ``rules_*`` files.
"""

from __future__ import annotations

from collections.abc import Callable

from connectors.opentravel._shared.inspect_shapes import schema
from connectors.opentravel._shared.names import is_ours
from connectors.opentravel.alpinebits import (
    actions,
    rules_events,
    rules_freerooms,
    rules_guests,
    rules_info,
    rules_inventory,
    rules_pulls,
    rules_rateplans,
)
from connectors.opentravel.alpinebits.actions import ACTIONS, action_of
from connectors.opentravel.alpinebits.faults import broken
from connectors.opentravel.alpinebits.terms import Terms
from gateway.errors import Reason, Refusal, Unsupported
from gateway.wire import shape
from gateway.wire.xml import Node, name_of

Warnings = tuple[str, ...]


def check(root: Node, action: str, terms: Terms) -> Warnings:
    """Raises the first :class:`Refusal`; gives what is tolerated. An empty action is found out from the message."""
    check_shape(root, terms.version)
    action = action or action_of(root, terms.version)
    check_action(root, action, terms.version)
    return check_rules(root, action, terms)


def check_shape(root: Node, version: str) -> None:
    """The schema of the version."""
    if not is_ours(root):
        raise Unsupported(f"{name_of(root)} is not in the OpenTravel namespace", path=f"/{name_of(root)}", line=1)
    shape.check(root, schema(f"alpinebits-{version}"))
    # The XSD lets anything be in it; the RNG, and the text of the standard, nothing.
    if len(root) and name_of(root[0]) == "Success" and (len(root[0]) or root[0].attrib or (root[0].text or "").strip()):
        raise broken(root[0], "Success is empty", Reason.SYNTAX)


def check_action(root: Node, action: str, version: str) -> None:
    """The action belongs to the version, and the message to the action."""
    known = ACTIONS.get(action)
    if known is None or not known.is_in(version):
        raise broken(root, f"the action {action[:80]!r} is not one of {version}", Reason.NOT_IMPLEMENTED)
    if name_of(root) not in (known.request, known.response):
        raise broken(root, f"{name_of(root)} does not belong to the action {action}", Reason.INVALID_VALUE)


def check_rules(root: Node, action: str, terms: Terms) -> Warnings:
    """The rules of the action; answers other than guest requests and handshakes have none beyond the schema."""
    found = _CHECKS.get((action, name_of(root)))
    return found(root, terms) if found else ()


def _without_terms(check: Callable[[Node], object]) -> Callable[[Node, Terms], Warnings]:
    def run(root: Node, terms: Terms) -> Warnings:
        check(root)
        return ()

    return run


def _silent(check: Callable[[Node, Terms], None]) -> Callable[[Node, Terms], Warnings]:
    def run(root: Node, terms: Terms) -> Warnings:
        check(root, terms)
        return ()

    return run


def _reservations(*, whole: bool) -> Callable[[Node, Terms], Warnings]:
    def run(root: Node, terms: Terms) -> Warnings:
        found = root.iter("{*}HotelReservation")
        return tuple(_told(fault) for one in found for fault in rules_guests.faults(one, terms, whole=whole))

    return run


def _told(fault: Refusal) -> str:
    return f"{fault.path}: {fault.text}"


_CHECKS: dict[tuple[str, str], Callable[[Node, Terms], Warnings]] = {
    (actions.HANDSHAKE, "OTA_PingRQ"): _without_terms(rules_pulls.check_ping),
    (actions.HANDSHAKE, "OTA_PingRS"): _without_terms(rules_pulls.check_pong),
    (actions.FREE_ROOMS_2018, "OTA_HotelAvailNotifRQ"): _silent(rules_freerooms.check_avail),
    (actions.FREE_ROOMS, "OTA_HotelInvCountNotifRQ"): rules_freerooms.check_inv_count,
    (actions.READ, "OTA_ReadRQ"): _without_terms(rules_pulls.check_read),
    (actions.READ, "OTA_ResRetrieveRS"): _reservations(whole=True),
    (actions.RES_NOTIF, "OTA_HotelResNotifRQ"): _reservations(whole=True),
    (actions.RES_STATUS, "OTA_HotelResNotifRQ"): _reservations(whole=False),
    (actions.INVENTORY, "OTA_HotelDescriptiveContentNotifRQ"): _silent(rules_inventory.check),
    (actions.INFO, "OTA_HotelDescriptiveContentNotifRQ"): _silent(rules_info.check),
    (actions.INVENTORY_PULL, "OTA_HotelDescriptiveInfoRQ"): _without_terms(rules_pulls.check_descriptive_info),
    (actions.INFO_PULL, "OTA_HotelDescriptiveInfoRQ"): _without_terms(rules_pulls.check_descriptive_info),
    (actions.RATE_PLANS, "OTA_HotelRatePlanNotifRQ"): _silent(rules_rateplans.check),
    (actions.BASE_RATES, "OTA_HotelRatePlanRQ"): _without_terms(rules_pulls.check_base_rates),
    (actions.EVENTS, "OTA_HotelPostEventNotifRQ"): _without_terms(rules_events.check),
}
