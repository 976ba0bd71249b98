"""What is put to the test: a connector in one profile, the account it speaks for, and how to call it."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gateway.contract import Capabilities, Document, Head, Request, Site
from gateway.errors import Refusal
from gateway.messages import Command, Event, Query

USERNAME = "conformance-user"
PASSWORD = "p4:ss&<w0rd>Q7"  # a colon for HTTP Basic, markup for XML, 16 characters at most for OpenTravel
TOKEN = "tok_9f8e7d6c5b4a39281706"
TEST_CARD = "4111111111111111"
NOW_MS = 1_925_280_000_000  # 2031-01-04T08:00:00Z; samples lie after it

Show = Callable[[Head, bytes, str, str], tuple[Head, bytes]]


class Nonconforming(AssertionError):
    """The connector is not what it declares, or not what the contract asks for."""


def password_is(password: str) -> Callable[[str], bool]:
    """A ``check_inbound`` for one stored password."""

    def check(shown: str, /) -> bool:
        return hmac.compare_digest(shown.encode("utf-8", "surrogatepass"), password.encode())

    return check


def show_basic(head: Head, body: bytes, username: str, password: str) -> tuple[Head, bytes]:
    """HTTP Basic (RFC 7617) with UTF-8."""
    login = b64encode(f"{username}:{password}".encode()).decode()
    return Head(head.method, head.path, {**head.headers, "authorization": f"Basic {login}"}), body


def default_site(profile: str) -> Site:
    """An account with the same login in both directions, so that a connector understands its own requests."""
    return Site(
        connection="conformance",
        profile=profile,
        hotel="HOTEL1",
        currency="EUR",
        url="https://counterpart.invalid/gateway",
        username=USERNAME,
        password=PASSWORD,
        inbound_username=USERNAME,
        check_inbound=password_is(PASSWORD),
        token=TOKEN,
    )


@dataclass(frozen=True)
class Reading:
    """All that came of one inbound message."""

    document: Document
    account: str
    events: tuple[Event | Query, ...]


@dataclass(frozen=True)
class Subject:
    """See :func:`gateway.testing.conformance` for the meaning of the fields."""

    connector: Any  # an Outbound, an Inbound or both; which one it is is what the cases ask
    profile: str
    fixtures: Path | None
    site: Site
    samples: Mapping[type[Command], Sequence[Command]] = field(default_factory=dict)
    show: Show = show_basic
    rooms: Sequence[str] = ("DBL", "R&B", "SUP-1")
    plans: Sequence[str] = ("BAR", "BB-2", "D<1>")
    examples: int = 60

    @property
    def declared(self) -> Capabilities:
        found: Capabilities = self.connector.capabilities(self.profile)
        return found

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not come to light: password and token, plain, as markup and HTTP Basic write them."""
        login = b64encode(f"{self.site.username}:{self.site.password}".encode()).decode()
        found = (self.site.password, escape(self.site.password), login, self.site.token)
        return tuple(secret for secret in found if secret)

    def encode(self, command: Command, site: Site | None = None) -> Request:
        request: Request = self.connector.encode(command, site or self.site)
        return request

    def open(self, head: Head, chunks: Iterable[bytes]) -> Document:
        document: Document = self.connector.open(head, chunks)
        return document

    def read(self, head: Head, body: bytes) -> Reading:
        """Open, locate and parse, in the order the gateway does it; login aside."""
        document = self.open(head, [body])
        account = self.connector.locate(document)
        return Reading(document, account, tuple(self.connector.parse(document, self.site)))

    def own(self, command: Command, site: Site | None = None) -> tuple[Head, bytes]:
        """A command as it would arrive if the counterpart were one of us."""
        request = self.encode(command, site)
        headers = {name.lower(): value for name, value in request.headers.items()}
        return Head(request.method, urlsplit(request.url).path, headers), request.body


def demand(holds: bool, text: str) -> None:
    """Fails the case with ``text`` unless it holds."""
    __tracebackhide__ = True
    if not holds:
        raise Nonconforming(text)


def refusal_of(what: str, action: Callable[..., object], *arguments: object) -> Refusal | None:
    """The refusal a call ended with, None where it succeeded; any other exception fails the case."""
    try:
        action(*arguments)
    except Refusal as refusal:
        return refusal
    except Nonconforming:
        raise
    except Exception as error:
        text = f"{what}: raised {type(error).__name__} ({error}); only a typed Refusal may cross the border"
        raise Nonconforming(text) from error
    return None


def must_refuse(
    what: str, action: Callable[..., object], *arguments: object, by: tuple[type[Refusal], ...] = (Refusal,)
) -> Refusal:
    """Like :func:`refusal_of`, where success, or a refusal of none of the kinds, fails the case as well."""
    refusal = refusal_of(what, action, *arguments)
    if refusal is None:
        raise Nonconforming(f"{what}: was accepted, must be refused")
    names = " or ".join(kind.__name__ for kind in by)
    demand(isinstance(refusal, by), f"{what}: refused as {type(refusal).__name__}, must be {names}")
    return refusal
