"""``POST /payments/{gateway}/{account}``: a callback's exact bytes in, the gateway's own acknowledgement out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from litestar import asgi

from gateway.contract import Head, Reply
from gateway.errors import Refusal
from gateway.flows.payments.callbacks import BODY_BYTES_MAX, KIND, NOT_HERE, Callbacks
from gateway.flows.services import Services
from gateway.web.inbound.endpoint import Disconnected, head_of, read_body, send_reply

if TYPE_CHECKING:
    from litestar.handlers import ASGIRouteHandler
    from litestar.types import Receive, Scope, Send

_NAME_MAX = 64


def payments_endpoint(services: Services) -> ASGIRouteHandler:
    """The route for the callbacks of all payment gateways."""
    callbacks = Callbacks(services)

    @asgi(f"/{KIND}", is_mount=True, copy_scope=False)
    async def inbound(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            reply = await _answer(callbacks, scope, receive)
        except Disconnected:
            return
        await send_reply(send, reply)

    return inbound


def _with_repeated(scope: Scope, head: Head) -> Head:
    """A header that comes twice has both values (RFC 9110, section 5.3): no signature or login fits a list.

    Otherwise one of them would count here, and perhaps the other for whoever filters in front of us.
    """
    pairs = list(scope["headers"])
    if len(pairs) == len(head.headers):
        return head
    joined: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return msgspec.structs.replace(head, headers=joined)


async def _answer(callbacks: Callbacks, scope: Scope, receive: Receive) -> Reply:
    names = str(scope["path"]).strip("/").removeprefix(f"{KIND}/").split("/")
    if len(names) != 2 or any(not 0 < len(name) <= _NAME_MAX for name in names):
        return NOT_HERE
    head = _with_repeated(scope, head_of(scope))
    if head.method != "POST":
        return Reply(405, {"allow": "POST"}, b"")
    gateway, account = names
    try:
        chunks = await read_body(head, receive, BODY_BYTES_MAX)
    except Refusal as refusal:
        return callbacks.refuse(gateway, refusal)
    return await callbacks.receive(gateway, account, head, chunks)
