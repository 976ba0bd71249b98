"""What the parts of a hotel file's reader have in common: tables with declared settings, and where faults are told."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar, Protocol, TypeVar

import msgspec


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """A table of the file. Defaults stand for what is absent or wrong; wrong values never leave the reader."""

    required: ClassVar[tuple[str, ...]] = ()


ShapeT = TypeVar("ShapeT", bound=Shape)


class Reader(Protocol):
    """Collects what is wrong while it reads."""

    def wrong(self, path: str, text: str) -> None: ...

    def meant(self, word: str, known: Collection[str]) -> str: ...

    def table(self, shape: type[ShapeT], raw: Mapping[str, Any], path: str) -> ShapeT: ...

    def unique(self, codes: Iterable[str], path: str, key: str) -> None: ...

    def number(self, value: object, places: int, path: str, what: str) -> int | None: ...
