"""The commands that look after a running hotel: what they show, in text and in JSON, and their exit statuses."""

from __future__ import annotations

import io
import json
import subprocess
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import COMMANDS, exits, main, parser
from gateway.cli.completion import subcommands
from gateway.cli.output import Progress
from gateway.registry import Registry, discover

DEMO = (resources.files("mappings") / "hotels" / "demo.toml").read_text(encoding="utf-8")
ARI = "room,plan,first,last,price2,closed\nDBL,BAR,2027-03-01,2027-03-31,120.00,no\n"


class Command:
    """Runs the command in a folder of its own; ``out`` and ``err`` are what it said last."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys
        self.out = self.err = ""

    def __call__(self, *arguments: str) -> int:
        self._capsys.readouterr()
        status = main(arguments)
        self.out, self.err = self._capsys.readouterr()
        return status

    def json(self, *arguments: str, status: int = 0) -> Any:
        assert self(*arguments, "--json") == status, self.err
        return json.loads(self.out)

    def file(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """With the demo hotel, and some prices."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GATEWAY_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("USER", "ada")
    monkeypatch.setenv("LOGNAME", "ada")
    command = Command(tmp_path, capsys)
    assert command("apply", command.file("hotel.toml", DEMO)) == 0
    assert command("import", "demo", "ari", command.file("ari.csv", ARI)) == 0
    return command


def test_an_import_tells_each_refused_line(command: Command) -> None:
    bad = command.file("bad.csv", ARI + "DBL,XXX,2027-03-01,,1.00,\n")
    assert command("import", "demo", "ari", bad) == exits.ATTENTION
    assert "XXX" in command.out
    assert "nothing was taken" in command.out
    dry = command.json("import", "demo", "ari", command.file("good.csv", ARI), "--dry-run")
    assert (dry["committed"], dry["counts"]) == (False, {"unchanged": 1})
    assert command("import", "demo", "ari", command.file("x.txt", ARI)) == exits.REFUSED
    nowhere = str(command.folder / "nowhere.csv")
    assert command("import", "demo", "ari", nowhere) == exits.FAILED
    assert command.err == f"{nowhere}: No such file or directory\n"


def test_the_calendar_in_json(command: Command) -> None:
    grid = command.json("calendar", "demo", "--from", "2027-03-01", "--days", "2")
    (bar,) = [product for product in grid["rooms"][0]["products"] if product["plan"] == "BAR"]
    assert [day["prices"] for day in bar["days"]] == [[12_000, 12_000]] * 2
    assert command.json("apply", str(command.folder / "hotel.toml"))["changes"] == []


def test_what_was_said_is_listed_and_shown(command: Command) -> None:
    page = command.json("messages", "demo", "--kind", "imported calendar")
    (line,) = page["items"]
    assert line["author"] == "cli:ada"
    assert line["message_id"].isdigit()  # a text: jq would round the number
    assert line["at"].endswith("Z")
    assert command("messages", "demo") == 0
    assert "imported calendar" in command.out
    assert command("messages", "demo", line["message_id"]) == 0
    assert "DBL,BAR" in command.out
    assert command("messages", "demo", "7") == exits.REFUSED
    assert command("replay", "demo", line["message_id"]) == exits.REFUSED
    assert command("messages", "nobody") == exits.REFUSED
    assert "nobody" in command.err


def test_nothing_is_said_in_words(command: Command) -> None:
    for words in (("messages", "demo", "--connection", "nobody"), ("payments", "list", "demo"), ("backup", "--list")):
        assert command(*words) == 0
        assert command.out.startswith("none"), words


@pytest.mark.parametrize(
    "words",
    [
        ("messages", "demo", "the last one"),
        ("messages", "demo", str(2**63)),
        ("replay", "demo", "x"),
        ("messages", "demo", "--count", "many"),
        ("key", "create", "tool", "--expires", "tomorrow"),
    ],
)
def test_what_is_no_number_or_day_is_named_with_what_would_be(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == exits.REFUSED
    said = capsys.readouterr().err
    assert repr(words[-1]) in said
    assert "invalid" not in said  # the words of argparse, which name a function of ours


def test_the_state_of_connections_and_orders(command: Command) -> None:
    said = command.json("sync", "demo")
    names = {known["id"]: known for known in said["state"]["connections"]}
    assert set(names) == {"demo-pms", "sunbeds", "farfare"}
    assert names["sunbeds"]["lag"] > 0
    assert command.json("sync", "demo", "sunbeds", "--full")["state"]["connections"][0]["lag"] is None
    assert command.json("sync", "demo", "sunbeds", "--pause")["state"]["connections"][0]["paused"]
    assert command("sync", "demo", "sunbeds", "--resume") == 0
    assert "sunbeds" in command.out
    assert command("sync", "demo", "sunbeds", "--wait", "0.01") == exits.ATTENTION  # nobody sends here
    assert command("sync", "demo", "nobody") == exits.REFUSED
    assert command("sync", "demo", "--full") == exits.REFUSED


def test_an_audit_before_anything_was_sent(command: Command) -> None:
    audits = command.json("audit", "demo", status=exits.ATTENTION)
    assert [audit["connection"] for audit in audits] == ["sunbeds", "farfare"]
    assert set(audits[0]["by_reason"]) == {"never_sent"}
    assert command("audit", "demo", "sunbeds", "--repair") == 0
    assert "never_sent" in command.out
    assert command("audit", "demo", "demo-pms") == exits.REFUSED


def test_the_connectors_there_are(command: Command) -> None:
    command("connectors", "--json")
    lines = json.loads(command.out)
    assert {"opentravel"} <= {line["connector"] for line in lines}
    assert {"ota-2015a"} <= {line["profile"] for line in lines if line["connector"] == "opentravel"}


def test_a_connector_that_brings_its_own_profiles_is_shown(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry({"strange": discover().get("opentravel")}, {})
    monkeypatch.setattr("gateway.registry.discover", lambda: registry)
    assert command("connectors", "--json") == 0
    (line,) = [line for line in json.loads(command.out) if line["connector"] == "strange"]
    assert (line["profile"], line["inbound"], line["outbound"], line["problem"]) == ("", True, True, "")


# --- the command line itself ------------------------------------------------------------------------------------------


def test_every_command_has_json_and_a_line_of_help() -> None:
    known = subcommands(parser())
    assert len(known) == len(COMMANDS)
    for name, (sub, text) in known.items():
        assert text, name
        assert "--json" in sub.format_help(), name


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_every_command_and_option(
    shell: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for name, (sub, _) in subcommands(parser()).items():
        assert name in script
        for action in sub._actions:
            assert all(option.lstrip("-") in script for option in action.option_strings if option.startswith("--"))


def test_the_bash_script_completes() -> None:
    script = subprocess.run(
        ["bash", "-c", 'source <(python -m gateway completion bash); COMP_WORDS=(gateway au); COMP_CWORD=1; _gateway; '
         'echo "${COMPREPLY[@]}"; COMP_WORDS=(gateway import demo ""); COMP_CWORD=3; _gateway; echo "${COMPREPLY[@]}"; '
         'COMP_WORDS=(gateway import --format o); COMP_CWORD=3; _gateway; echo "${COMPREPLY[@]}"'],
        capture_output=True, text=True, check=False, env=_environment(),
    )  # fmt: skip
    assert script.stderr == ""
    first, second, third = script.stdout.splitlines()
    assert first == "audit"
    assert {"reservations", "ari", "--connection"} <= set(second.split())
    assert third == "ota"


def _environment() -> dict[str, str]:
    import os
    import sys

    return os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_is_drawn_for_people_only() -> None:
    quiet, seen = io.StringIO(), Terminal()
    for stream in (quiet, seen):
        with Progress("lines", 4, stream) as progress:
            for _ in range(4):
                progress.advance()
    assert quiet.getvalue() == ""
    assert "4/4" in seen.getvalue()
    assert seen.getvalue().endswith("\r\x1b[K")


def test_requests_are_listed_and_one_that_is_none_is_refused(command: Command) -> None:
    assert command.json("requests", "demo") == []
    assert command("requests", "demo") == exits.DONE
    assert command.out == "nothing waits\n"
    assert command("requests", "demo", "--accept", "NOBODY") == exits.REFUSED
    assert "there is no quote, hold or direct reservation 'NOBODY'" in command.err
