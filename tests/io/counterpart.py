"""Servers on real sockets that behave, or misbehave, as a test says."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

Conversation = Callable[["Peer"], Awaitable[None]]


class Peer:
    """One connection, seen from the server."""

    def __init__(self, server: Counterpart, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer

    async def head(self) -> bytes:
        return await self.reader.readuntil(b"\r\n\r\n")

    async def request(self) -> bytes:
        """The next request in full, which is also noted in the server's list."""
        head = await self.head()
        fields = dict(line.lower().split(b": ", 1) for line in head.strip().split(b"\r\n")[1:])
        whole = head + await self.reader.readexactly(int(fields.get(b"content-length", 0)))
        self.server.requests.append(whole)
        return whole

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, body: bytes = b"ok", status: str = "200 OK", headers: str = "") -> None:
        await self.send(f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    def reset(self) -> None:
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class Counterpart:
    def __init__(self, port: int, scheme: str) -> None:
        self.port = port
        self.url = f"{scheme}://127.0.0.1:{port}"
        self.connections = 0
        self.requests: list[bytes] = []


@asynccontextmanager
async def counterpart(conversation: Conversation, tls: ssl.SSLContext | None = None) -> AsyncIterator[Counterpart]:
    """Each connection gets one conversation; the connection is closed when it ends."""
    tasks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        # The client may leave in the middle, and the end of a test may end the conversation.
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            await conversation(Peer(server, reader, writer))
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(talk(reader, writer)))

    listener = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    server = Counterpart(listener.sockets[0].getsockname()[1], "https" if tls else "http")
    try:
        yield server
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def answering(peer: Peer) -> None:
    while True:
        await peer.request()
        await peer.answer()


async def turns(count: int = 20) -> None:
    """Let the event loop go round: over loopback, what one side has written the other has read by then."""
    for _ in range(count):
        await asyncio.sleep(0)


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
