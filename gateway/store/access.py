"""Principals, what they were last seen doing, their sessions, and what their repeatable requests were answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from gateway.model.access import Grant, Principal, PrincipalKind
from gateway.model.dates import Instant
from gateway.store.database import Transaction
from gateway.store.schema import SPECS
from gateway.store.sql import Lookup
from gateway.store.tables import Scope
from gateway.store.tables_access import IdempotencyRow, PrincipalRow, PrincipalUseRow, SessionRow

_SCOPE = Lookup(Scope)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[Grant, ...]).decode


class Known(NamedTuple):
    """A principal with the digest of its secret."""

    principal: Principal
    digest: str


def to_row(principal: Principal, digest: str) -> PrincipalRow:
    return PrincipalRow(
        principal.id,
        principal.kind.value,
        principal.name,
        digest,
        _encode(principal.grants),
        " ".join(principal.allow),
        principal.created_ms,
        principal.created_by,
        principal.expires_ms,
        principal.revoked_ms,
    )


def from_row(row: PrincipalRow) -> Known:
    principal = Principal(
        row.principal_id,
        PrincipalKind(row.kind),
        row.name,
        _decode(row.grants),
        tuple(row.allow.split()),
        row.created_ms,
        row.created_by,
        row.expires_ms,
        row.revoked_ms,
    )
    return Known(principal, row.digest)


# --- principals -------------------------------------------------------------------------------------------------------


async def principal(tx: Transaction, principal_id: str, *, lock: bool = False) -> Known | None:
    """With ``lock`` it stays as it is until the transaction ends."""
    locked = " FOR UPDATE" if lock and tx.dialect == "postgresql" else ""
    rows = await tx.rows(PrincipalRow, f"principal_id = ?{locked}", principal_id)
    return from_row(rows[0]) if rows else None


async def person(tx: Transaction, name: str) -> Known | None:
    """The person who signs in by that name."""
    rows = await tx.rows(PrincipalRow, "kind = 'person' AND revoked_ms IS NULL AND name = ?", name)
    return from_row(rows[0]) if rows else None


async def add(tx: Transaction, row: PrincipalRow) -> bool:
    """Whether it was added; not if a person of that name can sign in already."""
    return await _insert(tx, PrincipalRow, row)


async def page(tx: Transaction, kind: PrincipalKind, after: str, count: int) -> list[Principal]:
    """Up to ``count`` of them, by id, behind that id."""
    condition = "kind = ? AND principal_id > ? ORDER BY principal_id LIMIT ?"
    rows = await tx.rows(PrincipalRow, condition, kind.value, after, count)
    return [from_row(row).principal for row in rows]


async def uses(tx: Transaction, principal_ids: Sequence[str]) -> dict[str, PrincipalUseRow]:
    if not principal_ids:
        return {}
    marks = ", ".join("?" * len(principal_ids))
    rows = await tx.rows(PrincipalUseRow, f"principal_id IN ({marks})", *principal_ids)
    return {row.principal_id: row for row in rows}


async def unknown_properties(tx: Transaction, scope_ids: Sequence[str]) -> list[str]:
    """Those that are no properties here."""
    found = await tx.lookup(_SCOPE, [(scope_id,) for scope_id in dict.fromkeys(scope_ids)])
    return sorted({*scope_ids} - {row[0] for row in found})


async def replace(tx: Transaction, row: PrincipalRow) -> bool:
    """Whether it was; not if another person signs in by that name."""
    named = await person(tx, row.name) if row.kind == PrincipalKind.PERSON and row.revoked_ms is None else None
    if named is not None and named.principal.id != row.principal_id:
        return False
    await tx.upsert(PrincipalRow, [row])
    return True


# --- sessions ---------------------------------------------------------------------------------------------------------


async def session(tx: Transaction, session_id: str) -> tuple[SessionRow, Known] | None:
    rows = await tx.rows(SessionRow, "session_id = ?", session_id)
    known = await principal(tx, rows[0].principal_id) if rows else None
    return (rows[0], known) if known else None


async def begin_session(tx: Transaction, row: SessionRow) -> None:
    """Sessions that have ended make room for it."""
    await tx.fetch("DELETE FROM session WHERE expires_ms <= ?", row.created_ms)
    await tx.upsert(SessionRow, [row])


async def touch_session(tx: Transaction, session_id: str, now_ms: Instant, address: str) -> None:
    """It was used; one that has been ended meanwhile stays ended."""
    await tx.fetch("UPDATE session SET used_ms = ?, address = ? WHERE session_id = ?", now_ms, address, session_id)


async def end_session(tx: Transaction, session_id: str) -> None:
    await tx.delete(SessionRow, [(session_id,)])


async def end_sessions_of(tx: Transaction, principal_id: str) -> None:
    await tx.fetch("DELETE FROM session WHERE principal_id = ?", principal_id)


# --- idempotency ------------------------------------------------------------------------------------------------------


async def answered(tx: Transaction, principal_id: str, key: str) -> IdempotencyRow | None:
    """What a request under that key was answered."""
    rows = await tx.rows(IdempotencyRow, "principal_id = ? AND key = ?", principal_id, key)
    return rows[0] if rows else None


async def keep_answer(tx: Transaction, row: IdempotencyRow, dead_ms: Instant) -> bool:
    """Whether it was kept; not if there is an answer already, or somebody is at it since ``dead_ms``.

    Of two at once, the second waits for the first.
    """
    if await _insert(tx, IdempotencyRow, row):
        return True
    taken = await tx.fetch(
        "UPDATE idempotency SET digest = ?, at_ms = ?, answer = ? "
        "WHERE principal_id = ? AND key = ? AND length(answer) = 0 AND at_ms <= ? RETURNING 1",
        row.digest,
        row.at_ms,
        row.answer,
        row.principal_id,
        row.key,
        dead_ms,
    )
    return bool(taken)


async def forget_answers(tx: Transaction, before_ms: Instant) -> None:
    await tx.fetch("DELETE FROM idempotency WHERE at_ms < ?", before_ms)


async def _insert(tx: Transaction, kind: type[PrincipalRow] | type[IdempotencyRow], row: Sequence[object]) -> bool:
    spec = SPECS[kind]
    marks = ", ".join("?" * len(spec.fields))
    text = f"INSERT INTO {spec.name} ({', '.join(spec.fields)}) VALUES ({marks}) ON CONFLICT DO NOTHING RETURNING 1"
    return bool(await tx.fetch(text, *row))
