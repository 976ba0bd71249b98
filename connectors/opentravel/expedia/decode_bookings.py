"""BookingRetrievalRS to revisions (Expedia notes, section 3.2). One booking is one room; its id is its only key."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from connectors.opentravel._shared.names import content, every, first, value
from connectors.opentravel._shared.numbers import parse_amount, parse_count
from connectors.opentravel._shared.target import read_day
from connectors.opentravel._shared.times import parse_instant
from gateway.errors import Malformed, Reason, Refusal
from gateway.messages import ReservationReceived
from gateway.model.ari import STAY_MAX
from gateway.model.card import ClearCard, clear_card
from gateway.model.dates import Day
from gateway.model.money import format_minor
from gateway.model.reservation import Content, Guest, Revision, RevisionKind, RoomStay
from gateway.wire.redact import mask_number, mask_text
from gateway.wire.xml import Node

BOOKINGS_MAX = 125
HOTEL_COLLECT = "A-"
_HOTEL_PLAN = "A"
_KINDS = {"Book": RevisionKind.NEW, "Modify": RevisionKind.MODIFY, "Cancel": RevisionKind.CANCEL}


class Reader(msgspec.Struct, frozen=True):
    """``merge_plans`` takes the suffix off the plan ids of Hotel Collect, where one plan is sold both ways.

    ``cards`` says that numbers of cards are wanted in clear.
    """

    hotel: str
    currency: str
    merge_plans: bool = False
    cards: bool = False

    def read(self, root: Node) -> tuple[list[ReservationReceived], list[Refusal]]:
        """What could be read, the oldest first, and why the others could not; those stay unconfirmed there."""
        found: list[ReservationReceived] = []
        refusals: list[Refusal] = []
        # They list the newest first.
        for number, node in reversed(list(enumerate(every(root, "Bookings", "Booking"), start=1))):
            try:
                found.append(self._booking(node))
            except Refusal as error:
                error.record = value(node, "id") or None
                error.line = int(node.sourceline or 0) or None
                error.path = f"/BookingRetrievalRS/Bookings/Booking[{number}]/{error.path or ''}".rstrip("/")
                refusals.append(error)
        return found, refusals

    def _booking(self, node: Node) -> ReservationReceived:
        booking_id = _needed(node, "id", "@id")
        kind = _KINDS.get(value(node, "type"))
        if kind is None:
            raise Malformed(f"the type {value(node, 'type')!r} is unknown", Reason.INVALID_VALUE, path="@type")
        at_ms = _instant(_needed(node, "createDateTime", "@createDateTime"))
        # A cancellation comes with zeros for ids and amounts, which must not overwrite what was booked.
        booked = Content() if kind is RevisionKind.CANCEL else self._content(node)
        revision = Revision(
            booking_id,
            kind,
            booked,
            version=at_ms,
            created_ms=at_ms if kind is RevisionKind.NEW else None,
            record=booking_id,
        )
        cards = clear_cards(first(node, "RoomStay", "PaymentCard")) if self.cards else ()
        return ReservationReceived(value(first(node, "Hotel"), "id") or self.hotel, revision, cards)

    def _content(self, node: Node) -> Content:
        stay, source = first(node, "RoomStay"), value(node, "source")
        hotel_collects = source.startswith(HOTEL_COLLECT)
        guest = _guest(first(node, "PrimaryGuest"))
        currency = value(first(stay, "Total"), "currency") or value(first(stay, "PerDayRates"), "currency")
        currency = currency or self.currency
        path = "RoomStay/Total/@amountAfterTaxes"
        total = parse_amount(_needed(first(stay, "Total"), "amountAfterTaxes", path), "", currency, path)
        room = self._stay(stay, guest, currency, total, hotel_collects)
        remarks = [f"Booked through {source.removeprefix(HOTEL_COLLECT)}"] if source else []
        # Amounts before and after tax don't mix in one reservation; those that don't add up are told in words.
        if not room.nightly:
            remarks += _in_words(stay, currency)
        return Content(
            currency=currency,
            total=total,
            stays=(room,),
            booker=guest,
            comments=tuple(mask_text(text) for text in (*remarks, *_remarks(node))),
            guarantee="Hotel Collect" if hotel_collects else "Expedia Collect",
            card_mask=_card(first(stay, "PaymentCard")),
        )

    def _stay(self, stay: Node | None, guest: Guest, currency: str, total: int, hotel_collects: bool) -> RoomStay:
        plan = _needed(stay, "ratePlanID", "RoomStay/@ratePlanID")
        if hotel_collects and self.merge_plans:
            plan = plan.removesuffix(_HOTEL_PLAN)
        arrival, departure = _dates(first(stay, "StayDate"))
        count = first(stay, "GuestCount")
        path = "RoomStay/GuestCount"
        nightly = tuple(price for _, price in sorted(_nights(stay, currency)))
        return RoomStay(
            room=_needed(stay, "roomTypeID", "RoomStay/@roomTypeID"),
            plan=plan,
            arrival=arrival,
            departure=departure,
            adults=parse_count(_needed(count, "adult", f"{path}/@adult"), f"{path}/@adult", 99),
            children=parse_count(value(count, "child") or "0", f"{path}/@child", 99),
            child_ages=tuple(
                parse_count(value(child, "age"), f"{path}/Child/@age", 99) for child in every(count, "Child")
            ),
            nightly=nightly if len(nightly) == departure - arrival and sum(nightly) == total else (),
            total=total,
            guests=(guest,),
        )


def _needed(node: Node | None, name: str, path: str) -> str:
    found = value(node, name)
    if not found:
        raise Malformed(f"{name} is missing", Reason.REQUIRED_MISSING, path=path)
    return found


def _instant(text: str) -> int:
    try:
        return parse_instant(text)
    except Malformed as error:
        error.path = "@createDateTime"
        raise


def _dates(node: Node | None) -> tuple[Day, Day]:
    path = "RoomStay/StayDate"
    arrival = read_day(_needed(node, "arrival", f"{path}/@arrival"), f"{path}/@arrival")
    departure = read_day(_needed(node, "departure", f"{path}/@departure"), f"{path}/@departure")
    if not 0 < departure - arrival <= STAY_MAX:
        text = "the departure is not after the arrival, or too long after it"
        raise Malformed(text, Reason.DATE_COMBINATION, path=f"{path}/@departure")
    return arrival, departure


def _nights(stay: Node | None, currency: str) -> Iterator[tuple[Day, int]]:
    """The price of each night with what it costs for further persons and in fees."""
    path = "RoomStay/PerDayRates/PerDayRate"
    for node in every(stay, "PerDayRates", "PerDayRate"):
        day = read_day(_needed(node, "stayDate", f"{path}/@stayDate"), f"{path}/@stayDate")
        parts = [(name, value(node, name)) for name in ("baseRate", "extraPersonFees", "hotelServiceFees")]
        yield day, sum(parse_amount(text, "", currency, f"{path}/@{name}") for name, text in parts if text)


def _in_words(stay: Node | None, currency: str) -> list[str]:
    amounts = [format_minor(price, currency) for _, price in sorted(_nights(stay, currency))]
    taxes = value(first(stay, "Total"), "amountOfTaxes")
    told = [f"Amounts per night before tax: {', '.join(amounts)} {currency}"] if amounts else []
    return [*told, f"Taxes in the total: {taxes} {currency}"] if taxes else told


def _guest(node: Node | None) -> Guest:
    name, phone = first(node, "Name"), first(node, "Phone")
    given = [value(name, part) for part in ("givenName", "middleName")]
    digits = [value(phone, part) for part in ("countryCode", "cityAreaCode", "number", "extension")]
    return Guest(
        surname=mask_text(value(name, "surname")),
        given=mask_text(" ".join(part for part in given if part)),
        email=content(first(node, "Email")),
        phone=" ".join(part for part in digits if part),
    )


def _remarks(node: Node) -> Iterator[str]:
    promotions = (value(night, "promoName") for night in every(first(node, "RoomStay"), "PerDayRates", "PerDayRate"))
    for name in dict.fromkeys(promotion for promotion in promotions if promotion):
        yield f"Promotion: {name}"
    for program in every(node, "RewardProgram"):
        yield f"Reward program {value(program, 'code')}: {value(program, 'number')}"
    for wish in every(node, "SpecialRequest"):
        if text := content(wish):
            yield text


def clear_cards(node: Node | None) -> tuple[ClearCard, ...]:
    """Numbers of virtual cards are blanked after two days (Expedia notes, section 3.2), and are none from then on."""
    holder = value(first(node, "CardHolder"), "name")
    card = clear_card(value(node, "cardNumber"), value(node, "expireDate"), holder)
    return (card,) if card is not None else ()


def _card(node: Node | None) -> str:
    number = value(node, "cardNumber")
    return mask_number(number) if number else ""
