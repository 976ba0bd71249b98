"""Connectors are found by entry point, and a broken one stops nobody else."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

import mappings
from connectors._template import CONNECTOR
from gateway import registry
from gateway.messages import Ping
from gateway.registry import GROUP, Registry, Unavailable, discover

GOOD = EntryPoint("template", "connectors._template:CONNECTOR", GROUP)


def point(directory: Path, name: str, source: str, module: str = "") -> EntryPoint:
    """An entry point to ``CONNECTOR`` in a module of its own."""
    module = module or f"third_party_{name}"
    (directory / f"{module}.py").write_text(source)
    sys.modules.pop(module, None)
    return EntryPoint(name, f"{module}:CONNECTOR", GROUP)


@pytest.fixture
def third_party(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_a_connector_is_found_by_its_name() -> None:
    found = discover([GOOD])
    assert found.names() == ("template",)
    assert found.get("template") is CONNECTOR
    assert found.outbound("template") is CONNECTOR
    assert found.inbound("template") is CONNECTOR
    assert Ping in found.capabilities("template", "template").commands
    assert found.unavailable == {}


def test_without_entry_points_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "entry_points", lambda group: EntryPoints(()))
    found = discover()
    assert found.names() == ()
    with pytest.raises(Unavailable, match="no connector 'opentravel'; installed: none"):
        found.get("opentravel")


def test_the_installed_ones_are_asked_for_by_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "entry_points", lambda group: EntryPoints([GOOD] if group == GROUP else []))
    assert discover().names() == ("template",)


def test_an_unknown_name_says_what_there_is() -> None:
    with pytest.raises(Unavailable, match="no connector 'tempalte'; installed: template"):
        discover([GOOD]).get("tempalte")


BROKEN = {
    "explodes": ("raise ZeroDivisionError('boom')", "ZeroDivisionError: boom"),
    "missing": ("OTHER = 1", "has no attribute 'CONNECTOR'"),
    "shapeless": ("class A:\n    name = 'shapeless'\nCONNECTOR = A()", "neither an Outbound nor an Inbound"),
    "half": (
        "class A:\n    name = 'half'\n    def capabilities(self, p): ...\n    encode = capabilities\nCONNECTOR = A()",
        "Outbound lacks decode",
    ),
    "incognito": ("from connectors._template import CONNECTOR", "calls itself 'template'"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_connector_is_listed_and_stops_nobody(name: str, third_party: Path) -> None:
    source, reason = BROKEN[name]
    found = discover([point(third_party, name, source), GOOD])
    assert found.names() == ("template",)
    assert reason in found.unavailable[name]
    with pytest.raises(Unavailable, match="is not available"):
        found.get(name)


def test_a_name_claimed_twice_belongs_to_nobody() -> None:
    other = EntryPoint("template", "somewhere.other:CONNECTOR", GROUP)
    found = discover([GOOD, other])
    assert found.names() == ()
    assert found.unavailable["template"].endswith("connectors._template:CONNECTOR, somewhere.other:CONNECTOR")


def test_the_same_entry_point_seen_twice_is_one() -> None:
    assert discover([GOOD, EntryPoint(GOOD.name, GOOD.value, GROUP)]).names() == ("template",)


def test_a_profile_must_be_one_the_connector_has() -> None:
    with pytest.raises(Unavailable, match="'nonsense' of 'template' is not available: Unsupported"):
        discover([GOOD]).capabilities("template", "nonsense")


def test_a_connector_of_one_direction_is_not_the_other(third_party: Path) -> None:
    source = (
        "from connectors._template import CONNECTOR as both\n"
        "class A:\n"
        "    name = 'oneway'\n"
        "    capabilities, encode, decode = both.capabilities, both.encode, both.decode\n"
        "CONNECTOR = A()\n"
    )
    found = discover([point(third_party, "oneway", source)])
    assert found.outbound("oneway").name == "oneway"
    with pytest.raises(Unavailable, match="takes no calls"):
        found.inbound("oneway")
    source = source.replace("encode, decode = ", "open, locate, verify, parse, answer, refuse = ").replace(
        "both.encode, both.decode", "both.open, both.locate, both.verify, both.parse, both.answer, both.refuse"
    )
    other = discover([point(third_party, "oneway", source)])
    with pytest.raises(Unavailable, match="does not call its counterpart"):
        other.outbound("oneway")


def test_a_broken_profile_leaves_the_others_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profiles = {"good": 'connector = "template"', "bad": "connector = 7", "absent": 'connector = "elsewhere"'}
    (tmp_path / "profiles").mkdir()
    for name, text in profiles.items():
        (tmp_path / "profiles" / f"{name}.toml").write_text(text)
    monkeypatch.setattr(mappings, "files", lambda package: tmp_path)
    mappings._load.cache_clear()
    found = discover([GOOD])
    mappings._load.cache_clear()
    assert found.names() == ("template",)
    assert set(found.unavailable) == {"template/good", "profile bad"}  # Acme knows no profile "good" either.
    assert "no profile 'good'" in found.unavailable["template/good"]


def test_capabilities_are_checked() -> None:
    class Sloppy:
        name = "sloppy"
        encode, decode = CONNECTOR.encode, CONNECTOR.decode

        def capabilities(self, profile: str) -> object:
            return {"commands": []}

    with pytest.raises(Unavailable, match="gives a dict, not Capabilities"):
        Registry({"sloppy": Sloppy()}, {}).capabilities("sloppy", "any")  # type: ignore[dict-item]
