"""One of Google's messages by itself: its shape, then the rules that no shape can say (other dialects, section 1)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from connectors.opentravel._shared.names import AVAIL, NAMESPACE, RATES, every, first, value
from gateway.contract_inspecting import Inspected, Inspection
from gateway.errors import Malformed, Reason, Unsupported
from gateway.wire import shape
from gateway.wire.xml import Limits, Node, name_of, read_tree
from mappings import shapes

# They ask for small messages; a room's content may be long.
_LIMITS = Limits(bytes_max=4 * 1024 * 1024, elements_max=50_000)
_BARE = ("Transaction", "TransactionResponse")
_BY_STAY = "26"


@lru_cache(maxsize=1)
def schema() -> shape.Schema:
    return shape.Schema(shapes.read("google-ari"))


def inspect_message(data: bytes, inspection: Inspection) -> tuple[Inspected, Node]:
    """With the message that was read; raises :class:`gateway.errors.Refusal` with path and line."""
    root = read_tree(data, _LIMITS)
    name = name_of(root)
    if inspection.action and inspection.action not in (name, name.removesuffix("RQ").removesuffix("RS")):
        raise Unsupported(f"{name} is not {inspection.action}", path=f"/{name}", line=root.sourceline)
    _bring_in(root, name)
    try:
        shape.check(root, schema())
    except Unsupported as error:
        error.line = error.line or root.sourceline
        raise
    for node in root.iter("{*}StatusApplicationControl"):
        _check_dates(node)
    if name == AVAIL:
        for item in every(root, "AvailStatusMessages", "AvailStatusMessage"):
            _check_avail(item)
    elif name == RATES:
        removes = value(root, "NotifType") == "Remove"
        for item in every(root, "RateAmountMessages", "RateAmountMessage"):
            _check_rates(item, removes)
    return Inspected(name), root


def _bring_in(root: Node, name: str) -> None:
    """The namespace is optional, and property data has none; the table knows one only."""
    bare = not str(root.tag).startswith("{")
    if name in _BARE and not bare:
        raise Malformed(f"{name} stands in no namespace", Reason.INVALID_VALUE, path=f"/{name}", line=root.sourceline)
    if bare:
        for node in root.iter():
            tag: Any = node.tag
            if not tag.startswith("{"):
                node.tag = f"{{{NAMESPACE}}}{tag}"


def _check_dates(node: Node) -> None:
    # Written alike, dates compare as texts do.
    if value(node, "Start") > value(node, "End"):
        raise _fault(node, "/@End", "the range ends before it begins", Reason.DATE_COMBINATION)


def _check_avail(item: Node) -> None:
    """Rooms left of a room type, or rules of a room type on a rate plan: never both in one."""
    control = first(item, "StatusApplicationControl")
    lengths, status = first(item, "LengthsOfStay"), first(item, "RestrictionStatus")
    planned = bool(value(control, "RatePlanCode"))
    if value(item, "BookingLimit"):
        if planned and control is not None:
            raise _fault(control, "/@RatePlanCode", "rooms left belong to a room type, not to a rate plan")
        if lengths is not None or status is not None:
            raise _fault(item, "/@BookingLimit", "rooms left and rules stand in messages of their own")
        return
    if lengths is None and status is None:
        raise _fault(item, "", "neither rooms left nor a rule", Reason.REQUIRED_MISSING)
    if not planned and control is not None:
        raise _fault(control, "/@RatePlanCode", "RatePlanCode is missing", Reason.REQUIRED_MISSING)
    for length in every(lengths, "LengthOfStay"):
        _check_length(length, value(lengths, "FixedPatternLength"))


def _check_length(node: Node, fixed: str) -> None:
    pattern = first(node, "LOS_Pattern")
    if value(node, "MinMaxMessageType") != "FullPatternLOS":
        for name in ("Time", "TimeUnit"):
            if not value(node, name):
                raise _fault(node, f"/@{name}", f"{name} is missing", Reason.REQUIRED_MISSING)
        if pattern is not None:
            raise _fault(pattern, "", "only FullPatternLOS has a pattern")
    elif pattern is None:
        raise _fault(node, "/LOS_Pattern", "LOS_Pattern is missing", Reason.REQUIRED_MISSING)
    elif fixed and int(fixed) != len(value(pattern, "FullPatternLOS")):
        raise _fault(pattern, "/@FullPatternLOS", f"the pattern has not {fixed} letters")


def _check_rates(item: Node, removes: bool) -> None:
    rates = every(item, "Rates", "Rate")
    if not rates and not removes:
        raise _fault(item, "/Rates", "Rates is missing", Reason.REQUIRED_MISSING)
    control = first(item, "StatusApplicationControl")
    by_stay = value(control, "RatePlanType") == _BY_STAY
    for rate in rates:
        if by_stay != bool(value(rate, "UnitMultiplier")):
            text = "a price by length of stay has RatePlanType 26 and a UnitMultiplier"
            raise _fault(rate, "/@UnitMultiplier", text, Reason.REQUIRED_MISSING)
        for amount in every(rate, "BaseByGuestAmts", "BaseByGuestAmt"):
            if not (value(amount, "AmountBeforeTax") or value(amount, "AmountAfterTax")):
                raise _fault(amount, "/@AmountAfterTax", "there is no amount", Reason.REQUIRED_MISSING)


def _fault(node: Node, suffix: str, text: str, reason: Reason = Reason.INVALID_VALUE) -> Malformed:
    return Malformed(text, reason, path=shape.path_of(node) + suffix, line=node.sourceline)
