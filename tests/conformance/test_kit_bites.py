"""The kit can fail: for every case there is a connector broken in just that way, and the case catches it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors._template import CONNECTOR
from gateway.testing import Subject, conformance, default_site, failures
from gateway.testing.case import CASES
from gateway.testing.sealed import sealed
from tests.conformance import broken_inbound, broken_outbound
from tests.conformance.breaks import BREAKS

_REGISTERING = (broken_inbound, broken_outbound)  # Importing the two fills BREAKS.

FIXTURES = Path(__file__).parents[2] / "fixtures" / "_template"
BROKEN = [pytest.param(*row, id=f"{row[0]}-{row[1].__name__}") for row in BREAKS]


def subject_of(connector: Any, fixtures: Path = FIXTURES) -> Subject:
    return Subject(connector, "template", fixtures, default_site("template"))


@pytest.mark.parametrize(("number", "broken", "words"), BROKEN)
def test_a_broken_connector_fails_its_case(number: str, broken: type[Any], words: str, tmp_path: Path) -> None:
    fixtures = FIXTURES
    if broken is broken_inbound.ReadsXml:
        fixtures = tmp_path
        (tmp_path / "ping.xml").write_text("<?xml version='1.0'?><ping/>")
    failed = failures(subject_of(broken(), fixtures), [number])
    assert number in failed, f"{number} {CASES[number].sentence}: passed for {broken.__name__}"
    assert words in str(failed[number])


def test_every_case_is_seen_to_fail() -> None:
    assert set(CASES) - {number for number, _, _ in BREAKS} == {"C30"}  # which the tests of twins below take care of


def test_the_template_itself_passes_each_of_them() -> None:
    assert failures(subject_of(CONNECTOR)) == {}


def test_an_inbound_connector_without_fixtures_fails(tmp_path: Path) -> None:
    assert "needs fixtures" in str(failures(subject_of(CONNECTOR, tmp_path), ["C30"])["C30"])


def test_a_fixture_without_a_twin_fails(tmp_path: Path) -> None:
    (tmp_path / "lonely.json").write_text("{}")
    assert "lonely" in str(failures(subject_of(CONNECTOR, tmp_path), ["C30"])["C30"])


def test_a_twin_without_a_fixture_fails(tmp_path: Path) -> None:
    (tmp_path / "here.json").write_text("{}")
    (tmp_path / "here.expected.json").write_text("{}")
    (tmp_path / "gone.expected.json").write_text("{}")
    assert "gone.expected.json" in str(failures(subject_of(CONNECTOR, tmp_path), ["C30"])["C30"])


def test_a_class_has_numbered_tests_and_one_for_each_message() -> None:
    made = conformance(CONNECTOR, profile="template", fixtures=FIXTURES)
    names = [name for name in vars(made) if name.startswith("test_")]
    assert "test_c18_more_parts_than_the_limit_never_go_out_in_one_message" in names
    (mark,) = made.test_c31_a_fixture_is_read_as_its_twin_says.pytestmark
    assert next(param.id for param in mark.args[1]) == "ari"


def test_what_is_not_declared_is_not_asked() -> None:
    class InboundOnly:
        """Acme as a channel that we never call."""

        name = "inbound"
        capabilities = CONNECTOR.capabilities
        open, locate, verify, parse = CONNECTOR.open, CONNECTOR.locate, CONNECTOR.verify, CONNECTOR.parse
        answer, refuse = CONNECTOR.answer, CONNECTOR.refuse

    names = vars(conformance(InboundOnly(), profile="template", fixtures=FIXTURES))
    assert not [name for name in names if name.startswith(("test_c1", "test_c2", "test_c4"))]
    assert [name for name in names if name.startswith("test_c51")]


def test_a_waiver_needs_a_case_and_a_reason() -> None:
    made = conformance(CONNECTOR, profile="template", fixtures=FIXTURES, waive={"C18": "they take any number"})
    (mark,) = made.test_c18_more_parts_than_the_limit_never_go_out_in_one_message.pytestmark
    assert mark.kwargs["reason"] == "C18 waived: they take any number"
    for waive in ({"C999": "because"}, {"C18": " "}):
        with pytest.raises(ValueError, match="waived"):
            conformance(CONNECTOR, profile="template", fixtures=FIXTURES, waive=waive)


def test_the_sealed_room_is_open_again_afterwards() -> None:
    import socket
    import sys
    import time

    sys.setprofile(None)
    with sealed() as seen:
        time.time()
    assert seen
    assert sys.getprofile() is None
    socket.socket().close()
    assert len(seen) == 1
