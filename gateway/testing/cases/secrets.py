"""C60 to C62: credentials and card numbers stay out of archives, errors and reservations."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from gateway.contract import Head, Reply
from gateway.errors import Refusal
from gateway.messages import ReservationReceived
from gateway.model.ari import Field
from gateway.testing.case import case, each_fixture, inbound, outbound
from gateway.testing.cases.replies import decode, one_of_each
from gateway.testing.fixtures import Fixture, fixtures_in
from gateway.testing.leaves import variants
from gateway.testing.samples import kind_of, push, update_of
from gateway.testing.subject import PASSWORD, TEST_CARD, USERNAME, Subject, demand, refusal_of

SEED = 20310106
CARD_FORMS = (TEST_CARD, "4111 1111 1111 1111", "4111-1111-1111-1111")
CUTS = 25


@case("C60", "our credentials stay out of errors and outcomes", outbound)
def own_credentials(subject: Subject) -> None:
    for field in set(Field) - subject.declared.fields:
        command = push(kind_of(field), [update_of(field, subject)])
        _hides(subject.secrets, refusal_of(f"encode {field!r}", subject.encode, command), "the refusal of a field")
    for command in one_of_each(subject):
        request = subject.encode(command)
        echo = request.body + b"\n" + request.headers.get("authorization", "").encode()
        for status in (200, 400, 401, 500):
            reply = Reply(status, {"content-type": "text/plain"}, echo)
            ended = decode(subject, command, reply, f"status {status} echoing the request")
            _hides(subject.secrets, ended, f"the outcome of status {status} echoing the request")


@case("C61", "their credentials stay out of archives and errors", inbound)
def shown_credentials(subject: Subject) -> None:
    dice = Random(SEED)
    for fixture in fixtures_in(subject.fixtures):
        head, body = subject.show(fixture.head, fixture.body, USERNAME, PASSWORD)
        _opened_hides(subject, head, body, fixture.id)
        for end in (dice.randrange(len(body)) for _ in range(CUTS)):
            _opened_hides(subject, head, body[:end], f"{fixture.id} cut off after {end} bytes")


@each_fixture("C62", "card numbers stay out of archives, errors and remarks")
def cards(subject: Subject, fixture: Fixture) -> None:
    for place, body in variants(fixture, CARD_FORMS, Random(SEED)):
        what = f"{fixture.id} with a card number as {place}"
        refusal_of(what, _read_hiding_cards, subject, fixture.head, body, what)


def _read_hiding_cards(subject: Subject, head: Head, body: bytes, what: str) -> None:
    try:
        reading = subject.read(head, body)
    except Refusal as refusal:
        _hides(CARD_FORMS, refusal, f"{what}: the refusal")
        _refused_archive_hides(subject, head, body, what)
        return
    _hides(CARD_FORMS, reading.document.archive, f"{what}: the archive")
    for event in reading.events:
        if isinstance(event, ReservationReceived):
            content = event.revision.content
            remarks = (content.comments, content.card_mask, content.guarantee, [s.comments for s in content.stays])
            _hides(CARD_FORMS, repr(remarks), f"{what}: the reservation")
            demand(not event.cards, f"{what}: numbers of cards are read, though the site does not ask for them")


def _refused_archive_hides(subject: Subject, head: Head, body: bytes, what: str) -> None:
    """A document that opens and is refused later has been archived all the same."""
    try:
        document = subject.open(head, [body])
    except Refusal:
        return
    _hides(CARD_FORMS, document.archive, f"{what}: the archive")


def _opened_hides(subject: Subject, head: Head, body: bytes, what: str) -> None:
    try:
        document = subject.open(head, [body])
    except Refusal as refusal:
        _hides(subject.secrets, refusal, f"{what}: the refusal")
        return
    _hides(subject.secrets, document.archive, f"{what}: the archive")


def _hides(secrets: Iterable[str], shown: object, where: str) -> None:
    """Fails if any secret can be read in bytes, in an error's text, arguments and causes, or in a value's repr."""
    text = "\n".join(_texts(shown))
    for secret in secrets:
        demand(secret not in text, f"{where} shows {secret[:4]}…: {text[:300]}")


def _texts(shown: object) -> list[str]:
    if isinstance(shown, bytes | bytearray):
        return [shown.decode("utf-8", "replace")]
    if isinstance(shown, BaseException):
        return [str(shown), repr(shown), *_chained(shown)]
    return [shown if isinstance(shown, str) else repr(shown)]


def _chained(error: BaseException) -> list[str]:
    """A logged traceback prints what led to an error too, unless the context is suppressed."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return [str(before), repr(before), *_chained(before)] if before else []
