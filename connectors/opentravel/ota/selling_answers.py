"""What a seller is answered: offers, and how its booking stands, in the shape of 2015A (children in schema order)."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from connectors.opentravel._shared import answers, names
from connectors.opentravel._shared.answers import Asked
from connectors.opentravel._shared.encode_guest import write_comments
from connectors.opentravel._shared.encode_stay import Writer, write_people
from connectors.opentravel._shared.message_id import ID_CHARS_MAX
from gateway.messages import OffersFound, Result, Sold
from gateway.messages_selling import Extra, Offered, SaleStep
from gateway.model.dates import Instant, format_day, format_instant
from gateway.model.money import format_minor
from gateway.model.reservation import Content
from gateway.wire.xmlwrite import element, text

_RESPONSES = {
    SaleStep.HOLD: "OnHold",
    SaleStep.BOOK: "Committed",
    SaleStep.RELEASE: "Ignored",
    SaleStep.MODIFY: "Modified",
    SaleStep.CANCEL: "Cancelled",
    SaleStep.PRICE_CANCEL: "Pending",
}
_GUARANTEES = {"card": "GuaranteeRequired", "deposit": "DepositRequired", "prepaid": "PrePay"}
_TAXES_MAX = 99


def write_selling(asked: Asked, results: Sequence[Result], at_ms: Instant, version: str) -> bytes:
    """The answer to a seller's one question or step; raises TypeError for a result that does not belong to it."""
    (result,) = results
    if isinstance(result, OffersFound):
        return answers.succeed(asked, _found(result), at_ms, version)
    if not isinstance(result, Sold):
        raise TypeError(f"{type(result).__name__} does not answer a seller")
    if asked.root == names.CANCEL:
        return answers.succeed(asked, _ended(result), at_ms, version, Status=_RESPONSES[result.step])
    written = _booked(asked.root, result)
    response = "Requested" if result.requested else _RESPONSES[result.step]
    return answers.succeed(asked, written, at_ms, version, ResResponseType=response)


def _found(found: OffersFound) -> str:
    stays = "".join(_offered(one, found) for one in found.offers)
    return f"<RoomStays>{stays}</RoomStays>" if stays else ""


def _offered(one: Offered, found: OffersFound) -> str:
    stay = one.stay
    kind = element("RoomType", "", RoomTypeCode=stay.room, NumberOfUnits=str(stay.units))
    plan = element("RatePlan", "", RatePlanCode=stay.plan, AvailableQuantity=str(one.left))
    guarantee = _GUARANTEES.get(one.guarantee)
    ref = one.ref if one.ref.isascii() and one.ref.isdigit() and len(one.ref) <= 8 else None
    return element(
        "RoomStay",
        element("RoomTypes", kind)
        + element("RatePlans", plan)
        + _writer(found.currency, found.hotel, net=found.net).nightly(stay)
        + write_people(stay)
        + element("TimeSpan", "", Start=format_day(stay.arrival), End=format_day(stay.departure))
        + (element("Guarantee", "", GuaranteeType=guarantee) if guarantee else "")
        + element("CancelPenalties", _terms(one.free_until_ms))
        + _total(one.total, stay.total if found.net else None, one.extras, found.currency)
        + element("BasicPropertyInfo", "", HotelCode=found.hotel),
        RoomStayCandidateRPH=ref,
        AvailabilityStatus="OnRequest" if one.on_request else "AvailableForSale",
    )


def _writer(currency: str, hotel: str, *, net: bool) -> Writer:
    return Writer(Content(currency=currency, net=net), hotel, "2015A", currency)


def _terms(free_until_ms: Instant) -> str:
    if not free_until_ms:
        return element("CancelPenalty", "", NonRefundable="true")
    return element("CancelPenalty", element("Deadline", "", AbsoluteDeadline=format_instant(free_until_ms)))


def _total(total: int, before_tax: int | None, extras: Sequence[Extra], currency: str) -> str:
    """With everything the guest pays, and what of it are taxes and fees."""
    taxes = "".join(
        element(
            "Tax",
            element("TaxDescription", element("Text", text(extra.name or extra.code))),
            Type="Inclusive" if extra.included else "Exclusive",
            Amount=format_minor(extra.amount, currency),
            CurrencyCode=currency,
        )
        for extra in extras[:_TAXES_MAX]
    )
    return element(
        "Total",
        element("Taxes", taxes) if taxes else "",
        AmountBeforeTax=None if before_tax is None else format_minor(before_tax, currency),
        AmountAfterTax=format_minor(total, currency),
        CurrencyCode=currency,
    )


def _booked(root: str, sold: Sold) -> str:
    container, item = names.RESERVATION_LISTS[root]
    writer = _writer(sold.currency, sold.hotel, net=sold.net)
    stays = "".join(writer.stay(replace(stay, guests=())) for stay in sold.stays)
    number = element("HotelReservationID", "", ResID_Type=names.HOTEL_ID, ResID_Value=sold.reservation_id)
    remarks = (f"held until {format_instant(sold.expires_ms)}",) if sold.expires_ms else ()
    info = element(
        "ResGlobalInfo",
        write_comments(remarks)
        + _total(sold.total, None, (), sold.currency)
        + element("HotelReservationIDs", number)
        + element("BasicPropertyInfo", "", HotelCode=sold.hotel),
    )
    held = element("RoomStays", stays) if stays else ""
    return element(container, element(item, _ids(sold)[0] + held + info))


def _ended(sold: Sold) -> str:
    """Both numbers, and what it has cost or would cost (CancelRule, of type Charge)."""
    rule = element(
        "CancelRule", "", Amount=format_minor(sold.penalty, sold.currency), CurrencyCode=sold.currency, Type="Charge"
    )
    return "".join(_ids(sold)) + element("CancelInfoRS", element("CancelRules", rule))


def _ids(sold: Sold) -> tuple[str, str]:
    """Theirs and ours."""
    kinds = ((names.RESERVATION_ID, sold.booking_id), (names.HOTEL_ID, sold.reservation_id))
    theirs, ours = (element("UniqueID", "", Type=kind, ID=number[:ID_CHARS_MAX]) for kind, number in kinds)
    return theirs, ours
