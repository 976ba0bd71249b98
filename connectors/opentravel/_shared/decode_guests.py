"""People of a reservation, their remarks, and what may be kept of a card (sheet, section 5.2 and 5.3).

Both spellings of guest references and of payment cards are read, whatever release the sender claims.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from connectors.opentravel._shared.names import content, every, first, kids, value, values
from gateway.model.reservation import Guest
from gateway.wire.redact import mask_number, mask_text
from gateway.wire.xml import LOCAL, Node

Parts = dict[str, list[Node]]

# In place of a list of elements where there are none.
_NONE: list[None] = [None]


class Guests(msgspec.Struct, frozen=True):
    """The guests by their RPH, in order; ``primary`` is the RPH of the one who leads."""

    by_rph: dict[str, Guest]
    primary: str = ""
    stays: int = 1

    @classmethod
    def read(cls, parts: Parts) -> Guests:
        by_rph: dict[str, Guest] = {}
        primary = ""
        nodes = [node for group in parts.get("ResGuests", ()) for node in every(group, "ResGuest")]
        for number, node in enumerate(nodes):
            # Where it is missing, guests can still be told apart by their order.
            rph = value(node, "ResGuestRPH") or f"#{number}"
            by_rph[rph] = _guest(first(node, "Profiles", "ProfileInfo", "Profile"))
            if value(node, "PrimaryIndicator") in ("true", "1"):
                primary = primary or rph
        stays = len([stay for group in parts.get("RoomStays", ()) for stay in every(group, "RoomStay")])
        return cls(by_rph, primary or next(iter(by_rph), ""), stays)

    def of(self, references: list[Node]) -> tuple[Guest, ...]:
        """The guests a stay refers to; a lone stay without references has them all."""
        rphs = [rph for node in references for rph in _rphs(node)]
        if not rphs and self.stays == 1:
            return tuple(self.by_rph.values())
        return tuple(self.by_rph[rph] for rph in rphs if rph in self.by_rph)

    def booker(self) -> Guest | None:
        return self.by_rph.get(self.primary)


def _rphs(node: Node) -> list[str]:
    """A list as text, or (older releases) one child for each."""
    children = [value(child, "RPH") or content(child) for child in every(node, "ResGuestRPH")]
    return children or content(node).split()


def read_booker(info: Parts) -> Guest | None:
    """The profile in ResGlobalInfo, which stands for whoever booked."""
    profiles = info.get("Profiles")
    profile = first(profiles[0], "ProfileInfo", "Profile") if profiles else None
    return _guest(profile) if profile is not None else None


def _guest(profile: Node | None) -> Guest:
    of_profile = kids(profile)
    customer = of_profile["Customer"][0] if "Customer" in of_profile else None
    parts = kids(customer)
    person, address = (kids(parts[name][0]) if name in parts else {} for name in ("PersonName", "Address"))
    country = address.get("CountryName", _NONE)[0]
    company = kids(of_profile["CompanyInfo"][0]).get("CompanyName", _NONE)[0] if "CompanyInfo" in of_profile else None
    if company is None:
        company = address.get("CompanyName", _NONE)[0]
    return Guest(
        surname=mask_text(content(person.get("Surname", _NONE)[0])),
        given=mask_text(" ".join([content(name) for name in person.get("GivenName", ())])),
        email=_first_of([content(node) for node in parts.get("Email", ())]),
        phone=_first_of([_phone(node) for node in parts.get("Telephone", ())]),
        address=tuple([mask_text(line) for node in address.get("AddressLine", ()) if (line := content(node))]),
        city=content(address.get("CityName", _NONE)[0]),
        postal_code=content(address.get("PostalCode", _NONE)[0]),
        country=value(country, "Code") or content(country),
        company=value(company, "CompanyShortName") or content(company),
        language=value(customer, "Language"),
    )


def _first_of(texts: list[str]) -> str:
    return next((text for text in texts if text), "") if texts else ""


def _phone(node: Node) -> str:
    """The number with its country and area codes, where they stand apart."""
    given = values(node)
    return " ".join([given[name] for name in ("CountryAccessCode", "AreaCityCode", "PhoneNumber") if name in given])


def comments_of(parts: Parts) -> tuple[str, ...]:
    """Comments and special requests, with card numbers masked."""
    found: list[str] = []
    for group, item in (("Comments", "Comment"), ("SpecialRequests", "SpecialRequest")):
        for outer in parts.get(group, ()):
            found += [mask_text(text) for node in every(outer, item) if (text := _remark(node))]
    return tuple(found)


def _remark(node: Node) -> str:
    texts = [text for child in node if LOCAL[child.tag] in ("Text", "ListItem") and (text := content(child))]
    return " ".join(texts) or content(node) or value(node, "RequestCode")


def card_mask(holders: Iterable[Node]) -> str:
    """First six and last four digits of the first card; the number itself goes no further than this function."""
    for holder in holders:
        for card in holder.iter("{*}PaymentCard"):
            number = first(card, "CardNumber")
            plain = first(number, "PlainText")
            for text in (
                value(card, "CardNumber"),
                value(card, "MaskedCardNumber"),
                content(plain) or content(number),
                value(number, "Mask"),
            ):
                if text:
                    return mask_number(text)
    return ""
