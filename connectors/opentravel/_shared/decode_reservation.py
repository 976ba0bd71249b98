"""Reservation messages to revisions: HotelResNotif, HotelResModifyNotif and Cancel (sheet, section 5)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import msgspec

from connectors.opentravel._shared import names
from connectors.opentravel._shared.decode_cards import read_cards
from connectors.opentravel._shared.decode_guests import Guests, Parts, card_mask, comments_of, read_booker
from connectors.opentravel._shared.decode_stays import AFTER_TAX, BEFORE_TAX, Money, Stay, read_services, read_stay
from connectors.opentravel._shared.names import every, first, kids, value
from connectors.opentravel._shared.times import parse_instant
from gateway.errors import Malformed, Reason, Refusal, Unsupported
from gateway.messages import ReservationReceived
from gateway.model.reservation import Content, Revision, RevisionKind
from gateway.wire.redact import mask_text
from gateway.wire.xml import Node, name_of
from mappings import Unmapped, look_up


class Reader(msgspec.Struct, frozen=True):
    """What is known apart from the document: the hotel (used where it names none), its currency and time zone.

    ``cards`` says that numbers of cards are wanted in clear.
    """

    hotel: str
    currency: str
    zone: str = "UTC"
    cards: bool = False

    def read(self, root: Node) -> list[ReservationReceived]:
        """One event per reservation; a refusal names the reservation's own id, the path and the line."""
        if name_of(root) == names.CANCEL:
            return [self._cancel(root)]
        listed = _listed(root)
        if not listed:
            path = f"/{name_of(root)}/{'/'.join(names.RESERVATION_LISTS[name_of(root)])}"
            line = int(root.sourceline or 0) or None
            raise Malformed("there is no reservation", Reason.REQUIRED_MISSING, path=path, line=line)
        return [self._one(root, node, path) for node, path in listed]

    def read_each(self, root: Node) -> tuple[list[ReservationReceived], list[Refusal]]:
        """Those that can be read, and why the others cannot: in an answer of theirs none may hold up the rest."""
        found: list[ReservationReceived] = []
        refusals: list[Refusal] = []
        for node, path in _listed(root):
            try:
                found.append(self._one(root, node, path))
            except Refusal as refusal:
                refusals.append(refusal)
        return found, refusals

    def read_booked(self, node: Node) -> tuple[str, Content, str]:
        """The number a reservation goes by ("" where it has none), what is booked, and the hotel it names."""
        parts = kids(node)
        content, hotel = self._content(parts, needs_stays=True)
        try:
            return _booking_id(parts), content, hotel
        except Malformed:
            return "", content, hotel

    def _one(self, root: Node, node: Node, path: str) -> ReservationReceived:
        booking_id = ""
        try:
            parts = kids(node)
            booking_id = _booking_id(parts)
            return self._revision(root, node, parts, booking_id)
        except Refusal as error:
            error.path = f"{path}/{error.path}" if error.path else path
            error.record = error.record or booking_id or None
            error.line = error.line or int(node.sourceline or 0) or None
            raise

    def _revision(self, root: Node, node: Node, parts: Parts, booking_id: str) -> ReservationReceived:
        kind = _kind(root, node)
        created, modified = value(node, "CreateDateTime"), _modified(node)
        created_ms = self._instant(created, "@CreateDateTime") if created else None
        version = self._instant(modified, "@LastModifyDateTime") if modified else None
        if version is None and kind is RevisionKind.NEW:
            version = created_ms
        content, hotel = self._content(parts, needs_stays=kind not in (RevisionKind.CANCEL, RevisionKind.IGNORE))
        channel = _channel(parts.get("POS", ())) or _channel(every(root, "POS"))
        revision = Revision(booking_id, kind, content, channel, version, created_ms, booking_id)
        return ReservationReceived(hotel or self.hotel, revision, read_cards(node) if self.cards else ())

    def _instant(self, text: str, path: str) -> int:
        try:
            return parse_instant(text, self.zone)
        except Malformed as error:
            error.path = path
            raise

    def _content(self, parts: Parts, needs_stays: bool) -> tuple[Content, str]:
        info = kids(parts["ResGlobalInfo"][0]) if "ResGlobalInfo" in parts else {}
        stays = [(node, kids(node)) for node in every(parts.get("RoomStays", [None])[0], "RoomStay")]
        if needs_stays and not stays:
            raise Malformed("there is no RoomStay", Reason.REQUIRED_MISSING, path="RoomStays/RoomStay")
        guests = Guests.read(parts)
        # Gross amounts where there are any; net ones are kept as such, never turned into gross.
        content = self._priced(parts, info, stays, guests, Money(self.currency, AFTER_TAX))
        if content.total is None and not any(stay.nightly or stay.total is not None for stay in content.stays):
            content = self._priced(parts, info, stays, guests, Money(self.currency, BEFORE_TAX))
        hotels = [node for _, stay in stays for node in stay.get("BasicPropertyInfo", ())[:1]]
        hotels += info.get("BasicPropertyInfo", ())
        return content, next((code for code in [value(node, "HotelCode") for node in hotels] if code), "")

    def _priced(self, parts: Parts, info: Parts, stays: list[Stay], guests: Guests, money: Money) -> Content:
        read = tuple([read_stay(stay, number, info, guests, money) for number, stay in enumerate(stays, start=1)])
        services = tuple(read_services(parts, money)) if "Services" in parts else ()
        total = money.amount(info["Total"][0], "ResGlobalInfo/Total") if "Total" in info else None
        if total is None and read and all(stay.total is not None for stay in read):
            total = sum(stay.total or 0 for stay in read)
        holders = [*(stay for _, stay in stays), info]
        guarantees = [node for holder in holders for node in holder.get("Guarantee", ())]
        deposits = [node for holder in holders for node in holder.get("DepositPayments", ())]
        return Content(
            currency=money.found or (self.currency if money.used else ""),
            total=total,
            net=money.used and money.basis == BEFORE_TAX,
            stays=read,
            booker=read_booker(info) or guests.booker(),
            services=services,
            comments=comments_of(info),
            guarantee=next((text for text in map(_guarantee, guarantees) if text), ""),
            card_mask=card_mask([*guarantees, *deposits]),
        )

    def _cancel(self, root: Node) -> ReservationReceived:
        """OTA_CancelRQ holds ids only (sheet, section 5.5)."""
        parts = kids(root)
        path = f"/{names.CANCEL}/UniqueID"
        kind = value(root, "CancelType")
        if kind not in ("Commit", "Cancel"):
            # Initiate and the like ask what a cancellation would cost; they do not cancel.
            raise Unsupported(f"CancelType {kind!r} does not cancel", path=f"/{names.CANCEL}/@CancelType")
        check_one_named(root)
        try:
            booking_id = _booking_id(parts)
        except Malformed as error:
            error.path, error.line = path, int(root.sourceline or 0) or None
            raise
        channel = _channel(parts.get("POS", ()))
        return ReservationReceived(
            self.hotel, Revision(booking_id, RevisionKind.CANCEL, Content(), channel, record=booking_id)
        )


def check_one_named(root: Node) -> None:
    """Refuses an OTA_CancelRQ of several reservations: there is one answer, and it could be true of only some."""
    named = {
        value(node, "ID"): node
        for node in every(root, "UniqueID")
        if value(node, "Type") == names.RESERVATION_ID and value(node, "ID")
    }
    if len(named) > 1:
        line = int([*named.values()][1].sourceline or 0) or None
        told = "one reservation at a time is cancelled"
        raise Unsupported(told, path=f"/{names.CANCEL}/UniqueID", line=line)


def _listed(root: Node) -> list[tuple[Node, str]]:
    """The reservations of a message, with their paths."""
    container, item = names.RESERVATION_LISTS[name_of(root)]
    path = f"/{name_of(root)}/{container}/{item}"
    return [(node, f"{path}[{number}]") for number, node in enumerate(every(root, container, item), start=1)]


def _kind(root: Node, node: Node) -> RevisionKind:
    """The element's status beats the root's (sheet, section 5.1)."""
    status = value(node, "ResStatus") or value(root, "ResStatus")
    if not status and name_of(root) in (names.RES_MODIFY, names.RES_CHANGE):
        return RevisionKind.MODIFY
    if not status:
        raise Malformed("ResStatus is missing", Reason.REQUIRED_MISSING, path="@ResStatus")
    try:
        return _said(status)
    except Unmapped:
        raise Unsupported(f"ResStatus {status!r} has no place here", path="@ResStatus") from None


@lru_cache(maxsize=64)
def _said(status: str) -> RevisionKind:
    return RevisionKind(look_up("res_status", status))


def _modified(node: Node) -> str:
    # The second spelling occurs (TravelClick).
    return value(node, "LastModifyDateTime") or value(node, "LastModifiedDateTime")


def _booking_id(parts: Parts) -> str:
    """UniqueID of type 14, else the HotelReservationID of that type, else a plain reference of type 16."""
    unique = parts.get("UniqueID", ())
    found = next((value(node, "ID") for node in unique if value(node, "Type") == names.RESERVATION_ID), "")
    if found:
        return found
    info = parts.get("ResGlobalInfo", [None])[0]
    ids = every(info, "HotelReservationIDs", "HotelReservationID")
    kinds = (names.RESERVATION_ID, "")
    found = next(
        (value(node, "ResID_Value") for kind in kinds for node in ids if value(node, "ResID_Type") == kind), ""
    )
    if not found:
        # With a context a reference numbers the message, not the booking.
        plain = (node for node in unique if value(node, "Type") == names.REFERENCE_ID and not value(node, "ID_Context"))
        found = next((value(node, "ID") for node in plain), "")
    if not found:
        raise Malformed("there is no id of the reservation", Reason.BOOKING_REFERENCE, path="UniqueID")
    return found


def _channel(pos: Iterable[Node]) -> str:
    """BookingChannel/CompanyName/@Code, the primary channel first."""
    found = ""
    for node in pos:
        for source in every(node, "Source"):
            for channel in every(source, "BookingChannel"):
                code = value(first(channel, "CompanyName"), "Code")
                if code and value(channel, "Primary") in ("true", "1"):
                    return code
                found = found or code
    return found


def _guarantee(node: Node) -> str:
    # Free text in practice, so it may hold what must not be kept.
    return mask_text(value(node, "GuaranteeType") or value(node, "GuaranteeCode"))
