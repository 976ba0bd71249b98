"""The shape of a message by SiteMinder's schemas, but for the deviations that occur (sheet, 1, 2.3 and 3.2)."""

from __future__ import annotations

import re

from connectors.opentravel._shared import names
from connectors.opentravel._shared.inspect_shapes import schema
from gateway.errors import Malformed, Reason
from gateway.wire import shape
from gateway.wire.xml import Node, name_of

# The older of the two schemas lacks reservations that are pushed.
_NEWER, _PUSH_ANSWER = "siteconnect", "OTA_HotelResNotifRS"
_NO_COLON = re.compile(r"(.*T.*[+-]\d\d)(\d\d)")


def check_shape(root: Node, table: str) -> tuple[str, ...]:
    """Warnings for what was put right before the check; raises :class:`gateway.errors.Refusal` with path and line."""
    warnings = _put_right(root)
    shape.check(root, schema(table))
    return warnings


def check_other(root: Node, table: str) -> tuple[str, ...] | None:
    """Warnings for a message of the dialect that is never sent to us; None for one that is not of the dialect."""
    name = name_of(root)
    table = _NEWER if name == _PUSH_ANSWER else table
    asked = name == names.OFFERS or name.endswith("RS")
    if not asked or not names.is_ours(root) or name not in schema(table).table.roots:
        return None
    return (*check_shape(root, table), f"{name} is never sent to us: only its shape was checked")


def check_requestor(root: Node) -> None:
    """Every request that has a place for it says who sends it, in a RequestorID of type 22 (sheet, section 2)."""
    found = [one for source in names.every(root, "POS", "Source") for one in names.every(source, "RequestorID")]
    path = f"/{name_of(root)}/POS/Source/RequestorID"
    if not found:
        raise Malformed("RequestorID is missing", Reason.REQUIRED_MISSING, path=path, line=int(root.sourceline or 0))
    if any(names.value(one, "Type") != names.SYSTEM_ID for one in found):
        told = f"Type is {names.SYSTEM_ID}"
        raise Malformed(told, Reason.INVALID_VALUE, path=f"{path}/@Type", line=int(found[0].sourceline or 0))


def _put_right(root: Node) -> tuple[str, ...]:
    """Takes away or mends what means nothing, or the same without the fault."""
    warnings = []
    if root.get("EchoToken") == "":
        del root.attrib["EchoToken"]
        warnings.append("EchoToken is empty")
    if name_of(root) == names.AVAIL and "AvailRatesOnly" in root.attrib:
        del root.attrib["AvailRatesOnly"]
        warnings.append("AvailRatesOnly has no place in this message")
    for pos in names.every(root, "POS") if name_of(root) == names.PING else ():
        # The documentation asks for it in every request, the schema has no place for it in this one.
        root.remove(pos)
        warnings.append("POS has no place in this message")
    if name_of(root) == names.NOTIF_REPORT and not {"Success", "Errors"} & names.kids(root).keys():
        # zeep leaves out an element that is always empty.
        root.insert(0, root.makeelement(f"{{{names.NAMESPACE}}}Success"))
        warnings.append("neither Success nor Errors: taken for Success")
    for node, name in _times(root):
        written = _NO_COLON.fullmatch(node.get(name, ""))
        if written is not None:
            node.set(name, f"{written[1]}:{written[2]}")
            warnings.append(f"the zone of {name} has no colon")
    return tuple(warnings)


def _times(root: Node) -> list[tuple[Node, str]]:
    listed = names.RESERVATION_LISTS.get(name_of(root))
    reservations = names.every(root, *listed) if listed else []
    found = [(node, name) for node in reservations for name in ("CreateDateTime", "LastModifyDateTime")]
    return [(root, "TimeStamp"), *found]
