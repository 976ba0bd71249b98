"""The last resort of a delivery: a reservation that the PMS has not confirmed in time goes to a person by e-mail.

Each state of it once. That it was sent is a message in the log, whose token tells that it need not be sent again; a
process that dies in between sends it twice.
"""

from __future__ import annotations

from hashlib import blake2b

import msgspec
import structlog

from gateway.engine.booking import Entry, Folded, Status, fold, search_name
from gateway.engine.hotel import Hotel
from gateway.flows.record import Record
from gateway.flows.rounds import Rounds
from gateway.flows.selling.letters import templates
from gateway.flows.services import Services
from gateway.io.smtp import Post, hand_in, mail, post_of
from gateway.model.dates import Instant, format_day
from gateway.model.money import format_minor
from gateway.model.property import Property, Role
from gateway.model.reservation import Content, Guest, RoomStay, Service
from gateway.settings import Settings
from gateway.store import delivering
from gateway.store.tables import ID_SHIFT, DeliveryRow, MessageRow
from gateway.wire.redact import mask_text

log = structlog.get_logger(__name__)

LOOK_S = 30.0
AT_ONCE = 20
# After so many letters that were not taken, the mail server is left alone until the next round.
FAILURES_MAX = 3
_FIRST: delivering.Waited = (0, "", "")
_entry = msgspec.msgpack.Decoder(Entry).decode
_WHAT = {
    "en": {"new": "New", "changed": "Changed", "cancelled": "Cancelled"},
    "zh": {"new": "新", "changed": "已更改的", "cancelled": "已取消的"},
}


class BookingMails(Rounds):
    """The loop of one process that has a mail server; raises ValueError where its address makes no sense."""

    def __init__(self, services: Services, settings: Settings) -> None:
        super().__init__(services, "booking mails", every_s=LOOK_S, first_s=LOOK_S)
        self._settings = settings
        self._post: Post = post_of(settings.smtp_url)
        self._looked: dict[str, delivering.Waited] = {}  # how far the round before has come at each property
        self._failed_at = ""  # the property where it was given up, because letters are not taken

    async def round(self) -> int:
        """Mails what has waited too long, a few of each property; how many were taken by the mail server."""
        services, now_ms, sent, failed = self._services, self._services.clock.now_ms(), 0, 0
        waiting = await services.database.read(lambda tx: delivering.with_unconfirmed(tx, services.hotels))
        names = {hotel.property.id: hotel for hotel in waiting}
        self._looked = {name: place for name, place in self._looked.items() if name in names}
        # The one that failed last comes last, so that it does not keep the others from their turn.
        for name in sorted(names, key=lambda name: (name <= self._failed_at, name)):
            prop = names[name].property
            if not (prop.mail_bookings_to and services.leases.owns(f"sales:{prop.id}", LOOK_S)):
                continue
            before_id = (now_ms - prop.mail_bookings_after_s * 1000) << ID_SHIFT
            for item in await self._untold(prop, before_id):
                is_sent = await self._send(item, now_ms)
                sent, failed = sent + bool(is_sent), failed + (is_sent is False)
                if failed >= FAILURES_MAX:
                    self._failed_at = name
                    return sent
        self._failed_at = ""
        return sent

    async def _untold(self, prop: Property, before_id: int) -> list[delivering.Due]:
        """The next few that nobody was told of: the oldest, and then on from where the last round has ended."""
        services, receivers = self._services, [known.id for known in prop.connections if known.role is Role.PMS]
        after = self._looked.pop(prop.id, _FIRST)
        rows: list[DeliveryRow] = []
        while receivers and len(rows) < AT_ONCE:
            position = after
            found = await services.database.read(
                lambda tx: delivering.unconfirmed(tx, prop.id, receivers, before_id, position)  # noqa: B023  awaited here
            )
            tokens = [_token(row) for _, row in found]
            known = await services.database.read(lambda tx: delivering.with_tokens(tx, prop.id, tokens))  # noqa: B023  as above
            for place, row in found:
                after = place
                if _token(row) not in known:
                    rows.append(row)
                if len(rows) == AT_ONCE:
                    self._looked[prop.id] = after
                    break
            if len(found) < delivering.UNCONFIRMED_MAX:
                break
        return await services.database.read(lambda tx: delivering.about(tx, services.hotels, rows))

    async def _send(self, item: delivering.Due, now_ms: Instant) -> bool | None:
        """Whether it was taken; None where there is nothing to be told."""
        prop, language = item.hotel.property, self._settings.alert_language
        entries = sorted((_entry(row.body) for row in item.revisions), key=lambda entry: entry.seq)
        folded = fold(entries)
        if folded.status is Status.NONE:
            return None
        said = _said(item, entries, folded, language, now_ms)
        # What guests write into remarks may be anything, the number of a card too.
        written = mask_text(templates().get_template(f"entry.{language}.txt").render(said))
        subject, _, text = written.partition("\n")
        sender = self._settings.alert_mail_from or prop.selling.mail_from or prop.mail_bookings_to[0]
        try:
            await hand_in(self._post, mail(sender, prop.mail_bookings_to, subject, text, now_ms))
        except OSError as failure:
            log.warning("booking_not_mailed", reservation=item.row.reservation_id, problem=type(failure).__name__)
            return False
        log.warning("booking_mailed", reservation=item.row.reservation_id, connection=item.row.connection)
        await self._services.batcher.submit(Record([_message(item, self._services.ids.message(), now_ms, text)]))
        return True


def _token(row: DeliveryRow) -> bytes:
    told = f"mail\0{row.connection}\0{row.reservation_id}\0{row.wanted_seq}"
    return blake2b(told.encode(), digest_size=16).digest()


def _message(item: delivering.Due, number: int, now_ms: Instant, text: str) -> MessageRow:
    return MessageRow(
        item.row.scope_id,
        number,
        connection=item.row.connection,
        direction="out",
        kind="e-mail",
        at_ms=now_ms,
        outcome="confirmed",
        detail=item.row.reservation_id,
        rev=0,
        token=_token(item.row),
        raw=text.encode(),
        answer=b"",
    )


def _said(
    item: delivering.Due, entries: list[Entry], folded: Folded, language: str, now_ms: Instant
) -> dict[str, object]:
    shown, content = entries[folded.current - 1], folded.content
    what = "cancelled" if folded.status is Status.CANCELLED else "new" if item.row.wanted_seq == 1 else "changed"
    since_ms = entries[item.row.wanted_seq - 1].at_ms
    days = [day for stay in content.stays for day in (stay.arrival, stay.departure)]
    return {
        "what": _WHAT[language][what],
        "number": item.row.reservation_id,
        "hotel": item.hotel.property.name,
        "pms": item.row.connection,
        "minutes": (now_ms - since_ms) // 60_000,
        "source": item.source,
        "booking_id": shown.revision.booking_id,
        "booker": _name(content.booker) or search_name(content),
        "arrival": format_day(min(days)) if days else "",
        "departure": format_day(max(days)) if days else "",
        "stays": [
            _stay(item.hotel, stay, room, content) for stay, room in zip(content.stays, shown.rooms, strict=True)
        ],
        "services": [_service(service, content) for service in content.services],
        "total": _amount(content.total, content),
        "comments": content.comments,
        "problem": item.row.error,
    }


def _stay(hotel: Hotel, stay: RoomStay, room: str, content: Content) -> dict[str, object]:
    """Our name of the room, with their code where it is not mapped."""
    return {
        "units": stay.units,
        "room": hotel.rooms[room].name if room in hotel.rooms else stay.room,
        "plan": stay.plan,
        "arrival": format_day(stay.arrival),
        "departure": format_day(stay.departure),
        "adults": stay.adults,
        "children": stay.children,
        "ages": ", ".join(map(str, stay.child_ages)),
        "amount": _amount(stay.total, content),
        "guests": ", ".join(filter(None, map(_name, stay.guests))),
    }


def _service(service: Service, content: Content) -> dict[str, object]:
    return {
        "quantity": service.quantity,
        "name": service.text or service.code,
        "amount": _amount(service.total, content),
    }


def _amount(minor: int | None, content: Content) -> str:
    return "" if minor is None else f"{format_minor(minor, content.currency)} {content.currency}".strip()


def _name(guest: Guest | None) -> str:
    return "" if guest is None else f"{guest.given} {guest.surname}".strip()
