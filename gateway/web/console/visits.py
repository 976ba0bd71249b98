"""One request of a browser, and the views that answer it, declared once with the right each of them asks for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from gateway.flows.access.identity import Identity, Session, csrf_token
from gateway.flows.access.rights import require
from gateway.flows.desk.properties import PropertyLine
from gateway.flows.services import Services
from gateway.model.access import Action
from gateway.web.console.fields import Fields
from gateway.web.console.formats import Formats
from gateway.web.console.live import Live


@dataclass(frozen=True)
class Visit:
    """One request, read and allowed.

    ``browser`` is a random text in a cookie of its own, which forms are bound to before anybody has signed in.
    ``hotel`` is the property of the path, ``here`` the page somebody can come back to. ``is_fragment``: the script asks
    for the live part of a page only.
    """

    services: Services
    identity: Identity
    live: Live
    session: Session | None
    browser: str
    language: str
    address: str
    path: Mapping[str, str]
    query: Fields
    form: Fields
    here: str
    is_secure: bool
    is_fragment: bool
    hotel: PropertyLine | None = None
    pulse: str = ""

    @property
    def csrf(self) -> str:
        """What a form of a page that is sent now has to bring back."""
        return self.session.csrf if self.session else csrf_token(self.browser)

    @property
    def property_id(self) -> str:
        return self.path["property"]

    @property
    def author(self) -> str:
        assert self.session is not None
        return self.session.principal.author

    @property
    def formats(self) -> Formats:
        if self.hotel is None:
            return Formats(self.language)
        return Formats(self.language, self.hotel.timezone, self.hotel.currency)

    @property
    def now_ms(self) -> int:
        return self.services.clock.now_ms()

    def may(self, action: Action) -> bool:
        return self.session is not None and self.session.principal.may(action, self.path.get("property", ""))

    def require(self, action: Action) -> None:
        """For rights that depend on what the form asks for."""
        assert self.session is not None
        require(self.session.principal, action, self.property_id)

    def url(self, *parts: str, query: str = "") -> str:
        """A page of this property."""
        return hotel_url(self.property_id, *parts) + (f"?{query}" if query else "")


def hotel_url(property_id: str, *parts: str) -> str:
    """The address of a property's page, whatever characters its name is made of."""
    return "/".join(["/hotels", *(quote(part, safe="") for part in (property_id, *parts))])


class Page(msgspec.Struct, frozen=True):
    """A template and what it shows."""

    template: str
    values: dict[str, Any]
    status: int = 200


class Go(msgspec.Struct, frozen=True):
    """On to another page of ours. ``cookies`` are set, or deleted where the value is empty."""

    to: str
    cookies: dict[str, str] = {}


Method = Literal["GET", "POST"]
Run = Callable[[Visit], Awaitable[Page | Go]]


class View(msgspec.Struct, frozen=True):
    """``action`` None asks for nothing but, unless it ``is_open``, a signed-in person."""

    method: Method
    path: str
    action: Action | None
    is_open: bool
    run: Run


@dataclass
class Views:
    """The views of one subject."""

    all: list[View] = field(default_factory=list)

    def add(
        self, method: Method, path: str, action: Action | None = None, *, is_open: bool = False
    ) -> Callable[[Run], Run]:
        """Declares the function below."""

        def declare(run: Run) -> Run:
            self.all.append(View(method, path, action, is_open, run))
            return run

        return declare
