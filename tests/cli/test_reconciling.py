"""``gateway payments``: statements and differences from the command line."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import exits, main
from gateway.contract import Reply, Request
from gateway.io.http import HttpCaller

ACCOUNT = """
[[payments]]
id = "desk"
gateway = "stripe"
profile = "stripe"
secret = "sk_test_desk"
"""
LINE = {
    "id": "txn_1",
    "object": "balance_transaction",
    "amount": 1000,
    "fee": 20,
    "net": 980,
    "currency": "eur",
    "created": 1767225600,
    "type": "charge",
    "reporting_category": "charge",
    "source": {"id": "ch_1", "object": "charge", "amount": 1000, "amount_captured": 1000, "currency": "eur"},
}


class Command:
    """Runs the command in a folder of its own."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.out = self.err = ""

    def __call__(self, *arguments: str) -> int:
        self._capsys.readouterr()
        status = main(arguments)
        self.out, self.err = self._capsys.readouterr()
        return status


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GATEWAY_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("USER", "ada")
    demo = (resources.files("mappings") / "hotels" / "demo.toml").read_text(encoding="utf-8")
    (tmp_path / "hotel.toml").write_text(demo + ACCOUNT, encoding="utf-8")

    async def answer(self: HttpCaller, request: Request, *, timeout_s: float) -> Reply:
        return Reply(200, {}, json.dumps({"object": "list", "data": [LINE], "has_more": False}).encode())

    monkeypatch.setattr(HttpCaller, "call", answer)
    found = Command(capsys)
    assert found("apply", "hotel.toml") == 0
    return found


def test_a_day_is_reconciled_and_its_difference_seen_to(command: Command) -> None:
    from gateway.model.dates import format_day, local_day, now_ms

    day = format_day(local_day(now_ms(), "UTC") - 1)
    assert command("payments", "reconcile", "demo", "desk", day) == exits.DONE
    assert "done" in command.out
    assert command("payments", "statements", "demo", "--account", "desk") == exits.DONE
    assert day in command.out
    assert command("payments", "differences", "demo", "--state", "open") == exits.ATTENTION
    assert "missing_here open captured ch_1 ours - theirs 10.00 EUR" in command.out
    assert command("payments", "differences", "demo", "--first", day, "--last", day, "--csv") == exits.DONE
    assert command.out.splitlines()[1].startswith(f"desk,{day},{day},{day}#0,missing_here,open,captured,ch_1,,,,10.00")
    assert command("payments", "resolve", "demo", "desk", f"{day}#0", "--note", "taken at the bar") == exits.DONE
    assert command("payments", "differences", "demo", "--json") == exits.DONE
    found: dict[str, Any] = json.loads(command.out)
    assert [(line["state"], line["closed_by"]) for line in found["items"]] == [("resolved", "cli:ada")]


def test_what_makes_no_sense_is_refused(command: Command) -> None:
    for arguments in (
        ("reconcile", "demo", "desk"),
        ("reconcile", "demo", "desk", "someday"),
        ("differences", "demo", "--first", "x"),
        ("differences", "nowhere"),
        ("resolve", "demo", "desk", "nothing", "--note", "x"),
    ):
        assert command("payments", *arguments) == exits.REFUSED


@pytest.mark.parametrize("note", [[], ["--note", "  "]])
def test_resolving_without_a_note_says_what_is_missing(command: Command, note: list[str]) -> None:
    assert command("payments", "resolve", "demo", "desk", "2031-01-03#0", *note) == exits.REFUSED
    assert "resolve needs --note: what was done about it" in command.err
