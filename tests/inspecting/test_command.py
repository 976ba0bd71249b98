"""``gateway inspect``: one JSON object per file in order, and the exit status."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from connectors.opentravel._shared.inspect_shapes import schema
from gateway.cli import main
from gateway.contract_inspecting import Inspected, Inspection
from gateway.errors import Malformed, Reason
from gateway.inspecting import Broken, inspect_file
from gateway.wire import shape, xml

NAMESPACE = "http://www.opentravel.org/OTA/2003/05"
GOOD = f'<OTA_PingRQ xmlns="{NAMESPACE}" Version="1.0"><EchoData>x</EchoData></OTA_PingRQ>'
BAD = GOOD.replace('Version="1.0"', 'Version="1.0" TimeStamp="2031-02-30T00:00:00Z"')
AVAIL = (
    f'<OTA_HotelAvailNotifRQ xmlns="{NAMESPACE}" Version="1.0" EchoToken="e"><AvailStatusMessages HotelCode="D">'
    '<AvailStatusMessage BookingLimit="4"><StatusApplicationControl Start="2031-02-01" End="2031-02-03"'
    ' InvTypeCode="DBL"/></AvailStatusMessage></AvailStatusMessages></OTA_HotelAvailNotifRQ>'
)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in (("good", GOOD), ("bad", BAD), ("avail", AVAIL), ("none", "<")):
        (tmp_path / f"{name}.xml").write_text(text, encoding="utf-8")
    return tmp_path


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_each_file_gets_its_line_in_order(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "--profile", "ota", "good.xml", "bad.xml", "none.xml", "good.xml"]) == 2
    good, bad, none, again = lines(capsys)
    assert good == again == {"file": "good.xml", "accepted": True, "message": "OTA_PingRQ", "error": None}
    assert (bad["file"], bad["accepted"], bad["message"]) == ("bad.xml", False, "OTA_PingRQ")
    assert bad["error"] == {
        "kind": "malformed",
        "code": "invalid_date",
        "text": "TimeStamp: '2031-02-30T00:00:00Z' is not a date with a time",
        "path": "/OTA_PingRQ/@TimeStamp",
        "line": 1,
        "ota": "15",
    }
    assert none["message"] is None


def test_all_accepted_is_status_0(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "--profile", "ota", "--action", "OTA_Ping", "--capability", "x", "good.xml"]) == 0
    assert len(lines(capsys)) == 1


def test_the_roundtrip_is_valid_and_says_the_same(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "--profile", "ota", "--roundtrip", "avail.xml", "good.xml"]) == 0
    for line in lines(capsys):
        encoded = str(line["encoded"]).encode()
        shape.check(xml.read_tree(encoded), schema("opentravel-2015a"))
        assert xml.name_of(xml.read_tree(encoded)) == line["message"]
    assert b'BookingLimit="4"' in AVAIL.encode()


def test_what_cannot_be_written_anew_says_why(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "avail.xml").write_text(AVAIL.replace(' InvTypeCode="DBL"', ' InvTypeCode="D" InvCode="1" IsRoom="1"'))
    assert main(["inspect", "--profile", "ota", "--roundtrip", "avail.xml"]) == 0
    (line,) = lines(capsys)
    assert "encoded" not in line
    assert "not written anew" in str(line["warnings"])


@pytest.mark.parametrize(("profile", "told"), [("nothing", "no profile 'nothing'"), ("stripe", "stripe")])
def test_a_profile_that_is_not_there_is_a_failure(
    files: Path, capsys: pytest.CaptureFixture[str], profile: str, told: str
) -> None:
    assert main(["inspect", "--profile", profile, "good.xml"]) == 1
    assert told in capsys.readouterr().err


def test_a_file_that_is_not_there_does_not_stop_the_others(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "folder.xml").mkdir()
    assert main(["inspect", "--profile", "ota", "gone.xml", "folder.xml", "bad.xml", "good.xml"]) == 1
    found = lines(capsys)
    assert [line["file"] for line in found] == ["gone.xml", "folder.xml", "bad.xml", "good.xml"]
    assert [line["accepted"] for line in found] == [False, False, False, True]
    assert [error["kind"] for line in found[:3] if isinstance(error := line["error"], dict)] == [
        "failure",
        "failure",
        "malformed",
    ]


def test_a_name_that_is_no_text_is_told_in_escapes(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = os.fsdecode(b"\xe9.xml")
    (files / name).write_text(GOOD, encoding="utf-8")
    assert main(["inspect", "--profile", "ota", name]) == 0
    assert lines(capsys)[0]["file"] == "\\udce9.xml"


class Careless:
    """An inspector that refuses under a name of its own, or breaks its promise."""

    name = "careless"

    def __init__(self, error: Exception) -> None:
        self._error = error

    def capabilities(self, profile: str) -> object:
        raise AssertionError

    def inspect(self, data: bytes, inspection: Inspection) -> Inspected:
        raise self._error


class OwnFault(Malformed):
    """A connector's own kind of a refusal."""


def test_a_refusal_is_told_as_the_kind_it_is(files: Path) -> None:
    inspector = Careless(OwnFault("no", Reason.HOTEL, path="/A[1]/B"))
    found = inspect_file(files / "good.xml", inspector, Inspection("x"), lambda reason: "1")  # type: ignore[arg-type]
    assert found.error is not None
    assert (found.error.kind, found.error.code, found.message) == ("malformed", "hotel", "A")


def test_a_connector_that_breaks_its_promise_is_told(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Broken) as caught:
        inspect_file(files / "good.xml", Careless(KeyError("x")), Inspection("x"), lambda reason: "")  # type: ignore[arg-type]
    assert not caught.value.verdict.accepted
    assert "KeyError" in capsys.readouterr().err
