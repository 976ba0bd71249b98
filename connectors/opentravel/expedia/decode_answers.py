"""Error and Warning of AR, BR and BC answers to outcomes, part by part (Expedia notes, sections 1.1, 2.3 and 4)."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from connectors.opentravel._shared.names import content, every, first, value
from connectors.opentravel._shared.outcomes import readable, refused_by_http
from connectors.opentravel.expedia.encode import TYPES
from connectors.opentravel.expedia.names import Api, namespace_of
from gateway.contract import Confirmed, Decoded, Outcome, Refused, Reply, Unknown
from gateway.errors import Malformed, OutcomeUnknown, Retryable
from gateway.messages import ConfirmReservations, RetrieveReservations
from gateway.model.ari import AriUpdate
from gateway.model.dates import Day, parse_day
from gateway.wire.redact import mask_text
from gateway.wire.xml import Node, name_of
from mappings import Unmapped, look_up

_ID = re.compile(r"[A-Za-z0-9]+", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class Said(msgspec.Struct, frozen=True):
    """An Error or a Warning."""

    node: Node
    code: str
    text: str

    def refused(self) -> Refused:
        return Refused(self.code, self.text or f"error {self.code}")

    def means(self, table: str) -> str:
        """What a code means there; what is in no table is refused."""
        try:
            return look_up(table, self.code)
        except Unmapped:
            return "refused"

    @property
    def passing(self) -> bool:
        """Whether it speaks of their system's state, or of a call beside ours, rather than of our message."""
        return (self.code[:2] == "40" and len(self.code) == 4) or self.means("expedia_errors") == "retry"


def answer_of(reply: Reply, api: Api) -> Node | Decoded:
    """The answer's root, or what HTTP itself says; raises :class:`CallFailed`."""
    if closed := refused_by_http(reply):
        return Decoded(closed)
    root = readable(reply)
    if name_of(root) != api.answer or namespace_of(root) not in api.answer_spaces:
        raise OutcomeUnknown(f"the answer is {name_of(root)[:60]}, not {api.answer}")
    return root


def said(parent: Node | None, kind: str) -> list[Said]:
    return [Said(node, value(node, "code"), mask_text(content(node))) for node in every(parent, kind)]


def failure(errors: Sequence[Said]) -> Refused | None:
    """None without errors; raises :class:`Retryable` where they say that they could not, now."""
    if not errors:
        return None
    lasting = [one for one in errors if not one.passing]
    if not lasting:
        raise Retryable(errors[0].text or f"error {errors[0].code}")
    return lasting[0].refused()


def read_ari(root: Node, updates: Sequence[AriUpdate]) -> Decoded:
    """Errors: nothing was applied. Warnings: what they don't name was (section 2.3)."""
    errors = said(root, "Error")
    refused = failure(errors)
    if refused is not None:
        named = _named([one for one in errors if not one.passing], updates)
        if named and len(named) < len(updates):
            return Decoded(Unknown("the message was refused because of other parts"), named)
        return Decoded(refused)
    _require_success(root)
    warnings = [one for one in said(first(root, "Success"), "Warning") if one.means("expedia_warnings") != "applied"]
    lost = [one for one in warnings if not concerned(one.text, updates)]
    if lost:
        # Somebody's value was not taken and nobody can tell whose: none may pass for confirmed.
        return Decoded(lost[0].refused())
    return Decoded(Confirmed(), _named(warnings, updates))


def _named(found: Sequence[Said], updates: Sequence[AriUpdate]) -> dict[int, Outcome]:
    return {part: one.refused() for one in reversed(found) for part in concerned(one.text, updates)}


def concerned(text: str, updates: Sequence[AriUpdate]) -> list[int]:
    """The updates a text speaks of by ids and dates: of a plan it names, else the room type's own, else all of it.

    The text is written for people: ``[Room Type ID 201; Rate Plan ID 208; Stay Date 2031-03-01] …``, roughly.
    """
    ids = set(_ID.findall(text))
    of_room = [part for part, update in enumerate(updates) if update.room in ids]
    found = [part for part, update in enumerate(updates) if update.plan in ids]
    found = found or [part for part in of_room if not updates[part].plan] or of_room
    days = [day for day in map(_day, _DATE.findall(text)) if day]
    dated = [part for part in found if any(updates[part].first <= day <= updates[part].last for day in days)]
    return dated or found


def _day(text: str) -> Day:
    """0 where the digits are no date."""
    try:
        return parse_day(text)
    except Malformed:
        return 0


def read_confirmation(root: Node, command: ConfirmReservations, parts: int) -> Decoded:
    """A Warning says that this one number was not stored (section 4); a newer version has then to be fetched."""
    if refused := failure(said(root, "Error")):
        return Decoded(refused)
    _require_success(root)
    places = {(one.booking_id, TYPES.get(one.kind)): part for part, one in enumerate(command.confirmations[:parts])}
    outcomes: dict[int, Outcome] = {}
    again = False
    for warning in said(first(root, "Success"), "Warning"):
        key = (value(warning.node, "bookingID"), value(warning.node, "bookingType"))
        meant = [part for place, part in places.items() if place == key or (place[0] == key[0] and not key[1])]
        if not meant:
            return Decoded(warning.refused())
        outcomes.update(dict.fromkeys(meant, warning.refused()))
        again = again or warning.means("expedia_warnings") == "retrieve"
    follow = RetrieveReservations(id=f"{command.id}-again", at_ms=command.at_ms) if again else None
    return Decoded(Confirmed(), outcomes, next=follow)


def _require_success(root: Node) -> None:
    if first(root, "Success") is None:
        raise OutcomeUnknown(f"{name_of(root)} says neither Success nor Error")
