"""RoomStays, Services, ResGuests and ResGlobalInfo of a reservation (sheet, section 5.2; children in schema order)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from connectors.opentravel._shared.encode_guest import write_comments, write_customer
from gateway.model.card import ClearCard
from gateway.model.dates import format_day
from gateway.model.money import format_minor
from gateway.model.reservation import Content, Guest, RoomStay, Service
from gateway.wire.xmlwrite import attributes, element, text

_AGE = {"adults": "10", "children": "8", "infants": "7"}
_PROFILE = '<Profiles><ProfileInfo><Profile ProfileType="1">{}</Profile></ProfileInfo></Profiles>'
_SERVICE_TYPE = "18"  # of the code list UIT: other


class Writer:
    """Writes one reservation's content. Guests are numbered once, however many stays they share."""

    def __init__(
        self, content: Content, hotel: str, release: str, currency: str, cards: Sequence[ClearCard] = ()
    ) -> None:
        self._content = content
        self._cards = cards
        self._hotel = element("BasicPropertyInfo", "", HotelCode=hotel)
        self._release = release
        self._currency = currency
        self._rphs: dict[Guest, int] = {}
        if content.booker is not None:
            self._rphs[content.booker] = 1
        for stay in content.stays:
            for guest in stay.guests:
                self._rphs.setdefault(guest, len(self._rphs) + 1)

    def stays(self) -> str:
        return element("RoomStays", "".join(map(self.stay, self._content.stays))) if self._content.stays else ""

    def stay(self, stay: RoomStay) -> str:
        units = str(stay.units)
        return element(
            "RoomStay",
            element("RoomTypes", element("RoomType", "", RoomTypeCode=stay.room, NumberOfUnits=units))
            + element("RatePlans", element("RatePlan", "", RatePlanCode=stay.plan))
            + self.nightly(stay)
            + write_people(stay)
            + element("TimeSpan", "", Start=format_day(stay.arrival), End=format_day(stay.departure))
            + self._total(stay.total)
            + self._hotel
            + self._references(stay)
            + write_comments(stay.comments),
            IndexNumber=stay.ref if stay.ref.isascii() and stay.ref.isdigit() and len(stay.ref) <= 9 else None,
        )

    def _references(self, stay: RoomStay) -> str:
        """A list as text from 2011B on, one element for each before (sheet, section 5.3)."""
        rphs = [str(self._rphs[guest]) for guest in stay.guests]
        if not rphs:
            return ""
        if self._release != "2010A":
            return f"<ResGuestRPHs>{' '.join(rphs)}</ResGuestRPHs>"
        return element("ResGuestRPHs", "".join(element("ResGuestRPH", "", RPH=rph) for rph in rphs))

    def nightly(self, stay: RoomStay) -> str:
        """In runs of one price; peers on the older release disagree on those and are told each night by itself."""
        if not stay.nightly:
            return ""
        rates, first = "", stay.arrival
        runs = ((price, len(list(group))) for price, group in groupby(stay.nightly))
        for price, nights in ((price, 1) for price in stay.nightly) if self._release == "2010A" else runs:
            base = element("Base", "", **self._amount(price))
            dates = {"EffectiveDate": format_day(first), "ExpireDate": format_day(first + nights)}
            rates += element("Rate", base, **dates, RateTimeUnit="Day", UnitMultiplier=str(nights))
            first += nights
        room_rate = element(
            "RoomRate",
            element("Rates", rates),
            RoomTypeCode=stay.room,
            RatePlanCode=stay.plan,
            NumberOfUnits=str(stay.units),
        )
        return element("RoomRates", room_rate)

    def services(self) -> str:
        written = "".join(self._service(service, number) for number, service in enumerate(self._content.services, 1))
        return element("Services", written) if written else ""

    def _service(self, service: Service, number: int) -> str:
        """Type and ID are mandatory. The text is a comment, since 2011B knows no description."""
        price = element("Price", self._total(service.total)) if service.total is not None else ""
        details = element("ServiceDetails", write_comments((service.text,))) if service.text else ""
        return element(
            "Service",
            price + details,
            Type=_SERVICE_TYPE,
            ID=service.code[:32] or str(number),
            ServiceInventoryCode=service.code if len(service.code) <= 16 else None,
            Quantity=str(service.quantity),
        )

    def guest_list(self) -> str:
        return "".join(
            element(
                "ResGuest",
                _PROFILE.format(write_customer(guest)),
                ResGuestRPH=str(rph),
                PrimaryIndicator="true" if guest == self._content.booker else None,
            )
            for guest, rph in self._rphs.items()
        )

    def global_info(self, reservation_ids: str) -> str:
        """BasicPropertyInfo is mandatory in 2015A and forbidden before."""
        return element(
            "ResGlobalInfo",
            write_comments(self._content.comments)
            + self._guarantee()
            + self._total(self._content.total)
            + reservation_ids
            + (self._hotel if self._release == "2015A" else ""),
        )

    def _guarantee(self) -> str:
        """The mask of a card, unless the vault has given its number."""
        mask = self._content.card_mask
        written = [self._card(card) for card in self._cards] or ([self._mask(mask)] if mask else [])
        card = "".join(f"<GuaranteeAccepted>{each}</GuaranteeAccepted>" for each in written)
        card = element("GuaranteesAccepted", card) if card else ""
        kind = self._content.guarantee
        if not (card or kind):
            return ""
        # GuaranteeType is a closed list in the schema; anything else a sender wrote goes into the free code.
        name = "GuaranteeType" if kind in _GUARANTEE_TYPES else "GuaranteeCode"
        return element("Guarantee", card, **{name: kind[:32]})

    def _mask(self, mask: str) -> str:
        """An attribute up to 2011B, an element from 2015A on (sheet, section 5.3)."""
        if self._release != "2015A":
            return element("PaymentCard", "", MaskedCardNumber=mask)
        return element("PaymentCard", element("CardNumber", "", Mask=mask))

    def _card(self, card: ClearCard) -> str:
        """A card with its number, for a receiver that is to charge it. There is never a security code."""
        told = {"CardCode": card.face.brand, "EffectiveDate": card.starts, "ExpireDate": card.expires}
        holder = element("CardHolderName", text(card.holder)) if card.holder else ""
        if self._release != "2015A":
            return element("PaymentCard", holder, CardNumber=card.number, **told)
        number = element("CardNumber", element("PlainText", card.number))
        return element("PaymentCard", holder + number, **told)

    def _total(self, minor: int | None) -> str:
        return element("Total", "", **self._amount(minor)) if minor is not None else ""

    def _amount(self, minor: int) -> dict[str, str]:
        name = "AmountBeforeTax" if self._content.net else "AmountAfterTax"
        return {name: format_minor(minor, self._currency), "CurrencyCode": self._currency}


_GUARANTEE_TYPES = frozenset(
    ("GuaranteeRequired", "None", "CC/DC/Voucher", "Profile", "Deposit", "PrePay", "DepositRequired")
)


def write_people(stay: RoomStay) -> str:
    """Counts over all units, as the model keeps them. Children of one age are counted together."""
    counts: list[tuple[str, str | None, int]] = [(_AGE["adults"], None, stay.adults)] if stay.adults else []
    ages = sorted(stay.child_ages[: stay.children])
    counts += [(_AGE["children"], str(age), ages.count(age)) for age in dict.fromkeys(ages)]
    if stay.children > len(ages):
        counts.append((_AGE["children"], None, stay.children - len(ages)))
    if stay.infants:
        counts.append((_AGE["infants"], None, stay.infants))
    if not counts:
        return ""
    written = "".join(
        f"<GuestCount{attributes(AgeQualifyingCode=code, Age=age, Count=str(count))}/>" for code, age, count in counts
    )
    return element("GuestCounts", written, IsPerRoom="true" if stay.units == 1 else "false")
