"""``python -m gateway.testing expect CONNECTOR FIXTURES [--profile P] [--force]``: writes the twins of fixtures.

CONNECTOR is ``module:attribute`` and names a connector, or a class made by ``conformance`` where the reading needs its
site. An existing twin is compared and, with ``--force`` only, replaced. The exit status is 1 if any differs.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gateway.testing.fixtures import Fixture, fixtures_in, outcome, twin_text
from gateway.testing.subject import Subject, default_site


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m gateway.testing", description=__doc__)
    expect = parser.add_subparsers(required=True).add_parser("expect", help="write the expected twins of fixtures")
    expect.add_argument("connector", help="module:attribute")
    expect.add_argument("fixtures", type=Path)
    expect.add_argument("--profile", help="the connector's name if left out")
    expect.add_argument("--force", action="store_true", help="replace twins that say something else")
    chosen = parser.parse_args(arguments)
    try:
        found = _load(chosen.connector)
    except (ImportError, AttributeError, ValueError) as problem:
        parser.error(f"{chosen.connector}: {problem}")
    subject = _subject(found, chosen.profile, chosen.fixtures)
    kept = [_expect(subject, fixture, chosen.force) for fixture in fixtures_in(chosen.fixtures)]
    return 0 if all(kept) else 1


def _load(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _subject(found: Any, profile: str | None, fixtures: Path) -> Subject:
    if isinstance(subject := getattr(found, "subject", None), Subject):
        return subject
    profile = profile or str(found.name)
    return Subject(found, profile, fixtures, default_site(profile))


def _expect(subject: Subject, fixture: Fixture, force: bool) -> bool:
    """Whether the twin now says what the connector reads."""
    text = twin_text(outcome(subject, fixture))
    before = fixture.expected.decode() if fixture.expected is not None else None
    if before == text:
        return True
    if before is not None and not force:
        print(f"differs  {fixture.id} (--force replaces it)")
        return False
    fixture.twin.write_text(text, encoding="utf-8")
    print(f"{'written ' if before is None else 'replaced'} {fixture.id}")
    return True


if __name__ == "__main__":
    sys.exit(main())
