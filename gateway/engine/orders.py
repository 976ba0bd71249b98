"""What people ask of a connection's pusher: everything once more, or some cells only."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from gateway.model.ari import Aspect
from gateway.model.dates import Day

EVERYTHING = b""


class Cells(msgspec.Struct, frozen=True, array_like=True, order=True):
    """The days ``first`` to ``last`` of one target, in the counterpart's codes."""

    aspect: Aspect
    room: str
    plan: str
    first: Day
    last: Day


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[Cells, ...]).decode


def pack(cells: Iterable[Cells]) -> bytes:
    """The body of an order for these cells, which are at least one."""
    return _encode(tuple(sorted(set(cells))))


def unpack(body: bytes) -> tuple[Cells, ...]:
    """The cells of an order; none for one that means everything."""
    return _decode(body) if body else ()


def joined(waiting: bytes | None, asked: bytes) -> bytes:
    """An order that asks for both; ``waiting`` is one that was not carried out yet."""
    if waiting is None:
        return asked
    if EVERYTHING in (waiting, asked):
        return EVERYTHING
    return pack((*unpack(waiting), *unpack(asked)))
