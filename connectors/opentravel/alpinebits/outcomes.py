"""What they answered: plain text or XML, to outcomes part by part (protocol sheet, sections 1.1 and 1.5)."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.opentravel._shared.names import content, every, first, value
from connectors.opentravel._shared.outcomes import readable, refused_by_http
from connectors.opentravel.alpinebits import actions
from connectors.opentravel.alpinebits.decode_requests import read_requests
from connectors.opentravel.alpinebits.handshake import HANDSHAKE_STATUS, Offer, read_offer
from gateway.contract import Arrived, Confirmed, Decoded, Outcome, Refused, Reply, Site
from gateway.errors import Malformed, OutcomeUnknown, Refusal
from gateway.messages import Confirmation, ConfirmReservations, ReservationReceived, RetrieveReservations
from gateway.model.ari import Aspect
from gateway.wire.xml import Node, name_of

SEND_HANDSHAKE = b"ALPINEBITS_SEND_HANDSHAKE"
_SEND = {
    b"ALPINEBITS_SEND_FREEROOMS": (Aspect.LIMIT,),
    b"ALPINEBITS_SEND_RATEPLANS": (Aspect.RULES, Aspect.PRICES),
}
_PLAIN_ERROR = b"ERROR:"
_ADVISORY = "11"


def read_root(reply: Reply, action: str) -> Node | Refused:
    """The answer's root; :class:`Refused` for an ERROR. Raises :class:`gateway.errors.CallFailed`."""
    if closed := _closed(reply):
        return closed
    root = readable(reply)
    if name_of(root) != actions.ACTIONS[action].response:
        raise OutcomeUnknown(f"the answer is {name_of(root)}")
    errors = every(root, "Errors", "Error")
    if errors or first(root, "Errors") is not None:
        return _refused(errors[0]) if errors else Refused("", "Errors without an Error")
    if first(root, "Success") is None:
        raise OutcomeUnknown("the answer has neither Success nor Errors")
    return root


def asked_for(reply: Reply) -> frozenset[Aspect]:
    """What the Status of a Warning or an Error wants told once more. Room types are described by people, so that
    ALPINEBITS_SEND_INVENTORY is for them to read in the message log.
    """
    return frozenset(aspect for status, aspects in _SEND.items() if status in reply.body for aspect in aspects)


def read_push(root: Node) -> Decoded:
    """FreeRooms and RatePlans: a warning that is no advice may mean that any part was left out."""
    serious = [one for one in every(root, "Warnings", "Warning") if value(one, "Type") != _ADVISORY]
    return Decoded(_refused(serious[0]) if serious else Confirmed())


def read_numbered(root: Node, parts: Mapping[str, int]) -> Decoded:
    """Guest requests: the outcome of each part by its number; a warning that is no advice refuses it."""
    serious = {
        value(one, "RecordID"): _refused(one)
        for one in every(root, "Warnings", "Warning")
        if value(one, "Type") != _ADVISORY
    }
    skipped: dict[int, Outcome] = {parts[number]: why for number, why in serious.items() if number in parts}
    return Decoded(Confirmed(), skipped)


def read_taken(root: Node, number: str) -> Decoded:
    """OTA_HotelResNotifRS: ours is among the accepted ones, or a warning says why not."""
    if any(value(one, "ID") == number for one in root.iter("{*}UniqueID")):
        return Decoded(Confirmed(number))
    warnings = [one for one in every(root, "Warnings", "Warning") if value(one, "RecordID") in ("", number)]
    if not warnings:
        raise OutcomeUnknown("the answer says nothing about the request")
    return Decoded(_refused(warnings[0]))


def read_found(root: Node, command: RetrieveReservations, site: Site) -> Decoded:
    """OTA_ResRetrieveRS: what has come, each with the command that acknowledges it."""
    try:
        found = read_requests(root, site)
    except Refusal as refusal:
        return Decoded(Refused(refusal.reason.value, refusal.text))
    return Decoded(Confirmed(), events=tuple(_arrived(one, command) for one in found))


def read_handshake(root: Node) -> Offer:
    """What both have in common, as they see it."""
    for warning in every(root, "Warnings", "Warning"):
        if value(warning, "Status") == HANDSHAKE_STATUS:
            try:
                return read_offer(content(warning))
            except Malformed as error:
                raise OutcomeUnknown(error.text) from None
    raise OutcomeUnknown("the answer to the handshake has no intersection")


def _arrived(one: ReservationReceived, command: RetrieveReservations) -> Arrived:
    revision = one.revision
    confirmation = Confirmation(revision.booking_id, revision.kind, "", revision.version)
    return Arrived(one, ConfirmReservations(id=f"{command.id}-ack", at_ms=command.at_ms, confirmations=(confirmation,)))


def _closed(reply: Reply) -> Refused | None:
    if reply.body.lstrip().startswith(_PLAIN_ERROR) and reply.status < 429:
        line = reply.body.lstrip()[len(_PLAIN_ERROR) :].decode("utf-8", "replace").strip()
        return Refused(str(reply.status), line[:500])
    return refused_by_http(reply)


def _refused(problem: Node) -> Refused:
    code = value(problem, "Code") or value(problem, "Type")
    return Refused(code, content(problem) or f"error {code}")
