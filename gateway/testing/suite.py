"""From a connector to its test class, and to a plain report."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.contract import Connector, Site
from gateway.messages import Command
from gateway.testing.case import CASES, Case, FixtureCheck
from gateway.testing.cases import in_order
from gateway.testing.fixtures import Fixture, fixtures_in
from gateway.testing.subject import Show, Subject, default_site, show_basic


def conformance(
    connector: Connector,
    *,
    profile: str,
    fixtures: Path | None = None,
    site: Site | None = None,
    samples: Mapping[type[Command], Sequence[Command]] | None = None,
    show: Show = show_basic,
    rooms: Sequence[str] = ("DBL", "R&B", "SUP-1"),
    plans: Sequence[str] = ("BAR", "BB-2", "D<1>"),
    examples: int = 60,
    waive: Mapping[str, str] | None = None,
) -> type[Any]:
    """A pytest class with one test for every case that applies to the connector in this profile.

    ``fixtures`` is the directory with ``<message>/<case>.{xml,json}``, required for an inbound connector. ``site``
    stands in for the usual account; it must accept the user and password of :mod:`gateway.testing.subject`.
    ``samples`` are commands of kinds the kit does not know. ``show`` puts a user name
    and password into a request the way the counterpart does, HTTP Basic if not given. ``rooms`` and ``plans`` are codes
    the dialect can write. ``examples`` is how many commands are generated for a round trip. ``waive`` is case number →
    reason: these are reported as skipped, with the reason, and nothing else can be.
    """
    subject = Subject(
        connector, profile, fixtures, site or default_site(profile), samples or {}, show, rooms, plans, examples
    )
    return suite(subject, waive or {})


def suite(subject: Subject, waive: Mapping[str, str]) -> type[Any]:
    """The class for a subject that is already put together."""
    strange = [number for number, reason in waive.items() if number not in CASES or not reason.strip()]
    if strange:
        raise ValueError(f"waived without such a case or without a reason: {', '.join(strange)}")
    body: dict[str, Any] = {"subject": subject, "__doc__": f"{subject.connector.name} as {subject.profile}."}
    groups = _by_message(fixtures_in(subject.fixtures))
    for case in applicable(subject):
        if case.each and not groups:
            continue  # C30 fails for that already.
        name = f"test_{case.number.lower()}_{re.sub(r'[^a-z0-9]+', '_', case.sentence.lower()).strip('_')}"
        test = _test(case, subject, groups)
        if case.number in waive:
            test = pytest.mark.skip(reason=f"{case.number} waived: {waive[case.number]}")(test)
        body[name] = test
    return type(f"Test{subject.connector.name.title()}Conformance", (), body)


def applicable(subject: Subject) -> list[Case]:
    """The cases that concern this connector. One that cannot even declare itself has to pass the first."""
    try:
        subject.declared.commands  # noqa: B018
    except Exception:
        return [CASES["C01"]]
    return [case for case in in_order() if case.applies(subject)]


def failures(subject: Subject, numbers: Sequence[str] = ()) -> dict[str, AssertionError]:
    """Runs the kit without pytest: case number → why it failed, for the applicable cases (of those named, if any)."""
    found = {}
    for case in applicable(subject):
        try:
            if not numbers or case.number in numbers:
                run(case, subject)
        except AssertionError as failure:
            found[case.number] = failure
    return found


def run(case: Case, subject: Subject) -> None:
    """One case, over all fixtures where it asks for them."""
    if case.check:
        case.check(subject)
    for fixture in fixtures_in(subject.fixtures) if case.each else ():
        assert case.each
        case.each(subject, fixture)


def _test(case: Case, subject: Subject, groups: Mapping[str, Sequence[Fixture]]) -> Callable[..., None]:
    if case.check:
        check = case.check

        def once(self: object) -> None:
            check(subject)

        once.__doc__ = case.title
        return once
    each = case.each
    assert each

    def for_each(self: object, group: Sequence[Fixture]) -> None:
        failed = [told for fixture in group if (told := _failure(each, subject, fixture))]
        assert not failed, "\n".join(failed)

    for_each.__doc__ = case.title
    return pytest.mark.parametrize("group", [pytest.param(group, id=name) for name, group in groups.items()])(for_each)


def _failure(each: FixtureCheck, subject: Subject, fixture: Fixture) -> str:
    """Why a fixture fails; empty where it does not. One does not hide the others of its message."""
    try:
        each(subject, fixture)
    except AssertionError as failure:
        return f"{fixture.id}: {failure}"
    return ""


def _by_message(fixtures: Sequence[Fixture]) -> dict[str, list[Fixture]]:
    """A test for each message, not for each fixture: most are read faster than a test is set up."""
    groups: dict[str, list[Fixture]] = {}
    for fixture in fixtures:
        groups.setdefault(fixture.id.rpartition("/")[0] or fixture.id, []).append(fixture)
    return groups
