"""Writing OTA_HotelResNotifRQ the way a sales channel pushes it (sheet, sections 5 and 7)."""

from simulators.opentravel.days import runs, to_text
from simulators.opentravel.money import amount_text
from simulators.opentravel.stays import Card, Guest, Revision, Stay
from simulators.opentravel.vocabulary import Vocabulary
from simulators.opentravel.xml import Node, add, root_node, to_bytes

_STATUS = {"new": "Commit", "modify": "Modify", "cancel": "Cancel"}
RESERVATION, ADULT, CHILD = "14", "10", "8"  # UIT and AQC codes


def reservation_message(revision: Revision, names: Vocabulary, echo: str, stamp: str) -> bytes:
    """One revision as a complete message; `names` gives hotel code and currency."""
    status = _STATUS[revision.kind]
    root = root_node("OTA_HotelResNotifRQ", echo, stamp, ResStatus=status)
    about = {"CreateDateTime": revision.created, "LastModifyDateTime": revision.version, "ResStatus": status}
    node = add(add(root, "HotelReservations"), "HotelReservation", about)
    add(node, "UniqueID", {"Type": RESERVATION, "ID": revision.booking_id})
    stays = add(node, "RoomStays")
    for stay in revision.stays:
        _add_stay(stays, stay, revision.card, names)
    _add_guest(add(node, "ResGuests"), revision.guest)
    _add_global(node, revision, names)
    return to_bytes(root)


def _add_stay(parent: Node, stay: Stay, card: Card | None, names: Vocabulary) -> None:
    node = add(parent, "RoomStay")
    units = str(stay.units)
    add(add(node, "RoomTypes"), "RoomType", {"RoomTypeCode": stay.room, "NumberOfUnits": units})
    add(add(node, "RatePlans"), "RatePlan", {"RatePlanCode": stay.plan})
    codes = {"RoomTypeCode": stay.room, "RatePlanCode": stay.plan, "NumberOfUnits": units}
    _add_nights(add(add(node, "RoomRates"), "RoomRate", codes), stay, names)
    guests = add(node, "GuestCounts", {"IsPerRoom": "true"})
    for code, count in ((ADULT, stay.adults), (CHILD, stay.children)):
        if count:
            add(guests, "GuestCount", {"AgeQualifyingCode": code, "Count": str(count)})
    add(node, "TimeSpan", {"Start": to_text(stay.arrival), "End": to_text(stay.departure)})
    if card is not None:
        _add_card(node, card)
    add(node, "Total", _money(stay.total(), names))
    add(node, "BasicPropertyInfo", {"HotelCode": names.hotel})
    add(node, "ResGuestRPHs", content="1")


def _add_nights(room_rate: Node, stay: Stay, names: Vocabulary) -> None:
    """One Rate per run of equal nights; ExpireDate is the day after the last of them."""
    rates = add(room_rate, "Rates")
    for first, last, price in runs(enumerate(stay.nightly, start=stay.arrival)):
        about = {"EffectiveDate": to_text(first), "ExpireDate": to_text(last + 1), "RateTimeUnit": "Day"}
        rate = add(rates, "Rate", {**about, "UnitMultiplier": str(last - first + 1)})
        add(rate, "Base", _money(price, names))


def _add_card(stay: Node, card: Card) -> None:
    """A guarantee by card in the shape of the 2015A or the 2011B release (sheet, section 5.3)."""
    accepted = add(add(add(stay, "Guarantee"), "GuaranteesAccepted"), "GuaranteeAccepted")
    about = {"CardCode": card.code, "ExpireDate": card.expires}
    if card.shape == "2011B":
        series = {"SeriesCode": card.series} if card.series else {}
        node = add(accepted, "PaymentCard", {**about, "CardType": "1", "CardNumber": card.number, **series})
        add(node, "CardHolderName", content=card.holder)
        return
    node = add(accepted, "PaymentCard", about)
    add(node, "CardHolderName", content=card.holder)
    add(add(node, "CardNumber"), "PlainText", content=card.number)
    if card.series:
        add(add(node, "SeriesCode"), "PlainText", content=card.series)


def _add_guest(parent: Node, guest: Guest) -> None:
    node = add(parent, "ResGuest", {"ResGuestRPH": "1", "PrimaryIndicator": "true"})
    profile = add(add(add(node, "Profiles"), "ProfileInfo"), "Profile", {"ProfileType": "1"})
    customer = add(profile, "Customer")
    person = add(customer, "PersonName")
    add(person, "GivenName", content=guest.given)
    add(person, "Surname", content=guest.surname)
    add(customer, "Email", content=guest.email)


def _add_global(node: Node, revision: Revision, names: Vocabulary) -> None:
    info = add(node, "ResGlobalInfo")
    if revision.comment:
        add(add(add(info, "Comments"), "Comment"), "Text", content=revision.comment)
    add(info, "Total", _money(sum(stay.total() for stay in revision.stays), names))
    about = {"ResID_Type": RESERVATION, "ResID_Value": revision.booking_id, "ResID_Source": revision.source}
    add(add(info, "HotelReservationIDs"), "HotelReservationID", about)
    add(info, "BasicPropertyInfo", {"HotelCode": names.hotel})


def _money(minor: int, names: Vocabulary) -> dict[str, str]:
    return {"AmountAfterTax": amount_text(minor, names.decimals), "CurrencyCode": names.currency}
