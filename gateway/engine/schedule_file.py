"""Shares of a price in a hotel file, and the schedules of payments that are made of them: ``selling.schedules``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any

from msgspec import Meta

from gateway.engine.file_reader import FileReader
from gateway.engine.file_table import Flag, Numeral, Shape, Text
from gateway.engine.readable import shown
from gateway.model.selling import Method, Pays, Schedule, Share

Code = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9._-]{1,16}\Z", description="a code: 1 to 16 of A-Z a-z 0-9 . _ -")]
Nights = Annotated[int, Meta(ge=0, le=999, description="a number of nights from 0 to 999")]
_Days = Annotated[int, Meta(ge=0, le=730, description="a number of days from 0 to 730")]
_Tries = Annotated[int, Meta(ge=1, le=10, description="a number of payments from 1 to 10")]


class ShareTable(Shape, frozen=True, kw_only=True):
    """A part of what a stay costs."""

    nights: Nights = 0
    percent: Numeral = None
    amount: Numeral = None


class ScheduleTable(ShareTable, frozen=True, kw_only=True):
    """A line of ``schedules``."""

    required = ("code", "pays")

    code: Code = ""
    pays: Annotated[Pays, Meta(description='"at-hotel", "deposit", "full" or "virtual-card"')] = Pays.AT_HOTEL
    days: _Days | None = None
    balance_days: _Days | None = None
    account: Text = ""
    method: Annotated[Method, Meta(description='"page", "mobile", "qr", "app" or "client"')] = Method.PAGE
    hold: Flag = False
    tries: _Tries = 1
    charge_card: Flag = False


_PARTS = ("nights", "percent", "amount")
_AT_GATEWAY = ("account", "method", "hold", "tries", "charge_card")
_SENSELESS: Mapping[Pays, tuple[str, ...]] = {
    Pays.AT_HOTEL: (*_PARTS, "balance_days", "days", *_AT_GATEWAY),
    Pays.VIRTUAL_CARD: (*_PARTS, "balance_days", "method", "hold", "tries", "charge_card"),
    Pays.FULL: (*_PARTS, "balance_days"),
    Pays.DEPOSIT: (),
}


def read_schedule(
    reader: FileReader,
    raw: Mapping[str, Any],
    path: str,
    accounts: Collection[str],
    share: Callable[[ShareTable, str], Share],
) -> Schedule:
    """One line; ``share`` reads its part of the price."""
    table = reader.table(ScheduleTable, raw, path)
    deposit = share(table, path)
    for name in _SENSELESS[table.pays]:
        if name in raw:
            reader.wrong(f"{path}.{name}", f'has no effect with pays = "{table.pays.value}"')
    if table.pays is Pays.DEPOSIT and not raw.keys() & set(_PARTS):
        reader.wrong(path, "needs the nights, the percent or the amount of the deposit")
    if table.pays in (Pays.DEPOSIT, Pays.FULL) or (table.pays is Pays.VIRTUAL_CARD and table.account):
        _check_account(reader, table, path, accounts)
    if table.balance_days is not None and table.days is not None and table.balance_days > table.days:
        reader.wrong(f"{path}.balance_days", "would be due before the deposit")
    if table.hold and table.balance_days is not None:
        reader.wrong(f"{path}.hold", "is a guarantee for what is paid at the hotel, so there are no balance_days")
    if table.hold and table.charge_card:
        reader.wrong(f"{path}.charge_card", "a guarantee is held on what the guest gives for it, not on a card we have")
    return Schedule(
        table.code,
        table.pays,
        deposit,
        table.days,
        table.balance_days,
        table.account,
        table.method,
        table.hold,
        table.tries,
        table.charge_card,
    )


def _check_account(reader: FileReader, table: ScheduleTable, path: str, accounts: Collection[str]) -> None:
    if not table.account:
        reader.wrong(path, "needs the account of [[payments]] that it is paid at")
    elif table.account not in accounts:
        hint = reader.meant(table.account, accounts)
        reader.wrong(f"{path}.account", f"there is no payment account {shown(table.account)}{hint}")
