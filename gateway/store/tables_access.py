"""The tables of who may use the gateway: programs and people, their sessions, and what their requests were answered."""

from __future__ import annotations

from typing import NamedTuple


class PrincipalRow(NamedTuple):
    """A program or a person who may use the gateway; ``grants`` is msgpack of what :mod:`gateway.model.access` names.

    ``digest`` is of the key's secret or of the password. It belongs to no property, since it may speak for several.
    """

    principal_id: str
    kind: str
    name: str
    digest: str
    grants: bytes
    allow: str  # networks, separated by blanks
    created_ms: int
    created_by: str
    expires_ms: int | None
    revoked_ms: int | None


class PrincipalUseRow(NamedTuple):
    """When and from where somebody was here last, give or take a minute."""

    principal_id: str
    used_ms: int
    address: str


class SessionRow(NamedTuple):
    """Somebody who is signed in; ``session_id`` is a digest of what their browser shows."""

    session_id: str
    principal_id: str
    created_ms: int
    used_ms: int
    expires_ms: int
    address: str


class IdempotencyRow(NamedTuple):
    """What a request was answered, so that its repetition gets the same; ``answer`` is sealed."""

    principal_id: str
    key: str
    digest: bytes
    at_ms: int
    answer: bytes
