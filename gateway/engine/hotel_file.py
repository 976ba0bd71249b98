"""The hotel file: one TOML text that describes a property.

Everything wrong with a file is told at once, each fault with its place in the file. Amounts are decimal texts in the
currency they are meant in. Codes of ours are limited to what every counterpart can carry: 16 characters for a room
type, 64 for a rate plan (OpenTravel 2015A, InvTypeCode StringLength1to16 and RatePlanCode StringLength1to64).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

import msgspec
from msgspec import Meta

from gateway.engine.card_policy import DAYS_MAX
from gateway.engine.connection_file import ConnectionReader
from gateway.engine.connection_shapes import SecretKey
from gateway.engine.file_reader import FileReader
from gateway.engine.file_table import Id, Shape, Tables, Text, codes_in
from gateway.engine.payment_file import PaymentReader, PaymentSecret
from gateway.engine.products_file import ProductsReader
from gateway.engine.readable import shown
from gateway.engine.selling_file import read_selling
from gateway.errors import Malformed, Reason
from gateway.model.property import Property

TEXT_MAX = 1_000_000


class HotelFileError(Malformed):
    """The file cannot be applied. ``problems`` has one line ``path: problem`` for each fault."""

    default_reason = Reason.INVALID_VALUE

    def __init__(self, problems: Sequence[str], *, line: int | None = None) -> None:
        super().__init__("\n".join(problems), line=line)
        self.problems = tuple(problems)


class HotelFile(msgspec.Struct, frozen=True):
    """What a file says: the property without secrets, and the secrets in clear apart from it, for the store to seal.

    ``kept`` are the passwords that stay as they are; those of payment accounts are apart.
    """

    property: Property
    secrets: Mapping[SecretKey, str]
    kept: frozenset[SecretKey] = frozenset()
    payment_secrets: Mapping[PaymentSecret, str] = {}
    payment_kept: frozenset[PaymentSecret] = frozenset()

    def __repr__(self) -> str:
        return f"HotelFile({self.property.id!r}, secrets for {sorted(self.secrets)})"


_Factor = Annotated[int, Meta(ge=0, le=1000, description="a whole number from 0 to 1000")]
_Openings = Annotated[int, Meta(ge=0, le=10**9, description="a number of product nights from 0 to 1000000000")]
_CardDays = Annotated[int, Meta(ge=0, le=DAYS_MAX, description=f"a number of days from 0 to {DAYS_MAX}")]
_Failures = Annotated[int, Meta(ge=0, le=1_000, description="a whole number from 0 to 1000")]
_Mails = Annotated[
    tuple[Annotated[str, Meta(pattern=r"\A[^@\s,<>]+@[^@\s,<>]+\Z", max_length=254)], ...],
    Meta(max_length=10, description="a list of up to 10 e-mail addresses in quotes"),
]
_Threshold = Annotated[int, Meta(ge=0, le=7 * 86_400, description="a whole number from 0 to 604800")]


class PropertyTable(Shape, frozen=True, kw_only=True):
    required = ("id", "name", "currency", "timezone")

    id: Id = ""
    name: Text = ""
    currency: Text = ""
    timezone: Text = ""
    prices: Annotated[Literal["gross", "net"], Meta(description='"gross" or "net"')] = "gross"
    alert_lag_s: _Threshold | None = None
    alert_failures: _Failures | None = None
    alert_unacknowledged_s: _Threshold | None = None
    guard_price_factor: _Factor = 10
    guard_reopenings: _Openings = 5_000
    card_days: _CardDays = 7
    mail_bookings_to: _Mails = ()
    mail_bookings_after_s: Annotated[int, Meta(ge=60, le=7 * 86_400, description="60 to 604800 seconds")] = 1_800


class FileTable(Shape, frozen=True, kw_only=True):
    required = ("property", "room_types", "rate_plans")

    property: Annotated[dict[str, Any], Meta(description="a table, written [property]")] | None = None
    room_types: Annotated[Tables, Meta(min_length=1, max_length=1000, description="one or more [[room_types]]")] = ()
    rate_plans: Annotated[Tables, Meta(min_length=1, max_length=1000, description="one or more [[rate_plans]]")] = ()
    connections: Annotated[Tables, Meta(min_length=1, max_length=200, description="one or more [[connections]]")] = ()
    selling: Annotated[dict[str, Any], Meta(description="a table, written [selling]")] | None = None
    payments: Annotated[Tables, Meta(min_length=1, max_length=50, description="one or more [[payments]]")] = ()


def read(text: str, secrets: Mapping[str, str]) -> HotelFile:
    """The property a TOML text describes; ``password_env`` names are looked up in ``secrets``.

    Raises :class:`HotelFileError` with every fault found.
    """
    return read_tables(_parsed(text), secrets)


def read_tables(
    tables: Mapping[str, Any], secrets: Mapping[str, str], keep: Collection[tuple[str, str]] = frozenset()
) -> HotelFile:
    """As :func:`read`, of a file that is parsed already, with :class:`decimal.Decimal` for numbers with decimals.

    A password in ``keep`` may be left out, and stays as it is then.
    """
    return _HotelReader(secrets, keep).read(tables)


def _parsed(text: str) -> dict[str, Any]:
    if len(text) > TEXT_MAX:
        raise HotelFileError([f"hotel file: is longer than {TEXT_MAX} characters"])
    try:
        return tomllib.loads(text.removeprefix("\ufeff"), parse_float=Decimal)
    except RecursionError:
        raise HotelFileError(["hotel file: is nested too deeply"]) from None
    except ValueError as error:
        # tomllib places its faults but quotes no values, so no password can be in its words.
        line = re.search(r"at line (\d+)", str(error))
        raise HotelFileError([f"hotel file: {error}"], line=int(line[1]) if line else None) from None


class _HotelReader:
    def __init__(self, env: Mapping[str, str], keep: Collection[tuple[str, str]]) -> None:
        self._reader = FileReader()
        self._env = env
        self._keep = keep
        self._currency = ""

    def read(self, raw: Mapping[str, Any]) -> HotelFile:
        file = self._reader.table(FileTable, raw, "")
        head = (
            PropertyTable() if file.property is None else self._reader.table(PropertyTable, file.property, "property")
        )
        self._currency = self._reader.currency(head.currency, "property.currency")
        if head.timezone and head.timezone not in _zones():
            hint = self._reader.meant(head.timezone, _zones())
            self._reader.wrong("property.timezone", f"{shown(head.timezone)} is not a time zone (Europe/Madrid){hint}")
        products = ProductsReader(self._reader, self._currency)
        rooms, plans = products.room_types(file.room_types), products.rate_plans(file.rate_plans)
        known = codes_in(file.room_types), codes_in(file.rate_plans)
        connections = ConnectionReader(
            self._reader, self._env, self._keep, currency=self._currency, rooms=known[0], plans=known[1]
        )
        payments = PaymentReader(self._reader, self._env, self._keep)
        found = Property(
            id=head.id,
            name=head.name,
            currency=self._currency,
            timezone=head.timezone,
            room_types=rooms,
            rate_plans=plans,
            connections=connections.connections(file.connections),
            net=head.prices == "net",
            alert_lag_s=head.alert_lag_s,
            alert_failures=head.alert_failures,
            alert_unacknowledged_s=head.alert_unacknowledged_s,
            guard_price_factor=head.guard_price_factor,
            guard_reopenings=head.guard_reopenings,
            card_days=head.card_days,
            mail_bookings_to=head.mail_bookings_to,
            mail_bookings_after_s=head.mail_bookings_after_s,
            selling=read_selling(
                self._reader,
                file.selling or {},
                self._currency,
                *known,
                [name for table in file.payments if isinstance(name := table.get("id"), str)],
                net=head.prices == "net",
            ),
            payments=payments.accounts(file.payments),
        )
        if self._reader.problems:
            raise HotelFileError(self._reader.problems)
        kept = frozenset(connections.kept), frozenset(payments.kept)
        return HotelFile(found, connections.clear, kept[0], payments.clear, kept[1])


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def with_urls(hotel: Property, urls: Mapping[str, str]) -> Property:
    """The property with other addresses for some connections, by id; raises :class:`KeyError` for an unknown id."""
    if unknown := urls.keys() - {connection.id for connection in hotel.connections}:
        raise KeyError(f"no connection {', '.join(sorted(unknown))} in {hotel.id}")
    connections = tuple(
        msgspec.structs.replace(connection, url=urls.get(connection.id, connection.url))
        for connection in hotel.connections
    )
    return msgspec.structs.replace(hotel, connections=connections)
