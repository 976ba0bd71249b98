"""Reservations to guest requests, valid for the schema and the rules of the version (protocol sheet, section 4.4).

The order of elements is the schema's. ``site.options`` says what a reservation does not: ``meals`` (rate plan → meal
plan code or name, ``*`` for all others; room only, 14, without it) and ``child_age`` for children whose age is not
known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from connectors.opentravel._shared.times import format_instant_ms
from connectors.opentravel.alpinebits.decode_requests import CANCEL_ID, KIND_OF
from connectors.opentravel.alpinebits.terms import V2022
from gateway.contract import Site
from gateway.errors import Reason, Unsupported
from gateway.messages import Outgoing
from gateway.model.card import ClearCard
from gateway.model.dates import format_day
from gateway.model.money import format_minor
from gateway.model.reservation import Content, Guest, RevisionKind, RoomStay
from gateway.wire.xmlwrite import element, text
from mappings import CodeTable, load

_STATUS_OF = {kind: status for status, kind in KIND_OF.items()}
_ROOM_ONLY = "14"
# What AlpineBits has of the list MPT.
_MEALS = frozenset(("1", "3", "10", "12", _ROOM_ONLY))
_ID_CHARS_MAX = 32
_NOT_DIALLED = re.compile(r"[^0-9]")
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)*")
_INTERNET_BROKER = "13"


def write_request(one: Outgoing, site: Site, version: str) -> str:
    """One HotelReservation; raises :class:`Unsupported` for what cannot be said in it."""
    revision, reservation = one.revision, one.reservation_id
    status = _STATUS_OF.get(revision.kind)
    if status is None:
        raise Unsupported("what is no booking is not sent as a guest request")
    if len(reservation) > _ID_CHARS_MAX:
        raise Unsupported(f"a reservation's number has at most {_ID_CHARS_MAX} characters here")
    cancelled = revision.kind is RevisionKind.CANCEL
    body = element("UniqueID", "", Type=CANCEL_ID if cancelled else "14", ID=reservation)
    # To cancel, the number is enough where the rest cannot be told.
    if not cancelled or _complete(revision.content):
        body += _stays(revision.content, site, _guarantee(one.cards))
        body += element("ResGuests", _customer(revision.content.booker or _first_guest(revision.content)))
    body += _globals(one, site)
    created = revision.created_ms if revision.created_ms is not None else one.modified_ms
    changed = revision.version if revision.version is not None else one.modified_ms
    return element(
        "HotelReservation",
        body,
        CreateDateTime=format_instant_ms(created),
        LastModifyDateTime=format_instant_ms(changed) if version >= V2022 else None,
        ResStatus=status,
    )


def _complete(content: Content) -> bool:
    """Whether a cancelled reservation can be told in full; its number alone is enough."""
    return bool(content.stays) and not content.net and all(_is_told(stay, content) for stay in content.stays)


def _is_told(stay: RoomStay, content: Content) -> bool:
    total = stay.total is not None or (content.total is not None and len(content.stays) == 1)
    return total and stay.adults > 0 and not stay.infants and len(stay.child_ages) >= stay.children


def _stays(content: Content, site: Site, guarantee: str) -> str:
    if not content.stays:
        raise Unsupported("a reservation without a room has no place in guest requests")
    if content.net:
        raise Unsupported("amounts before tax have no place in guest requests")
    # The card is for the whole booking, and stands once.
    first, *others = content.stays
    written = [*_rooms(first, content, site, guarantee)]
    written += [room for stay in others for room in _rooms(stay, content, site)]
    return element("RoomStays", "".join(written))


def _guarantee(cards: Sequence[ClearCard]) -> str:
    """The first card of which everything is known that has to be said."""
    for card in cards:
        if card.face.brand and card.expires and card.holder:
            holder = f"<CardHolderName>{text(card.holder)}</CardHolderName>"
            number = element("CardNumber", element("PlainText", card.number))
            told = element("PaymentCard", holder + number, CardCode=card.face.brand, ExpireDate=card.expires)
            accepted = element("GuaranteesAccepted", element("GuaranteeAccepted", told))
            return element("Guarantee", accepted)
    return ""


def meals_of(plan: str, site: Site) -> str:
    """The meal plan code of a rate plan, which the connection may also say by its name."""
    given = site.options.get("meals", {})
    said = str(given.get(plan, given.get("*", _ROOM_ONLY)))
    names = load("codes", "mpt", CodeTable).entries
    code = said if said in names else next((code for code, name in names.items() if name == said), said)
    if code not in _MEALS:
        raise Unsupported(f"the meals {said[:40]!r} of {plan!r} have no place in guest requests", Reason.INVALID_VALUE)
    return code


def _rooms(stay: RoomStay, content: Content, site: Site, guarantee: str = "") -> Iterator[str]:
    """One RoomStay for each unit; their totals add up to the whole."""
    total = stay.total
    if total is None and len(content.stays) == 1:
        total = content.total
    if total is None:
        raise Unsupported("a room without its total has no place in guest requests", Reason.REQUIRED_MISSING)
    each, rest = divmod(total, stay.units)
    currency = content.currency or site.currency
    plan = element("MealsIncluded", "", MealPlanIndicator="true", MealPlanCodes=meals_of(stay.plan, site))
    for unit in range(stay.units):
        amount = format_minor(each + (unit < rest), currency)
        yield element(
            "RoomStay",
            element("RoomTypes", element("RoomType", "", RoomTypeCode=stay.room))
            + element("RatePlans", element("RatePlan", plan, RatePlanCode=stay.plan))
            + element("GuestCounts", _counts(stay, site))
            + element("TimeSpan", "", Start=format_day(stay.arrival), End=format_day(stay.departure))
            + (guarantee if unit == 0 else "")
            + element("Total", "", AmountAfterTax=amount, CurrencyCode=currency),
        )


def _counts(stay: RoomStay, site: Site) -> str:
    """Adults have no age. An infant is in its first year."""
    ages = [*stay.child_ages, *([0] * stay.infants)]
    nameless = stay.children - len(stay.child_ages)
    if nameless > 0:
        age = site.options.get("child_age")
        if not isinstance(age, int):
            raise Unsupported("the age of a child is not known: set child_age", Reason.REQUIRED_MISSING)
        ages += [age] * nameless
    if not stay.adults and not ages:
        raise Unsupported("how many guests come is not known", Reason.REQUIRED_MISSING)
    adults = element("GuestCount", "", Count=str(stay.adults)) if stay.adults else ""
    return adults + "".join(element("GuestCount", "", Count="1", Age=str(age)) for age in ages)


def _first_guest(content: Content) -> Guest:
    return next((guest for stay in content.stays for guest in stay.guests), Guest())


def _customer(guest: Guest) -> str:
    """The name has to be there. What does not fit the schema is told in the comment."""
    given, surname = guest.given.strip()[:64] or "-", guest.surname.strip()[:64] or "-"
    body = element("PersonName", f"<GivenName>{text(given)}</GivenName><Surname>{text(surname)}</Surname>")
    if number := _number(guest.phone):
        body += element("Telephone", "", PhoneTechType="1", PhoneNumber=number)
    if _EMAIL.fullmatch(guest.email):
        body += f"<Email>{text(guest.email)}</Email>"
    body += _address(guest)
    language = guest.language[:2].lower()
    known = len(language) == 2 and language.isascii() and language.isalpha()
    customer = element("Customer", body, Language=language if known else None)
    return f"<ResGuest><Profiles><ProfileInfo><Profile>{customer}</Profile></ProfileInfo></Profiles></ResGuest>"


def _number(phone: str) -> str:
    digits = _NOT_DIALLED.sub("", phone) if phone.isascii() else ""
    return ("+" if phone.lstrip().startswith("+") else "") + digits if digits else ""


def _address(guest: Guest) -> str:
    lines = ", ".join(line.strip() for line in guest.address if line.strip())[:255]
    parts = (
        ("AddressLine", lines),
        ("CityName", guest.city.strip()[:64]),
        ("PostalCode", guest.postal_code.strip()[:16]),
    )
    body = "".join(f"<{name}>{text(value)}</{name}>" for name, value in parts if value)
    if _is_country(guest.country):
        body += element("CountryName", "", Code=guest.country.upper())
    return element("Address", body) if body else ""


def _is_country(code: str) -> bool:
    return len(code) == 2 and code.isascii() and code.isalpha()


def _globals(one: Outgoing, site: Site) -> str:
    """The comments are one text, a line each. The channel is a travel agency's profile."""
    lines = "\n".join(_lines(one.revision.content))
    comment = f'<Comment Name="customer comment"><Text>{text(lines)}</Text></Comment>' if lines else ""
    body = element("Comments", comment) if comment else ""
    reference = element(
        "HotelReservationID",
        "",
        ResID_Type=_INTERNET_BROKER,
        ResID_Value=one.revision.booking_id[:64],
        ResID_Source=one.source[:64] or None,
    )
    body += element("HotelReservationIDs", reference)
    if channel := one.revision.channel:
        company = element("CompanyName", text(channel), Code=channel, CodeContext="GATEWAY")
        profile = element("Profile", element("CompanyInfo", company), ProfileType="4")
        body += element("Profiles", element("ProfileInfo", profile))
    return element("ResGlobalInfo", body + element("BasicPropertyInfo", "", HotelCode=site.hotel))


def _lines(content: Content) -> Iterator[str]:
    """What has no element of its own, so that nothing is lost on the way."""
    yield from content.comments
    for stay in content.stays:
        yield from stay.comments
    for service in content.services:
        amount = f", {format_minor(service.total, content.currency)} {content.currency}" if service.total else ""
        yield f"Service: {service.quantity} × {service.text or service.code}{amount}"
    guest = content.booker or _first_guest(content)
    if guest.email and not _EMAIL.fullmatch(guest.email):
        yield f"E-mail: {guest.email}"
    if guest.phone and not _number(guest.phone):
        yield f"Telephone: {guest.phone}"
    if guest.country and not _is_country(guest.country):
        yield f"Country: {guest.country}"
    if guest.company:
        yield f"Company: {guest.company}"
