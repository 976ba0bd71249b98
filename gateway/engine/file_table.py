"""What the parts of a hotel file have in common: tables with declared settings, and kinds of values that many have.

A kind's description is what a fault says the value is not.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated, Any, ClassVar, TypeVar, get_args

import msgspec
from msgspec import Meta

from gateway.engine.readable import shown

LINE = r"[^\x00-\x1f\x7f-\x9f]"
WORD = r"[A-Za-z0-9._-]"
Id = Annotated[str, Meta(pattern=rf"\A{WORD}{{1,64}}\Z", description="an id: 1 to 64 of A-Z a-z 0-9 . _ -")]
Text = Annotated[str, Meta(pattern=rf"\A{LINE}{{1,255}}\Z", description="a text in quotes, 1 to 255 characters")]
Env = Annotated[str, Meta(pattern=r"\A[A-Za-z_][A-Za-z0-9_]*\Z", description="the name of an environment variable")]
Flag = Annotated[bool, Meta(description="true or false")]
Table = Annotated[dict[str, Any], Meta(description="a table in braces { … }")]
Tables = tuple[dict[str, Any], ...]
Numeral = Any  # a decimal text or number, read by FileReader.number because its decimals depend on the currency


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """A table of the file. Defaults stand for what is absent or wrong; wrong values never leave the reader."""

    required: ClassVar[tuple[str, ...]] = ()


ShapeT = TypeVar("ShapeT", bound=Shape)


@lru_cache(maxsize=32)
def fields_of(shape: type[Shape]) -> dict[str, tuple[Any, str]]:
    """The kind and the description of each setting of a table."""
    return {field.name: (field.type, described(field.type)) for field in msgspec.structs.fields(shape)}


def described(kind: Any) -> str:
    """What a field takes, in the words of its annotation (inside ``… | None``, too)."""
    metas = getattr(kind, "__metadata__", ())
    return metas[0].description if metas else next(filter(None, map(described, get_args(kind))), "")


def codes_in(tables: Tables) -> list[str]:
    """The codes as written: a room type whose code is faulty exists all the same, and is reported once only."""
    return [code for table in tables if isinstance(code := table.get("code"), str)]


def place(path: str, key: str) -> str:
    """The path of a key, which TOML lets be any text when it is in quotes."""
    key = key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else shown(key)
    return f"{path}.{key}" if path else key
