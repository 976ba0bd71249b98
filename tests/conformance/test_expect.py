"""``python -m gateway.testing expect`` writes twins and never overwrites one by accident."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.testing.__main__ import main
from gateway.testing.fixtures import fixtures_in

CONNECTOR = "connectors._template:CONNECTOR"
PING = '{"message": "ping", "id": "acme-1", "hotel": "HOTEL1"}'


@pytest.fixture
def fixtures(tmp_path: Path) -> Path:
    (tmp_path / "ping").mkdir()
    (tmp_path / "ping" / "one.json").write_text(PING)
    (tmp_path / "ping" / "broken.json").write_text(PING[:20])
    return tmp_path


def test_missing_twins_are_written(fixtures: Path) -> None:
    assert main(["expect", CONNECTOR, str(fixtures)]) == 0
    assert '"is": "PingReceived"' in (fixtures / "ping" / "one.expected.json").read_text()
    assert '"error": "Malformed"' in (fixtures / "ping" / "broken.expected.json").read_text()
    assert main(["expect", CONNECTOR, str(fixtures)]) == 0


def test_a_twin_that_differs_is_kept_unless_forced(fixtures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    twin = fixtures / "ping" / "one.expected.json"
    twin.write_text("{}\n")
    assert main(["expect", CONNECTOR, str(fixtures)]) == 1
    assert twin.read_text() == "{}\n"
    assert "differs  ping/one (--force replaces it)" in capsys.readouterr().out
    assert main(["expect", CONNECTOR, str(fixtures), "--force"]) == 0
    assert '"is": "PingReceived"' in twin.read_text()


def test_a_head_beside_a_fixture_is_used(fixtures: Path) -> None:
    head = '{"method": "PUT", "path": "/acme/1", "headers": {"x-acme": "1"}}'
    (fixtures / "ping" / "one.head.json").write_text(head)
    found = {fixture.id: fixture.head for fixture in fixtures_in(fixtures)}
    assert found["ping/one"].method == "PUT"
    assert found["ping/one"].headers == {"x-acme": "1"}
    assert found["ping/broken"].method == "POST"


def test_a_conformance_class_stands_for_its_connector(fixtures: Path) -> None:
    assert main(["expect", "tests.conformance.test_template:TestTemplate", str(fixtures)]) == 0
    assert (fixtures / "ping" / "one.expected.json").exists()


def test_what_is_no_connector_is_said_in_a_line(fixtures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("nobody:CONNECTOR", "connectors._template:NOTHING", "connectors._template"):
        with pytest.raises(SystemExit):
            main(["expect", name, str(fixtures)])
        assert f"error: {name}: " in capsys.readouterr().err
