"""The process: uvicorn around the application, and the workers for as long as it runs."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable

import structlog
import uvicorn

from gateway.bootstrap import configure_logging, gateway
from gateway.flows.services import Services
from gateway.settings import Settings
from gateway.web.app import create_app

log = structlog.get_logger(__name__)

_GRACE_S = 10


async def _nothing(_: Services) -> None:
    """No preparation."""


def serve(
    settings: Settings,
    *,
    workers: bool,
    prepare: Callable[[Services], Awaitable[None]] = _nothing,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGINT or SIGTERM. ``prepare`` runs before, ``ready`` once connections are accepted."""
    configure_logging(settings)
    # uvicorn ends on these by itself, and then raises them once more, which would cut off the orderly end of the rest.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_run(settings, workers, prepare, ready))


async def _run(
    settings: Settings,
    workers: bool,
    prepare: Callable[[Services], Awaitable[None]],
    ready: Callable[[], None],
) -> None:
    async with gateway(settings, workers=workers) as ours:
        await prepare(ours.services)
        server = uvicorn.Server(
            uvicorn.Config(
                create_app(ours.services),
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
    log.info("serving", url=f"http://{server.config.host}:{server.config.port}")
    ready()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    import uvloop

    return uvloop.new_event_loop
