"""Names of the QuickConnect XML family. Question and answer of AR and BC stand in different namespaces (section 0)."""

from __future__ import annotations

import msgspec

from gateway.wire.xml import Node

_BASE = "http://www.expediaconnect.com/EQC"

AR_RQ, AR_RS = "AvailRateUpdateRQ", "AvailRateUpdateRS"
BR_RQ, BR_RS = "BookingRetrievalRQ", "BookingRetrievalRS"
BC_RQ, BC_RS = "BookingConfirmRQ", "BookingConfirmRS"


class Api(msgspec.Struct, frozen=True):
    """One of the services: the last part of its address, and its messages with their namespaces, the written first."""

    path: str
    request: str
    answer: str
    request_spaces: tuple[str, ...]
    answer_spaces: tuple[str, ...]


_AR_2011, _AR_2007 = f"{_BASE}/AR/2011/06", f"{_BASE}/AR/2007/02"
_BC_09, _BC_08 = f"{_BASE}/BC/2007/09", f"{_BASE}/BC/2007/08"
_BR_2014, _BR_2007 = f"{_BASE}/BR/2014/01", f"{_BASE}/BR/2007/02"

AR = Api("ar", AR_RQ, AR_RS, (_AR_2011, _AR_2007), (_AR_2007, _AR_2011))
BR = Api("br", BR_RQ, BR_RS, (_BR_2014, _BR_2007), (_BR_2014, _BR_2007))
BC = Api("bc", BC_RQ, BC_RS, (_BC_09, _BC_08), (_BC_08, _BC_09))


def namespace_of(node: Node) -> str:
    """Empty for none."""
    namespace, _, name = str(node.tag).rpartition("}")
    return namespace.removeprefix("{") if name else ""
