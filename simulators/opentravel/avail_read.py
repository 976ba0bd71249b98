"""Reading OTA_HotelAvailNotifRQ (sheet, sections 3.1 and 3.2)."""

from collections.abc import Iterator
from typing import Any

from simulators.opentravel.days import duration_s
from simulators.opentravel.items import Item, LimitChange, Refused, RuleChange
from simulators.opentravel.target import invalid, missing, read_count, read_product, read_span
from simulators.opentravel.vocabulary import Vocabulary
from simulators.opentravel.xml import Node, attr, child, children, flag

_FLAG_OF_RESTRICTION = {None: "closed", "Master": "closed", "Arrival": "cta", "Departure": "ctd"}
_PATTERN_LETTERS = str.maketrans("10yn", "YNYN")


def read_avail(root: Node, names: Vocabulary, today: int) -> Iterator[Item]:
    """The parts of the message, each with its changes or its problems."""
    parts = children(child(root, "AvailStatusMessages"), "AvailStatusMessage")
    for number, part in enumerate(parts, start=1):
        record_id = attr(part, "LocatorID") or str(number)
        try:
            yield Item(record_id, _changes(part, names, today), [])
        except Refused as refused:
            yield Item(record_id, [], [refused.problem(record_id)])


def _changes(part: Node, names: Vocabulary, today: int) -> list[Any]:
    room, plan = read_product(part, names)
    span = read_span(child(part, "StatusApplicationControl"), names, today)
    found: list[Any] = []
    if attr(part, "BookingLimit") is not None or attr(part, "BookingLimitMessageType") == "RemoveLimit":
        limit, adjust = _limit(part)
        # A limit belongs to the room type; a plan on it is ignored by pool-based peers such as this one.
        found.append(LimitChange(room, span, limit, adjust))
    fields: dict[str, Any] = {}
    for stays in children(part, "LengthsOfStay", "LenghtsOfStay"):
        fields.update(_stay_fields(stays, names.los))
    for status in children(part, "RestrictionStatus"):
        fields.update(_status_fields(status))
    if fields:
        found.append(RuleChange(room, plan, span, fields))
    if not found:
        raise missing("BookingLimit, LengthsOfStay or RestrictionStatus")
    return found


def _limit(part: Node) -> tuple[int | None, bool]:
    kind = attr(part, "BookingLimitMessageType") or "SetLimit"
    if kind == "RemoveLimit":
        return None, False
    if kind not in ("SetLimit", "AdjustLimit"):
        raise invalid(f"BookingLimitMessageType {kind} is unknown")
    text = attr(part, "BookingLimit") or ""
    if kind == "AdjustLimit" and text.startswith("-"):
        return -read_count(text[1:], "BookingLimit"), True
    return read_count(text, "BookingLimit"), kind == "AdjustLimit"


def _status_fields(node: Node) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    restriction, status = attr(node, "Restriction"), attr(node, "Status")
    if status == "ClosedOnArrival":
        fields["cta"] = True
    elif status in ("Open", "Close"):
        if restriction not in _FLAG_OF_RESTRICTION:
            raise invalid(f"Restriction {restriction} is not supported")
        fields[_FLAG_OF_RESTRICTION[restriction]] = status == "Close"
    elif status is not None:
        raise invalid(f"Status {status} is not supported")
    for key, field in (("MinAdvancedBookingOffset", "min_offset_s"), ("MaxAdvancedBookingOffset", "max_offset_s")):
        text = attr(node, key)
        if text is None:
            continue
        try:
            fields[field] = duration_s(text) or None
        except ValueError as error:
            raise invalid(str(error)) from error
    if not fields:
        raise missing("Status")
    return fields


def _stay_fields(node: Node, los: str) -> dict[str, Any]:
    arrival_based = _flag(node, "ArrivalDateBased")
    basis = los if arrival_based is None else ("arrival" if arrival_based else "through")
    fields: dict[str, Any] = {}
    lengths: dict[int, bool] = {}
    for length in children(node, "LengthOfStay", "LenghtOfStay"):
        kind = attr(length, "MinMaxMessageType")
        if kind == "FullPatternLOS" or (kind is None and attr(length, "OpenStatusIndicator") is not None):
            if not _listed_length(length, lengths):
                fields["pattern"] = _pattern(length)
        elif kind is not None:
            fields.update(_min_max(length, kind, basis))
        else:
            fields.update(_bare_min_max(length, basis))
    if lengths:
        fields["pattern"] = _pattern_of(lengths, attr(node, "FixedPatternLength"))
    if not fields:
        raise missing("LengthOfStay")
    return fields


def _min_max(length: Node, kind: str, basis: str) -> dict[str, Any]:
    known = {
        "SetMinLOS": ("min", basis), "RemoveMinLOS": ("min", basis), "MinLOS": ("min", basis),
        "SetMaxLOS": ("max", basis), "RemoveMaxLOS": ("max", basis), "MaxLOS": ("max", basis),
        # The forward types name their own basis, so ArrivalDateBased does not decide about them.
        "SetForwardMinStay": ("min", "through"), "RemoveForwardMinStay": ("min", "through"),
        "SetForwardMaxStay": ("max", "through"), "RemoveForwardMaxStay": ("max", "through"),
    }  # fmt: skip
    if kind not in known:
        raise invalid(f"MinMaxMessageType {kind} is not supported")
    unit = attr(length, "TimeUnit")
    if unit not in (None, "Day"):
        raise invalid(f"TimeUnit {unit} is not supported")
    edge, base = known[kind]
    time = attr(length, "Time")
    nights = read_count(time, "Time") if time is not None and not kind.startswith("Remove") else 0
    return {f"{edge}_{base}": nights or None}


def _bare_min_max(length: Node, basis: str) -> dict[str, Any]:
    """The misspelt old shape with @MinLOS and @MaxLOS on the element itself."""
    fields: dict[str, Any] = {}
    for key, edge in (("MinLOS", "min"), ("MaxLOS", "max")):
        text = attr(length, key)
        if text is not None:
            fields[f"{edge}_{basis}"] = read_count(text, key) or None
    if not fields:
        raise missing("MinMaxMessageType")
    return fields


def _listed_length(length: Node, lengths: dict[int, bool]) -> bool:
    """Take one `@Time=n @OpenStatusIndicator` entry of a pattern given as a list; False if it is not one."""
    time, opened = attr(length, "Time"), _flag(length, "OpenStatusIndicator")
    if time is None or opened is None:
        return False
    lengths[read_count(time, "Time")] = opened
    return True


def _pattern(length: Node) -> str | None:
    text = attr(child(length, "LOS_Pattern"), "FullPatternLOS")
    if text is None:
        return None
    pattern = text.translate(_PATTERN_LETTERS)
    if set(pattern) - {"Y", "N"}:
        raise invalid(f"FullPatternLOS {text} is not a pattern")
    # Lengths beyond a pattern are not restricted, so one without N restricts nothing.
    return pattern if "N" in pattern else None


def _pattern_of(lengths: dict[int, bool], fixed: str | None) -> str:
    size = max(*lengths, read_count(fixed, "FixedPatternLength") if fixed else 0, 1)
    if size > 999 or 0 in lengths:
        raise invalid("pattern lengths must be 1 to 999")
    return "".join("Y" if lengths.get(nights, True) else "N" for nights in range(1, size + 1))


def _flag(node: Node, key: str) -> bool | None:
    try:
        return flag(attr(node, key))
    except ValueError as error:
        raise invalid(f"{key}: {error}") from error
