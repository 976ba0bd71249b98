"""Plain OpenTravel in an envelope: recognised by its root, answered in the same version."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.opentravel.ota import CONNECTOR
from connectors.opentravel.ota.document import SMALL_BYTES
from gateway.contract import Document, Head, Reply
from gateway.errors import Malformed, Reason, Rejected, Unauthentic
from gateway.messages import Applied, AriReceived, PingReceived, Pong
from gateway.wire import soap
from gateway.wire.soap import EnvelopeFault, FaultCode, Version
from gateway.wire.wsse import write_token
from gateway.wire.xml import Node, name_of, read_tree
from tests.connectors.opentravel.outbound import site

FIXTURES = Path(__file__).parents[3] / "fixtures" / "opentravel" / "ota"
SITE = site("ota-2015a")
NOW_MS = 1_925_366_401_000
HEAD = Head("POST", "/", {})
VERSIONS = list(Version)


def fixture(name: str) -> bytes:
    return (FIXTURES / f"{name}.xml").read_bytes()


def enveloped(name: str, version: Version = Version.V11, header: str = "") -> bytes:
    return soap.wrap(fixture(name).partition(b"?>\n")[2], version, header)


def open_(data: bytes, head: Head = HEAD) -> Document:
    return CONNECTOR.open(head, [data])


def message_in(reply: Reply, version: Version) -> Node:
    assert reply.headers["content-type"] == version.content_type
    envelope = soap.unwrap(read_tree(reply.body))
    assert envelope.version is version
    return envelope.payload


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["avail/limits-and-rules", "reservation/commit", "ping/ping"])
def test_it_says_what_it_says_without_an_envelope(name: str, version: Version) -> None:
    document = open_(enveloped(name, version))
    assert document.root == open_(fixture(name)).root
    assert CONNECTOR.parse(document, SITE) == CONNECTOR.parse(open_(fixture(name)), SITE)


def test_a_long_message_too() -> None:
    name = "avail/limits-and-rules"
    padding = b" " * SMALL_BYTES
    long = enveloped(name).replace(b"<soap:Body>", b"<soap:Body>" + padding[: SMALL_BYTES // 3])
    long = long.replace(b"</soap:Body>", padding[: SMALL_BYTES // 3] + b"</soap:Body>" + padding[: SMALL_BYTES // 3])
    assert len(long) > SMALL_BYTES
    (event,) = CONNECTOR.parse(open_(long), SITE)
    assert isinstance(event, AriReceived)
    assert [event] == CONNECTOR.parse(open_(fixture(name)), SITE)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_answer_is_in_an_envelope(version: Version) -> None:
    document = open_(enveloped("ping/ping", version))
    (asked,) = CONNECTOR.parse(document, SITE)
    assert isinstance(asked, PingReceived)
    reply = CONNECTOR.answer(document, SITE, [Pong(asked.echo)], NOW_MS)
    assert reply.status == 200
    assert name_of(message_in(reply, version)) == "OTA_PingRS"


def test_errors_are_an_answer_and_no_fault() -> None:
    document = open_(enveloped("avail/limits-and-rules"))
    error = Rejected("no", Reason.BUSINESS_RULE)
    for reply in (CONNECTOR.refuse(document, error, NOW_MS), CONNECTOR.answer(document, SITE, [error], NOW_MS)):
        assert reply.status == 200
        root = message_in(reply, Version.V11)
        assert (name_of(root), [name_of(one) for one in root]) == ("OTA_HotelAvailNotifRS", ["Errors"])


@pytest.mark.parametrize(("version", "status"), [(Version.V11, 500), (Version.V12, 500)])
def test_a_servers_problem_is_a_fault(version: Version, status: int) -> None:
    document = open_(enveloped("avail/limits-and-rules", version))
    reply = CONNECTOR.refuse(document, Rejected("away", Reason.UNAVAILABLE), NOW_MS)
    assert reply.status == status
    fault = soap.read_fault(soap.unwrap(read_tree(reply.body)))
    assert fault is not None
    assert fault.code is FaultCode.RECEIVER


@pytest.mark.parametrize(("version", "status"), [(Version.V11, 500), (Version.V12, 400)])
def test_an_envelope_without_one_message_is_the_senders_fault(version: Version, status: int) -> None:
    two = enveloped("ping/ping", version).replace(b"</soap:Body>", b"<x/></soap:Body>")
    with pytest.raises(EnvelopeFault) as raised:
        open_(two)
    reply = CONNECTOR.refuse(None, raised.value, NOW_MS)
    assert reply.status == status
    assert b"OTA_ErrorRS" in reply.body


def test_a_doctype_is_refused_in_an_envelope_too() -> None:
    with pytest.raises(Malformed) as raised:
        open_(b"<!DOCTYPE a []>" + enveloped("ping/ping").partition(b"?>\n")[2])
    assert raised.value.reason is Reason.FORBIDDEN_CONTENT


def test_a_username_token_lets_in() -> None:
    token = write_token("partner", "partner-secret")
    CONNECTOR.verify(open_(enveloped("ping/ping", header=token)), SITE, NOW_MS)


def test_a_token_comes_before_what_http_shows() -> None:
    basic = Head("POST", "/", {"authorization": "Basic cGFydG5lcjpwYXJ0bmVyLXNlY3JldA=="})
    CONNECTOR.verify(open_(enveloped("ping/ping"), basic), SITE, NOW_MS)
    wrong = open_(enveloped("ping/ping", header=write_token("partner", "guess")), basic)
    twice = open_(enveloped("ping/ping", header=write_token("partner", "partner-secret") * 2), basic)
    for document in (wrong, twice):
        with pytest.raises(Unauthentic) as raised:
            CONNECTOR.verify(document, SITE, NOW_MS)
        reply = CONNECTOR.refuse(document, raised.value, NOW_MS)
        assert (reply.status, name_of(message_in(reply, Version.V11))) == (401, "OTA_PingRS")


def test_a_password_does_not_reach_the_archive() -> None:
    document = open_(enveloped("ping/ping", header=write_token("partner", "partner-secret")))
    assert b"partner-secret" not in document.archive


def test_a_plain_message_is_answered_plainly() -> None:
    document = open_(fixture("avail/limits-and-rules"))
    reply = CONNECTOR.answer(document, SITE, [Applied()], NOW_MS)
    assert name_of(read_tree(reply.body)) == "OTA_HotelAvailNotifRS"
