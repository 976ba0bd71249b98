"""C80 to C85: every message gets an answer, in the sender's own shape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec
from lxml import etree

from gateway.contract import Document, Reply
from gateway.errors import Malformed, Reason, Refusal, Rejected, Unauthentic, Unmapped, Unsupported
from gateway.messages import (
    Applied,
    Event,
    Found,
    OffersAsked,
    PingReceived,
    PlansAsked,
    Pong,
    ProfileAsked,
    ProfileFound,
    Query,
    ReservationReceived,
    ReservationsAsked,
    Result,
    SaleAsked,
    Taken,
)
from gateway.testing.case import both, case, each_fixture, inbound
from gateway.testing.cases.replies import decode, one_of_each, succeeded
from gateway.testing.fixtures import Fixture, outcome
from gateway.testing.samples import outgoing, plans_found
from gateway.testing.sealed import sealed
from gateway.testing.selling import offers_found, sold
from gateway.testing.subject import NOW_MS, Nonconforming, Reading, Subject, demand, refusal_of


def _is_asked(subject: Subject) -> bool:
    return inbound(subject) and ReservationsAsked in subject.declared.events


HOSTILE_TEXTS = ("", "<&>\"']]>", "\x00\x01\x1f\x7f", "\ufffe", "é中\U0001f6cf", "x" * 20_000, "a\r\nSet-Cookie: b=c")


def results_for(subject: Subject, events: Sequence[Event | Query], warnings: tuple[str, ...] = ()) -> list[Result]:
    """What a flow answers when everything goes well."""
    return [_success(subject, event, warnings) for event in events]


@each_fixture("C80", "every kind of result is answered")
def every_result(subject: Subject, fixture: Fixture) -> None:
    reading = _readable(subject, fixture)
    if reading is None:
        return
    good = _answer(subject, reading, results_for(subject, reading.events), f"{fixture.id} answered")
    warned = results_for(subject, reading.events, ("mind the gap <&>",))
    _answer(subject, reading, warned, f"{fixture.id} answered with a warning")
    for error in all_refusals():
        results: list[Result] = [error for _ in reading.events]
        bad = _answer(subject, reading, results, f"{fixture.id} answered with {error!r}")
        differ = (good.status, good.body) != (bad.status, bad.body)
        demand(differ, f"{fixture.id}: {error!r} is answered like a success")


@case("C81", "every reason has a refusal, even of what could not be read", inbound)
def every_reason(subject: Subject) -> None:
    for error in all_refusals():
        _well_formed(_refuse(subject, None, error), f"refuse(None, {error!r})")


@each_fixture("C82", "every reason has a refusal of a message that was read")
def every_reason_read(subject: Subject, fixture: Fixture) -> None:
    reading = _readable(subject, fixture)
    for error in all_refusals() if reading else ():
        document = reading.document if reading else None
        _well_formed(_refuse(subject, document, error), f"refuse({fixture.id}, {error!r})")


@case("C83", "whatever an error says, its refusal is well formed", inbound)
def hostile_texts(subject: Subject) -> None:
    for text in HOSTILE_TEXTS:
        error = Malformed(text, path=text, record=text)
        reply = _refuse(subject, None, error)
        _well_formed(reply, f"a refusal that says {text[:20]!r}")


@case("C84", "its own answers mean to it what they meant", both)
def hears_itself(subject: Subject) -> None:
    for command in one_of_each(subject):
        head, body = subject.own(command)
        if refusal_of("its own request", subject.read, head, body):
            continue
        reading = subject.read(head, body)
        good = _answer(subject, reading, results_for(subject, reading.events), "its own request answered")
        ended = decode(subject, command, good, "its own acknowledgement")
        demand(succeeded(ended), f"its own acknowledgement of {type(command).__name__} was read as {ended!r}")
        for end in range(len(good.body)):
            cut = Reply(good.status, good.headers, good.body[:end])
            ended = decode(subject, command, cut, f"its acknowledgement cut off after {end} bytes")
            demand(not succeeded(ended) or not good.body[end:].strip(), f"cut off after {end} bytes, read as success")
        for error in all_refusals():
            ended = decode(subject, command, _refuse(subject, None, error), f"its own refusal for {error.reason}")
            demand(not succeeded(ended), f"its own refusal for {error.reason} was read as success")


@each_fixture("C85", "the reservations that are asked for are in the answer", _is_asked)
def found(subject: Subject, fixture: Fixture) -> None:
    reading = _readable(subject, fixture)
    if reading is None or not any(isinstance(event, ReservationsAsked) for event in reading.events):
        return
    all_of_them = outgoing(subject)
    texts = {}
    for what, result in (
        ("nothing", Found(())),
        ("some", Found(all_of_them)),
        ("a page", Found(all_of_them, more=True)),
    ):
        results: list[Result] = [
            result if isinstance(event, ReservationsAsked) else _success(subject, event, ()) for event in reading.events
        ]
        texts[what] = _answer(subject, reading, results, f"{fixture.id} answered with {what}").body.decode("utf-8")
    for what, text in texts.items():
        # A question may be for some kinds only, but hardly for none of new, changed and cancelled ones.
        shown = any(one.reservation_id in text for one in all_of_them)
        demand(shown == (what != "nothing"), f"{fixture.id} answered with {what}: the answer does not say so")


def all_refusals() -> Iterator[Refusal]:
    """One refusal for each reason, and one of each kind."""
    for reason in Reason:
        yield Rejected(f"no: {reason.value}", reason, record="17", path="/a/b[1]", line=3)
    yield from (Malformed("no"), Unauthentic("no"), Unsupported("no"), Rejected("no"), Refusal("no"))
    codes = (Reason.HOTEL, Reason.ROOM_TYPE, Reason.RATE_PLAN)
    yield from (Unmapped(reason, "X&Y<1>", record="17") for reason in codes)


def _success(subject: Subject, event: Event | Query, warnings: tuple[str, ...]) -> Result:
    match event:
        case ReservationsAsked():
            return Found(outgoing(subject))
        case ReservationReceived(hotel, revision):
            return Taken("R-2001", revision.booking_id, revision.kind.value, hotel, warnings)
        case PingReceived(echo):
            return Pong(echo)
        case PlansAsked():
            return plans_found(subject, event)
        case ProfileAsked():
            return ProfileFound(event.names, "<Profile/>")
        case OffersAsked():
            return offers_found(subject, event)
        case SaleAsked():
            return sold(subject, event)
    return Applied(warnings)


def _readable(subject: Subject, fixture: Fixture) -> Reading | None:
    return None if "refused" in outcome(subject, fixture) else subject.read(fixture.head, fixture.body)


def _answer(subject: Subject, reading: Reading, results: list[Result], what: str) -> Reply:
    with sealed() as seen, _unbroken(what):
        reply = subject.connector.answer(reading.document, subject.site, results, NOW_MS)
    demand(not seen, f"{what}: reached for {', '.join(sorted(set(seen)))}")
    return _well_formed(reply, what)


def _refuse(subject: Subject, document: Document | None, error: Refusal) -> Reply:
    what = f"refuse({error!r})"
    with sealed() as seen, _unbroken(what):
        reply: Reply = subject.connector.refuse(document, error, NOW_MS)
    demand(not seen, f"{what}: reached for {', '.join(sorted(set(seen)))}")
    return reply


@contextmanager
def _unbroken(what: str) -> Iterator[None]:
    """An answer is always possible: an exception here would leave the sender without one."""
    try:
        yield
    except Exception as error:
        raise Nonconforming(f"{what}: raised {type(error).__name__} ({error})") from error


def _well_formed(reply: object, what: str) -> Reply:
    """A status that exists, lower case headers without line breaks, and a body that is what its media type says."""
    if not isinstance(reply, Reply):
        raise Nonconforming(f"{what}: gave a {type(reply).__name__}, not a Reply")
    demand(200 <= reply.status <= 599, f"{what}: status {reply.status}")
    for name, value in reply.headers.items():
        demand(name == name.lower() and not {"\r", "\n"} & {*value, *name}, f"{what}: header {name!r}: {value!r}")
    demand(bool(reply.body), f"{what}: the body is empty")
    media_type = reply.headers.get("content-type", "")
    demand(bool(media_type), f"{what}: there is no content-type")
    fault = _syntax_fault(media_type, reply.body)
    demand(not fault, f"{what}: the body is not {media_type}: {fault}: {reply.body[:200]!r}")
    return reply


def _syntax_fault(media_type: str, body: bytes) -> str:
    try:
        if "json" in media_type:
            msgspec.json.decode(body)
        elif "xml" in media_type:
            etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True))
    except (msgspec.DecodeError, etree.XMLSyntaxError) as error:
        return str(error)
    return ""
