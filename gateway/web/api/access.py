"""Keys of programs and sign-ins of people, and who the caller is."""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway.flows.access import rights
from gateway.flows.access.rights import Changes, Given, Keep, Listed, Wanted
from gateway.model.access import PERMISSIONS, Action, Grant, Principal, PrincipalKind
from gateway.model.dates import Instant
from gateway.store.database import Transaction
from gateway.web.api.endpoints import Answer, Call, Endpoints, Match, Nothing, Repeat
from gateway.web.api.shapes import shown_type
from gateway.web.api.values import COUNT, Count, Cursor, Time, instant_or_none

ENDPOINTS = Endpoints("Access", "Keys for programs, sign-ins for people, and what they may do.")

Name = Annotated[str, Meta(min_length=1, max_length=rights.NAME_LENGTH_MAX)]
Grants = Annotated[tuple[Grant, ...], Meta(min_length=1, max_length=rights.GRANTS_MAX)]
Networks = Annotated[tuple[Annotated[str, Meta(max_length=60)], ...], Meta(max_length=rights.NETWORKS_MAX)]
Password = Annotated[str, Meta(min_length=rights.PASSWORD_LENGTH_MIN, max_length=rights.PASSWORD_LENGTH_MAX)]


class PrincipalsQuery(msgspec.Struct, frozen=True):
    kind: PrincipalKind = PrincipalKind.KEY
    cursor: Cursor = ""
    limit: Count = COUNT


class KeyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``property`` ``*`` is every property; ``allow`` are networks (CIDR) to come from, none named for any."""

    name: Name
    grants: Grants
    allow: Networks = ()
    expires_at: Time | None = None


class PersonBody(KeyBody, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``name`` is what they sign in with, in any case. Without a ``password`` one is made up and told once."""

    password: Password | None = None


class ChangeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is left out stays; ``expires_at`` null is for good."""

    name: Name | UnsetType = UNSET
    grants: Grants | UnsetType = UNSET
    allow: Networks | UnsetType = UNSET
    expires_at: Time | UnsetType | None = UNSET


class PasswordBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new password."""

    password: Password


class Shown(msgspec.Struct, frozen=True):
    """Somebody who may do something. ``used_ms`` is right to the minute."""

    id: str
    kind: PrincipalKind
    name: str
    grants: tuple[Grant, ...]
    allow: tuple[str, ...]
    created_ms: Instant
    created_by: str
    expires_ms: Instant
    revoked_ms: Instant
    used_ms: Instant
    used_from: str


class Page(msgspec.Struct, frozen=True):
    """In order of creation."""

    items: tuple[Shown, ...]
    next: str = ""


class Created(msgspec.Struct, frozen=True):
    """``secret`` is the whole key, or the password that was made up. It is told here and nowhere else."""

    principal: Shown
    secret: str


class Me(msgspec.Struct, frozen=True):
    """The caller, and what each role allows."""

    id: str
    kind: PrincipalKind
    name: str
    grants: tuple[Grant, ...]
    roles: dict[str, tuple[str, ...]]


@ENDPOINTS.add("GET", "/me", None, answer=Me)
async def show_me(call: Call[Nothing, Nothing]) -> Answer:
    """Show who is asking.

    The caller's rights, and what each role may do.
    """
    me = call.principal
    roles = {role.value: tuple(sorted(action.value for action in actions)) for role, actions in PERMISSIONS.items()}
    return Answer(Me(me.id, me.kind, me.name, me.grants, roles))


# --- giving -----------------------------------------------------------------------------------------------------------


@ENDPOINTS.add(
    "POST",
    "/keys",
    Action.MANAGE_ACCESS,
    body=KeyBody,
    answer=shown_type(Created),
    status=HTTPStatus.CREATED,
    repeat=Repeat.KEPT,
)
async def create_key(call: Call[Nothing, KeyBody]) -> Answer:
    """Create a key.

    For a program. Nobody can give rights they don't have themselves. The key is told in this answer only.
    """
    return _created(await rights.create_key(call.services, call.principal, _wanted(call.body), _keeper(call)))


@ENDPOINTS.add(
    "POST",
    "/people",
    Action.MANAGE_ACCESS,
    body=PersonBody,
    answer=shown_type(Created),
    status=HTTPStatus.CREATED,
    repeat=Repeat.KEPT,
)
async def create_person(call: Call[Nothing, PersonBody]) -> Answer:
    """Create a sign-in.

    For a person, to use the pages with. A password that was made up is told in this answer only.
    """
    body, wanted = call.body, _wanted(call.body)
    return _created(await rights.create_person(call.services, call.principal, wanted, body.password, _keeper(call)))


def _wanted(body: KeyBody) -> Wanted:
    expires_ms = instant_or_none(body.expires_at)
    return Wanted(name=body.name, grants=body.grants, allow=body.allow, expires_ms=expires_ms)


def _keeper(call: Call[Any, Any]) -> Keep | None:
    if (keep := call.keep) is None:
        return None

    async def keeper(tx: Transaction, given: Given) -> None:
        await keep(tx, _created(given))

    return keeper


def _created(given: Given) -> Answer:
    principal = given.principal
    shown = Created(_shown(Listed(principal, None)), given.secret)
    return Answer(shown, etag=_etag(principal), location=f"/principals/{principal.id}")


# --- what was given ---------------------------------------------------------------------------------------------------


@ENDPOINTS.add("GET", "/principals", Action.MANAGE_ACCESS, query=PrincipalsQuery, answer=shown_type(Page))
async def list_principals(call: Call[PrincipalsQuery, Nothing]) -> Answer:
    """List keys or people.

    Those whose every right the caller could have given, in order of creation.
    """
    query = call.query
    found = await rights.listed(call.services, call.principal, query.kind, query.cursor, query.limit + 1)
    shown = found[: query.limit]
    return Answer(Page(tuple(map(_shown, shown)), shown[-1].principal.id if len(found) > query.limit else ""))


@ENDPOINTS.add("GET", "/principals/{principal}", Action.MANAGE_ACCESS, answer=shown_type(Shown), shows_etag=True)
async def show_principal(call: Call[Nothing, Nothing]) -> Answer:
    """Show a key or a person."""
    found = await rights.show(call.services, call.principal, call.path["principal"])
    return Answer(_shown(found), etag=_etag(found.principal))


@ENDPOINTS.add(
    "PATCH",
    "/principals/{principal}",
    Action.MANAGE_ACCESS,
    body=ChangeBody,
    answer=shown_type(Shown),
    match=Match.REQUIRED,
)
async def change_principal(call: Call[Nothing, ChangeBody]) -> Answer:
    """Change rights.

    They hold here at once, and in other processes within a second.
    """
    body, seen, name = call.body, call.if_match, call.path["principal"]
    expires_ms = UNSET if body.expires_at is UNSET else instant_or_none(body.expires_at)
    changes = Changes(name=body.name, grants=body.grants, allow=body.allow, expires_ms=expires_ms)
    await rights.change(call.services, call.principal, name, changes, lambda now: seen is None or _etag(now) == seen)
    call.identity.forget(name)
    found = await rights.show(call.services, call.principal, name)
    return Answer(_shown(found), etag=_etag(found.principal))


@ENDPOINTS.add("POST", "/principals/{principal}/revoke", Action.MANAGE_ACCESS, answer=shown_type(Shown))
async def revoke_principal(call: Call[Nothing, Nothing]) -> Answer:
    """Revoke a key or a sign-in.

    Here at once, and in other processes within a second. It stays in the list; again makes no difference.
    """
    name = call.path["principal"]
    await rights.revoke(call.services, call.principal, name)
    call.identity.forget(name)
    found = await rights.show(call.services, call.principal, name)
    return Answer(_shown(found), etag=_etag(found.principal))


@ENDPOINTS.add("PUT", "/principals/{principal}/password", Action.MANAGE_ACCESS, body=PasswordBody)
async def set_password(call: Call[Nothing, PasswordBody]) -> Answer:
    """Set a person's password.

    Wherever they are signed in, they are no longer.
    """
    name = call.path["principal"]
    await rights.set_password(call.services, call.principal, name, call.body.password)
    call.identity.forget(name)
    return Answer(None)


def _shown(found: Listed) -> Shown:
    one, use = found
    return Shown(
        one.id,
        one.kind,
        one.name,
        one.grants,
        one.allow,
        one.created_ms,
        one.created_by,
        one.expires_ms or 0,
        one.revoked_ms or 0,
        use.used_ms if use else 0,
        use.address if use else "",
    )


def _etag(principal: Principal) -> str:
    return hashlib.sha256(msgspec.msgpack.encode(principal)).hexdigest()[:16]
