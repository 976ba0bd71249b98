"""Giving and taking rights: keys for programs, sign-ins for people. What rights mean is :mod:`gateway.model.access`."""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from collections.abc import Awaitable, Callable
from ipaddress import ip_network
from typing import NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from gateway.errors import Malformed, NotFound, Reason, Rejected, Stale, Unauthentic, Unmapped
from gateway.flows.access.identity import KEY_PREFIX, key_digest, person_name
from gateway.flows.services import Services
from gateway.model.access import EVERY_PROPERTY, Action, Grant, Principal, PrincipalKind
from gateway.model.dates import Instant
from gateway.store import access as store
from gateway.store.access import Known
from gateway.store.database import Transaction
from gateway.store.tables_access import PrincipalUseRow

PASSWORD_LENGTH_MIN, PASSWORD_LENGTH_MAX = 10, 256
NAME_LENGTH_MAX = 64
GRANTS_MAX = 200
NETWORKS_MAX = 50


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Rights to give; ``expires_ms`` None means for good."""

    name: str
    grants: tuple[Grant, ...]
    allow: tuple[str, ...] = ()
    expires_ms: Instant | None = None


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be different; what is unset stays."""

    name: str | UnsetType = UNSET
    grants: tuple[Grant, ...] | UnsetType = UNSET
    allow: tuple[str, ...] | UnsetType = UNSET
    expires_ms: Instant | UnsetType | None = UNSET


class Given(msgspec.Struct, frozen=True):
    """A new principal. ``secret`` is the whole key (or the password, where we chose it) and is told only here."""

    principal: Principal
    secret: str


class Listed(NamedTuple):
    """A principal, and when and from where they were last here."""

    principal: Principal
    use: PrincipalUseRow | None


Keep = Callable[[Transaction, Given], Awaitable[None]]
"""Writes something down in the transaction that makes a principal, or raises to undo it."""


def require(principal: Principal, action: Action, scope_id: str) -> None:
    """Raises :class:`NotFound` where the property does not exist for them, :class:`Unauthentic` where it does."""
    if principal.may(action, scope_id):
        return
    if scope_id != EVERY_PROPERTY and not principal.knows(scope_id):
        raise NotFound(f"there is no property {scope_id!r}", Reason.HOTEL)
    raise Unauthentic(f"this takes a role that may {action.value.replace('_', ' ')}", Reason.AUTHORIZATION)


# --- giving -----------------------------------------------------------------------------------------------------------


async def create_key(
    services: Services, by: Principal | None, wanted: Wanted, keep: Keep | None = None, *, author: str = "operator"
) -> Given:
    """A key for a program. ``by`` is None for whoever administers the machine, who is then named by ``author``."""
    secret = secrets.token_urlsafe(32)
    principal = _principal(services, PrincipalKind.KEY, by.author if by else author, wanted)
    given = Given(principal, f"{KEY_PREFIX}_{principal.id}_{secret}")
    return await _add(services, by, given, key_digest(secret), keep)


async def create_person(
    services: Services,
    by: Principal | None,
    wanted: Wanted,
    password: str | None,
    keep: Keep | None = None,
    *,
    author: str = "operator",
) -> Given:
    """A sign-in for a person; without a password one is made up."""
    chosen = password or secrets.token_urlsafe(15)
    principal = _principal(services, PrincipalKind.PERSON, by.author if by else author, wanted)
    digest = await _password_digest(services, principal.name, chosen)
    return await _add(services, by, Given(principal, "" if password else chosen), digest, keep)


def _principal(services: Services, kind: PrincipalKind, author: str, wanted: Wanted) -> Principal:
    now_ms = services.clock.now_ms()
    return _checked(
        Principal(
            # In order of time, so that a list can be read on where it was left.
            f"{services.ids.message():016x}",
            kind,
            wanted.name,
            wanted.grants,
            wanted.allow,
            created_ms=now_ms,
            created_by=author,
            expires_ms=wanted.expires_ms,
        ),
        now_ms,
    )


async def _add(services: Services, by: Principal | None, given: Given, digest: str, keep: Keep | None) -> Given:
    async def write(tx: Transaction) -> None:
        await _check_rights(tx, by, given.principal)
        if not await store.add(tx, store.to_row(given.principal, digest)):
            raise Rejected(f"somebody signs in as {given.principal.name!r} already", Reason.INVALID_VALUE, path="/name")
        if keep is not None:
            await keep(tx, given)

    await services.database.write(write)
    return given


# --- changing ---------------------------------------------------------------------------------------------------------


async def change(
    services: Services, by: Principal | None, name: str, changes: Changes, is_as_seen: Callable[[Principal], bool]
) -> Principal:
    """Raises :class:`Stale` unless it is still as the caller has seen it."""
    given = {field: value for field, value in msgspec.structs.asdict(changes).items() if value is not UNSET}
    now_ms = services.clock.now_ms()

    async def write(tx: Transaction) -> Principal:
        known = await _managed(tx, by, name)
        if not is_as_seen(known.principal):
            raise Stale("it has been changed since you read it")
        after = _checked(msgspec.structs.replace(known.principal, **given), now_ms)
        await _check_rights(tx, by, after)
        if not await store.replace(tx, store.to_row(after, known.digest)):
            raise Rejected(f"somebody signs in as {after.name!r} already", Reason.INVALID_VALUE, path="/name")
        return after

    return await services.database.write(write)


async def revoke(services: Services, by: Principal | None, name: str) -> Principal:
    """From now on it is of no use, and whoever is signed in with it is out; again makes no difference."""
    now_ms = services.clock.now_ms()

    async def write(tx: Transaction) -> Principal:
        known = await _managed(tx, by, name)
        if known.principal.revoked_ms is not None:
            return known.principal
        after = msgspec.structs.replace(known.principal, revoked_ms=now_ms)
        await store.replace(tx, store.to_row(after, known.digest))
        await store.end_sessions_of(tx, after.id)
        return after

    return await services.database.write(write)


async def set_password(services: Services, by: Principal | None, name: str, password: str) -> Principal:
    """Ends the person's sessions."""
    digest = await _password_digest(services, "", password)

    async def write(tx: Transaction) -> Principal:
        known = await _managed(tx, by, name)
        if known.principal.kind is not PrincipalKind.PERSON:
            raise Rejected("a key has no password")
        await store.replace(tx, store.to_row(known.principal, digest))
        await store.end_sessions_of(tx, known.principal.id)
        return known.principal

    return await services.database.write(write)


# --- looking ----------------------------------------------------------------------------------------------------------


async def show(services: Services, by: Principal | None, name: str) -> Listed:
    async def read(tx: Transaction) -> Listed:
        principal = (await _managed(tx, by, name, lock=False)).principal
        return Listed(principal, (await store.uses(tx, [principal.id])).get(principal.id))

    return await services.database.read(read)


async def listed(
    services: Services, by: Principal | None, kind: PrincipalKind, after: str = "", count: int = 100
) -> list[Listed]:
    """Up to ``count`` that the caller manages, in order of creation, behind the id ``after``."""

    async def read(tx: Transaction) -> list[Listed]:
        found: list[Principal] = []
        behind = after
        while len(found) < count and (page := await store.page(tx, kind, behind, count)):
            found += [principal for principal in page if _manages(by, principal)]
            behind = page[-1].id
        uses = await store.uses(tx, [principal.id for principal in found[:count]])
        return [Listed(principal, uses.get(principal.id)) for principal in found[:count]]

    return await services.database.read(read)


# --- rules ------------------------------------------------------------------------------------------------------------


def _manages(by: Principal | None, principal: Principal) -> bool:
    """Somebody with rights elsewhere as well is not for the owner of one property to change."""
    return by is None or all(by.may(Action.MANAGE_ACCESS, grant.property) for grant in principal.grants)


async def _managed(tx: Transaction, by: Principal | None, name: str, *, lock: bool = True) -> Known:
    known = await store.principal(tx, name, lock=lock)
    if known is None or not _manages(by, known.principal):
        raise NotFound(f"there is no principal {name!r}")
    if lock and by is not None and by.id == name:
        # One slip, and the last owner would be locked out.
        raise Rejected("nobody changes their own rights; somebody else has to")
    return known


async def _check_rights(tx: Transaction, by: Principal | None, principal: Principal) -> None:
    """Nobody gives what they do not have, or rights to what is not there."""
    named = [grant.property for grant in principal.grants if grant.property != EVERY_PROPERTY]
    for scope_id in (grant.property for grant in principal.grants):
        if by is not None:
            require(by, Action.MANAGE_ACCESS, scope_id)
    for unknown in await store.unknown_properties(tx, named):
        raise Unmapped(Reason.HOTEL, unknown, path="/grants")


def _checked(principal: Principal, now_ms: Instant) -> Principal:
    if not 1 <= len(principal.grants) <= GRANTS_MAX or len(set(principal.grants)) < len(principal.grants):
        raise Rejected(f"give 1 to {GRANTS_MAX} roles, each once", Reason.INVALID_VALUE, path="/grants")
    if principal.expires_ms is not None and principal.expires_ms <= now_ms:
        raise Rejected("that is in the past", Reason.INVALID_DATE, path="/expires_at")
    name = person_name(principal.name) if principal.kind is PrincipalKind.PERSON else principal.name.strip()
    if not 1 <= len(name) <= NAME_LENGTH_MAX or any(unicodedata.category(c).startswith("C") for c in name):
        raise Malformed(f"a name has 1 to {NAME_LENGTH_MAX} printable characters", Reason.INVALID_VALUE, path="/name")
    return msgspec.structs.replace(principal, name=name, allow=_networks(principal.allow))


def _networks(allow: tuple[str, ...]) -> tuple[str, ...]:
    if len(allow) > NETWORKS_MAX:
        raise Rejected(f"name at most {NETWORKS_MAX} networks", Reason.INVALID_VALUE, path="/allow")
    found = []
    for place, text in enumerate(allow):
        try:
            found.append(str(ip_network(text.strip())))
        except ValueError:
            at = f"/allow/{place}"
            raise Malformed(f"{text[:60]!r} is no network (CIDR)", Reason.INVALID_VALUE, path=at) from None
    return tuple(dict.fromkeys(found))


async def _password_digest(services: Services, name: str, password: str) -> str:
    if not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX or person_name(password) == name:
        text = f"a password has {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters and is not the name"
        raise Rejected(text, Reason.INVALID_VALUE, path="/password")
    return await asyncio.to_thread(services.vault.digest, password, chosen=True)
