"""What a call reports when the other side, the network or we ourselves fail, on real sockets."""

from __future__ import annotations

import asyncio
import gzip
import logging
import traceback
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext, create_default_context

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from structlog.testing import capture_logs

from gateway.contract import Reply, Request
from gateway.errors import OutcomeUnknown, Rejected, Retryable
from gateway.io import http
from gateway.io.http import HttpCaller
from gateway.io.network import NetworkPolicy
from tests.io.counterpart import Conversation, Peer, answering, closed_port, counterpart, turns

LOOPBACK = NetworkPolicy(("127.0.0.0/8",))
LONG_S = 30.0
SHORT_S = 0.2


@pytest.fixture
async def caller() -> AsyncIterator[HttpCaller]:
    async with HttpCaller(LOOPBACK) as opened:
        yield opened


def post(url: str, body: bytes = b"<ping/>", method: str = "POST", **headers: str) -> Request:
    return Request(method, url, {"Content-Type": "text/xml", **headers}, body)


# --- a call that comes through ----------------------------------------------------------------------------------------


async def test_request_arrives_as_said_and_nothing_is_added_that_changes_its_meaning(caller: HttpCaller) -> None:
    async with counterpart(answering) as server:
        request = Request("POST", f"{server.url}/a%2Fb/%C3%BC?x=%2B%26+1", {"SOAPAction": '"do"'}, b"<ping/>")
        reply = await caller.call(request, timeout_s=LONG_S)
        assert (reply.status, reply.body) == (200, b"ok")
    head, body = server.requests[0].split(b"\r\n\r\n")
    start, *fields = head.decode().split("\r\n")
    assert start == "POST /a%2Fb/%C3%BC?x=%2B%26+1 HTTP/1.1"
    assert body == b"<ping/>"
    assert sorted(field.lower() for field in fields) == [
        "accept-encoding: gzip",
        "accept: */*",
        "content-length: 7",
        f"host: 127.0.0.1:{server.port}",
        'soapaction: "do"',
        "user-agent: hotel-gateway",
    ]


@pytest.mark.parametrize("size", [0, 1, http.PIECE_BYTES, http.PIECE_BYTES + 1, 3_000_000])
async def test_body_of_any_size_arrives_whole_with_its_length(caller: HttpCaller, size: int) -> None:
    body = bytes(range(256)) * (size // 256) + bytes(size % 256)
    async with counterpart(answering) as server:
        await caller.call(post(server.url, body), timeout_s=LONG_S)
    head, received = server.requests[0].split(b"\r\n\r\n", 1)
    assert received == body
    assert f"content-length: {size}" in head.decode().lower().split("\r\n")
    assert b"transfer-encoding" not in head.lower()


async def test_header_names_come_in_lower_case_and_repeated_ones_joined(caller: HttpCaller) -> None:
    async def conversation(peer: Peer) -> None:
        await peer.request()
        await peer.answer(headers="X-Request-ID: 7\r\nVia: a\r\nVIA: b\r\n")

    async with counterpart(conversation) as server:
        reply = await caller.call(post(server.url), timeout_s=LONG_S)
    assert reply == Reply(200, {"x-request-id": "7", "via": "a, b", "content-length": "2"}, b"ok")


async def test_one_connection_serves_many_calls(caller: HttpCaller) -> None:
    async with counterpart(answering) as server:
        for _ in range(3):
            await caller.call(post(server.url), timeout_s=LONG_S)
        assert (server.connections, len(server.requests)) == (1, 3)


async def test_redirect_is_an_answer_and_not_followed(caller: HttpCaller) -> None:
    async def conversation(peer: Peer) -> None:
        await peer.request()
        await peer.answer(status="307 Elsewhere", headers=f"Location: {peer.server.url}/other\r\n")

    async with counterpart(conversation) as server:
        assert (await caller.call(post(server.url), timeout_s=LONG_S)).status == 307
        assert len(server.requests) == 1


async def test_cookies_of_one_call_do_not_reach_the_next(caller: HttpCaller) -> None:
    async def conversation(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.answer(headers="Set-Cookie: session=hotel-a; Path=/\r\n")

    async with counterpart(conversation) as server:
        for _ in range(2):
            await caller.call(post(f"{server.url}/"), timeout_s=LONG_S)
        assert b"hotel-a" not in server.requests[1]


async def test_proxies_of_the_environment_are_not_used(caller: HttpCaller, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    async with counterpart(answering) as server:
        assert (await caller.call(post(server.url), timeout_s=LONG_S)).status == 200


async def test_early_answer_to_a_body_nobody_reads_is_taken(caller: HttpCaller) -> None:
    async def conversation(peer: Peer) -> None:
        await peer.head()
        await peer.answer(b"too long", status="413 Content Too Large")
        await asyncio.Event().wait()

    async with counterpart(conversation) as server:
        reply = await caller.call(post(server.url, bytes(8_000_000)), timeout_s=LONG_S)
    assert (reply.status, reply.body) == (413, b"too long")


# --- nothing has left: it may be tried again --------------------------------------------------------------------------


async def test_refused_connection_may_be_retried(caller: HttpCaller) -> None:
    with pytest.raises(Retryable, match="no connection"):
        await caller.call(post(f"http://127.0.0.1:{closed_port()}"), timeout_s=LONG_S)


async def test_unknown_name_may_be_retried(caller: HttpCaller) -> None:
    with pytest.raises(Retryable):
        await caller.call(post("http://nowhere.invalid"), timeout_s=LONG_S)


async def test_name_service_that_never_answers_may_be_retried() -> None:
    async with HttpCaller(LOOPBACK, resolver=SilentResolver()) as caller:
        with pytest.raises(Retryable):
            await caller.call(post("http://hotel.example"), timeout_s=SHORT_S)


async def test_failed_tls_handshake_may_be_retried(caller: HttpCaller) -> None:
    async def conversation(peer: Peer) -> None:
        await peer.reader.read(1)
        await peer.send(b"HTTP/1.1 400 this is no TLS\r\n\r\n")

    async with counterpart(conversation) as server:
        with pytest.raises(Retryable):
            await caller.call(post(f"https://127.0.0.1:{server.port}"), timeout_s=LONG_S)


async def test_tls_handshake_that_hangs_may_be_retried(caller: HttpCaller) -> None:
    async with counterpart(hang_up_never) as server:
        with pytest.raises(Retryable):
            await caller.call(post(f"https://127.0.0.1:{server.port}"), timeout_s=SHORT_S)


async def test_untrusted_certificate_stops_the_call_before_anything_is_sent(caller: HttpCaller, tmp_path: Path) -> None:
    served, trusting = certificate_for_loopback(tmp_path)
    async with counterpart(answering, tls=served) as server:
        with pytest.raises(Retryable, match=r"(?i)certificate"):
            await caller.call(post(server.url), timeout_s=LONG_S)
        assert not server.requests
        async with HttpCaller(LOOPBACK, tls=trusting) as trusted:
            assert (await trusted.call(post(server.url), timeout_s=LONG_S)).status == 200


async def test_waiting_for_a_free_connection_may_be_retried(
    caller: HttpCaller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "CONNECTIONS_PER_HOST_MAX", 1)
    received = asyncio.Event()

    async def conversation(peer: Peer) -> None:
        await peer.request()
        received.set()
        await asyncio.Event().wait()

    async with counterpart(conversation) as server:
        holder = asyncio.create_task(caller.call(post(server.url), timeout_s=LONG_S))
        await received.wait()
        with pytest.raises(Retryable):
            await caller.call(post(server.url), timeout_s=SHORT_S)
        assert len(server.requests) == 1
        holder.cancel()
        with pytest.raises(asyncio.CancelledError):
            await holder


# --- the request may have arrived: the outcome is unknown -------------------------------------------------------------


async def reset_without_reading(peer: Peer) -> None:
    peer.reset()


async def reset_after_reading(peer: Peer) -> None:
    await peer.request()
    peer.reset()


async def close_after_reading(peer: Peer) -> None:
    await peer.request()


async def hang_up_never(peer: Peer) -> None:
    await asyncio.Event().wait()


async def answer_garbage(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"\x00\x01garbage\r\n\r\n")


async def answer_half_a_head(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 200 OK\r\nContent-Le")


async def answer_half_a_body(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")


async def answer_half_a_chunk(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc")


async def answer_broken_chunks(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc")


async def answer_an_endless_head(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n")


async def reset_in_the_body(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
    await turns()
    peer.reset()


@pytest.mark.parametrize("method", ["POST", "PUT", "GET"])
@pytest.mark.parametrize(
    "conversation",
    [
        reset_without_reading,
        reset_after_reading,
        close_after_reading,
        answer_garbage,
        answer_half_a_head,
        answer_half_a_body,
        answer_half_a_chunk,
        answer_broken_chunks,
        answer_an_endless_head,
        reset_in_the_body,
    ],
)
async def test_connection_lost_once_it_stood_leaves_the_outcome_unknown(
    caller: HttpCaller, conversation: Conversation, method: str
) -> None:
    async with counterpart(conversation) as server:
        with pytest.raises(OutcomeUnknown):
            await caller.call(post(server.url, method=method), timeout_s=LONG_S)
        assert server.connections == 1


async def stall_before_answering(peer: Peer) -> None:
    await peer.request()
    await asyncio.Event().wait()


async def stall_in_the_body(peer: Peer) -> None:
    await answer_half_a_body(peer)
    await asyncio.Event().wait()


async def drip(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        await peer.send(b"1\r\na\r\n")
        await asyncio.sleep(SHORT_S / 20)


@pytest.mark.parametrize("conversation", [hang_up_never, stall_before_answering, stall_in_the_body, drip])
async def test_time_is_up_for_the_answer_as_a_whole(caller: HttpCaller, conversation: Conversation) -> None:
    async with counterpart(conversation) as server:
        with pytest.raises(OutcomeUnknown, match=r"no answer within 0\.2 s"):
            await caller.call(post(server.url), timeout_s=SHORT_S)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "GET"])
async def test_kept_connection_closed_in_the_same_moment_is_not_repeated_in_silence(
    caller: HttpCaller, method: str
) -> None:
    async def conversation(peer: Peer) -> None:
        await peer.request()
        await peer.answer()
        await peer.request()

    async with counterpart(conversation) as server:
        await caller.call(post(server.url, method=method), timeout_s=LONG_S)
        with pytest.raises(OutcomeUnknown):
            await caller.call(post(server.url, method=method), timeout_s=LONG_S)
        assert (server.connections, len(server.requests)) == (1, 2)


async def test_kept_connection_known_to_be_closed_is_replaced(caller: HttpCaller) -> None:
    async def conversation(peer: Peer) -> None:
        await peer.request()
        await peer.answer()

    async with counterpart(conversation) as server:
        for _ in range(2):
            await caller.call(post(server.url), timeout_s=LONG_S)
            await turns()
        assert (server.connections, len(server.requests)) == (2, 2)


async def test_unasked_answer_on_a_kept_connection_is_not_taken_for_the_next_one(caller: HttpCaller) -> None:
    async def conversation(peer: Peer) -> None:
        await peer.request()
        await peer.answer(b"first")
        await turns()
        await peer.answer(b"nobody asked", status="408 Request Timeout")
        await peer.request()

    async def second(peer: Peer) -> None:
        await (conversation if peer.server.connections == 1 else answering)(peer)

    async with counterpart(second) as server:
        assert (await caller.call(post(server.url), timeout_s=LONG_S)).body == b"first"
        await turns(60)
        assert (await caller.call(post(server.url), timeout_s=LONG_S)).body == b"ok"
        assert server.connections == 2


# --- answers of the wrong size or encoding ----------------------------------------------------------------------------


async def call_for(body: bytes, encoding: str = "", bytes_max: int = 1000) -> Reply:
    async def conversation(peer: Peer) -> None:
        await peer.request()
        await peer.answer(body, headers=f"Content-Encoding: {encoding}\r\n" if encoding else "")

    async with counterpart(conversation) as server, HttpCaller(LOOPBACK, answer_bytes_max=bytes_max) as caller:
        return await caller.call(post(server.url), timeout_s=LONG_S)


async def test_answer_may_have_just_the_greatest_size() -> None:
    assert (await call_for(bytes(1000))).body == bytes(1000)
    with pytest.raises(OutcomeUnknown, match="answer too large"):
        await call_for(bytes(1001))


async def test_endless_answer_is_cut_off() -> None:
    cut_off = asyncio.Event()

    async def conversation(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                await peer.send(b"3e8\r\n" + bytes(1000) + b"\r\n")
        except ConnectionError:
            cut_off.set()

    async with counterpart(conversation) as server, HttpCaller(LOOPBACK, answer_bytes_max=100_000) as caller:
        with pytest.raises(OutcomeUnknown, match="answer too large"):
            await caller.call(post(server.url), timeout_s=LONG_S)
        async with asyncio.timeout(LONG_S):
            await cut_off.wait()


async def test_packed_answer_is_unpacked_and_no_longer_says_so() -> None:
    reply = await call_for(gzip.compress(b"<pong/>"), "gzip")
    assert reply.body == b"<pong/>"
    assert "content-encoding" not in reply.headers


@pytest.mark.parametrize(
    ("body", "encoding", "text"),
    [
        (gzip.compress(bytes(100_000)), "gzip", "too large"),
        (gzip.compress(b"<pong/>")[:-4], "gzip", "cannot be unpacked"),
        (b"<pong/>", "gzip", "cannot be unpacked"),
        (b"<pong/>", "br", "'br'"),
    ],
    ids=["endless", "cut off", "not packed", "unknown packing"],
)
async def test_answer_that_cannot_be_unpacked_leaves_the_outcome_unknown(body: bytes, encoding: str, text: str) -> None:
    with pytest.raises(OutcomeUnknown, match=text):
        await call_for(body, encoding)


# --- requests we refuse to make, and what is written down -------------------------------------------------------------


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\x00b", "Zoë"])
async def test_header_that_is_none_is_refused_before_connecting(caller: HttpCaller, value: str) -> None:
    async with counterpart(answering) as server:
        with pytest.raises(Rejected, match="X-Name"):
            await caller.call(Request("POST", server.url, {"X-Name": value}, b""), timeout_s=LONG_S)
        assert server.connections == 0


@pytest.mark.parametrize("conversation", [reset_after_reading, answer_garbage, answer_half_a_body])
async def test_failure_shows_the_url_without_its_query(
    caller: HttpCaller, conversation: Conversation, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with counterpart(conversation) as server:
        request = post(f"{server.url}/ari?token=s3cret#s3cret")
        with capture_logs() as logs, pytest.raises(OutcomeUnknown) as raised:
            await caller.call(request, timeout_s=LONG_S)
    assert [(entry["event"], entry["url"]) for entry in logs] == [("call_failed", f"{server.url}/ari")]
    assert "s3cret" not in str(logs) + caplog.text + "".join(traceback.format_exception(raised.value))


# --- aids -------------------------------------------------------------------------------------------------------------


class SilentResolver(AbstractResolver):
    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        await asyncio.Event().wait()
        return []

    async def close(self) -> None:
        return None


def certificate_for_loopback(folder: Path) -> tuple[SSLContext, SSLContext]:
    """What a server shows, and a client's context that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "counterpart")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(private + pem)
    served = SSLContext(PROTOCOL_TLS_SERVER)
    served.load_cert_chain(folder / "server.pem")
    return served, create_default_context(cadata=pem.decode())
