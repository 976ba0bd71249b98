"""What the API offers, declared once: routes, rights, the OpenAPI document and the reference follow from it.

An endpoint is a coroutine function over a :class:`Call`. Its docstring is its documentation: the first line is the
summary, the rest the description.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Any, Generic, Literal, TypeVar

import msgspec

from gateway.flows.access.identity import Identity
from gateway.flows.access.rights import require
from gateway.flows.services import Services
from gateway.model.access import Action, Principal
from gateway.store.database import Transaction

JSON = "application/json"
BODY_BYTES_MAX = 1024 * 1024

QueryT = TypeVar("QueryT")
BodyT = TypeVar("BodyT")


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No parameters, or no body."""


@dataclass(frozen=True)
class Call(Generic[QueryT, BodyT]):
    """One request, read and allowed. ``raw`` is the body of endpoints that take other formats than JSON.

    ``keep``, if there is one, has to be called with the answer in the transaction of the effect.
    """

    services: Services
    identity: Identity
    principal: Principal
    path: Mapping[str, str]
    query: QueryT
    body: BodyT
    raw: bytes
    media_type: str
    if_match: str | None
    keep: Callable[[Transaction, Answer], Awaitable[None]] | None

    @property
    def property_id(self) -> str:
        """The property of the path."""
        return self.path["property"]

    @property
    def connection(self) -> str:
        """The connection of the path."""
        return self.path["connection"]

    def require(self, action: Action) -> None:
        """For rights that depend on what the body asks for."""
        require(self.principal, action, self.property_id)


class Answer(msgspec.Struct, frozen=True):
    """What to say. ``etag`` is the version of what is shown, ``location`` where a new thing is."""

    value: object
    etag: str | None = None
    location: str | None = None


class Repeat(Enum):
    """How the answer under an Idempotency-Key is kept (:mod:`gateway.flows.once`)."""

    NONE = "none"
    CLAIMED = "claimed"  # around the flow, which has no second effect by itself
    KEPT = "kept"  # by the flow, in the transaction of the effect: see ``Call.keep``


class Match(Enum):
    """Whether an edit has to say which version it edits (RFC 6585, section 3)."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


Run = Callable[[Call[Any, Any]], Awaitable[Answer]]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """``path`` is below the version's prefix, with ``{names}``. ``action`` None asks for a principal only.

    ``answer`` None is an empty answer. ``formats`` are the media types of a body that is no JSON of ours.
    """

    method: Method
    path: str
    action: Action | None
    tag: str
    query: Any
    body: Any
    answer: Any
    status: HTTPStatus
    match: Match
    repeat: Repeat
    shows_etag: bool
    formats: tuple[str, ...]
    body_bytes_max: int
    name: str
    summary: str
    description: str
    run: Run


class Endpoints:
    """The endpoints of one subject."""

    def __init__(self, tag: str, about: str) -> None:
        self.tag = tag
        self.about = about
        self.all: list[Endpoint] = []

    def add(
        self,
        method: Method,
        path: str,
        action: Action | None,
        *,
        answer: Any = None,
        query: Any = Nothing,
        body: Any = Nothing,
        status: HTTPStatus | None = None,
        match: Match = Match.NONE,
        repeat: Repeat = Repeat.NONE,
        shows_etag: bool = False,
        formats: tuple[str, ...] = (),
        body_bytes_max: int = BODY_BYTES_MAX,
    ) -> Callable[[Run], Run]:
        """Declares the function below."""

        def declare(run: Run) -> Run:
            summary, _, description = inspect.cleandoc(run.__doc__ or "").partition("\n\n")
            self.all.append(
                Endpoint(
                    method=method,
                    path=path,
                    action=action,
                    tag=self.tag,
                    query=query,
                    body=body,
                    answer=answer,
                    status=status or (HTTPStatus.OK if answer is not None else HTTPStatus.NO_CONTENT),
                    match=match,
                    repeat=repeat,
                    shows_etag=shows_etag or match is not Match.NONE,
                    formats=formats,
                    body_bytes_max=body_bytes_max,
                    name=run.__name__,
                    summary=summary.rstrip("."),
                    description=" ".join(description.split()) if description else "",
                    run=run,
                )
            )
            return run

        return declare
