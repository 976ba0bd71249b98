"""Running a flow from the command line."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.flows.services import Services

T = TypeVar("T")


def run_logged(settings: Settings, work: Coroutine[Any, Any, T]) -> T:
    """What the work logs goes to standard error, so that standard output holds the answer and nothing else."""
    from gateway.io import logs

    logs.configure(settings)
    return asyncio.run(work)


def run_flow(settings: Settings, work: Callable[[Services], Awaitable[T]]) -> T:
    """Opens the gateway without its workers, runs ``work`` and closes it again."""
    return run_logged(settings, _run(settings, work))


async def _run(settings: Settings, work: Callable[[Services], Awaitable[T]]) -> T:
    from gateway.bootstrap import gateway

    async with gateway(settings, workers=False) as ours:
        return await work(ours.services)


def author() -> str:
    """Who is named beside what the command changes."""
    return f"cli:{getpass.getuser()}"
