"""Ours to theirs: commands become requests, results become answers. To copy it, fill in :func:`to_theirs`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from connectors._template import messages as acme
from gateway.contract import Document, Reply, Request, Site
from gateway.errors import Reason, Refusal, Unsupported
from gateway.messages import (
    Command,
    ConfirmReservations,
    DeliverReservation,
    Found,
    Outgoing,
    Ping,
    PushAvailability,
    PushRates,
    Result,
    RetrieveReservations,
    Taken,
)
from gateway.model.ari import ASPECT_OF, AriUpdate, Aspect, Field, Setting
from gateway.model.dates import ALL_WEEK, Instant, format_day
from gateway.model.money import format_minor
from gateway.model.reservation import Content, RevisionKind, RoomStay
from gateway.wire.http_auth import compose_basic

PARTS_MAX = 100
GUESTS_MAX = 4
PLAIN = {Field.FIGURE: "rooms", Field.MIN_ARRIVAL: "min_stay"}
FLAGS = {Field.CLOSED: "closed", Field.CTA: "arrival_closed", Field.CTD: "departure_closed"}
STATUS: dict[RevisionKind, acme.Status] = {
    RevisionKind.NEW: "new",
    RevisionKind.MODIFY: "modified",
    RevisionKind.CANCEL: "cancelled",
}
HTTP_STATUS = {Reason.AUTHENTICATION: 401, Reason.AUTHORIZATION: 403, Reason.TOO_LARGE: 413, Reason.UNAVAILABLE: 503}


def to_theirs(command: Command, site: Site) -> acme.Message:
    """Our command in their words; :class:`Unsupported` for whatever they have no word for."""
    match command:
        case Ping():
            return acme.Ping(command.id, site.hotel)
        case PushAvailability():
            return _ari(command.id, command.updates, {Aspect.LIMIT, Aspect.RULES}, site)
        case PushRates():
            return _ari(command.id, command.updates, {Aspect.PRICES}, site)
        case DeliverReservation():
            return _booking(command, command.revision.booking_id, site.hotel)
        case RetrieveReservations():
            return acme.Fetch(command.id, site.hotel, command.since_ms)
        case ConfirmReservations():
            return _report(command, site)
    raise Unsupported(f"Acme has no message for {type(command).__name__}")


def _ari(id_: str, updates: Sequence[AriUpdate], aspects: set[Aspect], site: Site) -> acme.Ari:
    if len(updates) > PARTS_MAX:
        raise Unsupported(f"Acme takes {PARTS_MAX} ranges in a message, not {len(updates)}")
    return acme.Ari(id_, site.hotel, site.currency, tuple(_range(update, aspects, site) for update in updates))


def _range(update: AriUpdate, aspects: set[Aspect], site: Site) -> acme.Range:
    values: dict[str, Any] = {}
    prices: dict[int, str] = {}
    for setting in update.settings:
        if ASPECT_OF[setting.field] not in aspects:
            raise Unsupported(f"{setting.field} does not belong into this message")
        if setting.field is Field.PRICE:
            prices[setting.guests] = _price(setting, update, site)
        elif setting.field in FLAGS:
            values[FLAGS[setting.field]] = bool(setting.value)
        elif setting.field in PLAIN:
            values[PLAIN[setting.field]] = setting.value
        else:
            raise Unsupported(f"Acme has no field for {setting.field}")
    days = () if update.weekdays == ALL_WEEK else tuple(n for n in range(1, 8) if update.weekdays >> (n - 1) & 1)
    first, last = format_day(update.first), format_day(update.last)
    return acme.Range(update.room, first, last, update.plan, days, price=prices, **values)


def _price(setting: Setting, update: AriUpdate, site: Site) -> str:
    if update.net or update.currency not in ("", site.currency) or not 1 <= setting.guests <= GUESTS_MAX:
        raise Unsupported(f"Acme takes gross prices in {site.currency} for 1 to {GUESTS_MAX} guests")
    return format_minor(setting.value, site.currency)


def _report(command: ConfirmReservations, site: Site) -> acme.Report:
    if len(command.confirmations) > PARTS_MAX:
        raise Unsupported(f"Acme takes {PARTS_MAX} confirmations in a message, not {len(command.confirmations)}")
    stored = tuple(acme.Stored(one.booking_id, one.reservation_id, one.error) for one in command.confirmations)
    return acme.Report(command.id, site.hotel, stored)


def _booking(given: DeliverReservation | Outgoing, id_: str, hotel: str) -> acme.Booking:
    revision, content = given.revision, given.revision.content
    if revision.kind not in STATUS:
        raise Unsupported(f"Acme has no booking status for {revision.kind}")
    if content.net:
        raise Unsupported("Acme takes totals with tax")
    return acme.Booking(
        id_,
        hotel,
        STATUS[revision.kind],
        given.modified_ms,
        content.currency,
        tuple(_room(stay, content) for stay in content.stays),
        _amount(content.total, content),
        content.booker.surname if content.booker else "",
        content.booker.given if content.booker else "",
        content.comments,
    )


def _room(stay: RoomStay, content: Content) -> acme.Room:
    return acme.Room(
        stay.room,
        stay.plan,
        format_day(stay.arrival),
        format_day(stay.departure),
        stay.adults,
        stay.children,
        stay.units,
        _amount(stay.total, content),
    )


def _amount(minor: int | None, content: Content) -> str | None:
    return None if minor is None else format_minor(minor, content.currency)


def encode_command(command: Command, site: Site) -> Request:
    body = msgspec.json.encode(to_theirs(command, site))
    headers = {"content-type": "application/json", "authorization": compose_basic(site.username, site.password)}
    return Request("POST", site.url, headers, body, _parts(command))


def _parts(command: Command) -> int:
    if isinstance(command, ConfirmReservations):
        return len(command.confirmations)
    return len(command.updates) if isinstance(command, PushAvailability | PushRates) else 1


def answer(document: Document, site: Site, results: Sequence[Result], now_ms: Instant) -> Reply:
    """Acme's messages carry one event each, so there is one result."""
    (result,) = results
    if isinstance(result, Refusal):
        return refuse(document, result, now_ms)
    if isinstance(result, Found):
        # By our number, so that a report on one of them names it.
        found = (_booking(one, one.reservation_id, site.hotel) for one in result.reservations)
        return _reply(200, acme.Answer(True, bookings=tuple(found), more=result.more))
    reference = result.reservation_id if isinstance(result, Taken) else ""
    return _reply(200, acme.Answer(True, reference, warnings=getattr(result, "warnings", ())))


def refuse(document: Document | None, error: Refusal, now_ms: Instant) -> Reply:
    return _reply(HTTP_STATUS.get(error.reason, 400), acme.Answer(False, code=error.reason.value, text=error.text))


def _reply(status: int, said: acme.Answer) -> Reply:
    return Reply(status, {"content-type": "application/json"}, msgspec.json.encode(said))
