"""Who is behind a request, for the API and the console alike."""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection

from gateway.errors import Reason, Unauthentic
from gateway.flows.access.identity import Identity, Session, csrf_matches
from gateway.model.access import Principal

SESSION_COOKIE = "gateway_session"
CSRF_HEADER = "x-csrf-token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
Connection = ASGIConnection[Any, Any, Any, Any]


def address_of(connection: Connection) -> str:
    """Where the request comes from: the other end of the socket, or what a trusted proxy says.

    No header is looked at here (:mod:`gateway.web.proxies`).
    """
    return connection.client.host if connection.client else ""


async def principal_of(identity: Identity, connection: Connection) -> Principal:
    """By key (``Authorization: Bearer …``), else by the session of a signed-in browser; raises Unauthentic."""
    scheme, _, credentials = connection.headers.get("authorization", "").partition(" ")
    if scheme:
        if scheme.lower() != "bearer":
            raise Unauthentic("show a key: Authorization: Bearer gwk_…")
        return await identity.by_key(credentials.strip(), address_of(connection))
    session = await session_of(identity, connection)
    if session is None:
        raise Unauthentic("show a key: Authorization: Bearer gwk_…")
    if str(connection.scope.get("method", "GET")) not in SAFE_METHODS:
        check_csrf(session, connection.headers.get(CSRF_HEADER, ""))
    return session.principal


async def session_of(identity: Identity, connection: Connection) -> Session | None:
    """The browser's session, None if it shows none; raises Unauthentic for one that has ended."""
    token = connection.cookies.get(SESSION_COOKIE)
    return await identity.by_session(token, address_of(connection)) if token else None


def check_csrf(session: Session, token: str) -> None:
    """A change has to come from a page of ours: another site's page can send the cookie, but cannot know this."""
    if not csrf_matches(session, token):
        raise Unauthentic("the page is out of date; load it again", Reason.AUTHORIZATION)
