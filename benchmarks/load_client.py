"""A minimal HTTP/1.1 client over raw sockets: about 20 µs a request, so that on two cores the server sets the pace."""

import asyncio
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

HEAD_END = b"\r\n\r\n"
CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request's latency and whole answer, head included."""

    latency_ns: int
    answer: bytes


def answer_length(received: bytes) -> int | None:
    """Bytes of the whole answer once its head has arrived. A chunked answer is refused, not guessed."""
    head_end = received.find(HEAD_END)
    if head_end < 0:
        return None
    found = CONTENT_LENGTH.search(received, 0, head_end + len(HEAD_END))
    if found is None:
        raise ValueError(f"answer without Content-Length: {received[:500]!r}")
    return head_end + len(HEAD_END) + int(found[1])


class Connection(asyncio.Protocol):
    """Sends its next request as soon as the last one is answered."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._sent_ns = 0
        self._requests: Iterator[bytes] = iter(())
        self._exchanges: list[Exchange] = []
        self._finished: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods of asyncio.Transport without being its subclasses.
        self._transport = cast("asyncio.Transport", transport)

    def start(self, requests: Iterator[bytes], exchanges: list[Exchange]) -> asyncio.Future[None]:
        """Take requests from the shared iterator until it is empty."""
        self._requests, self._exchanges = requests, exchanges
        self._finished = asyncio.get_running_loop().create_future()
        self._send_next()
        return self._finished

    def _send_next(self) -> None:
        assert self._transport is not None
        assert self._finished is not None
        request = next(self._requests, None)
        if request is None:
            self._finished.set_result(None)
            return
        self._sent_ns = time.perf_counter_ns()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        try:
            length = answer_length(self._received)
        except ValueError as error:
            self._fail(error)
            return
        if length is None or len(self._received) < length:
            return
        self._exchanges.append(Exchange(time.perf_counter_ns() - self._sent_ns, self._received))
        self._received = b""
        self._send_next()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or ConnectionResetError("the server closed a connection"))

    def _fail(self, error: Exception) -> None:
        if self._finished is not None and not self._finished.done():
            self._finished.set_exception(error)

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()


class Client:
    """A fixed number of connections that share one list of requests."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        self._connections = connections

    @classmethod
    async def connect(cls, host: str, port: int, connections: int) -> "Client":
        loop = asyncio.get_running_loop()
        opened = [await loop.create_connection(Connection, host, port) for _ in range(connections)]
        return cls([connection for _, connection in opened])

    async def send_all(self, requests: Sequence[bytes]) -> list[Exchange]:
        """Send every request once; a lost connection or an unreadable answer ends the run."""
        exchanges: list[Exchange] = []
        shared = iter(requests)
        await asyncio.gather(*[connection.start(shared, exchanges) for connection in self._connections])
        return exchanges

    def close(self) -> None:
        for connection in self._connections:
            connection.close()
