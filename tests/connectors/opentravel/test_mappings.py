"""The TOML beside the code: it loads, is complete, and is refused where it is wrong."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

import mappings
from connectors.opentravel._shared.profile import Profile, load_profile
from gateway.errors import Reason
from gateway.model.reservation import RevisionKind


@pytest.mark.parametrize("name", [name for name in mappings.names("profiles") if f"{name}-".startswith("ota-")])
def test_a_profile_loads_and_declares(name: str) -> None:
    profile = load_profile(name)
    assert profile.connector == "opentravel"
    assert profile.capabilities().fields == profile.limits.fields
    assert {kind.__name__ for kind in profile.capabilities().commands} == profile.limits.commands
    assert {kind.__name__ for kind in profile.capabilities().events} == profile.limits.events


@pytest.mark.parametrize("name", mappings.names("codes"))
def test_a_code_table_loads(name: str) -> None:
    table = mappings.load("codes", name, mappings.CodeTable)
    assert table.source
    assert table.entries


def test_every_reason_has_known_codes() -> None:
    for reason in Reason:
        kind, code = mappings.look_up("reasons", reason.value).split()
        assert mappings.look_up("ewt", kind)
        assert mappings.look_up("err", code)


def test_every_status_is_a_kind_of_revision() -> None:
    table = mappings.load("codes", "res_status", mappings.CodeTable)
    assert {RevisionKind(kind) for kind in table.entries.values()} == set(RevisionKind)


def test_an_unknown_code_is_unmapped() -> None:
    with pytest.raises(mappings.Unmapped) as missing:
        mappings.look_up("res_status", "No-show")
    assert (missing.value.table, missing.value.code) == ("res_status", "No-show")
    assert str(missing.value) == "'No-show' is not in the table res_status"


@pytest.mark.parametrize("name", ["nothing", "../profiles/ota-2015a", "/etc/hostname", ""])
def test_only_what_is_listed_can_be_opened(name: str) -> None:
    with pytest.raises(mappings.NoSuchMapping):
        mappings.load("profiles", name, Profile)


def test_a_misspelt_switch_is_refused() -> None:
    good = (Path(mappings.__file__).parent / "profiles" / "ota-2015a.toml").read_text()
    assert msgspec.toml.decode(good, type=Profile).connector == "opentravel"
    for bad in (
        good.replace("los_semantics", "los_semantic"),
        good.replace('"arrival"', '"arrive"'),
        good + "\nextra = 1\n",
    ):
        with pytest.raises(msgspec.ValidationError):
            msgspec.toml.decode(bad, type=Profile)
