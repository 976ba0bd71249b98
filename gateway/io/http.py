"""Calls to counterparts, with the one distinction that matters afterwards: did it certainly not happen, or may it have?

httpx over aiohttp's sockets, without ``httpx.AsyncClient``: a client keeps cookies (one hotel's session would leak into
the next one's calls), reads proxies from the environment (past the address check) and logs full URLs. It would also
cost a quarter more CPU.

The transport's own error classes can't be used for the distinction. It reports every lost connection as
``httpx.ConnectTimeout``, a reset after the counterpart has read everything included, and aiohttp repeats PUT, DELETE
and GET by itself once a kept connection turns out closed. Therefore failures are sorted where they arise, by a
middleware of aiohttp.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import zlib
from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import Self

import aiohttp
import httpx
import structlog
from aiohttp.abc import AbstractResolver
from aiohttp.client_reqrep import ClientRequest, ClientResponse
from aiohttp.connector import Connection
from aiohttp.tracing import Trace
from httpx_aiohttp import AiohttpTransport

from gateway.contract import Reply, Request
from gateway.errors import GatewayError, OutcomeUnknown, Reason, Rejected, Retryable
from gateway.io.network import CheckedResolver, NetworkPolicy, logged_url

log = structlog.get_logger(__name__)

ANSWER_BYTES_MAX = 20 * 1024 * 1024
CONNECTIONS_MAX = 256
# So that one counterpart that has stopped answering cannot hold all connections.
CONNECTIONS_PER_HOST_MAX = 32
CONNECT_S_MAX = 10.0
# Common servers close idle connections after 5 s (Apache, Node, uvicorn). A request on a connection that is closed in
# the same moment ends with an unknown outcome, so ours are given up earlier.
KEEPALIVE_S = 4.0
DNS_CACHE_S = 10
# A full sync has megabytes: written as one, it would hold up the event loop.
PIECE_BYTES = 256 * 1024
HEADERS = {"user-agent": "hotel-gateway", "accept": "*/*", "accept-encoding": "gzip"}
ENCODINGS = ("gzip", "x-gzip", "deflate")
GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class HttpCaller:
    """All outgoing HTTP of a process, over one pool of connections. Redirects are answers like others, not followed.

    ``resolver`` answers names instead of the system; its answers are checked all the same.
    """

    def __init__(
        self,
        policy: NetworkPolicy | None = None,
        *,
        answer_bytes_max: int = ANSWER_BYTES_MAX,
        tls: ssl.SSLContext | None = None,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._policy = policy or NetworkPolicy()
        self._answer_bytes_max = answer_bytes_max
        self._tls = tls or httpx.create_ssl_context(trust_env=False)
        self._resolver = resolver
        # aiohttp's pool belongs to a running event loop, so the transport is given the means to open it when first
        # used.
        self._transport = AiohttpTransport(verify=self._tls, client=self._open_session)

    async def call(self, request: Request, *, timeout_s: float) -> Reply:
        """Whatever was answered, with any content encoding undone. ``timeout_s`` covers all of it, up to the last byte.

        Raises :class:`Rejected` (we don't connect there or can't say that), :class:`Retryable` (nothing has left) and
        :class:`OutcomeUnknown`. Cancelling it leaves the outcome just as unknown.
        """
        try:
            outgoing = self._outgoing(request, timeout_s)
            async with asyncio.timeout(timeout_s):
                return await self._exchange(outgoing)
        except TimeoutError:
            error: GatewayError = OutcomeUnknown(f"no answer within {timeout_s:g} s")
        except GatewayError as sorted_failure:
            error = sorted_failure
        # What the middleware cannot see: the connection is lost while the body of the answer comes in.
        except (httpx.HTTPError, aiohttp.ClientError, OSError) as failure:
            error = OutcomeUnknown(f"the answer broke off ({_cause(failure)})")
        log.info("call_failed", method=request.method, url=logged_url(request.url), error=repr(error))
        # Not chained, because the texts of aiohttp's errors hold the full URL.
        raise error from None

    async def close(self) -> None:
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def _open_session(self) -> aiohttp.ClientSession:
        connector = _CleanConnector(
            ssl=self._tls,
            resolver=CheckedResolver(self._policy, self._resolver),
            limit=CONNECTIONS_MAX,
            limit_per_host=CONNECTIONS_PER_HOST_MAX,
            keepalive_timeout=KEEPALIVE_S,
            ttl_dns_cache=DNS_CACHE_S,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            middlewares=(_sort_failures,),
            skip_auto_headers=("Content-Type",),
        )

    def _outgoing(self, request: Request, timeout_s: float) -> httpx.Request:
        url = self._policy.check_url(request.url)
        for name, value in request.headers.items():
            if not value.isascii() or CONTROL_CHARACTERS.search(value):
                raise Rejected(f"the header {name!r} holds characters no header may have", Reason.INVALID_VALUE)
        # Shorter than the whole by enough to be over first: then a timeout of the whole means that we had a connection.
        connect_s = min(CONNECT_S_MAX, timeout_s / 2)
        limits = {"connect": connect_s, "pool": connect_s, "read": None, "write": None}
        headers = {**HEADERS, **{name.lower(): value for name, value in request.headers.items()}}
        content: bytes | AsyncIterator[bytes] = request.body
        if len(request.body) > PIECE_BYTES:
            headers["content-length"] = str(len(request.body))
            content = _pieces(request.body)
        return httpx.Request(request.method, url, headers=headers, content=content, extensions={"timeout": limits})

    async def _exchange(self, outgoing: httpx.Request) -> Reply:
        response = await self._transport.handle_async_request(outgoing)
        try:
            body = await self._read(response)
        finally:
            await response.aclose()
        headers = _joined(response.headers.raw)
        if encoding := headers.pop("content-encoding", ""):
            body = self._decoded(body, encoding.lower())
        return Reply(response.status_code, headers, body)

    async def _read(self, response: httpx.Response) -> bytes:
        chunks: list[bytes] = []
        size = 0
        async for chunk in response.aiter_raw():
            size += len(chunk)
            if size > self._answer_bytes_max:
                raise OutcomeUnknown("answer too large")
            chunks.append(chunk)
        return b"".join(chunks)

    def _decoded(self, body: bytes, encoding: str) -> bytes:
        """Not left to httpx, which would unpack a small bomb in full before anyone could count its bytes."""
        if encoding == "identity" or not body:
            return body
        if encoding not in ENCODINGS:
            raise OutcomeUnknown(f"an answer in the content encoding {encoding!r}, which we didn't offer")
        decoder = zlib.decompressobj(GZIP_OR_ZLIB)
        try:
            decoded = decoder.decompress(body, self._answer_bytes_max + 1)
        except zlib.error:
            raise OutcomeUnknown("an answer that cannot be unpacked") from None
        if len(decoded) > self._answer_bytes_max:
            raise OutcomeUnknown("answer too large")
        if not decoder.eof:
            raise OutcomeUnknown("an answer that cannot be unpacked")
        return decoded


class _CleanConnector(aiohttp.TCPConnector):
    """Never hands out a kept connection on which something unasked for has arrived (a late 408, a second answer).

    aiohttp would take those bytes for the answer to the next request, which may be another hotel's.
    """

    async def connect(self, req: ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout) -> Connection:
        connection = await super().connect(req, traces, timeout)
        while connection.protocol is not None and connection.protocol.should_close:
            connection.close()
            connection = await super().connect(req, traces, timeout)
        return connection


async def _sort_failures(request: ClientRequest, handler: aiohttp.ClientHandlerType) -> ClientResponse:
    """Says for each failure up to the head of the answer whether the request may have left.

    aiohttp repeats only on errors of its own classes, so raising ours also ends its silent repetition.
    """
    try:
        return await handler(request)
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as failure:
        # Both arise only while a connection is waited for, resolved, opened or agrees on TLS.
        raise Retryable(f"no connection ({_cause(failure)})") from None
    except aiohttp.InvalidURL:
        raise Rejected("no such host", Reason.INVALID_VALUE) from None
    except (aiohttp.ClientError, OSError) as failure:
        raise OutcomeUnknown(f"the connection was lost or the answer is not HTTP ({_cause(failure)})") from None


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), PIECE_BYTES):
        yield body[start : start + PIECE_BYTES]


def _joined(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Names in lower case, a repeated header as one with commas (RFC 9110 section 5.3)."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _cause(failure: BaseException) -> str:
    """What went wrong, without the URL that the errors of aiohttp show."""
    system_error = failure.os_error if isinstance(failure, aiohttp.ClientConnectorError) else failure
    reason = system_error.strerror if isinstance(system_error, OSError) else None
    return reason or type(failure).__name__
