"""Sending rights as rows: who may call the connections of a shard, and until when."""

from __future__ import annotations

from collections.abc import Collection
from zlib import crc32

from gateway.store.database import Transaction
from gateway.store.tables_connections import LeaseRow

SHARDS = 256


async def renew(tx: Transaction, owner: str, now_ms: int, until_ms: int) -> tuple[set[int], int]:
    """Prolongs what ``owner`` holds, and claims what is free up to a fair share.

    Returns the shards held until ``until_ms``, and how many of them are beyond a fair share. A process also holds a
    row of its own behind the shards, or one that came too late for a share would never be counted.
    """
    await tx.fetch(_SEED.format(values=", ".join(f"({shard}, '', 0)" for shard in range(SHARDS))))
    rows = await _locked(tx)
    shards = [row for row in rows if row.shard < SHARDS]
    mine = {row.shard for row in shards if row.owner == owner and row.until_ms > now_ms}
    free = [row.shard for row in shards if row.until_ms <= now_ms]
    owners = {row.owner for row in rows if row.until_ms > now_ms} | {owner}
    gone = [(row.shard,) for row in rows if row.shard >= SHARDS and row.until_ms <= now_ms and row.owner != owner]
    share = -(-SHARDS // len(owners))
    held = mine | set(free[: max(0, share - len(mine))])
    await tx.upsert(LeaseRow, [LeaseRow(shard, owner, until_ms) for shard in (*sorted(held), _presence(owner))])
    await tx.delete(LeaseRow, gone)
    return held, max(0, len(held) - share)


async def give_up(tx: Transaction, owner: str, shards: Collection[int]) -> None:
    """Frees the shards, as far as ``owner`` still holds them."""
    rows = await _locked(tx)
    await tx.upsert(
        LeaseRow, [LeaseRow(row.shard, "", 0) for row in rows if row.owner == owner and row.shard in shards]
    )


async def _locked(tx: Transaction) -> list[LeaseRow]:
    """All rows, locked in one order, so that what several processes change follows one another."""
    lock = "" if tx.dialect == "sqlite" else " FOR UPDATE"
    return [LeaseRow(*row) for row in await tx.fetch(f"SELECT shard, owner, until_ms FROM lease ORDER BY shard{lock}")]


def _presence(owner: str) -> int:
    return SHARDS + crc32(owner.encode())


async def held_until(tx: Transaction) -> int:
    """When the last lease ends, 0 where there is none."""
    ((until_ms,),) = await tx.fetch("SELECT COALESCE(MAX(until_ms), 0) FROM lease")
    return int(until_ms)


async def release(tx: Transaction, owner: str) -> None:
    """Gives everything up, so that others need not wait for the end of the leases."""
    await tx.fetch("UPDATE lease SET owner = '', until_ms = 0 WHERE owner = ?", owner)


_SEED = "INSERT INTO lease (shard, owner, until_ms) VALUES {values} ON CONFLICT (shard) DO NOTHING"
