"""The process: uvicorn around the application, and the workers for as long as it runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import uvicorn
from litestar import Litestar

from gateway.bootstrap import configure_logging, gateway
from gateway.settings import Settings
from gateway.web.app import create_app

_GRACE_S = 10


def serve(settings: Settings, *, workers: bool, ready: Callable[[], None] = lambda: None) -> None:
    """Serve until SIGINT or SIGTERM."""
    configure_logging(settings)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(run(settings, workers=workers, ready=ready))


async def run(settings: Settings, *, workers: bool, ready: Callable[[], None] = lambda: None) -> None:
    """Everything within one event loop; ``ready`` is called once connections are accepted."""
    async with gateway(settings, workers=workers) as ours:

        @asynccontextmanager
        async def running(_: Litestar) -> AsyncIterator[None]:
            yield

        server = uvicorn.Server(
            uvicorn.Config(
                create_app(ours.services, running),
                host=settings.host,
                port=settings.port,
                http="httptools",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_GRACE_S,
            )
        )
        starting = asyncio.create_task(_when_started(server, ready))
        await server.serve()
        starting.cancel()


async def _when_started(server: uvicorn.Server, ready: Callable[[], None]) -> None:
    while not server.started:
        await asyncio.sleep(0.01)
    ready()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    import uvloop  # noqa: PLC0415

    return uvloop.new_event_loop
