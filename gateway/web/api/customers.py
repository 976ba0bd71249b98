"""Who books and who stays, as the API takes them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.engine.sale import Customer
from gateway.model.reservation import Guest
from gateway.web.api.values import Text


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``country`` is ISO 3166-1 alpha-2, ``language`` a language tag (``zh-CN``): letters are written in it."""

    surname: Text
    given: Text = ""
    email: Annotated[str, Meta(max_length=254, pattern=r"^([^@\s<>,;]+@[^@\s<>,;]+)?$")] = ""
    phone: Annotated[str, Meta(max_length=40)] = ""
    address: Annotated[tuple[Text, ...], Meta(max_length=5)] = ()
    city: Text = ""
    postal_code: Annotated[str, Meta(max_length=20)] = ""
    country: Annotated[str, Meta(max_length=2)] = ""
    company: Text = ""
    language: Annotated[str, Meta(max_length=35)] = ""


class CustomerBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who books, who stays if that is somebody else, and what the house should know."""

    booker: Person
    guests: Annotated[tuple[Person, ...], Meta(max_length=50)] = ()
    comments: Annotated[tuple[Annotated[str, Meta(max_length=2_000)], ...], Meta(max_length=10)] = ()


def customer_of(body: CustomerBody | None) -> Customer | None:
    """Who books, as flows take it."""
    return None if body is None else Customer(_guest(body.booker), tuple(map(_guest, body.guests)), body.comments)


def _guest(person: Person) -> Guest:
    return Guest(**msgspec.structs.asdict(person))
