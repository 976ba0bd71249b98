"""C30 to C33: fixtures and their twins."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

import msgspec

from gateway.testing.case import case, each_fixture, inbound
from gateway.testing.fixtures import Fixture, fixtures_in, orphans_in, outcome, twin_text
from gateway.testing.sealed import sealed
from gateway.testing.subject import Subject, demand, refusal_of


@case("C30", "there are fixtures, and each has its twin", inbound)
def twins(subject: Subject) -> None:
    found = fixtures_in(subject.fixtures)
    if subject.fixtures is None or not found:
        demand(False, f"an Inbound needs fixtures; there are none in {subject.fixtures}")
        return
    bare = [fixture.id for fixture in found if fixture.expected is None]
    demand(not bare, f"without .expected.json: {', '.join(bare)}; write them with python -m gateway.testing expect")
    orphans = [path.name for path in orphans_in(subject.fixtures)]
    demand(not orphans, f"without a message: {', '.join(orphans)}")


@each_fixture("C31", "a fixture is read as its twin says")
def matches(subject: Subject, fixture: Fixture) -> None:
    found = msgspec.json.decode(twin_text(outcome(subject, fixture)))
    expected = msgspec.json.decode(fixture.expected or b"null")
    lines = difflib.unified_diff(_lines(expected), _lines(found), "the twin says", "the connector reads", lineterm="")
    demand(found == expected, f"{fixture.id}:\n" + "\n".join(lines))


@each_fixture("C32", "how the bytes are cut into chunks does not matter")
def chunks(subject: Subject, fixture: Fixture) -> None:
    def by_bytes() -> Iterator[bytes]:
        yield b""
        yield from (fixture.body[n : n + 1] for n in range(len(fixture.body)))

    whole = refusal_of(fixture.id, subject.open, fixture.head, [fixture.body])
    single = refusal_of(f"{fixture.id} byte by byte", subject.open, fixture.head, by_bytes())
    same = repr(whole) == repr(single)
    if same and whole is None:
        one, other = subject.open(fixture.head, [fixture.body]), subject.open(fixture.head, by_bytes())
        same = (one.root, one.archive) == (other.root, other.archive)
    demand(same, f"{fixture.id} byte by byte ends differently: {whole!r}, {single!r}")


@each_fixture("C33", "reading uses neither clock nor sockets")
def pure(subject: Subject, fixture: Fixture) -> None:
    with sealed() as seen:
        refusal_of(f"{fixture.id} without clock and sockets", subject.read, fixture.head, fixture.body)
    demand(not seen, f"{fixture.id}: reading reached for {', '.join(sorted(set(seen)))}")


def _lines(found: object) -> list[str]:
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode().splitlines()
