"""The commands that save a gateway and bring it back, as an operator types them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from importlib import resources
from pathlib import Path

import pytest

from gateway.cli import main

DEMO = resources.files("mappings") / "hotels" / "demo.toml"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GATEWAY_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("USER", "ada")
    return tmp_path


def test_a_lost_gateway_comes_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GATEWAY_BACKUP_TO", str(folder / "safe"))
    monkeypatch.setenv("GATEWAY_BACKUP_PASSPHRASE", "a long sentence")
    with resources.as_file(DEMO) as file:
        assert main(["apply", str(file)]) == 0
        assert main(["backup"]) == 0
        capsys.readouterr()
        assert main(["backup", "--list", "--json"]) == 0
        (listed,) = json.loads(capsys.readouterr().out)
        assert (listed["kind"], listed["key"]) == ("full", True)
        assert main(["restore", "--verify"]) == 0
        assert main(["restore"]) == 2
        assert "--force" in capsys.readouterr().err
        monkeypatch.setenv("GATEWAY_DATA_DIR", str(folder / "unsealed"))
        monkeypatch.delenv("GATEWAY_BACKUP_PASSPHRASE")
        assert main(["restore", listed["name"]]) == 0
        assert "Its gateway.key is sealed" in capsys.readouterr().out
        monkeypatch.setenv("GATEWAY_BACKUP_PASSPHRASE", "a long sentence")
        monkeypatch.setenv("GATEWAY_DATA_DIR", str(folder / "new"))
        assert main(["restore", listed["name"]]) == 0
        assert "gateway.key was restored" in capsys.readouterr().out
        # The same file changes nothing: configuration and key are those that were.
        assert main(["apply", str(file)]) == 0
        assert "Nothing changes" in capsys.readouterr().out


def test_damage_is_told_by_the_exit_status(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate"]) == 0
    assert main(["backup", "--to", str(folder / "safe"), "--keep", "2"]) == 0
    (manifest,) = (folder / "safe").glob("*/manifest")
    manifest.write_bytes(manifest.read_bytes()[:-1])
    assert main(["restore", manifest.parent.name, "--from", str(folder / "safe"), "--verify"]) == 3
    assert "damaged" in capsys.readouterr().err
    assert main(["restore", "--from", str(folder / "safe"), "--verify"]) == 2
    assert "no complete backup" in capsys.readouterr().err


def test_what_makes_no_sense_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", "--back"]) == 2
    assert main(["migrate"]) == 0
    assert main(["migrate", "--back"]) == 2
    assert "nothing before" in capsys.readouterr().err
    assert main(["restore", "--into", "sqlite:///x"]) == 2
    with pytest.raises(SystemExit):
        main(["backup", "--keep", "0"])


def test_a_backup_without_the_key_says_which_one_it_takes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate"]) == 0
    assert main(["backup"]) == 0
    key = folder / "data" / "gateway.key"
    for is_there, said in ((False, "put the one it was used with into"), (True, "has to be the one it was used with")):
        key.unlink(missing_ok=True)
        if is_there:
            key.write_text("of some gateway")
        capsys.readouterr()
        assert main(["restore", "--force"]) == 0
        assert said in capsys.readouterr().out


@pytest.mark.parametrize("words", [["sync", "demo"], ["serve"], ["migrate"], ["migrate", "--back"], ["key", "list"]])
def test_the_database_of_a_later_gateway_is_refused_in_a_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert main(["migrate"]) == 0
    with closing(sqlite3.connect(folder / "data" / "gateway.sqlite", isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    capsys.readouterr()
    assert main(words) == 2
    said = capsys.readouterr().err.strip()
    assert "the database is at revision '9999'" in said
    assert len(said.splitlines()) == 1
