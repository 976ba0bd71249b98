"""Payment accounts in a hotel file: read, written again, compared, and never shown with a secret."""

from __future__ import annotations

import msgspec
import pytest

from gateway.engine.hotel_changes import Severity, plan
from gateway.engine.hotel_file import HotelFile, HotelFileError, read, read_tables
from gateway.engine.hotel_tables import tables_of

HEAD = """
[property]
id = "h"
name = "Hotel"
currency = "EUR"
timezone = "Europe/Madrid"
[[room_types]]
code = "DBL"
units = 3
[[rate_plans]]
code = "BAR"
"""
ACCOUNT = """
[[payments]]
id = "online"
gateway = "adyen"
profile = "adyen"
account = "HotelEU"
secret_env = "ADYEN_KEY"
callback = { username = "notify", secret = "as agreed" }
options = { return_url = "https://hotel.invalid/back" }
[[payments.keys]]
use = "callback"
id = "a1"
secret = "00ff"
valid_until = 2031-05-12T00:00:00Z
"""
PLACES = {("online", "secret"), ("online", "callback"), ("online", "key callback a1")}


def read_file(text: str = ACCOUNT) -> HotelFile:
    return read(HEAD + text, {"ADYEN_KEY": "AQE"})


def test_an_account_is_read_with_its_secrets_apart() -> None:
    file = read_file()
    (account,) = file.property.payments
    assert (account.id, account.gateway, account.account, account.callback_username) == (
        "online",
        "adyen",
        "HotelEU",
        "notify",
    )
    assert account.keys[0].until_ms == 1_936_310_400_000
    assert dict(file.payment_secrets) == dict(zip(sorted(PLACES), ("as agreed", "00ff", "AQE"), strict=True))
    assert "AQE" not in repr(file) + repr(account)


def test_what_is_written_reads_the_same_and_keeps_the_secrets() -> None:
    prop = read_file().property
    tables = msgspec.json.decode(msgspec.json.encode(tables_of(prop)))
    again = read_tables(tables, {}, PLACES)
    assert again.property == prop
    assert again.payment_kept == frozenset(PLACES)
    assert not again.payment_secrets
    assert plan(prop, again.property) == []


def test_changes_are_told_without_values() -> None:
    prop = read_file().property
    other = read_file(ACCOUNT.replace("HotelEU", "HotelUS")).property
    lines = [change.line for change in plan(prop, other, (), [("online", "key callback a1")])]
    assert lines == ["~ payment account online: account", "~ payment account online: key callback a1 is replaced"]
    bare = msgspec.structs.replace(prop, payments=())
    assert [change.line for change in plan(bare, prop)] == ["+ payment account online (adyen/adyen)"]
    (gone,) = plan(prop, bare)
    assert (gone.line, gone.severity) == ("- payment account online", Severity.DESTRUCTIVE)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('secret_env = "ADYEN_KEY"', 'secret_env = "NONE"', "payments[0].secret_env: the environment variable NONE"),
        ('secret = "00ff"', "", "payments[0].keys[0]: needs a secret"),
        ('secret = "00ff"', 'secret = "00ff"\nsecret_env = "X"', "payments[0].keys[0]: needs a secret or secret_env"),
        ("2031-05-12T00:00:00Z", "1969-05-12T00:00:00Z", "payments[0].keys[0].valid_until: is not later"),
        ('gateway = "adyen"', "", "payments[0].gateway: is missing"),
    ],
)
def test_a_fault_is_placed(old: str, new: str, told: str) -> None:
    with pytest.raises(HotelFileError) as caught:
        read_file(ACCOUNT.replace(old, new))
    assert any(problem.startswith(told) for problem in caught.value.problems), caught.value.problems
