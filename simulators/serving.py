"""Runs a simulator (or any ASGI application) on uvicorn: in this loop, in a thread, or as a process."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any

import uvicorn

from simulators.http import SimulatorApp
from simulators.psp.server import PspApp

Asgi = Any  # uvicorn's own alias for applications is private
GOODBYE_S = 0.05


class _Server(uvicorn.Server):
    """Signals are the caller's business; uvicorn would raise them again after its own shutdown."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class UvicornWire:
    """Resets and closes single connections, and stops listening for a while."""

    def __init__(self, server: uvicorn.Server, host: str, port: int) -> None:
        self._server, self._host, self._port = server, host, port
        self._reopening: asyncio.Task[None] | None = None

    def reset(self, client: Any) -> None:
        """Drop a connection with RST."""
        for transport in self._transports(client):
            sock = transport.get_extra_info("socket")
            # Linger of zero seconds turns the close into a reset.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()

    def close(self, client: Any) -> None:
        """Close a connection in order, without an answer."""
        for transport in self._transports(client):
            transport.close()

    def drop_all(self) -> None:
        for transport in self._transports(None):
            transport.abort()

    def pause(self, seconds: float) -> None:
        """Refuse connections for a while: the listening socket is closed, then opened on the same port."""
        for listener in self._server.servers:
            listener.close()
        self._reopening = asyncio.create_task(self._reopen(seconds))

    async def _reopen(self, seconds: float) -> None:
        # The answer to the control request that asked for this goes out first.
        await asyncio.sleep(GOODBYE_S)
        self.drop_all()
        await asyncio.sleep(max(0.0, seconds - GOODBYE_S))
        sock = bind(self._host, self._port)
        self._server.servers.append(await asyncio.get_running_loop().create_server(self._protocol, sock=sock))

    def _protocol(self) -> asyncio.Protocol:
        server = self._server
        make: Any = server.config.http_protocol_class
        made: asyncio.Protocol = make(
            config=server.config, server_state=server.server_state, app_state=server.lifespan.state
        )
        return made

    def _transports(self, client: Any) -> Iterator[asyncio.Transport]:
        """Transports of the connection from `client` (host, port), or of all."""
        for connection in list(self._server.server_state.connections):
            transport: Any = connection.transport
            peer = getattr(connection, "client", None)
            if transport is not None and (client is None or (peer is not None and tuple(peer) == tuple(client))):
                yield transport


def bind(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio turns Nagle off; without it each answer waits 40 ms for a delayed ACK.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, port))
    return sock


@contextlib.asynccontextmanager
async def running(app: Asgi, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve `app` in the running loop; yields its URL, and stops within a second."""
    sock = bind(host, port)
    address = sock.getsockname()
    config = uvicorn.Config(
        app, lifespan="on" if isinstance(app, SimulatorApp | PspApp) else "off", log_config=None, log_level="error",
        access_log=False, proxy_headers=False, server_header=False, ws="none", timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = _Server(config)
    wire = UvicornWire(server, host, address[1])
    if isinstance(app, SimulatorApp | PspApp):
        app.wire = wire
    task = asyncio.create_task(server.serve(sockets=[sock]))
    while not server.started:
        if task.done():
            task.result()
        await asyncio.sleep(0.005)
    try:
        yield f"http://{f'[{host}]' if ':' in host else host}:{address[1]}"
    finally:
        wire.drop_all()
        server.should_exit = True
        await task


@contextlib.contextmanager
def running_in_thread(app: Asgi, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve `app` in a thread with a loop of its own; yields its URL."""
    ready: list[str] = []
    started, loop_of = threading.Event(), []
    stop = asyncio.Event()

    async def serve() -> None:
        loop_of.append(asyncio.get_running_loop())
        async with running(app, host, port) as url:
            ready.append(url)
            started.set()
            await stop.wait()

    def main() -> None:
        try:
            asyncio.run(serve())
        finally:
            started.set()

    thread = threading.Thread(target=main, daemon=True)
    thread.start()
    started.wait()
    if not ready:
        raise RuntimeError("the server did not start")
    try:
        yield ready[0]
    finally:
        loop_of[0].call_soon_threadsafe(stop.set)
        thread.join()
