"""The part of a hotel file that names the counterparts: ``[[connections]]``, with what their codes mean here.

A mark-up is in the connection's currency, since it is added after the conversion
(:func:`gateway.engine.rates.for_channel`). Their codes are taken verbatim up to 64 characters, because what they may
look like is their connector's business.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from gateway.engine.connection_shapes import (
    PRODUCTS_MAX,
    SIDES,
    AllotmentTable,
    ConnectionTable,
    CredentialsTable,
    DirectTable,
    ProductTable,
    SecretKey,
    Side,
    _Theirs,
)
from gateway.engine.file_reader import FileReader
from gateway.engine.file_table import Tables, described, place
from gateway.engine.readable import shown
from gateway.model.property import Allotment, Connection, Credentials, Product, Role

"""A connection's id and which of its two passwords."""


_NO_PRODUCT = Product("", "", "", "")
_CHANNEL_ONLY = (
    "markup_percent",
    "markup_amount",
    "round_to",
    "rounding",
    "allotment",
    "fallback_room",
    "booking_currencies",
    "pms_number",
)
_PMS_ONLY = ("figures", "figure_delay_s", "echoes", "standing")
_WITHOUT_EFFECT: Mapping[Role, Collection[str]] = {
    Role.PMS: _CHANNEL_ONLY,
    Role.CHANNEL: _PMS_ONLY,
    Role.RECEIVER: (*_CHANNEL_ONLY, *_PMS_ONLY, "days_ahead"),
    Role.SELLER: (*(key for key in _CHANNEL_ONLY if key != "allotment"), *_PMS_ONLY, "days_ahead", "url"),
}


class ConnectionReader:
    """Reads the connections of a house. ``clear`` are the passwords found, ``kept`` those that stay as they are.

    ``keep`` are the passwords that may be left out, ``env`` where their variables are looked up; ``currency`` is the
    property's, ``rooms`` and ``plans`` the codes of its file.
    """

    def __init__(
        self,
        reader: FileReader,
        env: Mapping[str, str],
        keep: Collection[tuple[str, str]],
        *,
        currency: str,
        rooms: Sequence[str],
        plans: Sequence[str],
    ) -> None:
        self.clear: dict[SecretKey, str] = {}
        self.kept: set[SecretKey] = set()
        self._reader = reader
        self._env = env
        self._keep = keep
        self._currency = currency
        self._rooms = rooms
        self._plans = plans

    def connections(self, raw: Tables) -> tuple[Connection, ...]:
        """All of them; what is wrong is told to the reader."""
        found = tuple(self._connection(table, f"connections[{index}]") for index, table in enumerate(raw))
        self._reader.unique([connection.id for connection in found], "connections", "id")
        self._one_pms(found)
        return found

    def _one_pms(self, connections: Sequence[Connection]) -> None:
        """Two would set each other's figures, and nobody could say whose count a booking is in."""
        enabled = [index for index, known in enumerate(connections) if known.role is Role.PMS and known.enabled]
        for index in enabled[1:]:
            text = f"connections[{enabled[0]}] is the PMS already: a hotel has one; set enabled = false for the other"
            self._reader.wrong(f"connections[{index}].role", text)

    def _connection(self, raw: dict[str, Any], path: str) -> Connection:
        if raw.get("role") == Role.DIRECT:
            return self._direct(raw, path)
        table = self._reader.table(ConnectionTable, raw, path)
        self._role(table.role, raw, path)
        if table.cards and table.role not in (None, Role.CHANNEL, Role.SELLER, Role.PMS):
            self._reader.wrong(f"{path}.cards", "only a channel or seller sends cards, and only the PMS is sent them")
        self._reader.url(table.url, f"{path}.url")
        currency = self._reader.currency(table.currency, f"{path}.currency") if table.currency else self._currency
        if table.fallback_room and table.fallback_room not in self._rooms:
            hint = self._reader.meant(table.fallback_room, self._rooms)
            self._reader.wrong(f"{path}.fallback_room", f"there is no room type {shown(table.fallback_room)}{hint}")
        for index, code in enumerate(table.booking_currencies):
            self._reader.currency(code, f"{path}.booking_currencies[{index}]")
        allotment = self._reader.table(AllotmentTable, table.allotment or {}, f"{path}.allotment")
        inbound, outbound = (self._credentials(table, side, f"{path}.{side}") for side in SIDES)
        return Connection(
            id=table.id,
            connector=table.connector,
            profile=table.profile,
            role=table.role or Role.CHANNEL,
            hotel=table.hotel,
            url=table.url,
            inbound=inbound,
            outbound=outbound,
            products=self._products(table, raw.keys(), path),
            currency=currency,
            rate_ppm=self._rate_ppm(table, path, currency),
            markup=self._reader.adjustment(table, path, "markup_", currency),
            allotment=Allotment(allotment.cap, allotment.keep_back, allotment.close_at),
            days_ahead=table.days_ahead,
            figures=table.figures,
            figure_delay_s=table.figure_delay_s,
            echoes=table.echoes,
            enabled=table.enabled,
            options=self._reader.option(table.options or {}, f"{path}.options"),
            fallback_room=table.fallback_room,
            booking_currencies=tuple(table.booking_currencies),
            pms_number=table.pms_number,
            cards=table.cards,
            standing=table.standing,
        )

    def _direct(self, raw: dict[str, Any], path: str) -> Connection:
        table = self._reader.table(DirectTable, raw, path)
        seen = self._reader.table(AllotmentTable, table.allotment or {}, f"{path}.allotment")
        allotment = Allotment(seen.cap, seen.keep_back, seen.close_at)
        return Connection(table.id, "", "", Role.DIRECT, "", allotment=allotment, enabled=table.enabled)

    def _role(self, role: Role | None, raw: Mapping[str, Any], path: str) -> None:
        """A setting that would have no effect is a misunderstanding, so it is said."""
        if role is None:
            return
        for key in _WITHOUT_EFFECT.get(role, ()):
            if key in raw:
                self._reader.wrong(f"{path}.{key}", f'has no effect on a connection with role = "{role}"')

    def _credentials(self, connection: ConnectionTable, side: Side, path: str) -> Credentials:
        raw = connection.inbound if side == "inbound" else connection.outbound
        if raw is None:
            return Credentials()
        table = self._reader.table(CredentialsTable, raw, path)
        if (connection.id, side) in self._keep and not {"password", "password_env"} & raw.keys():
            self.kept.add((connection.id, side))
            return Credentials(table.username)
        if ("password" in raw) == ("password_env" in raw):
            self._reader.wrong(path, "needs a password or the name of its variable as password_env, and not both")
        password = table.password
        if table.password_env:
            password = self._env.get(table.password_env, "")
            if not password:
                self._reader.wrong(f"{path}.password_env", f"the environment variable {table.password_env} is not set")
        self.clear[connection.id, side] = password
        return Credentials(table.username)

    def _rate_ppm(self, table: ConnectionTable, path: str, currency: str) -> int:
        path = f"{path}.exchange_rate"
        ours = self._currency
        foreign = bool(currency and ours) and currency != ours
        if table.exchange_rate is None:
            if foreign:
                self._reader.wrong(path, f"is missing: how many {currency} are 1 {ours}?")
            return 1_000_000
        rate = self._reader.number(table.exchange_rate, 6, path, "an exchange rate")
        if rate is not None and rate <= 0:
            self._reader.wrong(path, "must be more than 0")
        elif rate not in (None, 1_000_000) and currency and currency == ours:
            self._reader.wrong(path, f"must be left out, since prices are in {ours} on both sides")
        return 1_000_000 if rate is None else rate

    # --- mappings ---

    def _products(self, table: ConnectionTable, given: Collection[str], path: str) -> tuple[Product, ...]:
        """The cross product of the two code tables and the lines written out, in the order of our rooms and plans."""
        speaks_ours = table.role in (Role.RECEIVER, Role.SELLER)
        if table.enabled and not speaks_ours and not {"rooms", "plans", "products"} & set(given):
            self._reader.wrong(path, "maps no room; add rooms and plans, or say enabled = false until you do")
        for key, other in (("plans", "rooms"), ("rooms", "plans")):
            if other in given and key not in given:
                self._reader.wrong(f"{path}.{key}", "is missing, rooms and plans go together")
        room_codes = self._codes(table.rooms or {}, f"{path}.rooms", "room type", self._rooms)
        plan_codes = self._codes(table.plans or {}, f"{path}.plans", "rate plan", self._plans)
        if len(room_codes) * len(plan_codes) > PRODUCTS_MAX:
            self._reader.wrong(f"{path}.rooms", f"rooms and plans make more than {PRODUCTS_MAX} products")
            return ()
        lines = [
            (path, Product(room, plan, their_room, their_plan))
            for room, their_room in room_codes.items()
            for plan, their_plan in plan_codes.items()
        ]
        for index, raw in enumerate(table.products or ()):
            lines.append(self._product(raw, f"{path}.products[{index}]"))
        self._clashes(lines)
        if self._reader.problems:
            return ()
        rooms, plans = self._rooms, self._plans
        return tuple(sorted((line for _, line in lines), key=lambda it: (rooms.index(it.room), plans.index(it.plan))))

    def _codes(self, raw: dict[str, Any], path: str, noun: str, known: Sequence[str]) -> dict[str, str]:
        """Our codes and theirs, without the faulty lines."""
        owner: dict[str, str] = {}
        for ours, theirs in raw.items():
            at = place(path, ours)
            if ours not in known:
                self._reader.wrong(at, f"there is no {noun} {shown(ours)}{self._reader.meant(ours, known)}")
                continue
            try:
                code = msgspec.convert(theirs, _Theirs)
            except msgspec.ValidationError:
                self._reader.wrong(at, f"{shown(theirs)} is not {described(_Theirs)}")
                continue
            if owner.setdefault(code, ours) != ours:
                self._reader.wrong(at, f"{shown(code)} is already their code for {owner[code]}")
        return {ours: theirs for theirs, ours in owner.items()}

    def _product(self, raw: dict[str, Any], path: str) -> tuple[str, Product]:
        table = self._reader.table(ProductTable, raw, path)
        known = table.room in self._rooms and table.plan in self._plans
        for key, noun, code, codes in (
            ("room", "room type", table.room, self._rooms),
            ("plan", "rate plan", table.plan, self._plans),
        ):
            if code and code not in codes:
                hint = self._reader.meant(code, codes)
                self._reader.wrong(f"{path}.{key}", f"there is no {noun} {shown(code)}{hint}")
        return path, Product(table.room, table.plan, table.their_room, table.their_plan) if known else _NO_PRODUCT

    def _clashes(self, lines: Iterable[tuple[str, Product]]) -> None:
        """A code of theirs must lead back to one thing of ours, or bookings would take the wrong rooms."""
        ours: dict[tuple[str, str], Product] = {}
        theirs: dict[tuple[str, str], Product] = {}
        rooms: dict[str, str] = {}
        for path, line in lines:
            if not (line.their_room and line.their_plan):
                continue
            first = theirs.setdefault((line.their_room, line.their_plan), line)
            if ours.setdefault((line.room, line.plan), line) is not line:
                self._reader.wrong(path, f"{line.room} with {line.plan} is mapped twice")
            elif rooms.setdefault(line.their_room, line.room) != line.room:
                text = f"their room {shown(line.their_room)} is already {rooms[line.their_room]}"
                self._reader.wrong(path, f"{text}, and cannot be {line.room} as well")
            elif first is not line:
                codes = f"{shown(line.their_room)} with {shown(line.their_plan)}"
                self._reader.wrong(path, f"their {codes} is already {first.room} with {first.plan}")
