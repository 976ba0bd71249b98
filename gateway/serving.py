"""The process: uvicorn around the application, and the workers for as long as it runs."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import Awaitable, Callable

import structlog
import uvicorn

from gateway.bootstrap import gateway
from gateway.flows.services import Services
from gateway.io.logs import configure
from gateway.settings import Settings
from gateway.web.app import create_app
from gateway.web.console import rendering
from gateway.web.console.live import Live
from gateway.web.proxies import behind

log = structlog.get_logger(__name__)

_GRACE_S = 10
_ENDING = (signal.SIGINT, signal.SIGTERM)
SWITCH_INTERVAL_S = 0.002


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
    configure(settings)
    # SQLite gives up the interpreter's lock with every statement, and by default would wait 5 ms to have it back while
    # the loop is busy: a dozen times per batch.
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_run(settings, workers, prepare, ready))


async def _run(
    settings: Settings,
    workers: bool,
    prepare: Callable[[Services], Awaitable[None]],
    ready: Callable[[], None],
) -> None:
    _end_at_a_signal()
    with contextlib.suppress(asyncio.CancelledError):
        async with gateway(settings, workers=workers, serving=True) as ours:
            await prepare(ours.services)
            await _listen(ours.services, settings, ready)


def _end_at_a_signal() -> None:
    """Until uvicorn listens to them: a start may have to wait, for a database that does not answer, say."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    for number in _ENDING:
        loop.add_signal_handler(number, task.cancel)


async def _listen(services: Services, settings: Settings, ready: Callable[[], None]) -> None:
    app = create_app(services)
    server = uvicorn.Server(
        uvicorn.Config(
            behind(app, settings.trusted_proxies),
            host=settings.host,
            port=settings.port,
            http="httptools",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_S,
        )
    )
    _leave_signals_to(server)
    starting = asyncio.create_task(_when_started(server, ready))
    ending = asyncio.create_task(_when_ending(server, app.state.pages))
    await server.serve()
    starting.cancel()
    ending.cancel()


def _leave_signals_to(server: uvicorn.Server) -> None:
    """uvicorn listens to them once it serves, and raises them once more at its end.

    What comes in between must not be lost, and what comes after must not cut off the orderly end of the rest.
    """

    def end() -> None:
        server.should_exit = True

    for number in _ENDING:
        asyncio.get_running_loop().add_signal_handler(number, end)


async def _when_started(server: uvicorn.Server, ready: Callable[[], None]) -> None:
    while not server.started:
        await asyncio.sleep(0.01)
    log.info("serving", url=f"http://{server.config.host}:{server.config.port}")
    spare_the_collector()
    ready()
    await asyncio.to_thread(rendering.warm)


async def _when_ending(server: uvicorn.Server, pages: Live) -> None:
    """Pages that are open keep their stream for as long as they are let, and uvicorn waits for them."""
    while not server.should_exit:
        await asyncio.sleep(0.1)
    pages.close()


def spare_the_collector() -> None:
    """Garbage collection as a serving process wants it, once everything stands.

    What stands now stays, so the collector need not look through all modules again and again. And a document of 5,000
    messages makes tens of thousands of objects that live until it is taken: with the usual threshold of 700 the
    collector walks over them dozens of times, for nothing, which was a quarter of the whole cost.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    import uvloop

    return uvloop.new_event_loop
