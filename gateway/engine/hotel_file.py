"""The hotel file: one TOML text that describes a property.

Everything wrong with a file is told at once, each fault with its place in the file. Amounts are decimal texts in the
currency they are meant in: a plan's in the property's, a mark-up's in the connection's, since it is added after the
conversion (:func:`gateway.engine.rates.for_channel`). Codes of ours are limited to what every counterpart can carry:
16 characters for a room type, 64 for a rate plan (OpenTravel 2015A, InvTypeCode StringLength1to16 and RatePlanCode
StringLength1to64). Theirs are taken verbatim up to 64, because what they may look like is their connector's business.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from functools import lru_cache
from typing import Annotated, Any, Literal, TypeVar, get_args
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import msgspec
from msgspec import Meta

from gateway.engine.file_table import Shape as _Shape
from gateway.engine.payment_file import PaymentReader, PaymentSecret
from gateway.engine.readable import printable, shown
from gateway.engine.selling_file import read_selling
from gateway.errors import Malformed, Reason
from gateway.model.ari import OCCUPANCY_MAX
from gateway.model.money import digits_of
from gateway.model.property import (
    Adjustment,
    Allotment,
    Connection,
    Credentials,
    FigureKind,
    Product,
    Property,
    RatePlan,
    Role,
    RoomType,
    Rounding,
)

TEXT_MAX = 1_000_000
PRODUCTS_MAX = 10_000
OPTIONS_DEEP = 8
HINTS_MAX = 100
LINEAGE_MAX = 8  # plans from a derived one to its own prices, both counted, as gateway.engine.rates follows them

Side = Literal["inbound", "outbound"]
SecretKey = tuple[str, Side]
"""A connection's id and which of its two passwords."""

_SIDES: tuple[Side, Side] = ("inbound", "outbound")
_MAY_HOLD_SECRETS = frozenset({"password", "inbound", "outbound"})

# Active ISO 4217 codes a hotel can price in, and two that were withdrawn in 2025 and 2026 but still stand in systems.
_CODES = """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP
    CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR
    ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT
    MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD
    SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES
    VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
"""
_CURRENCIES = frozenset(_CODES.split())
_NUMBER = re.compile(r"([+-]?)([0-9]{1,10})(?:\.([0-9]{1,10}))?")


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


# --- the shape of the file --------------------------------------------------------------------------------------------

_LINE = r"[^\x00-\x1f\x7f-\x9f]"
_WORD = r"[A-Za-z0-9._-]"
_Id = Annotated[str, Meta(pattern=rf"\A{_WORD}{{1,64}}\Z", description="an id: 1 to 64 of A-Z a-z 0-9 . _ -")]
_RoomCode = Annotated[str, Meta(pattern=rf"\A{_WORD}{{1,16}}\Z", description="a code: 1 to 16 of A-Z a-z 0-9 . _ -")]
_PlanCode = Annotated[str, Meta(pattern=rf"\A{_WORD}{{1,64}}\Z", description="a code: 1 to 64 of A-Z a-z 0-9 . _ -")]
_Text = Annotated[str, Meta(pattern=rf"\A{_LINE}{{1,255}}\Z", description="a text in quotes, 1 to 255 characters")]
_Theirs = Annotated[
    str,
    Meta(
        pattern=rf"\A(?!\s){_LINE}{{1,64}}(?<!\s)\Z",
        description="a code in quotes, 1 to 64 characters without spaces around it",
    ),
]
_Secret = Annotated[
    str, Meta(pattern=rf"\A{_LINE}{{1,255}}\Z", description="a password in quotes, 1 to 255 characters")
]
_Env = Annotated[str, Meta(pattern=r"\A[A-Za-z_][A-Za-z0-9_]*\Z", description="the name of an environment variable")]
_Flag = Annotated[bool, Meta(description="true or false")]
_Table = Annotated[dict[str, Any], Meta(description="a table in braces { … }")]
_Codes = Annotated[dict[str, Any], Meta(min_length=1, description="a table with at least one line")]
_Rooms = Annotated[int, Meta(ge=0, le=9999, description="a number of rooms from 0 to 9999")]
_Factor = Annotated[int, Meta(ge=0, le=1000, description="a whole number from 0 to 1000")]
_Openings = Annotated[int, Meta(ge=0, le=10**9, description="a number of product nights from 0 to 1000000000")]
_Threshold = Annotated[int, Meta(ge=0, le=7 * 86_400, description="a whole number from 0 to 604800")]
_Tables = tuple[dict[str, Any], ...]
_Numeral = Any  # a decimal text or number, read by _Reader.number because its decimals depend on the currency


class _PropertyTable(_Shape, frozen=True, kw_only=True):
    required = ("id", "name", "currency", "timezone")

    id: _Id = ""
    name: _Text = ""
    currency: _Text = ""
    timezone: _Text = ""
    prices: Annotated[Literal["gross", "net"], Meta(description='"gross" or "net"')] = "gross"
    alert_lag_s: _Threshold | None = None
    alert_failures: _Threshold | None = None
    alert_unacknowledged_s: _Threshold | None = None
    guard_price_factor: _Factor = 10
    guard_reopenings: _Openings = 5_000


class _RoomTable(_Shape, frozen=True, kw_only=True):
    required = ("code", "units")

    code: _RoomCode = ""
    name: _Text = ""
    units: Annotated[int, Meta(ge=1, le=9999, description="a number of rooms from 1 to 9999")] = 0
    adults_max: Annotated[
        int, Meta(ge=1, le=OCCUPANCY_MAX, description=f"a number of adults from 1 to {OCCUPANCY_MAX}")
    ] = 2


class _PlanTable(_Shape, frozen=True, kw_only=True):
    required = ("code",)

    code: _PlanCode = ""
    name: _Text = ""
    derived_from: _Text = ""
    percent: _Numeral = None
    amount: _Numeral = None
    round_to: _Numeral = None
    rounding: Annotated[Rounding, Meta(description='"nearest", "up" or "down"')] = Rounding.NEAREST


class _AllotmentTable(_Shape, frozen=True, kw_only=True):
    cap: _Rooms | None = None
    keep_back: _Rooms = 0
    close_at: _Rooms = 0


class _CredentialsTable(_Shape, frozen=True, kw_only=True):
    username: _Text = ""
    password: _Secret = ""
    password_env: _Env = ""


class _ProductTable(_Shape, frozen=True, kw_only=True):
    required = ("room", "plan", "their_room", "their_plan")

    room: _Text = ""
    plan: _Text = ""
    their_room: _Theirs = ""
    their_plan: _Theirs = ""


class _ConnectionTable(_Shape, frozen=True, kw_only=True):
    required = ("id", "connector", "profile", "role", "hotel")

    id: _Id = ""
    connector: _Id = ""
    profile: _Id = ""
    role: Annotated[Role, Meta(description='"pms", "channel" or "direct"')] | None = None
    hotel: _Text = ""
    url: _Text = ""
    inbound: _Table | None = None
    outbound: _Table | None = None
    rooms: _Codes | None = None
    plans: _Codes | None = None
    products: Annotated[_Tables, Meta(min_length=1, description="one or more [[connections.products]]")] | None = None
    currency: _Text = ""
    exchange_rate: _Numeral = None
    markup_percent: _Numeral = None
    markup_amount: _Numeral = None
    round_to: _Numeral = None
    rounding: Annotated[Rounding, Meta(description='"nearest", "up" or "down"')] = Rounding.NEAREST
    allotment: _Table | None = None
    days_ahead: Annotated[int, Meta(ge=1, le=1100, description="a number of days from 1 to 1100")] = 400
    figures: Annotated[FigureKind, Meta(description='"rooms_left" or "allocation"')] = FigureKind.ROOMS_LEFT
    figure_delay_s: Annotated[int, Meta(ge=0, le=86_400, description="a number of seconds from 0 to 86400")] = 30
    echoes: _Flag = False
    enabled: _Flag = True
    options: _Table | None = None
    fallback_room: _Text = ""
    booking_currencies: Annotated[tuple[str, ...], Meta(max_length=50, description="a list of currency codes")] = ()


_NO_PRODUCT = Product("", "", "", "")
_CHANNEL_ONLY = (
    "markup_percent",
    "markup_amount",
    "round_to",
    "rounding",
    "allotment",
    "fallback_room",
    "booking_currencies",
)
_PMS_ONLY = ("figures", "figure_delay_s", "echoes")


class _DirectTable(_Shape, frozen=True, kw_only=True):
    """A connection through which the house sells by itself."""

    required = ("id", "role")

    id: _Id = ""
    role: Annotated[Role, Meta(description='"direct"')] | None = None
    allotment: _Table | None = None
    enabled: _Flag = True


class _FileTable(_Shape, frozen=True, kw_only=True):
    required = ("property", "room_types", "rate_plans")

    property: Annotated[dict[str, Any], Meta(description="a table, written [property]")] | None = None
    room_types: Annotated[_Tables, Meta(min_length=1, max_length=1000, description="one or more [[room_types]]")] = ()
    rate_plans: Annotated[_Tables, Meta(min_length=1, max_length=1000, description="one or more [[rate_plans]]")] = ()
    connections: Annotated[_Tables, Meta(min_length=1, max_length=200, description="one or more [[connections]]")] = ()
    selling: Annotated[dict[str, Any], Meta(description="a table, written [selling]")] | None = None
    payments: Annotated[_Tables, Meta(min_length=1, max_length=50, description="one or more [[payments]]")] = ()


# --- reading ----------------------------------------------------------------------------------------------------------

_S = TypeVar("_S", bound=_Shape)


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
    reader = _Reader(secrets, keep)
    hotel = reader.hotel(dict(tables))
    if reader.problems:
        raise HotelFileError(reader.problems)
    paying = reader.payments
    return HotelFile(hotel, reader.clear, frozenset(reader.kept), paying.clear, frozenset(paying.kept))


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


class _Reader:
    """Walks the tables of one file and collects what is wrong with them."""

    def __init__(self, secrets: Mapping[str, str], keep: Collection[tuple[str, str]] = frozenset()) -> None:
        self.problems: list[str] = []
        self.payments = PaymentReader(self, secrets, keep)
        self.clear: dict[SecretKey, str] = {}
        self.kept: set[SecretKey] = set()
        self._keep = keep
        self._secrets = secrets
        self._currency = ""

    def wrong(self, path: str, text: str) -> None:
        self.problems.append(printable(f"{path}: {text}"))

    def meant(self, word: str, known: Collection[str]) -> str:
        """A suggestion; searching is slow, and nobody reads the hundredth."""
        return _meant(word, known) if len(self.problems) < HINTS_MAX else ""

    def table(self, shape: type[_S], raw: Mapping[str, Any], path: str) -> _S:
        fields = _fields_of(shape)
        values = {}
        for key, value in raw.items():
            if key not in fields:
                self.wrong(_at(path, key), f"there is no such setting{self.meant(key, fields)}")
                continue
            kind, description = fields[key]
            try:
                values[key] = msgspec.convert(value, kind)
            except msgspec.ValidationError:
                said = "this" if key in _MAY_HOLD_SECRETS else shown(value)
                self.wrong(_at(path, key), f"{said} is not {description}")
        for key in shape.required:
            if key not in raw:
                self.wrong(_at(path, key), "is missing")
        return shape(**values)

    def hotel(self, raw: dict[str, Any]) -> Property:
        file = self.table(_FileTable, raw, "")
        head = _PropertyTable() if file.property is None else self.table(_PropertyTable, file.property, "property")
        self._currency = self.currency(head.currency, "property.currency")
        if head.timezone and head.timezone not in _zones():
            hint = self.meant(head.timezone, _zones())
            self.wrong("property.timezone", f"{shown(head.timezone)} is not a time zone (Europe/Madrid){hint}")
        rooms = tuple(self.room_type(table, f"room_types[{index}]") for index, table in enumerate(file.room_types))
        self.unique([room.code for room in rooms], "room_types", "code")
        plans = self.rate_plans(file.rate_plans)
        known = _codes_in(file.room_types), _codes_in(file.rate_plans)
        connections = tuple(
            self.connection(table, f"connections[{index}]", *known) for index, table in enumerate(file.connections)
        )
        self.unique([connection.id for connection in connections], "connections", "id")
        self.one_pms(connections)
        return Property(
            id=head.id,
            name=head.name,
            currency=self._currency,
            timezone=head.timezone,
            room_types=rooms,
            rate_plans=plans,
            connections=connections,
            net=head.prices == "net",
            alert_lag_s=head.alert_lag_s,
            alert_failures=head.alert_failures,
            alert_unacknowledged_s=head.alert_unacknowledged_s,
            guard_price_factor=head.guard_price_factor,
            guard_reopenings=head.guard_reopenings,
            selling=read_selling(self, file.selling or {}, self._currency, *known, net=head.prices == "net"),
            payments=self.payments.accounts(file.payments),
        )

    def currency(self, code: str, path: str) -> str:
        """The code, or "" if it is none, so that no amount is judged by it."""
        if not code or code in _CURRENCIES:
            return code
        self.wrong(path, f"{shown(code)} is not an ISO 4217 currency code{self.meant(code, _CURRENCIES)}")
        return ""

    def unique(self, codes: Iterable[str], path: str, key: str) -> None:
        first: dict[str, int] = {}
        for index, code in enumerate(codes):
            if code and first.setdefault(code, index) != index:
                self.wrong(f"{path}[{index}].{key}", f"{shown(code)} is already {path}[{first[code]}]")

    def one_pms(self, connections: Sequence[Connection]) -> None:
        """Two would set each other's figures, and nobody could say whose count a booking is in."""
        enabled = [index for index, known in enumerate(connections) if known.role is Role.PMS and known.enabled]
        for index in enabled[1:]:
            text = f"connections[{enabled[0]}] is the PMS already: a hotel has one; set enabled = false for the other"
            self.wrong(f"connections[{index}].role", text)

    def number(self, value: object, places: int, path: str, what: str) -> int | None:
        """``value × 10^places`` exactly; None where there is no value or no such number."""
        if value is None:
            return None
        known = isinstance(value, str | Decimal) or (type(value) is int and value.bit_length() < 64)
        match = _NUMBER.fullmatch(str(value)) if known else None
        decimals = (match[3] or "").rstrip("0") if match else ""
        if match is None or len(decimals) > places:
            limit = f"with at most {places} decimals" if places else "without decimals"
            self.wrong(path, f"{shown(value)} is not {what} {limit}")
            return None
        return int(match[1] + match[2] + decimals.ljust(places, "0"))

    def adjustment(self, table: _PlanTable | _ConnectionTable, path: str, prefix: str, currency: str) -> Adjustment:
        """The percent, amount and step of a table; amounts are left unread where the currency is not known."""
        percent = self.number(getattr(table, f"{prefix}percent"), 2, f"{path}.{prefix}percent", "a percentage")
        if percent is not None and not -10_000 < percent < 100_000:
            self.wrong(f"{path}.{prefix}percent", "is not between -100 and 1000")
        if not currency:
            return Adjustment(percent_bp=percent or 0, rounding=table.rounding)
        digits = digits_of(currency)
        amount = self.number(
            getattr(table, f"{prefix}amount"), digits, f"{path}.{prefix}amount", f"an amount of {currency}"
        )
        step = self.number(table.round_to, digits, f"{path}.round_to", f"an amount of {currency}")
        if step is not None and step <= 0:
            self.wrong(f"{path}.round_to", "must be more than 0")
        return Adjustment(
            percent_bp=percent or 0, amount=amount or 0, step=1 if step is None else step, rounding=table.rounding
        )

    def room_type(self, raw: dict[str, Any], path: str) -> RoomType:
        table = self.table(_RoomTable, raw, path)
        return RoomType(table.code, table.name or table.code, table.units, table.adults_max)

    # --- rate plans ---

    def rate_plans(self, raw: _Tables) -> tuple[RatePlan, ...]:
        plans = tuple(self.rate_plan(table, f"rate_plans[{index}]") for index, table in enumerate(raw))
        self.unique([plan.code for plan in plans], "rate_plans", "code")
        known = _codes_in(raw)
        parents: dict[str, str] = {}
        for plan in plans:
            parents.setdefault(plan.code, plan.parent)
        for index, plan in enumerate(plans):
            path = f"rate_plans[{index}].derived_from"
            if plan.parent and plan.parent not in known:
                self.wrong(path, f"there is no rate plan {shown(plan.parent)}{self.meant(plan.parent, known)}")
            elif parents.get(plan.code) == plan.parent:
                self.lineage(plan.code, parents, path)
        return plans

    def rate_plan(self, raw: dict[str, Any], path: str) -> RatePlan:
        table = self.table(_PlanTable, raw, path)
        if "derived_from" not in raw:
            for key in ("percent", "amount", "round_to", "rounding"):
                if key in raw:
                    self.wrong(f"{path}.{key}", "is for derived rate plans; add derived_from, or leave it out")
        adjust = self.adjustment(table, path, "", self._currency)
        return RatePlan(table.code, table.name or table.code, table.derived_from, adjust)

    def lineage(self, code: str, parents: Mapping[str, str], path: str) -> None:
        """Reports a circle at the first of its plans, and a line of parents that is too long."""
        line = {code: None}
        while parent := parents.get(next(reversed(line))):
            if parent in line:
                if parent == code and code == next(other for other in parents if other in line):
                    self.wrong(path, f"{' -> '.join([*line, code])} goes round in a circle")
                return
            line[parent] = None
        if len(line) > LINEAGE_MAX:
            self.wrong(path, f"{code} is derived over more than {LINEAGE_MAX} rate plans")

    # --- connections ---

    def connection(self, raw: dict[str, Any], path: str, rooms: Sequence[str], plans: Sequence[str]) -> Connection:
        if raw.get("role") == Role.DIRECT:
            return self.direct(raw, path)
        table = self.table(_ConnectionTable, raw, path)
        self.role(table.role, raw, path)
        self.url(table.url, f"{path}.url")
        currency = self.currency(table.currency, f"{path}.currency") if table.currency else self._currency
        if table.fallback_room and table.fallback_room not in rooms:
            hint = self.meant(table.fallback_room, rooms)
            self.wrong(f"{path}.fallback_room", f"there is no room type {shown(table.fallback_room)}{hint}")
        for index, code in enumerate(table.booking_currencies):
            self.currency(code, f"{path}.booking_currencies[{index}]")
        allotment = self.table(_AllotmentTable, table.allotment or {}, f"{path}.allotment")
        inbound, outbound = (self.credentials(table, side, f"{path}.{side}") for side in _SIDES)
        return Connection(
            id=table.id,
            connector=table.connector,
            profile=table.profile,
            role=table.role or Role.CHANNEL,
            hotel=table.hotel,
            url=table.url,
            inbound=inbound,
            outbound=outbound,
            products=self.products(table, raw.keys(), path, rooms, plans),
            currency=currency,
            rate_ppm=self.rate_ppm(table, path, currency),
            markup=self.adjustment(table, path, "markup_", currency),
            allotment=Allotment(allotment.cap, allotment.keep_back, allotment.close_at),
            days_ahead=table.days_ahead,
            figures=table.figures,
            figure_delay_s=table.figure_delay_s,
            echoes=table.echoes,
            enabled=table.enabled,
            options=self.option(table.options or {}, f"{path}.options"),
            fallback_room=table.fallback_room,
            booking_currencies=tuple(table.booking_currencies),
        )

    def direct(self, raw: dict[str, Any], path: str) -> Connection:
        table = self.table(_DirectTable, raw, path)
        seen = self.table(_AllotmentTable, table.allotment or {}, f"{path}.allotment")
        allotment = Allotment(seen.cap, seen.keep_back, seen.close_at)
        return Connection(table.id, "", "", Role.DIRECT, "", allotment=allotment, enabled=table.enabled)

    def role(self, role: Role | None, raw: Mapping[str, Any], path: str) -> None:
        """A setting that would have no effect is a misunderstanding, so it is said."""
        if role is None:
            return
        for key in _CHANNEL_ONLY if role is Role.PMS else _PMS_ONLY:
            if key in raw:
                self.wrong(f"{path}.{key}", f'has no effect on a connection with role = "{role}"')

    def url(self, url: str, path: str) -> None:
        if not url:
            return
        try:
            parts = urlsplit(url)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
            carries_login = "@" in parts.netloc
        except ValueError:
            usable = carries_login = False
        if carries_login:
            self.wrong(path, "must not hold a user name or password; write them in outbound = { … }")
        elif not usable or " " in url:
            self.wrong(path, "is not an address such as https://host.example/path")

    def credentials(self, connection: _ConnectionTable, side: Side, path: str) -> Credentials:
        raw = connection.inbound if side == "inbound" else connection.outbound
        if raw is None:
            return Credentials()
        table = self.table(_CredentialsTable, raw, path)
        if (connection.id, side) in self._keep and not {"password", "password_env"} & raw.keys():
            self.kept.add((connection.id, side))
            return Credentials(table.username)
        if ("password" in raw) == ("password_env" in raw):
            self.wrong(path, "needs a password or the name of its variable as password_env, and not both")
        password = table.password
        if table.password_env:
            password = self._secrets.get(table.password_env, "")
            if not password:
                self.wrong(f"{path}.password_env", f"the environment variable {table.password_env} is not set")
        self.clear[connection.id, side] = password
        return Credentials(table.username)

    def rate_ppm(self, table: _ConnectionTable, path: str, currency: str) -> int:
        path = f"{path}.exchange_rate"
        ours = self._currency
        foreign = bool(currency and ours) and currency != ours
        if table.exchange_rate is None:
            if foreign:
                self.wrong(path, f"is missing: how many {currency} are 1 {ours}?")
            return 1_000_000
        rate = self.number(table.exchange_rate, 6, path, "an exchange rate")
        if rate is not None and rate <= 0:
            self.wrong(path, "must be more than 0")
        elif rate not in (None, 1_000_000) and currency and currency == ours:
            self.wrong(path, f"must be left out, since prices are in {ours} on both sides")
        return 1_000_000 if rate is None else rate

    def option(self, value: Any, path: str, depth: int = 0) -> Any:
        """The value as JSON would give it back, so that what is stored equals what was read."""
        if depth > OPTIONS_DEEP:
            self.wrong(path, "is nested too deeply")
        elif isinstance(value, dict):
            return {key: self.option(inner, _at(path, key), depth + 1) for key, inner in value.items()}
        elif isinstance(value, list):
            return [self.option(inner, f"{path}[{index}]", depth + 1) for index, inner in enumerate(value)]
        elif isinstance(value, Decimal) and math.isfinite(float(value)):
            return float(value)
        elif isinstance(value, str | bool) or (isinstance(value, int) and value.bit_length() < 54):
            return value
        else:
            self.wrong(path, "is not a text, a number, or true or false; put dates and long numbers in quotes")
        return None

    # --- mappings ---

    def products(
        self, table: _ConnectionTable, given: Collection[str], path: str, rooms: Sequence[str], plans: Sequence[str]
    ) -> tuple[Product, ...]:
        """The cross product of the two code tables and the lines written out, in the order of our rooms and plans."""
        if table.enabled and not {"rooms", "plans", "products"} & set(given):
            self.wrong(path, "maps no room; add rooms and plans, or say enabled = false until you do")
        for key, other in (("plans", "rooms"), ("rooms", "plans")):
            if other in given and key not in given:
                self.wrong(f"{path}.{key}", "is missing, rooms and plans go together")
        room_codes = self.codes(table.rooms or {}, f"{path}.rooms", "room type", rooms)
        plan_codes = self.codes(table.plans or {}, f"{path}.plans", "rate plan", plans)
        if len(room_codes) * len(plan_codes) > PRODUCTS_MAX:
            self.wrong(f"{path}.rooms", f"rooms and plans make more than {PRODUCTS_MAX} products")
            return ()
        lines = [
            (path, Product(room, plan, their_room, their_plan))
            for room, their_room in room_codes.items()
            for plan, their_plan in plan_codes.items()
        ]
        for index, raw in enumerate(table.products or ()):
            lines.append(self.product(raw, f"{path}.products[{index}]", rooms, plans))
        self.clashes(lines)
        if self.problems:
            return ()
        return tuple(sorted((line for _, line in lines), key=lambda it: (rooms.index(it.room), plans.index(it.plan))))

    def codes(self, raw: dict[str, Any], path: str, noun: str, known: Sequence[str]) -> dict[str, str]:
        """Our codes and theirs, without the faulty lines."""
        owner: dict[str, str] = {}
        for ours, theirs in raw.items():
            at = _at(path, ours)
            if ours not in known:
                self.wrong(at, f"there is no {noun} {shown(ours)}{self.meant(ours, known)}")
                continue
            try:
                code = msgspec.convert(theirs, _Theirs)
            except msgspec.ValidationError:
                self.wrong(at, f"{shown(theirs)} is not {_description(_Theirs)}")
                continue
            if owner.setdefault(code, ours) != ours:
                self.wrong(at, f"{shown(code)} is already their code for {owner[code]}")
        return {ours: theirs for theirs, ours in owner.items()}

    def product(
        self, raw: dict[str, Any], path: str, rooms: Sequence[str], plans: Sequence[str]
    ) -> tuple[str, Product]:
        table = self.table(_ProductTable, raw, path)
        known = table.room in rooms and table.plan in plans
        if table.room and table.room not in rooms:
            self.wrong(f"{path}.room", f"there is no room type {shown(table.room)}{self.meant(table.room, rooms)}")
        if table.plan and table.plan not in plans:
            self.wrong(f"{path}.plan", f"there is no rate plan {shown(table.plan)}{self.meant(table.plan, plans)}")
        return path, Product(table.room, table.plan, table.their_room, table.their_plan) if known else _NO_PRODUCT

    def clashes(self, lines: Iterable[tuple[str, Product]]) -> None:
        """A code of theirs must lead back to one thing of ours, or bookings would take the wrong rooms."""
        ours: dict[tuple[str, str], Product] = {}
        theirs: dict[tuple[str, str], Product] = {}
        rooms: dict[str, str] = {}
        for path, line in lines:
            if not (line.their_room and line.their_plan):
                continue
            first = theirs.setdefault((line.their_room, line.their_plan), line)
            if ours.setdefault((line.room, line.plan), line) is not line:
                self.wrong(path, f"{line.room} with {line.plan} is mapped twice")
            elif rooms.setdefault(line.their_room, line.room) != line.room:
                text = f"their room {shown(line.their_room)} is already {rooms[line.their_room]}"
                self.wrong(path, f"{text}, and cannot be {line.room} as well")
            elif first is not line:
                codes = f"{shown(line.their_room)} with {shown(line.their_plan)}"
                self.wrong(path, f"their {codes} is already {first.room} with {first.plan}")


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


@lru_cache(maxsize=32)
def _fields_of(shape: type[_Shape]) -> dict[str, tuple[Any, str]]:
    return {field.name: (field.type, _description(field.type)) for field in msgspec.structs.fields(shape)}


def _codes_in(tables: _Tables) -> list[str]:
    """The codes as written: a room type whose code is faulty exists all the same, and is reported once only."""
    return [code for table in tables if isinstance(code := table.get("code"), str)]


def _description(kind: Any) -> str:
    """What a field takes, in the words of its annotation (inside ``… | None``, too)."""
    metas = getattr(kind, "__metadata__", ())
    return metas[0].description if metas else next(filter(None, map(_description, get_args(kind))), "")


def _at(path: str, key: str) -> str:
    """The path of a key, which TOML lets be any text when it is in quotes."""
    key = key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else shown(key)
    return f"{path}.{key}" if path else key


def _meant(word: str, known: Iterable[str]) -> str:
    """``; did you mean "DBL"?`` where something near exists."""
    by_fold = {name.casefold(): name for name in known}
    word = word[:64].casefold()
    near = get_close_matches(word, by_fold, 5)
    # Equally near names are common among short codes, and people rarely mistype the first letter.
    best = next((name for name in near if name[0] == word[0]), near[0] if near else None)
    return f"; did you mean {shown(by_fold[best])}?" if best else ""


def with_urls(hotel: Property, urls: Mapping[str, str]) -> Property:
    """The property with other addresses for some connections, by id; raises :class:`KeyError` for an unknown id."""
    if unknown := urls.keys() - {connection.id for connection in hotel.connections}:
        raise KeyError(f"no connection {', '.join(sorted(unknown))} in {hotel.id}")
    connections = tuple(
        msgspec.structs.replace(connection, url=urls.get(connection.id, connection.url))
        for connection in hotel.connections
    )
    return msgspec.structs.replace(hotel, connections=connections)
