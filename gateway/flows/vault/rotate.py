"""A new master key: made, put to use, and everything sealed with an older one sealed anew, while the gateway runs.

Processes notice the file before they seal, and when they meet what only a newer key opens. What is sealed stays
readable at every instant, since old keys go on opening until somebody drops them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec

from gateway.engine.sale import Sale
from gateway.errors import Rejected
from gateway.flows.services import Services
from gateway.flows.vault.vaults import kept_in, place_of
from gateway.model.dates import Instant
from gateway.model.property import Connection, Property
from gateway.store.card_sealing import BUILT_IN
from gateway.store.hotels import pack_property, unpack_property
from gateway.store.keyring import Keyring
from gateway.store.schema import SPECS
from gateway.store.sql import Lookup
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import Config, Row, SaleRow
from gateway.store.tables_access import IdempotencyRow
from gateway.store.tables_cards import CardRow
from gateway.store.tables_paying import PaymentOperationRow

BATCH = 100
_pack = msgspec.msgpack.Encoder().encode
_sale = msgspec.msgpack.Decoder(Sale).decode

Change = Callable[[Any], Any]  # the row under the active key, None where it is already
Watched = Callable[[str, int], None]


class KeyLine(msgspec.Struct, frozen=True):
    """A master key, never shown, and how many cards are sealed with it."""

    version: int
    use: str
    cards: int


class Rewrapped(msgspec.Struct, frozen=True):
    """How many rows of each table were sealed anew under the active key."""

    active: int
    rows: dict[str, int]


async def listed(services: Services) -> list[KeyLine]:
    """Every master key there is, by version."""
    counted = await services.database.read(
        lambda tx: tx.fetch("SELECT version, count(*) FROM card WHERE vault = ? GROUP BY version", BUILT_IN)
    )
    cards = dict(counted)
    keys = services.vault.keyring.keys
    return [KeyLine(version, key.use.value, cards.get(version, 0)) for version, key in keys.items()]


def add(services: Services) -> int:
    """A key that only opens yet, for gateways on several machines: all of them have to know it first."""
    keyring, version = services.vault.keyring.added()
    services.vault.replace(keyring)
    return version


async def rotate(services: Services, watched: Watched = lambda table, rows: None) -> Rewrapped:
    """The next key seals from now on, and what older ones have sealed is sealed anew."""
    services.vault.replace(services.vault.keyring.turned())
    return await rewrap(services, watched)


async def rewrap(services: Services, watched: Watched = lambda table, rows: None) -> Rewrapped:
    """Whatever is not under the active key yet; to be run again after a rotation that was cut off."""
    done: dict[str, int] = {}
    for table, change in _changes(services).items():
        name = SPECS[table].name
        done[name] = 0
        async for rows in _walk(services, table):
            for scope_id, keys in _by_scope(table, [row for row in rows if change(row) is not None]):
                done[name] += await services.batcher.submit(Rewrap(table, scope_id, keys, change))
            watched(name, len(rows))
    return Rewrapped(services.vault.keyring.active, done)


async def drop(services: Services, version: int) -> Keyring:
    """Forgets a retired key. Refused while anything in the database still needs one that is not active.

    Backups from before need the key that they were made with.
    """
    without = services.vault.keyring.without(version)
    for table, change in _changes(services).items():
        async for rows in _walk(services, table):
            if any(change(row) is not None for row in rows):
                raise Rejected(f"rows of {SPECS[table].name} are still sealed with an older key: rewrap them first")
    services.vault.replace(without)
    return without


class Rewrap:
    """The job: some rows of one property, read again under its lock."""

    def __init__(self, table: type[Any], scope_id: str | None, keys: Sequence[tuple[Any, ...]], change: Change) -> None:
        self.scope_id = scope_id
        self._table = table
        self._keys = keys
        self._change = change

    def needs(self, state: State, now_ms: Instant) -> Needs:
        for key in self._keys:
            yield Lookup(self._table), key

    def decide(self, state: State, now_ms: Instant) -> Decision:
        found = [state.get(self._table, key) for key in self._keys]
        writes: list[Row] = [new for row in found if row is not None and (new := self._change(row)) is not None]
        return Decision(len(writes), writes)


async def _walk(services: Services, table: type[Any]) -> Any:
    """All rows of a table in batches, along its key."""
    spec = SPECS[table]
    names, marks = ", ".join(spec.key), ", ".join("?" * spec.width)
    after: tuple[Any, ...] = ()
    while True:
        condition = f"({names}) > ({marks})" if after else "1 = 1"
        rows = await _page(services, table, f"{condition} ORDER BY {names} LIMIT {BATCH}", after)
        if not rows:
            return
        yield rows
        after = rows[-1][: spec.width]


async def _page(services: Services, table: type[Any], condition: str, after: tuple[Any, ...]) -> list[Any]:
    return await services.database.read(lambda tx: tx.rows(table, condition, *after))


def _by_scope(table: type[Any], rows: Sequence[Any]) -> Iterator[tuple[str | None, list[tuple[Any, ...]]]]:
    """Rows come in the order of their keys, so those of a property follow each other."""
    width = SPECS[table].width
    if SPECS[table].key[0] != "scope_id":
        yield None, [row[:width] for row in rows]
        return
    for scope_id, group in groupby(rows, itemgetter(0)):
        yield scope_id, [row[:width] for row in group]


# --- what is sealed ---------------------------------------------------------------------------------------------------


def _changes(services: Services) -> dict[type[Any], Change]:
    """Every table in which something is sealed with the master key."""
    resealed = services.vault.resealed

    def config(row: Config) -> Config | None:
        prop: Property = unpack_property(row.body)
        fresh = _resealed_property(prop, resealed)
        return None if fresh == prop else row._replace(body=pack_property(fresh))

    def operation(row: PaymentOperationRow) -> PaymentOperationRow | None:
        command, action = _bytes(row.command, resealed), _bytes(row.action, resealed)
        fresh = row._replace(command=command, action=action)
        return None if fresh == row else fresh

    def sale(row: SaleRow) -> SaleRow | None:
        known = _sale(row.body)
        fresh = resealed(known.means)
        return None if fresh is None else row._replace(body=_pack(msgspec.structs.replace(known, means=fresh)))

    def answer(row: IdempotencyRow) -> IdempotencyRow | None:
        fresh = row._replace(answer=_bytes(row.answer, resealed))
        return None if fresh == row else fresh

    def card(row: CardRow) -> CardRow | None:
        if row.vault != BUILT_IN or row.version == services.vault.keyring.active:
            return None
        kept = services.cards.built_in.rewrapped(place_of(row), kept_in(row))
        return row._replace(version=kept.version, wrapped=kept.wrapped)

    return {CardRow: card, Config: config, PaymentOperationRow: operation, SaleRow: sale, IdempotencyRow: answer}


def _bytes(sealed: bytes, resealed: Callable[[str], str | None]) -> bytes:
    fresh = resealed(sealed.decode())
    return sealed if fresh is None else fresh.encode()


def _resealed_property(prop: Property, resealed: Callable[[str], str | None]) -> Property:
    def fresh(sealed: str) -> str:
        return resealed(sealed) or sealed

    replace = msgspec.structs.replace

    def connection(known: Connection) -> Connection:
        return replace(known, outbound=replace(known.outbound, secret=fresh(known.outbound.secret)))

    payments = tuple(
        replace(
            account,
            secret=fresh(account.secret),
            keys=tuple(
                replace(key, material=fresh(key.material), password=fresh(key.password)) for key in account.keys
            ),
        )
        for account in prop.payments
    )
    return replace(prop, connections=tuple(map(connection, prop.connections)), payments=payments)
