"""The thin ASGI layer over a simulator, and the tasks that drive it while the server runs.

    POST /ota             one OpenTravel message (Basic)
    POST /control/<name>  JSON in, JSON out; 400 what is malformed, 409 what cannot be done
    GET  /<view>          JSON
    POST /control/gateway, /control/refuse_connections   belong to this layer, as they are about sockets

Control endpoints ask no login: a simulator binds to the loopback address unless told otherwise.
"""

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl

import msgspec

from simulators import persist
from simulators.asgi import Receive, Respond, Scope, body_of, disconnected, headers_of, respond
from simulators.config import Gateway
from simulators.courier import HttpSend, Send, deliver_forever
from simulators.desk import Refusal, Simulator
from simulators.endpoint import Outcome, Reply

TICK_S = 0.02
SAVE_S = 0.5
log = logging.getLogger("simulators")


class Wire(Protocol):
    """What ASGI cannot do to a connection; given by the server."""

    def reset(self, client: Any) -> None: ...
    def close(self, client: Any) -> None: ...
    def pause(self, seconds: float) -> None: ...


class SimulatorApp:
    """ASGI application of one simulator. `state_path`: continue from there and save there."""

    def __init__(self, simulator: Simulator, gateway: Gateway | None = None, state_path: Path | None = None) -> None:
        self.simulator = simulator
        self.wire: Wire | None = None
        self._gateway, self._state_path = gateway, state_path
        self._tasks: list[asyncio.Task[None]] = []
        self._courier: asyncio.Task[None] | None = None
        self._send: HttpSend | None = None
        self._saved = 0
        saved = persist.load(state_path) if state_path else None
        if saved is not None:
            simulator.restore(saved)

    async def __call__(self, scope: Scope, receive: Receive, send: Respond) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["path"] == "/ota" and scope["method"] == "POST":
            await self._ota(scope, receive, send)
        else:
            status, found = await self._json(scope, receive)
            headers = {"content-type": "application/json"}
            await respond(send, status, headers, msgspec.json.encode(found))

    async def connect(self, gateway: Gateway) -> None:
        """Send to this gateway from now on."""
        await self._disconnect()
        self._gateway = gateway
        self._send = HttpSend(gateway.address(), gateway.login(), self.simulator.outbox.retry.timeout_s)
        self._courier = self._start(self._deliver(self._send))

    async def _deliver(self, send: Send) -> None:
        await deliver_forever(self.simulator, send)

    async def _disconnect(self) -> None:
        if self._courier is not None:
            await _stop([self._courier])
        if self._send is not None:
            await self._send.close()
        self._courier = self._send = None

    async def _lifespan(self, receive: Receive, send: Respond) -> None:
        await receive()
        self._tasks = [self._start(self._tick()), self._start(self._save_often())]
        if self._gateway is not None:
            await self.connect(self._gateway)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await _stop(self._tasks)
        await self._disconnect()
        self._save()
        await send({"type": "lifespan.shutdown.complete"})

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        task.add_done_callback(_log_crash)
        return task

    async def _tick(self) -> None:
        while True:
            self.simulator.advance(self.simulator.clock())
            await asyncio.sleep(TICK_S)

    async def _save_often(self) -> None:
        while True:
            await asyncio.sleep(SAVE_S)
            self._save()

    def _save(self) -> None:
        if self._state_path is not None and self._saved != self.simulator.changes:
            self._saved = self.simulator.changes
            persist.save(self._state_path, self.simulator.snapshot())

    async def _ota(self, scope: Scope, receive: Receive, send: Respond) -> None:
        outcome = self.simulator.endpoint.strike_head()
        if outcome is None:
            body = await body_of(receive)
            outcome = self.simulator.endpoint.receive(body, headers_of(scope))
        reply = await self._play(outcome, receive)
        if reply is not None:
            await respond(send, *reply)
            return
        if self.wire is None:
            raise RuntimeError("this server cannot leave a request unanswered")
        (self.wire.reset if outcome.wire == "reset" else self.wire.close)(scope["client"])
        await disconnected(receive)

    async def _play(self, outcome: Outcome, receive: Receive) -> Reply | None:
        """Wait as the outcome says; the reply to give, or None for silence."""
        if outcome.wire == "answer":
            await _wait_disconnect(receive, outcome.delay_s)
            return outcome.reply
        held = outcome.held
        if outcome.wire == "hold" and held is not None:
            done: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
            held.on_done = lambda reply: None if done.done() else done.set_result(reply)
            await _wait_disconnect(receive, outcome.delay_s, done)
            return held.reply
        if outcome.wire == "hold":
            await _wait_disconnect(receive, outcome.delay_s)
        return None

    async def _json(self, scope: Scope, receive: Receive) -> tuple[int, object]:
        path, method = scope["path"].strip("/"), scope["method"]
        try:
            if method == "GET" and path in self.simulator.views:
                query = dict(parse_qsl(scope["query_string"].decode()))
                return 200, self.simulator.views[path](query)
            if method == "POST" and path.startswith("control/"):
                return await self._control(path.removeprefix("control/"), await body_of(receive))
        except Refusal as error:
            return 409, {"error": str(error)}
        except KeyError as error:
            return 400, {"error": f"{error} is missing"}
        except (ValueError, TypeError, ArithmeticError, msgspec.MsgspecError) as error:
            return 400, {"error": str(error)}
        return 404, {"error": f"{method} /{path} is unknown"}

    async def _control(self, name: str, body: bytes) -> tuple[int, object]:
        given = msgspec.json.decode(body or b"{}", type=dict[str, Any])
        if name == "gateway":
            await self.connect(msgspec.convert(given, Gateway))
            return 200, {"url": given["url"]}
        if name == "refuse_connections" and self.wire is not None:
            self.wire.pause(float(given["seconds"]))
            return 200, {"seconds": given["seconds"]}
        if name not in self.simulator.controls:
            return 404, {"error": f"control {name} is unknown"}
        found = self.simulator.controls[name](given)
        self.simulator.changed()
        return 200, found


def _log_crash(task: asyncio.Task[None]) -> None:
    """A crashed driver must be seen: without it the simulator looks alive and does nothing."""
    if not task.cancelled() and task.exception() is not None:
        log.error("a simulator task crashed", exc_info=task.exception())


async def _stop(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _wait_disconnect(receive: Receive, timeout_s: float, other: asyncio.Future[Reply] | None = None) -> None:
    """Until the peer goes away, `other` is there, or the time is over."""
    if timeout_s <= 0:
        return
    gone = asyncio.create_task(disconnected(receive))
    waiting: set[asyncio.Future[Any]] = {gone} if other is None else {gone, other}
    await asyncio.wait(waiting, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    await _stop([gone])
