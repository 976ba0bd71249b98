"""``gateway key``: the first key, who has which, and taking it away."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from gateway.cli import main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GATEWAY_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("GATEWAY_LOG_LEVEL", "error")
    return tmp_path


def test_a_key_is_made_listed_and_revoked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "create", "tool", "--role", "owner", "--allow", "10.0.0.0/8", "--expires", "90d"]) == 0
    key = capsys.readouterr().out.strip()
    _, number, secret = key.split("_", 2)
    assert main(["key", "list", "--json"]) == 0
    listed = capsys.readouterr().out
    (found,) = json.loads(listed)
    assert found["principal"]["id"] == number
    assert found["principal"]["grants"] == [{"role": "owner", "property": "*"}]
    assert found["principal"]["created_by"].startswith("cli:")
    assert secret not in listed
    assert main(["key", "revoke", number]) == 0
    capsys.readouterr()
    assert main(["key", "--json", "list"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["principal"]["revoked_at"]
    assert main(["key", "revoke", "nobody"]) == 2
    assert main(["key", "create", "tool", "--allow", "everywhere"]) == 2


def test_a_person_is_given_the_password_that_was_typed(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse\n"))
    assert main(["key", "create", "Ada", "--person", "--ask-password", "--role", "revenue"]) == 0
    assert "correct horse" not in capsys.readouterr().out
    assert main(["key", "create", "ada", "--person"]) == 2
    assert main(["key", "list", "--people"]) == 0
    assert "revenue@*" in capsys.readouterr().out


def test_an_empty_password_adds_nobody(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for said in ("", "\n"):
        monkeypatch.setattr(sys, "stdin", io.StringIO(said))
        assert main(["key", "create", "ada", "--person", "--ask-password"]) == 2
        assert "no password was given" in capsys.readouterr().err
    assert main(["key", "create", "tool", "--ask-password"]) == 2
    assert "--person" in capsys.readouterr().err
    assert main(["key", "list", "--people", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_a_password_is_typed_twice(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = iter(["correct horse", "correct hose", "correct horse", "correct horse"])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(typed))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    assert main(["key", "create", "ada", "--person", "--ask-password"]) == 2
    assert "differ" in capsys.readouterr().err
    assert main(["key", "create", "ada", "--person", "--ask-password"]) == 0
