"""What we write: equal to its golden, valid against the official schema, and traceable part by part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.opentravel._shared.encode_ari import locators
from connectors.opentravel._shared.profile import load_profile
from connectors.opentravel.ota import CONNECTOR
from gateway.contract import Head
from gateway.errors import Refusal, Unsupported
from gateway.messages import AriReceived, PushAvailability, PushRates
from gateway.model.ari import AriUpdate, Field, Setting
from gateway.testing.samples import deliveries, pushes
from gateway.testing.subject import Subject, default_site
from tests.connectors.opentravel import outbound, schemas

PROFILES = {"ota-2015a": "2015A", "ota-2011b": "2011B", "ota-arrival": "2015A", "ota-through": "2015A"}
GENERATED = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def subject(profile: str) -> Subject:
    return Subject(CONNECTOR, profile, None, default_site(profile))


@pytest.mark.parametrize("path", outbound.cases(), ids=outbound.name_of)
def test_a_command_becomes_its_golden(path: Path) -> None:
    assert outbound.written(path).decode() == outbound.golden(path).read_text(encoding="utf-8")


def test_each_profile_has_goldens_and_each_golden_its_command() -> None:
    assert {path.parent.name for path in outbound.cases()} == set(PROFILES)
    assert {outbound.golden(path) for path in outbound.cases()} == set(outbound.FOLDER.glob("*/*.xml"))


@schemas.needed
@pytest.mark.parametrize("path", outbound.cases(), ids=outbound.name_of)
def test_a_golden_is_valid(path: Path) -> None:
    assert schemas.faults(outbound.golden(path).read_bytes(), PROFILES[path.parent.name]) == []


def _writable(command: Any, profile: str) -> bytes | None:
    """The message; None where the dialect has no place for a drawn combination."""
    try:
        return CONNECTOR.encode(command, default_site(profile)).body
    except Unsupported:
        return None


@schemas.needed
@pytest.mark.parametrize("profile", PROFILES)
def test_whatever_is_written_is_valid(profile: str) -> None:
    kinds = CONNECTOR.capabilities(profile).commands
    drawn = [pushes(kind, subject(profile)) for kind in kinds & {PushAvailability, PushRates}]
    if profile in ("ota-2015a", "ota-2011b"):
        drawn.append(deliveries(subject(profile)))

    @GENERATED
    @given(st.one_of(drawn))
    def run(command: Any) -> None:
        body = _writable(command, profile)
        if body is not None:
            assert schemas.faults(body, PROFILES[profile]) == []

    run()


@pytest.mark.parametrize("profile", PROFILES)
def test_locators_lead_back_to_the_update(profile: str) -> None:
    """Whatever is read under a LocatorID was part of the update the function names for it."""

    @GENERATED
    @given(pushes(PushAvailability, subject(profile)))
    def run(command: PushAvailability) -> None:
        site = default_site(profile)
        request = CONNECTOR.encode(command, site)
        found = locators(command, request.parts, load_profile(profile))
        [event] = CONNECTOR.parse(CONNECTOR.open(Head("POST", "/", {}), [request.body]), site)
        assert isinstance(event, AriReceived)
        assert [update.record for update in event.updates] == list(found)
        for index, update in enumerate(command.updates):
            read = [got for got in event.updates if found[got.record] == index]
            assert {setting for got in read for setting in got.settings} == set(update.settings)
            assert {(got.first, got.last, got.weekdays) for got in read} == {
                (update.first, update.last, update.weekdays)
            }

    run()


def _push(*updates: AriUpdate) -> PushAvailability:
    return PushAvailability(id="a", at_ms=0, updates=updates)


def _update(field: Field, value: int, plan: str = "FLEX", room: str = "DBL") -> AriUpdate:
    return AriUpdate(room, plan, 741_000, 741_001, (Setting(field, value),))


@pytest.mark.parametrize(
    ("profile", "command"),
    [
        ("ota-2015a", _push(_update(Field.FIGURE, 3))),  # on a rate plan, where limits belong to the room type
        ("ota-2015a", _push(_update(Field.FIGURE, -1, plan=""))),
        ("ota-2015a", _push(_update(Field.FIGURE_BY, 1, plan=""))),
        ("ota-2015a", _push(_update(Field.PRICE, 1))),
        ("ota-2015a", _push(AriUpdate("DBL", "FLEX", 741_000, 741_001, ()))),
        ("ota-2015a", _push(AriUpdate("DBL", "FLEX", 741_001, 741_000, (Setting(Field.CLOSED, 1),)))),
        ("ota-2015a", _push(_update(Field.CLOSED, 1, room="D\x00"))),
        ("ota-2015a", _push(_update(Field.LOS_CLOSED, 1 << 32))),
        ("ota-through", _push(_update(Field.MIN_ARRIVAL, 2))),
        (
            "ota-through",
            PushRates(
                id="r", at_ms=0, updates=(AriUpdate("D", "F", 1, 1, (Setting(Field.PRICE, 1, 2),), currency="EUR"),)
            ),
        ),
        (
            "ota-through",
            PushRates(
                id="r",
                at_ms=0,
                updates=(AriUpdate("D", "F", 1, 1, (Setting(Field.PRICE, 1),), currency="EUR", net=True),),
            ),
        ),
        ("ota-2015a", PushRates(id="r", at_ms=0, updates=(AriUpdate("D", "F", 1, 1, (Setting(Field.PRICE, 1),)),))),
    ],
)
def test_what_a_dialect_cannot_say_is_refused(profile: str, command: Any) -> None:
    with pytest.raises(Refusal) as refused:
        CONNECTOR.encode(command, default_site(profile))
    assert isinstance(refused.value, Unsupported)


def test_a_push_over_the_limit_carries_a_prefix() -> None:
    limit = CONNECTOR.capabilities("ota-2015a").parts_max
    updates = tuple(
        AriUpdate("DBL", "", 741_000 + day, 741_000 + day, (Setting(Field.FIGURE, 1),)) for day in range(limit + 9)
    )
    request = CONNECTOR.encode(_push(*updates), default_site("ota-2015a"))
    assert request.parts == limit == request.body.count(b"<AvailStatusMessage ")


def _rates(*settings: tuple[Setting, ...]) -> PushRates:
    updates = tuple(AriUpdate("DBL", "FLEX", 741_000, 741_001, each, currency="EUR") for each in settings)
    return PushRates(id="p-1", at_ms=0, updates=updates)


def test_an_amount_that_is_taken_away_is_left_out() -> None:
    price, gone = Setting(Field.PRICE, 9000, 2), Setting(Field.EXTRA_CHILD, -1)
    for profile in ("ota-2015a", "ota-2011b", "ota-arrival"):
        request = CONNECTOR.encode(_rates((gone,), (price, gone)), outbound.site(profile))
        assert (request.parts, request.body.count(b"<RateAmountMessage ")) == (2, 1)
        assert b'LocatorID="2"' in request.body
        assert b"AdditionalGuestAmount" not in request.body
        assert b"-" not in request.body.partition(b"<Rates>")[2].partition(b"</Rates>")[0]


def test_nothing_but_what_is_taken_away_has_no_message() -> None:
    with pytest.raises(Unsupported):
        CONNECTOR.encode(_rates((Setting(Field.EXTRA_ADULT, -1),)), outbound.site("ota-2015a"))
    with pytest.raises(Unsupported):
        CONNECTOR.encode(_rates((Setting(Field.PRICE, -1),)), outbound.site("ota-2015a"))
