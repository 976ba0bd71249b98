"""The tables of connections: how far each has come, what its counterpart was told and has said, and who may call it.

:mod:`gateway.store.tables` says what holds for all rows.
"""

from __future__ import annotations

from typing import NamedTuple

UNKNOWN = -1


class ConnectionRow(NamedTuple):
    """How far a connection has come: the property revision and configuration version its shadow speaks of.

    ``synced_version`` is UNKNOWN where nobody knows what it holds, as after a change of its account. ``pushes`` is 0
    for connections that are not sent rates and availability, so that nobody looks after them. ``synced_cause`` is the
    scope's ``cause`` at ``synced_rev``; ``unconfirmed_ms`` when the oldest change was made that has been planned and
    not confirmed yet, 0 for none.
    """

    scope_id: str
    connection: str
    pushes: int
    synced_rev: int
    synced_version: int
    valid_until_ms: int
    paused_until_ms: int
    failures: int
    error: str
    confirmed_ms: int
    synced_cause: int = 0
    unconfirmed_ms: int = 0
    synced_order: int = 0  # the last OrderRow of it that was carried out


class ShadowRow(NamedTuple):
    """What a counterpart was told about one target for 32 days, in its own codes (:mod:`gateway.engine.plan`)."""

    scope_id: str
    connection: str
    aspect: str
    room: str
    plan: str
    block: int
    hold_ms: int
    due_ms: int | None
    body: bytes


class AgreedRow(NamedTuple):
    """What a counterpart said it can do when it was asked at ``at_ms`` (0: it has to be asked again).

    ``account`` names the account that was asked, ``number`` is the last order to send everything before it was.
    ``capabilities`` are lines, in the dialect's words. ``opened`` is 1 once it has confirmed a complete set.
    """

    scope_id: str
    connection: str
    at_ms: int
    account: str
    number: int
    version: str
    capabilities: str
    opened: int


class SyncErrorRow(NamedTuple):
    """A target that a counterpart refuses, with its answer, kept until it accepts it."""

    scope_id: str
    connection: str
    aspect: str
    room: str
    plan: str
    first: int
    last: int
    code: str
    text: str
    at_ms: int


class OrderRow(NamedTuple):
    """What people ask of a connection's pusher; apart from its own row, which only the pusher writes.

    ``number`` grows with each order. ``body`` names the cells to assert again, empty for everything
    (:mod:`gateway.engine.orders`).
    """

    scope_id: str
    connection: str
    number: int
    paused: int
    at_ms: int
    author: str
    body: bytes


class TheirCodeRow(NamedTuple):
    """A code of a counterpart's that was met: ``kind`` is room or plan, ``source`` where it stood."""

    scope_id: str
    connection: str
    source: str
    kind: str
    code: str
    name: str
    at_ms: int


class ProfileRow(NamedTuple):
    """A profile of a guest or a company that a counterpart keeps here under a number of its own.

    ``kind`` says what sort of number it is, ``body`` is the profile as it was sent last, in its sender's dialect.
    """

    scope_id: str
    connection: str
    kind: str
    number: str
    made_ms: int
    changed_ms: int
    body: bytes


class RetrievalRow(NamedTuple):
    """A connection whose counterpart has to be asked for reservations, and when it is next; ``done_ms`` is the last
    time it went well.
    """

    scope_id: str
    connection: str
    due_ms: int
    done_ms: int
    failures: int
    error: str


class ContentRow(NamedTuple):
    """A connection whose counterpart is told what our rooms and plans are called.

    ``wanted`` and ``confirmed`` are digests of what it is to hold and holds; ``due_ms`` is when it is told, None for
    nothing to tell; ``done_ms`` the last time it went well.
    """

    scope_id: str
    connection: str
    due_ms: int | None
    wanted: str
    confirmed: str
    done_ms: int
    failures: int
    error: str


class LeaseRow(NamedTuple):
    """The right to send for the connections of one shard."""

    shard: int
    owner: str
    until_ms: int
