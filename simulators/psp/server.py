"""A payment gateway over HTTP: its interface, pages for guests, controls, and the callbacks it sends.

    /guest/{order}      a page to pay an order on, as the guest's browser sees it
    GET  /state         what has moved, and what waits to be told
    GET  /account       how a merchant configures the account: a table of a hotel file, with its secrets
    POST /control/…     pay, settle, slow, dispute, end_dispute, close_batch, faults, hurry
    everything else     the gateway's own interface

Controls ask no login: a simulator binds to the loopback address unless told otherwise.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol
from urllib.parse import parse_qsl

import httpx
import msgspec

from simulators.asgi import Receive, Respond, Scope, body_of, disconnected, headers_of, respond
from simulators.psp.adyen import Adyen
from simulators.psp.common import Answer, Body, Callback, NotHere, Psp
from simulators.psp.courier import Courier, Faults, NoAnswer
from simulators.psp.pages import guest_page, returning
from simulators.psp.stripe import Stripe

TICK_S = 0.05
TIMEOUT_S = 10.0


class Wire(Protocol):
    """What ASGI cannot do to a connection; given by the server."""

    def close(self, client: Any) -> None: ...


class PspApp:
    """ASGI application of one gateway. ``account`` is shown as it is. Without ``tells`` others send the callbacks.

    ``keep`` is called after whatever may have changed something.
    """

    def __init__(
        self, psp: Psp, courier: Courier, account: Body, *, tells: bool = True, keep: Callable[[], None] | None = None
    ) -> None:
        self.psp, self.courier, self.account = psp, courier, account
        self._keep = keep
        self._tells = tells
        self.wire: Wire | None = None
        self._controls: dict[str, Callable[[Body], object]] = {
            "pay": lambda given: psp.pay(given["order"], given.get("succeeds", True)),
            "settle": lambda given: psp.settle(given.get("succeeds", True)),
            "slow": lambda given: setattr(psp, "slow", bool(given["slow"])),
            "dispute": lambda given: psp.dispute(given["payment"]),
            "end_dispute": lambda given: psp.end_dispute(given["payment"], bool(given["won"])),
            "close_batch": lambda _: _close_batch(psp),
            "faults": self._switch,
            "hurry": lambda _: courier.outbox.hurry(),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Respond) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        body = await body_of(receive)
        answer = self.answered(scope["method"], _url(scope), headers_of(scope), body)
        if self._keep is not None and scope["method"] != "GET":
            self._keep()
        if answer is not None:
            await respond(send, *answer)
            return
        if self.wire is None:
            raise RuntimeError("this server cannot leave a request unanswered")
        self.wire.close(scope["client"])
        await disconnected(receive)

    def answered(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer | None:
        """The answer to a request, or None where it took effect and is not answered."""
        path = httpx.URL(url).path
        if path in ("/state", "/account") and method == "GET":
            return _json(200, self.account if path == "/account" else self.state())
        if path.startswith("/control/") and method == "POST":
            return self._control(path.removeprefix("/control/"), body)
        if path.startswith("/guest/"):
            return self._guest(method, path.removeprefix("/guest/"), dict(parse_qsl(body.decode())))
        faults = self.courier.faults
        if faults.refuse:
            faults.refuse -= 1
            return Answer(503, {}, b"")
        given = self.psp.serve(method, url, headers, body)
        if faults.lose_answers:
            faults.lose_answers -= 1
            return None
        return given

    def state(self) -> Body:
        """What a test or a person compares with."""
        taken, given = self.psp.moved()
        waiting = [item.key for item in self.courier.outbox.waiting()]
        movements = [movement._asdict() for movement in self.psp.movements]
        return {"taken": taken, "given": given, "movements": movements, "waiting": waiting}

    def _control(self, name: str, body: bytes) -> Answer:
        if name not in self._controls:
            return _json(404, {"error": f"control {name} is unknown"})
        try:
            given = msgspec.json.decode(body or b"{}", type=dict[str, Any])
            return _json(200, {"done": self._controls[name](given)})
        except NotHere as error:
            return _json(409, {"error": str(error)})
        except (KeyError, TypeError, ValueError) as error:
            return _json(400, {"error": repr(error)})

    def _guest(self, method: str, order: str, form: Mapping[str, str]) -> Answer:
        headers = {"content-type": "text/html; charset=utf-8"}
        if method != "POST":
            return Answer(200, headers, guest_page(type(self.psp).__name__, order).encode())
        try:
            self.psp.pay(order, form.get("succeeds") == "yes")
        except NotHere as error:
            return Answer(409, headers, guest_page(type(self.psp).__name__, order, str(error)).encode())
        url, fields = self.psp.back(order)
        if url and not fields:
            return Answer(303, {"location": url}, b"")
        return Answer(200, headers, returning(url, fields).encode())

    def _switch(self, given: Body) -> Body:
        self.courier.faults = msgspec.convert({**msgspec.to_builtins(self.courier.faults), **given}, Faults)
        return dict(msgspec.to_builtins(self.courier.faults))

    async def _lifespan(self, receive: Receive, send: Respond) -> None:
        await receive()
        telling = [asyncio.create_task(self._tell())] if self._tells else []
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for task in telling:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await send({"type": "lifespan.shutdown.complete"})

    async def _tell(self) -> None:
        """As long as the server runs; a merchant's answer is waited for before the next goes out."""
        loop = asyncio.get_running_loop()
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
            send = sender(client)
            while True:
                await self.courier.deliver_due(send, loop.time())
                await asyncio.sleep(TICK_S)


def sender(client: httpx.AsyncClient) -> Callable[[str, Callback], Awaitable[Answer]]:
    """Posts callbacks with a client."""

    async def send(url: str, callback: Callback) -> Answer:
        try:
            response = await client.post(url, headers=callback.headers, content=callback.body)
        except httpx.HTTPError as error:
            raise NoAnswer(type(error).__name__) from error
        return Answer(response.status_code, dict(response.headers), response.content)

    return send


def _close_batch(psp: Psp) -> str:
    if not isinstance(psp, Adyen | Stripe):
        raise NotHere("only Adyen settles by batches, and Stripe by payouts")
    return psp.close_batch()


def _json(status: int, found: object) -> Answer:
    return Answer(status, {"content-type": "application/json"}, msgspec.json.encode(found))


def _url(scope: Scope) -> str:
    """With its path as it was sent: some gateways sign exactly that."""
    headers = headers_of(scope)
    path = scope.get("raw_path", scope["path"].encode()).decode("ascii").partition("?")[0]
    query = scope["query_string"].decode("ascii")
    return f"http://{headers.get('host', 'psp.invalid')}{path}{f'?{query}' if query else ''}"
