"""C50 to C56: whatever comes in, it is read or refused, and refused with a typed error."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.contract import Head
from gateway.errors import Malformed, Unsupported
from gateway.testing.case import case, each_fixture, inbound
from gateway.testing.fixtures import MEDIA_TYPES, Fixture, fixtures_in, outcome
from gateway.testing.subject import Subject, demand, must_refuse, refusal_of

SEED = 20310105
CUTS = 40
FLIPS = 75
CHUNK_BYTES = 65_536
SLACK_BYTES = 4 * CHUNK_BYTES
DEPTH = 100_000
STRANGERS = (b"null", b"[]", b"{}", b'"text"', b"0", b'{"nonsense": 1}', b"<nonsense/>", b"<a xmlns='urn:x'><b/></a>")
UNREADABLE = (Malformed, Unsupported)


@case("C50", "empty and random bodies are refused", inbound)
def random_bodies(subject: Subject) -> None:
    @settings(max_examples=subject.examples, derandomize=True, database=None, deadline=None, report_multiple_bugs=False)
    @given(st.binary(max_size=300), st.sampled_from(heads_of(subject)))
    def run(body: bytes, head: Head) -> None:
        must_refuse(f"random bytes {body!r}", subject.read, head, body, by=UNREADABLE)

    for head in heads_of(subject):
        for body in (b"", b" ", b"\x00", b"\xef\xbb\xbf", b"\xff\xfe"):
            must_refuse(f"the body {body!r}", subject.read, head, body, by=UNREADABLE)
    run()


@each_fixture("C51", "a truncated message is refused")
def truncated(subject: Subject, fixture: Fixture) -> None:
    body = fixture.body.rstrip()
    dice = Random(SEED)
    ends = {len(body) - 1, len(body) // 2, *(dice.randrange(1, len(body)) for _ in range(CUTS))}
    for end in sorted(ends):
        must_refuse(f"{fixture.id} cut off after {end} bytes", subject.read, fixture.head, body[:end])


@each_fixture("C52", "a damaged message is read or refused, never worse")
def damaged(subject: Subject, fixture: Fixture) -> None:
    dice = Random(SEED)
    for _ in range(FLIPS):
        place, mask = dice.randrange(len(fixture.body)), dice.randrange(1, 256)
        body = bytearray(fixture.body)
        body[place] ^= mask
        what = f"{fixture.id} with byte {place} changed to {body[place]:#04x}"
        refusal_of(what, subject.read, fixture.head, bytes(body))


@each_fixture("C53", "a message nobody knows is refused")
def strange_roots(subject: Subject, fixture: Fixture) -> None:
    for body in STRANGERS:
        must_refuse(f"{body!r} in place of {fixture.id}", subject.read, fixture.head, body, by=UNREADABLE)


@each_fixture("C54", "bottomless nesting is refused")
def bottomless(subject: Subject, fixture: Fixture) -> None:
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}"), (b"<a>", b"</a>")):
        deep = opening * DEPTH + closing * DEPTH
        for body in (opening * DEPTH, deep, _nested(fixture.body, deep)):
            what = f"{DEPTH} times {opening!r} in {fixture.id}"
            must_refuse(what, subject.read, fixture.head, body, by=UNREADABLE)


def _nested(body: bytes, deep: bytes) -> bytes:
    """The message with something deep as its first JSON member, or before the last XML tag."""
    if body.lstrip().startswith(b"{"):
        return b'{"deep": ' + deep + b"," + body.lstrip()[1:]
    end = body.rfind(b"</")
    return body[:end] + deep + body[end:]


@case("C55", "a body over the limit is refused while it streams", inbound)
def oversized(subject: Subject) -> None:
    limit = subject.declared.body_bytes_max
    taken = 0

    def stream() -> Iterator[bytes]:
        nonlocal taken
        while taken < limit + 2 * SLACK_BYTES:
            taken += CHUNK_BYTES
            yield b" " * CHUNK_BYTES

    must_refuse(f"a stream of more than {limit} bytes", subject.open, heads_of(subject)[0], stream(), by=(Malformed,))
    demand(taken <= limit + SLACK_BYTES, f"{taken} bytes were taken before the refusal, the limit is {limit}")


@each_fixture("C56", "document type declarations and entities are refused")
def doctype(subject: Subject, fixture: Fixture) -> None:
    if fixture.path.suffix != ".xml" or "refused" in outcome(subject, fixture):
        return
    text = fixture.body
    start = text.index(b"?>") + 2 if text.startswith(b"<?xml") else 0
    declared = text[:start] + b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]>' + text[start:]
    must_refuse(f"{fixture.id} with a DOCTYPE", subject.read, fixture.head, declared, by=UNREADABLE)


def heads_of(subject: Subject) -> list[Head]:
    """The different heads the fixtures come with; a plain one where there are none."""
    found = {repr(fixture.head): fixture.head for fixture in fixtures_in(subject.fixtures)}
    return list(found.values()) or [Head("POST", "/", {"content-type": kind}) for kind in MEDIA_TYPES.values()]
