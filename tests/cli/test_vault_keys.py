"""``gateway keys``: versions and uses, never a key; rotated while a gateway of the same folder is open."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import exits, main
from gateway.store.secrets import Vault


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GATEWAY_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def asked(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    capsys.readouterr()
    assert main(["keys", *arguments, "--json"]) == exits.DONE
    return json.loads(capsys.readouterr().out)


def test_keys_are_listed_rotated_and_dropped(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(capsys, "list") == [{"version": 1, "use": "active", "cards": 0}]
    open_already = Vault.from_file(folder / "gateway.key")
    sealed = open_already.seal("secret")
    assert [line["use"] for line in asked(capsys, "add")] == ["active", "next"]
    assert asked(capsys, "rotate")["active"] == 2
    assert open_already.resealed(sealed) is not None
    assert open_already.open(sealed) == "secret"
    assert asked(capsys, "drop", "1") == [{"version": 2, "use": "active", "cards": 0}]
    assert (folder / "gateway.key").stat().st_mode & 0o777 == 0o600
    assert main(["keys", "list"]) == exits.DONE
    key = Vault.from_file(folder / "gateway.key").keyring.keys[2].key.decode()
    told = capsys.readouterr()
    assert key not in told.out + told.err
    assert "active" in told.out


def test_only_a_retired_key_is_dropped(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for version, said in (("1", "active"), ("7", "no master key 7")):
        assert main(["keys", "drop", version]) == exits.REFUSED
        assert said in capsys.readouterr().err
