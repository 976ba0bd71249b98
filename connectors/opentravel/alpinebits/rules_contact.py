"""Awards and contact data of a hotel (AlpineBits HotelData, chapter Inventory/HotelInfo; protocol sheet, 5.3)."""

from __future__ import annotations

from connectors.opentravel._shared.names import every, first
from connectors.opentravel.alpinebits.faults import broken, missing, need, need_child
from gateway.errors import Reason
from gateway.wire.xml import Node

_MAIN_CONTACT = "6"


def check_awards(affiliation: Node) -> None:
    """At least one award, with who gave it in capitals."""
    for award in _some(need_child(affiliation, "Awards"), "Award"):
        need(award, "Rating")
        provider = need(award, "Provider")
        if provider != provider.upper():
            raise broken(award, "the Provider is not in capitals", Reason.INVALID_VALUE, "Provider")


def check_contacts(contacts: Node) -> None:
    """Exactly one contact, whose lists are not empty where they are there."""
    found = every(contacts, "ContactInfo")
    if len(found) != 1:
        raise broken(contacts, "there is exactly one ContactInfo")
    contact = found[0]
    if need(contact, "Location") != _MAIN_CONTACT:
        raise broken(contact, f"the Location is not {_MAIN_CONTACT}", Reason.INVALID_VALUE, "Location")
    if (addresses := first(contact, "Addresses")) is not None:
        _check_addresses(_some(addresses, "Address"))
    if (phones := first(contact, "Phones")) is not None:
        for phone in _some(phones, "Phone"):
            need(phone, "PhoneTechType")
            need(phone, "PhoneNumber")
    if (emails := first(contact, "Emails")) is not None:
        for email in _some(emails, "Email"):
            need(email, "EmailType")
    if (links := first(contact, "URLs")) is not None:
        for link in _some(links, "URL"):
            name = link.get("ID")
            if name is not None and name != name.upper():
                raise broken(link, "the ID is not in capitals", Reason.INVALID_VALUE, "ID")


def _check_addresses(addresses: list[Node]) -> None:
    seen: set[str] = set()
    for address in addresses:
        language = need(address, "Language")
        if language in seen:
            raise broken(address, f"there are two addresses in {language}", attribute="Language")
        seen.add(language)


def _some(holder: Node, name: str) -> list[Node]:
    found = every(holder, name)
    if not found:
        raise missing(holder, name)
    return found
