"""The command: what is shown, what is refused, and with which exit status."""

from __future__ import annotations

from datetime import date
from importlib import resources
from pathlib import Path

import pytest

from gateway.cli import main

DEMO = (resources.files("mappings") / "hotels" / "demo.toml").read_text(encoding="utf-8")


class Command:
    """Runs the command in a folder of its own; ``out`` and ``err`` are what it said last."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.file = folder / "hotel.toml"
        self.file.write_text(DEMO, encoding="utf-8")
        self._capsys = capsys
        self.out = self.err = ""

    def __call__(self, *arguments: str) -> int:
        self._capsys.readouterr()
        status = main(arguments)
        self.out, self.err = self._capsys.readouterr()
        return status

    def change(self, old: str, new: str) -> None:
        text = self.file.read_text(encoding="utf-8")
        assert old in text
        self.file.write_text(text.replace(old, new), encoding="utf-8")

    def apply(self, *options: str) -> int:
        return self("apply", str(self.file), *options)


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GATEWAY_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("USER", "ada")
    return Command(tmp_path, capsys)


# --- apply ------------------------------------------------------------------------------------------------------------


def test_the_first_apply_shows_everything_and_does_it(command: Command) -> None:
    assert command.apply() == 0
    for part in ("DBL", "BAR", "sunbeds", "farfare", "applied as configuration 1"):
        assert part in command.out
    assert command.apply() == 0
    assert "applied" not in command.out


def test_no_password_is_shown(command: Command) -> None:
    command.apply()
    said = command.out + command.err
    command.change("demo-sunbeds-out", "a-new-password")
    assert command.apply() == 0
    said += command.out + command.err
    for secret in ("demo-pms-in", "demo-pms-out", "demo-sunbeds-in", "demo-sunbeds-out", "a-new-password"):
        assert secret not in said


@pytest.mark.parametrize("option", ["--dry-run", "--force"])
def test_what_nobody_can_speak_is_refused_before_anything_is_done(command: Command, option: str) -> None:
    command.change('profile = "ota-through"', 'profile = "esperanto"')
    command.change('connector = "opentravel"\nprofile = "ota-arrival"', 'connector = "babel"\nprofile = "ota"')
    assert command.apply(option) == 2
    assert "connections[1]: the profile 'esperanto' of 'opentravel' is not available" in command.err
    assert "connections[2]: there is no connector 'babel'" in command.err


def test_a_dry_run_only_shows(command: Command) -> None:
    assert command.apply("--dry-run") == 0
    assert "sunbeds" in command.out
    assert "applied" not in command.out
    assert command("calendar", "demo") == 2
    assert command.apply() == 0
    assert "configuration 1" in command.out


def test_the_plan_names_what_changes_and_nothing_else(command: Command) -> None:
    command.apply()
    command.change("markup_percent = 12.0", "markup_percent = 15.0")
    assert command.apply() == 0
    assert "sunbeds" in command.out
    assert "15" in command.out
    assert "farfare" not in command.out
    assert "configuration 2" in command.out


def test_what_takes_something_away_needs_force(command: Command) -> None:
    command.change('id = "farfare"', 'id = "farfare"\nenabled = false')
    command.apply()
    start = DEMO.index("# A channel that sells in dollars")
    command.change(DEMO[start:].replace('id = "farfare"', 'id = "farfare"\nenabled = false'), "")
    assert command.apply() == 2
    assert "farfare" in command.out
    assert "--force" in command.err
    assert command.apply("--dry-run") == 0
    assert command.apply("--force") == 0
    assert "configuration 2" in command.out


def test_a_bad_file_lists_all_its_problems(command: Command) -> None:
    command.change('currency = "EUR"\ntimezone', 'currency = "EURO"\ntimezone')
    command.change("Europe/Madrid", "Europe/Atlantis")
    command.change('derived_from = "BAR"', 'derived_from = "RACK"')
    command.change("units = 4", "units = -4")
    assert command.apply() == 2
    for part in ("EURO", "Europe/Atlantis", "RACK", "units"):
        assert part in command.err
    assert len(command.err.strip().splitlines()) >= 4
    assert command.out == ""


@pytest.mark.parametrize("text", ["[property\n", "property = 1\n", "\x00", ""])
def test_what_is_no_hotel_file_is_refused(command: Command, text: str) -> None:
    command.file.write_text(text, encoding="utf-8")
    assert command.apply() == 2
    assert command.err


def test_a_secret_that_is_not_in_the_environment_is_named(command: Command) -> None:
    command.change('password = "demo-pms-in"', 'password_env = "PMS_PASSWORD"')
    assert command.apply() == 2
    assert "PMS_PASSWORD" in command.err


def test_a_connection_of_another_property_is_refused(command: Command) -> None:
    command.apply()
    command.change('id = "demo"', 'id = "demo2"')
    assert command.apply() == 2
    assert "another property" in command.err
    assert command("calendar", "demo2") == 2


def test_a_file_that_is_not_there(command: Command) -> None:
    assert command("apply", "nowhere.toml") != 0
    assert "nowhere.toml" in command.err


# --- calendar ---------------------------------------------------------------------------------------------------------


def test_the_calendar_of_a_hotel(command: Command) -> None:
    command.apply()
    assert command("calendar", "demo", "--from", "2027-03-01", "--days", "7", "--language", "en") == 0
    for part in ("Hotel Miramar", "DBL", "FAM", "BAR", "NR", "HB"):
        assert part in command.out
    assert "\x1b[" not in command.out  # no colours where nobody sees them
    assert all(len(line) <= 120 for line in command.out.splitlines())


def test_the_calendar_begins_today(command: Command) -> None:
    command.apply()
    assert command("calendar", "demo", "--days", "1", "--language", "en") == 0
    assert str(date.today().day) in command.out  # noqa: DTZ011


def test_an_unknown_property(command: Command) -> None:
    assert command("calendar", "nobody") == 2
    assert "nobody" in command.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("calendar", "demo", "--days", "0"),
        ("calendar", "demo", "--days", "-3"),
        ("calendar", "demo", "--days", "1000000"),
        ("calendar", "demo", "--from", "tomorrow"),
        ("apply",),
        (),
        ("fly",),
    ],
    ids=" ".join,
)
def test_nonsense_is_refused_with_a_word_about_it(command: Command, arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        command(*arguments)
    assert ended.value.code == 2


# --- settings ---------------------------------------------------------------------------------------------------------


def test_a_bad_setting_is_named(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_PORT", "eighty")
    assert command.apply() == 2
    assert "GATEWAY_PORT" in command.err


def test_an_unknown_kind_of_database_is_refused(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_DATABASE_URL", "mysql://localhost/gateway")
    assert command.apply() == 2
    assert "postgresql://" in command.err


def test_a_database_that_is_away_is_a_failure_of_ours(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    assert command.apply() == 1
    assert command.err
    assert "Traceback" not in command.err
