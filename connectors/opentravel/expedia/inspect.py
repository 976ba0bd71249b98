"""One message of QuickConnect by itself: its shape, then the rules that no shape can say (Expedia notes, 2.2 to 4)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import msgspec

from connectors.opentravel._shared.names import every, first, value
from connectors.opentravel.expedia import names
from connectors.opentravel.expedia.names import Api, namespace_of
from connectors.opentravel.expedia.rules import check_update
from gateway.contract_inspecting import Inspected, Inspection
from gateway.errors import Malformed, Reason, Unsupported
from gateway.wire import shape
from gateway.wire.xml import Limits, Node, name_of, read_tree
from mappings import shapes

REQUEST_BYTES_MAX = 100_000
# An answer holds 125 bookings at most.
_LIMITS = Limits(bytes_max=4 * 1024 * 1024, elements_max=50_000)


@lru_cache(maxsize=8)
def schema(namespace: str) -> shape.Schema:
    """The one table serves all versions; they differ in their namespace only, for what is read here."""
    table = msgspec.json.decode(shapes.read("expedia"))
    return shape.Schema(msgspec.json.encode({**table, "namespace": namespace}))


def inspect_message(data: bytes, apis: Iterable[Api], inspection: Inspection) -> tuple[Inspected, Node]:
    """With the message that was read; raises :class:`gateway.errors.Refusal` with path and line."""
    root = read_tree(data, _LIMITS)
    name = name_of(root)
    if inspection.action and inspection.action not in (name, name.removesuffix("RQ").removesuffix("RS")):
        raise Unsupported(f"{name} is not {inspection.action}", path=f"/{name}", line=root.sourceline)
    namespace, usual = _namespace(root, apis)
    if name == names.AR_RQ and len(data) > REQUEST_BYTES_MAX:
        text = f"a message of more than {REQUEST_BYTES_MAX} bytes (error 3405)"
        raise Malformed(text, Reason.TOO_LARGE, path=f"/{name}", line=root.sourceline)
    shape.check(root, schema(namespace))
    if name == names.AR_RQ:
        check_update(root)
    elif name == names.BR_RS:
        for booking in every(root, "Bookings", "Booking"):
            _check_booking(booking)
    return Inspected(name, () if namespace == usual else (f"{namespace} instead of {usual}",)), root


def _namespace(root: Node, apis: Iterable[Api]) -> tuple[str, str]:
    """The message's own namespace and the one it usually has; error 2010 for any other."""
    name, found = name_of(root), namespace_of(root)
    for api in apis:
        spaces = {api.request: api.request_spaces, api.answer: api.answer_spaces}.get(name)
        if spaces and found in spaces:
            return found, spaces[0]
        if spaces:
            text = f"{name} stands in the namespace {spaces[0]}"
            raise Malformed(text, Reason.INVALID_VALUE, path=f"/{name}", line=root.sourceline)
    raise Unsupported(f"{name} is no message of this profile", path=f"/{name}", line=root.sourceline)


def _check_booking(booking: Node) -> None:
    stay = first(booking, "RoomStay")
    if value(booking, "type") != "Cancel" and first(stay, "PerDayRates") is None and stay is not None:
        path = f"{shape.path_of(stay)}/PerDayRates"
        raise Malformed("PerDayRates is missing", Reason.REQUIRED_MISSING, path=path, line=stay.sourceline)
    dates = first(stay, "StayDate")
    if dates is not None and value(dates, "arrival") > value(dates, "departure"):
        path = f"{shape.path_of(dates)}/@departure"
        raise Malformed(
            "the departure is before the arrival", Reason.DATE_COMBINATION, path=path, line=dates.sourceline
        )
