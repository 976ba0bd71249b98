"""C70 to C72: who knocks."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from gateway.contract import Head, Site
from gateway.errors import Unauthentic
from gateway.testing.case import case, inbound
from gateway.testing.fixtures import fixtures_in, outcome
from gateway.testing.subject import NOW_MS, PASSWORD, USERNAME, Subject, demand, must_refuse, refusal_of

HINT = "; if the dialect does not log in by HTTP Basic, hand over show= that puts user and password where they belong"
BAD_LOGINS = {
    "a wrong password": (USERNAME, "wrong-pass"),
    "a password that lacks its last character": (USERNAME, PASSWORD[:-1]),
    "a password that is too long": (USERNAME, f"{PASSWORD}x"),
    "a password in capitals": (USERNAME, PASSWORD.upper()),
    "an empty password": (USERNAME, ""),
    "another user": ("somebody-else", PASSWORD),
    "an empty user": ("", PASSWORD),
    "an empty login": ("", ""),
}
GARBAGE = ("", "Basic", "Basic ", "Basic !!!", "Basic bm9jb2xvbg==", "Basic /w==", "Bearer abc", "Digest x", "ä")


@case("C70", "the right login is let in", inbound)
def right_login(subject: Subject) -> None:
    for head, body, what in _messages(subject):
        refusal = refusal_of(f"{what}, right login", _verify, subject, *subject.show(head, body, USERNAME, PASSWORD))
        demand(refusal is None, f"{what}: the right login was refused: {refusal!r}{HINT}")


@case("C71", "a wrong login, or none, is refused", inbound)
def wrong_login(subject: Subject) -> None:
    for head, body, what in _messages(subject):
        for login, (username, password) in BAD_LOGINS.items():
            shown = subject.show(head, body, username, password)
            must_refuse(f"{what} with {login}", _verify, subject, *shown, by=(Unauthentic,))
        without = {name: value for name, value in head.headers.items() if name != "authorization"}
        bare = Head(head.method, head.path, without)
        must_refuse(f"{what} without a login", _verify, subject, bare, body, by=(Unauthentic,))
        for value in GARBAGE:
            garbled = Head(head.method, head.path, {**without, "authorization": value})
            must_refuse(f"{what} with Authorization {value!r}", _verify, subject, garbled, body, by=(Unauthentic,))


@case("C72", "an account without a login lets nobody in", inbound)
def no_login_kept(subject: Subject) -> None:
    open_door = msgspec.structs.replace(subject.site, inbound_username="", check_inbound=None)
    blank = msgspec.structs.replace(subject.site, inbound_username="", check_inbound=lambda password: password == "")
    for head, body, what in _messages(subject):
        for username, password in ((USERNAME, PASSWORD), ("", "")):
            shown = subject.show(head, body, username, password)
            for site in (open_door, blank):
                if site is blank and password:
                    continue
                text = f"{what}, nothing to check against, {username or 'an empty user'}"
                must_refuse(text, _verify, subject, *shown, site, by=(Unauthentic,))


def _verify(subject: Subject, head: Head, body: bytes, site: Site | None = None) -> None:
    document = subject.open(head, [body])
    subject.connector.verify(document, site or subject.site, NOW_MS)


def _messages(subject: Subject) -> Iterator[tuple[Head, bytes, str]]:
    """One readable fixture of every kind of message."""
    seen = set()
    for fixture in fixtures_in(subject.fixtures):
        kind = fixture.id.rpartition("/")[0]
        if kind not in seen and "refused" not in outcome(subject, fixture):
            seen.add(kind)
            yield fixture.head, fixture.body, fixture.id
