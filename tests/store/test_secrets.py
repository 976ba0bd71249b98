"""Secrets are sealed, and the key outlives the process that made it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from gateway.store import secrets
from gateway.store.secrets import Vault


def test_what_is_sealed_is_opened_by_the_same_key_only(tmp_path: Path) -> None:
    sealed = Vault.from_file(tmp_path / "key").seal("pässword")
    assert "pässword" not in sealed
    assert Vault.from_file(tmp_path / "key").open(sealed) == "pässword"
    with pytest.raises(ValueError, match="another key"):
        Vault.from_file(tmp_path / "other").open(sealed)
    assert Vault(Fernet.generate_key()).open("") == ""


def test_the_key_file_is_its_owners_and_nothing_else_is_left(tmp_path: Path) -> None:
    Vault.from_file(tmp_path / "key")
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_a_process_that_was_there_before_a_rotation_finds_the_new_key(tmp_path: Path) -> None:
    earlier, rotating = (Vault.from_file(tmp_path / "key") for _ in range(2))
    before = earlier.seal("before")
    rotating.replace(rotating.keyring.turned())
    assert earlier.open(rotating.seal("after")) == "after"
    rotating.replace(rotating.keyring.without(1))
    assert earlier.open(before) == "before"  # it knew the key, and nobody is cut off
    with pytest.raises(ValueError, match="another key"):
        rotating.open(before)


def test_of_two_processes_that_make_a_key_the_first_ones_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, first = tmp_path / "key", Fernet.generate_key()
    fsync = os.fsync

    def overtaken(handle: int) -> None:
        fsync(handle)
        if not path.exists():
            path.write_bytes(first)

    monkeypatch.setattr(os, "fsync", overtaken)
    assert Vault.from_file(path).open(Fernet(first).encrypt(b"x").decode()) == "x"


def test_a_password_is_checked_against_its_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    vault = Vault(Fernet.generate_key())
    digest = vault.digest("right")
    assert "right" not in digest
    assert digest != vault.digest("right")
    assert vault.check("right", digest)
    assert not vault.check("wrong", digest)
    assert not vault.check("", "")
    monkeypatch.setattr(secrets, "_scrypt", lambda *_: pytest.fail("a password once checked is remembered"))
    assert vault.check("right", digest)
