"""``POST /{kind}/{connection}``: bytes in, the counterpart's own kind of answer out.

A GET is answered with a description of the interface, where its connector has one.

A bare ASGI route: there is nothing for a framework to bind here, and it costs half as much CPU as a handler.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

import structlog
from litestar import asgi

from gateway.contract import Head, Reply
from gateway.errors import Malformed, Reason, Refusal, Rejected, Unsupported
from gateway.flows import receive as receiving
from gateway.flows.services import Services
from gateway.store.database import Unavailable

if TYPE_CHECKING:
    from litestar.handlers import ASGIRouteHandler
    from litestar.types import Receive, Scope, Send

log = structlog.get_logger(__name__)

BODY_BYTES_MAX = 64 * 1024 * 1024
# A sender that has not finished does not read the answer, so what is too much is read and thrown away, to a point.
_DISCARDED_BYTES_MAX = 4 * BODY_BYTES_MAX
_CONNECTION_NAME_MAX = 64
_HOST = re.compile(r"[A-Za-z0-9.\-]{1,253}(:\d{1,5})?|\[[0-9a-fA-F:.]{2,45}\](:\d{1,5})?")


class Disconnected(Exception):
    """The sender went away before the end of the message."""


def endpoint(services: Services, kind: str) -> ASGIRouteHandler:
    """The route for one kind of counterpart, whose connector of the same name answers for unknown connections."""

    @asgi(f"/{kind}", is_mount=True, copy_scope=False)
    async def inbound(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            reply = await _answer(services, kind, scope, receive)
        except Disconnected:
            return
        await send_reply(send, reply)

    return inbound


async def send_reply(send: Send, reply: Reply) -> None:
    """The whole answer."""
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers.items()]
    headers.append((b"content-length", str(len(reply.body)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body, "more_body": False})


def head_of(scope: Scope) -> Head:
    """What was asked, as text."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    query = bytes(scope.get("query_string", b"")).decode("latin-1")
    return Head(str(scope.get("method", "GET")), str(scope["path"]), headers, query)


async def _answer(services: Services, kind: str, scope: Scope, receive: Receive) -> Reply:
    connection = str(scope["path"]).strip("/").rpartition("/")[2]
    head = head_of(scope)
    headers = head.headers
    if head.method == "GET" and (
        described := receiving.describe(services, kind, head, _url(scope, headers, f"/{kind}/{connection}"))
    ):
        return described
    try:
        if head.method != "POST":
            raise Unsupported("messages are posted here")
        if len(connection) > _CONNECTION_NAME_MAX:
            raise Malformed("that is no connection's name")
        chunks = await read_body(head, receive)
    except Refusal as refusal:
        reply = receiving.refuse_unread(services, kind, refusal)
        return Reply(405, {**reply.headers, "allow": "POST"}, reply.body) if head.method != "POST" else reply
    try:
        return await receiving.receive(services, kind, connection, head, chunks)
    except Unavailable as away:
        log.warning("not_taken", connection=connection, reason=str(away))
        later = Rejected("the message could not be stored; send it again later", Reason.UNAVAILABLE)
        return receiving.refuse_unread(services, kind, later)


def _url(scope: Scope, headers: Mapping[str, str], path: str) -> str:
    """The address that was asked, as the sender names this machine; no proxy's word is taken for it."""
    host = headers.get("host", "")
    if not _HOST.fullmatch(host):
        host = "localhost"
    return f"{scope.get('scheme', 'http')}://{host}{quote(path)}"


async def read_body(head: Head, receive: Receive, bytes_max: int = BODY_BYTES_MAX) -> list[bytes]:
    """The body as it came; raises :class:`Malformed` for more than ``bytes_max``, and :class:`Disconnected`."""
    chunks: list[bytes] = []
    size = 0
    declared = head.headers.get("content-length", "0")
    too_large = declared.isdigit() and int(declared) > bytes_max
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunk: bytes = message.get("body", b"")  # type: ignore[assignment]
        size += len(chunk)
        too_large = too_large or size > bytes_max
        if too_large:
            chunks.clear()
        elif chunk:
            chunks.append(chunk)
        if not message.get("more_body", False) or size > _DISCARDED_BYTES_MAX:
            break
    if too_large:
        raise Malformed(f"the message is larger than {bytes_max} bytes", Reason.TOO_LARGE)
    return chunks
