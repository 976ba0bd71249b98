"""People and remarks of a reservation; lengths are the schema's."""

from __future__ import annotations

from gateway.model.reservation import Guest
from gateway.wire.xmlwrite import attributes, element, text

_MOBILE = "5"


def write_customer(guest: Guest) -> str:
    """Customer, children in schema order. Surname is mandatory there, so a nameless guest is written as a dash."""
    given = f"<GivenName>{text(guest.given[:64])}</GivenName>" if guest.given else ""
    name = f"<PersonName>{given}<Surname>{text(guest.surname[:64] or '-')}</Surname></PersonName>"
    phone = element("Telephone", "", PhoneTechType=_MOBILE, PhoneNumber=guest.phone[:32]) if guest.phone else ""
    mail = f"<Email>{text(guest.email[:128])}</Email>" if guest.email else ""
    return element("Customer", name + phone + mail + _address(guest), Language=guest.language or None)


def _address(guest: Guest) -> str:
    lines = "".join(f"<AddressLine>{text(line[:255])}</AddressLine>" for line in guest.address[:5])
    city = f"<CityName>{text(guest.city[:64])}</CityName>" if guest.city else ""
    postal = f"<PostalCode>{text(guest.postal_code[:16])}</PostalCode>" if guest.postal_code else ""
    country = ""
    if guest.country:
        # Only an ISO code fits the attribute; a name as sent is the element's text.
        is_code = len(guest.country) == 2 and guest.country.isascii() and guest.country.isalpha()
        code = attributes(Code=guest.country.upper() if is_code else None)
        country = f"<CountryName{code}>{'' if is_code else text(guest.country[:64])}</CountryName>"
    company = f"<CompanyName>{text(guest.company[:128])}</CompanyName>" if guest.company else ""
    content = lines + city + postal + country + company
    return f"<Address>{content}</Address>" if content else ""


def write_comments(comments: tuple[str, ...]) -> str:
    written = "".join(f"<Comment><Text>{text(comment)}</Text></Comment>" for comment in comments)
    return f"<Comments>{written}</Comments>" if written else ""
