"""The file of master keys: one bare key, or a version, its use and a key on each line."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from pathlib import Path

import pytest

from gateway.store.keyring import Keyring, MasterKey, Use, read_keyring, write_keyring

# The same in every process: they are in the names of tests, which workers compare.
KEYS = [urlsafe_b64encode(bytes([number]) * 32) for number in range(3)]


def test_a_bare_key_is_version_one_and_stays_bare() -> None:
    keyring = Keyring.parse(KEYS[0] + b"\n")
    assert (keyring.active, keyring.keys[1].key) == (1, KEYS[0])
    assert Keyring.parse(keyring.write()).keys == keyring.keys
    assert keyring.write().strip() == KEYS[0]


def test_a_turned_keyring_is_read_back_as_it_was() -> None:
    turned = Keyring.of(KEYS[0]).turned().turned()
    assert turned.active == 3
    assert [key.use for key in turned.keys.values()] == [Use.RETIRED, Use.RETIRED, Use.ACTIVE]
    again = Keyring.parse(turned.write())
    assert (again.keys, again.active) == (turned.keys, 3)
    alone = turned.without(1).without(2)
    assert Keyring.parse(alone.write()).keys == {3: turned.keys[3]}


def test_the_next_key_becomes_the_active_one() -> None:
    added, version = Keyring.of(KEYS[0]).added()
    assert (version, added.active) == (2, 1)
    assert added.turned().keys[2].key == added.keys[2].key


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a key",
        b"1 active short",
        b"1 retired " + KEYS[0],
        b"1 active " + KEYS[0] + b"\n2 active " + KEYS[1],
        b"1 active " + KEYS[0] + b"\n1 retired " + KEYS[1],
        b"0 active " + KEYS[0],
        b"one active " + KEYS[0],
        b"1 open " + KEYS[0],
    ],
)
def test_what_is_no_key_file_is_refused_without_a_word_of_it(data: bytes) -> None:
    with pytest.raises(ValueError, match="master key") as refused:
        Keyring.parse(data)
    assert KEYS[0].decode() not in str(refused.value)


def test_a_key_is_not_in_its_repr() -> None:
    assert KEYS[0].decode() not in repr(MasterKey(Use.ACTIVE, KEYS[0]))


def test_the_file_is_replaced_as_a_whole_and_stays_its_owners(tmp_path: Path) -> None:
    path = tmp_path / "key"
    turned = read_keyring(path).turned()
    write_keyring(path, turned)
    assert read_keyring(path).keys == turned.keys
    assert [found.name for found in tmp_path.iterdir()] == ["key"]
    assert path.stat().st_mode & 0o777 == 0o600
