"""A new master key: everything is sealed anew, and at no instant is anything unreadable."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

import gateway
from gateway.engine.sale import Sale
from gateway.errors import Rejected
from gateway.flows.services import Services
from gateway.flows.vault import rotate
from gateway.flows.vault.vaults import kept_in, place_of
from gateway.model.card import ClearCard
from gateway.store.database import Database, Transaction
from gateway.store.hotels import unpack_property
from gateway.store.schema import SPECS
from gateway.store.secrets import Vault
from gateway.store.tables import Config, SaleRow
from gateway.store.tables_access import IdempotencyRow
from gateway.store.tables_paying import PaymentOperationRow
from tests.flows.vault.house import VISA, CardHouse, booking, with_cards

GATEWAY = Path(gateway.__file__).parent


@pytest.fixture
async def house(database: Database, tmp_path: Path) -> AsyncIterator[CardHouse]:
    """A process whose keys are in a file, with a card and a password sealed by them."""
    made = CardHouse(database)
    made.services = dataclasses.replace(made.services, vault=Vault.from_file(tmp_path / "gateway.key"))
    made.start()
    await made.apply(with_cards())
    prop = unpack_property((await made.rows(Config))[-1].body)
    fresh = [
        msgspec.structs.replace(known, outbound=msgspec.structs.replace(known.outbound, secret=sealed))
        for known in prop.connections
        for sealed in [made.services.vault.seal("out")]
    ]
    body = msgspec.msgpack.encode(msgspec.structs.replace(prop, connections=tuple(fresh)))
    row = (await made.rows(Config))[-1]
    await database.write(lambda tx: tx.upsert(Config, [row._replace(body=body)]))
    others = _others(made.services.vault.seal("a secret told once"))

    async def put(tx: Transaction) -> None:
        for table, rows in others.items():
            await tx.upsert(table, rows)

    await database.write(put)
    await made.book(booking())
    yield made
    await made.stop()


def _others(sealed: str) -> dict[type[Any], list[Any]]:
    """What else is sealed in a gateway that has been in use."""
    blank: dict[type, Any] = {str: "", int: 0, bytes: b""}
    spec = SPECS[PaymentOperationRow]
    operation = PaymentOperationRow(*(blank[spec.kinds[field]] for field in spec.fields))
    sale = msgspec.msgpack.encode(Sale((), (), "EUR", means=sealed))
    return {
        PaymentOperationRow: [operation._replace(scope_id="h", action=sealed.encode(), command=sealed.encode())],
        SaleRow: [SaleRow("h", "S1", "direct", "booked", 1, 1, None, None, 0, "", sale)],
        IdempotencyRow: [IdempotencyRow("p", "k", b"", 1, sealed.encode())],
    }


def another(house: CardHouse, tmp_path: Path) -> Services:
    """A process that was there before the rotation."""
    return dataclasses.replace(house.services, vault=Vault.from_file(tmp_path / "gateway.key"))


async def readable(services: Services, house: CardHouse) -> None:
    """By this process, all of it."""
    (card,) = await house.cards()
    assert (await services.cards.of(card).reveal(place_of(card), kept_in(card))).number == VISA
    for row in await house.rows(Config):
        for known in unpack_property(row.body).connections:
            assert services.vault.open(known.outbound.secret) == "out"
    (kept,) = await house.rows(IdempotencyRow, "1 = 1")
    (operation,) = await house.rows(PaymentOperationRow)
    (sale,) = await house.rows(SaleRow)
    means = msgspec.msgpack.decode(sale.body, type=Sale).means
    for sealed in (kept.answer.decode(), operation.command.decode(), operation.action.decode(), means):
        assert services.vault.open(sealed) == "a secret told once"


async def test_rotation_seals_everything_anew_and_leaves_cards_as_they_are(house: CardHouse, tmp_path: Path) -> None:
    earlier = another(house, tmp_path)
    (before,) = await house.cards()
    done = await rotate.rotate(house.services)
    assert done == rotate.Rewrapped(2, {"card": 1, "config": 1, "payment_operation": 1, "sale": 1, "idempotency": 1})
    (after,) = await house.cards()
    assert (after.version, after.sealed) == (2, before.sealed)
    assert after.wrapped != before.wrapped
    await readable(house.services, house)
    await readable(earlier, house)
    await readable(another(house, tmp_path), house)
    assert (await rotate.rewrap(house.services)).rows == {
        "card": 0,
        "config": 0,
        "payment_operation": 0,
        "sale": 0,
        "idempotency": 0,
    }


async def test_what_a_process_from_before_seals_is_under_the_new_key(house: CardHouse, tmp_path: Path) -> None:
    earlier = another(house, tmp_path)
    await rotate.rotate(house.services)
    assert house.services.vault.resealed(earlier.vault.seal("later")) is None
    (card,) = await house.cards()
    assert (await earlier.cards.chosen.store(place_of(card), await _clear(house), 0)).version == 2


async def test_a_rotation_that_was_cut_off_is_taken_up_again(
    house: CardHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cut_off(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(rotate, "rewrap", cut_off)
        with pytest.raises(KeyboardInterrupt):
            await rotate.rotate(house.services)
    await readable(house.services, house)
    with pytest.raises(Rejected, match="rewrap"):
        await rotate.drop(house.services, 1)
    assert (await rotate.rewrap(house.services)).rows["card"] == 1
    assert await rotate.listed(house.services) == [
        rotate.KeyLine(1, "retired", 0),
        rotate.KeyLine(2, "active", 1),
    ]


async def test_a_dropped_key_opens_nothing_and_nothing_needs_it(house: CardHouse, tmp_path: Path) -> None:
    (before,) = await house.cards()
    await rotate.rotate(house.services)
    with pytest.raises(ValueError, match="active"):
        await rotate.drop(house.services, 2)
    await rotate.drop(house.services, 1)
    fresh = another(house, tmp_path)
    await readable(fresh, house)
    with pytest.raises(ValueError, match="master key 1"):
        await fresh.cards.of(before).reveal(place_of(before), kept_in(before))


async def test_on_several_machines_a_key_is_known_before_it_seals(house: CardHouse, tmp_path: Path) -> None:
    assert rotate.add(house.services) == 2
    assert rotate.add(house.services) == 2
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "gateway.key").write_bytes((tmp_path / "gateway.key").read_bytes())
    elsewhere = dataclasses.replace(house.services, vault=Vault.from_file(tmp_path / "other" / "gateway.key"))
    assert elsewhere.vault.keyring.active == 1
    assert (await rotate.rotate(house.services)).active == 2
    await readable(elsewhere, house)


async def _clear(house: CardHouse) -> ClearCard:
    (card,) = await house.cards()
    return await house.services.cards.of(card).reveal(place_of(card), kept_in(card))


def test_whoever_seals_somewhere_else_has_to_tell_the_rotation() -> None:
    """The modules that seal, each with a table in :func:`gateway.flows.vault.rotate._changes`."""
    sealing = {
        str(path.relative_to(GATEWAY))
        for path in GATEWAY.rglob("*.py")
        if re.search(r"vault\.seal\(", path.read_text(encoding="utf-8"))
    }
    assert sealing == {
        "flows/once.py",  # answers
        "flows/plan_hotel.py",  # configurations
        "flows/payments/accounts.py",  # configurations
        "flows/payments/operate.py",  # operations
        "flows/payments/schedule.py",  # sales
    }
