"""Sending rights as rows: who may call the connections of a shard, and until when."""

from __future__ import annotations

from zlib import crc32

from gateway.store.database import Transaction
from gateway.store.tables_connections import LeaseRow

SHARDS = 256


async def renew(tx: Transaction, owner: str, now_ms: int, until_ms: int, keep: frozenset[int]) -> set[int]:
    """Prolongs what ``owner`` holds, claims what is free up to a fair share, gives up what is beyond it.

    Shards in ``keep`` are in use and never given up. Returns the shards held until ``until_ms``. A process also holds a
    row of its own behind the shards, or one that came too late for a share would never be counted.
    """
    await tx.fetch(_SEED.format(values=", ".join(f"({shard}, '', 0)" for shard in range(SHARDS))))
    lock = "" if tx.dialect == "sqlite" else " FOR UPDATE"
    # All rows are locked in one order, so claims of several processes follow one another.
    rows = [LeaseRow(*row) for row in await tx.fetch(f"SELECT shard, owner, until_ms FROM lease ORDER BY shard{lock}")]
    shards = [row for row in rows if row.shard < SHARDS]
    mine = {row.shard for row in shards if row.owner == owner and row.until_ms > now_ms}
    free = [row.shard for row in shards if row.until_ms <= now_ms]
    owners = {row.owner for row in rows if row.until_ms > now_ms} | {owner}
    gone = [(row.shard,) for row in rows if row.shard >= SHARDS and row.until_ms <= now_ms and row.owner != owner]
    share = -(-SHARDS // len(owners))
    given_up = sorted(mine - keep, reverse=True)[: max(0, len(mine) - share)]
    held = (mine - set(given_up)) | set(free[: max(0, share - len(mine))])
    changed = [LeaseRow(shard, owner, until_ms) for shard in (*sorted(held), _presence(owner))]
    changed += [LeaseRow(shard, "", 0) for shard in given_up]
    await tx.upsert(LeaseRow, changed)
    await tx.delete(LeaseRow, gone)
    return held


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
