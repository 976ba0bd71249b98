"""The part of a hotel file that names accounts at payment gateways: ``[[payments]]`` and ``[[payments.keys]]``."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gateway.engine.file_reader import FileReader
from gateway.engine.file_table import Env, Flag, Id, Shape, Table, Text
from gateway.model.dates import Instant, format_instant
from gateway.model.payment_account import PaymentAccount, PaymentKey

PaymentSecret = tuple[str, str]
"""An account's id and where a secret stands: ``secret``, ``callback``, ``key use id`` or ``key use id password``."""

_Secret = Annotated[str, Meta(min_length=1, max_length=16_384, description="a secret in quotes, 1 to 16384 characters")]
_Keys = Annotated[tuple[dict[str, Any], ...], Meta(max_length=32, description="one or more [[payments.keys]]")]
_Time = Annotated[datetime, Meta(tz=True, description="an instant with its zone, 2031-05-12T00:00:00Z")]
_NEVER = PaymentKey("").until_ms


class AccountTable(Shape, frozen=True, kw_only=True):
    """An entry of ``payments``."""

    required = ("id", "gateway", "profile")

    id: Id = ""
    gateway: Id = ""
    profile: Id = ""
    account: Text = ""
    url: Text = ""
    username: Text = ""
    secret: _Secret = ""
    secret_env: Env = ""
    callback: Table | None = None
    keys: _Keys = ()
    options: Table | None = None
    enabled: Flag = True


class CallbackTable(Shape, frozen=True, kw_only=True):
    """``callback``: the login their messages come with."""

    required = ("username",)

    username: Text = ""
    secret: _Secret = ""
    secret_env: Env = ""


class KeyTable(Shape, frozen=True, kw_only=True):
    """An entry of ``keys``."""

    required = ("use",)

    use: Id = ""
    id: Text = ""
    secret: _Secret = ""
    secret_env: Env = ""
    password: _Secret = ""
    password_env: Env = ""
    valid_from: _Time | None = None
    valid_until: _Time | None = None


class PaymentReader:
    """Reads the accounts. ``clear`` are the secrets found, ``kept`` those left out because they stay as they are."""

    def __init__(self, reader: FileReader, env: Mapping[str, str], keep: Collection[PaymentSecret]) -> None:
        self.clear: dict[PaymentSecret, str] = {}
        self.kept: set[PaymentSecret] = set()
        self._reader = reader
        self._env = env
        self._keep = keep

    def accounts(self, raw: Sequence[Mapping[str, Any]]) -> tuple[PaymentAccount, ...]:
        """All of them; what is wrong is told to the reader."""
        found = tuple(self._account(table, f"payments[{index}]") for index, table in enumerate(raw))
        self._reader.unique([account.id for account in found], "payments", "id")
        return found

    def _account(self, raw: Mapping[str, Any], path: str) -> PaymentAccount:
        table = self._reader.table(AccountTable, raw, path)
        self._reader.url(table.url, f"{path}.url")
        self._secret(table.id, "secret", raw, path)
        username = ""
        if table.callback is not None:
            callback = self._reader.table(CallbackTable, table.callback, f"{path}.callback")
            username = callback.username
            self._secret(table.id, "callback", table.callback, f"{path}.callback", needed=True)
        return PaymentAccount(
            id=table.id,
            gateway=table.gateway,
            profile=table.profile,
            account=table.account,
            url=table.url,
            username=table.username,
            callback_username=username,
            keys=tuple(
                self._key(table.id, key, f"{path}.keys[{index}]", table.keys[:index])
                for index, key in enumerate(table.keys)
            ),
            options=self._reader.option(table.options or {}, f"{path}.options"),
            enabled=table.enabled,
        )

    def _key(self, account: str, raw: Mapping[str, Any], path: str, before: Sequence[Mapping[str, Any]]) -> PaymentKey:
        table = self._reader.table(KeyTable, raw, path)
        if any((other.get("use"), other.get("id", "")) == (table.use, table.id) for other in before):
            self._reader.wrong(f"{path}.id", f"there is another key for {table.use} with this id")
        place = place_of(table.use, table.id)
        self._secret(account, place, raw, path, needed=True)
        self._secret(account, f"{place} password", raw, path, name="password")
        since, until = _instant(table.valid_from, 0), _instant(table.valid_until, _NEVER)
        if since >= until:
            self._reader.wrong(f"{path}.valid_until", "is not later than valid_from")
        return PaymentKey(table.use, table.id, from_ms=since, until_ms=until)

    def _secret(
        self, account: str, place: str, raw: Mapping[str, Any], path: str, *, name: str = "secret", needed: bool = False
    ) -> None:
        """A secret as it stands, or in the environment."""
        given = {name, f"{name}_env"} & raw.keys()
        if not given:
            if (account, place) in self._keep:
                self.kept.add((account, place))
            elif needed:
                self._reader.wrong(path, f"needs a {name} or the name of its variable as {name}_env")
            return
        if len(given) > 1:
            self._reader.wrong(path, f"needs a {name} or {name}_env, and not both")
        variable = raw.get(f"{name}_env")
        clear = self._env.get(variable, "") if isinstance(variable, str) else raw.get(name)
        if not clear:
            self._reader.wrong(f"{path}.{name}_env", f"the environment variable {variable} is not set")
        elif isinstance(clear, str):
            self.clear[account, place] = clear


def payment_secrets(accounts: Sequence[PaymentAccount]) -> Iterator[PaymentSecret]:
    """The secrets that are held."""
    for account in accounts:
        if account.secret:
            yield account.id, "secret"
        if account.callback_digest:
            yield account.id, "callback"
        for key in account.keys:
            yield account.id, place_of(key.use, key.id)
            if key.password:
                yield account.id, f"{place_of(key.use, key.id)} password"


def place_of(use: str, id_: str) -> str:
    """Where a key's material stands among an account's secrets."""
    return f"key {use} {id_}"


def account_table(account: PaymentAccount) -> dict[str, Any]:
    """An entry of ``payments``, without its secrets and what stands at its default."""
    texts = {name: getattr(account, name) for name in ("account", "url", "username")}
    table: dict[str, Any] = {"id": account.id, "gateway": account.gateway, "profile": account.profile}
    table |= {name: text for name, text in texts.items() if text}
    if account.callback_username:
        table["callback"] = {"username": account.callback_username}
    if account.keys:
        table["keys"] = [_key_table(key) for key in account.keys]
    if account.options:
        table["options"] = account.options
    return table if account.enabled else table | {"enabled": False}


def payment_changes(
    old: Sequence[PaymentAccount], new: Sequence[PaymentAccount], changed: Collection[PaymentSecret]
) -> Iterator[str]:
    """A line for each change; settings may be keys, so no value is shown."""
    was, now = ({account.id: account for account in accounts} for accounts in (old, new))
    for name in was.keys() - now.keys():
        yield f"- payment account {name}"
    for name, account in now.items():
        if name not in was:
            yield f"+ payment account {name} ({account.gateway}/{account.profile})"
            continue
        before, after = account_table(was[name]), account_table(account)
        for field in sorted(key for key in before.keys() | after.keys() if _text(before, key) != _text(after, key)):
            yield f"~ payment account {name}: {field}"
        for place in sorted(place for owner, place in changed if owner == name):
            yield f"~ payment account {name}: {place.rstrip()} is replaced"


def _text(table: Mapping[str, Any], key: str) -> bytes:
    return msgspec.json.encode(table.get(key), order="deterministic")


def _key_table(key: PaymentKey) -> dict[str, Any]:
    table: dict[str, Any] = {"use": key.use}
    if key.id:
        table["id"] = key.id
    if key.from_ms:
        table["valid_from"] = format_instant(key.from_ms)
    if key.until_ms != _NEVER:
        table["valid_until"] = format_instant(key.until_ms)
    return table


def _instant(at: datetime | None, default: Instant) -> Instant:
    return default if at is None else int(at.timestamp() * 1000)
