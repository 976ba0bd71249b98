"""What the nights of many products come to: promotions, taxes and fees, worked out for all of them at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from gateway.engine.calendar import Array
from gateway.engine.promotions import cheapest
from gateway.engine.taxes import charged
from gateway.model.selling import Promotion, Tax

_Amounts = tuple[int, ...]


class Charge(msgspec.Struct, frozen=True):
    """A tax or fee of all rooms of an offer; ``included`` ones are in the nights' prices already."""

    code: str
    name: str
    amount: int
    included: bool
    fee: bool


class Cost(NamedTuple):
    """Of one product: ``before`` and ``nightly`` without and with its promotion ("" for none), for one room.

    ``accommodation`` and ``total`` are for all rooms, ``total`` with what is charged on top.
    """

    before: tuple[int, ...]
    nightly: tuple[int, ...]
    promotion: str
    accommodation: int
    charges: tuple[Charge, ...]
    total: int


def costs(
    products: Sequence[tuple[str, str]],
    prices: Array,
    promotions: Sequence[Promotion],
    taxes: Sequence[Tax],
    units: int,
    ages: Sequence[int],
) -> Iterator[Cost]:
    """One for each product (room, plan); ``prices`` are its nights, shape (products, nights)."""
    codes, nightly = cheapest(promotions, products, prices)
    accommodation = nightly.sum(axis=1) * units
    total, columns = accommodation, []
    for tax in taxes:
        amounts = np.broadcast_to(charged(tax, taxes, list(nightly.T), ages) * units, total.shape)
        columns.append(amounts.tolist())
        total = total if tax.included else total + amounts
    by_product = zip(*columns, strict=True) if columns else iter([()] * len(products))
    known: dict[_Amounts, tuple[Charge, ...]] = {}
    nights = map(tuple, nightly.tolist())
    for before, after, code, rooms, amounts_of, whole in zip(
        map(tuple, prices.tolist()), nights, codes, accommodation.tolist(), by_product, total.tolist(), strict=True
    ):
        charges = known.get(amounts_of)
        if charges is None:
            charges = known[amounts_of] = _charges(taxes, amounts_of)
        yield Cost(before, after, code, rooms, charges, whole)


def _charges(taxes: Sequence[Tax], amounts: _Amounts) -> tuple[Charge, ...]:
    return tuple(
        Charge(tax.code, tax.name, amount, tax.included, tax.fee)
        for tax, amount in zip(taxes, amounts, strict=True)
        if amount
    )
