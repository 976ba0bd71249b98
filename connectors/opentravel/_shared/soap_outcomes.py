"""What a SOAP endpoint answered: an RS in an envelope, a fault, or neither."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from connectors.opentravel._shared import outcomes
from connectors.opentravel._shared.names import HOTEL_ID, RESERVATION_ID, every, first, value
from gateway.contract import Confirmed, Decoded, Refused, Reply
from gateway.errors import Malformed, OutcomeUnknown
from gateway.wire.soap import Envelope, FaultCode, read_fault, unwrap
from gateway.wire.xml import read_tree


def read_soap_answer(reply: Reply, expected: str, parts: Mapping[str, int]) -> Decoded:
    """Like :func:`outcomes.read_answer`. A fault that speaks of us refuses; any other leaves the outcome open.

    The sheet counts a server's fault as "try again". That may follow work that was done, so here it is not taken as
    "did not happen": what is in doubt is asserted again with fresh values, and a delivery keeps its number.
    """
    envelope = _opened(reply)
    fault = read_fault(envelope) if envelope is not None else None
    if fault is not None:
        if fault.code in (None, FaultCode.RECEIVER):
            raise OutcomeUnknown(f"SOAP fault: {fault.text}")
        return Decoded(Refused(f"fault {fault.code.value}", fault.text))
    if closed := outcomes.refused_by_http(reply):
        return Decoded(closed)
    if envelope is None:
        raise OutcomeUnknown("the answer is not a SOAP envelope")
    decoded = outcomes.judge(envelope.payload, expected, parts, warnings_skip=False)
    if decoded.outcome == Confirmed():
        return msgspec.structs.replace(decoded, outcome=Confirmed(_reference(envelope)))
    return decoded


def _opened(reply: Reply) -> Envelope | None:
    try:
        return unwrap(read_tree(reply.body, outcomes.REPLY_LIMITS))
    except Malformed:
        return None


def _reference(envelope: Envelope) -> str:
    """Their number for a reservation: HotelReservationID, of type 14 here rather than 10."""
    reservation = first(envelope.payload, "HotelReservations", "HotelReservation", "ResGlobalInfo")
    ids = every(reservation, "HotelReservationIDs", "HotelReservationID")
    found = (value(one, "ResID_Value") for one in ids if value(one, "ResID_Type") in (RESERVATION_ID, HOTEL_ID))
    return next(found, "")
