"""The register of connectors broken on purpose."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from gateway.messages import Command
from gateway.model.ari import AriUpdate

BREAKS: list[tuple[str, type[Any], str]] = []


def breaks(**cases: str) -> Callable[[type[Any]], type[Any]]:
    """Says which cases must fail for a class, and words their explanation must contain."""

    def register(broken: type[Any]) -> type[Any]:
        BREAKS.extend((number, broken, words) for number, words in cases.items())
        return broken

    return register


def with_updates(command: Command, updates: Iterable[AriUpdate]) -> Command:
    return msgspec.structs.replace(command, updates=tuple(updates))
