"""Finding what is asked about, and where a page begins."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec

from gateway.engine.hotel import Hotel
from gateway.errors import Malformed, NotFound, Reason
from gateway.flows.services import Services
from gateway.model.property import Connection
from gateway.store import reading_properties
from gateway.store.database import Transaction
from gateway.store.tables import Scope

LIMIT_MAX = 200
_CURSOR_MAX = 512


async def property_of(services: Services, tx: Transaction, property_id: str) -> tuple[Scope, Hotel]:
    """The property as it is configured now; raises NotFound."""
    found = await reading_properties.one(tx, services.hotels, property_id)
    if found is None:
        raise NotFound(f"there is no property {property_id!r}", Reason.HOTEL)
    return found


def connection_of(hotel: Hotel, connection: str) -> Connection:
    """The connection with that id; raises NotFound."""
    known = hotel.connections.get(connection)
    if known is None:
        raise NotFound(f"{hotel.property.id} has no connection {connection!r}")
    return known


def page_size(limit: int) -> int:
    """The limit, if it is one."""
    if not 1 <= limit <= LIMIT_MAX:
        raise Malformed(f"a page has 1 to {LIMIT_MAX} entries, not {limit}", Reason.INVALID_VALUE)
    return limit


def cursor(position: tuple[Any, ...] | None) -> str:
    """Where a page has ended, for :func:`position`; "" at the end of the list."""
    if position is None:
        return ""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(position)).decode().rstrip("=")


def position(text: str, *kinds: type) -> tuple[Any, ...] | None:
    """What :func:`cursor` made; None for "". ``kinds`` are the types of its values."""
    if not text:
        return None
    try:
        raw = base64.b64decode(text[:_CURSOR_MAX] + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        values = msgspec.msgpack.decode(raw, type=list[int | str])
    except (binascii.Error, ValueError, msgspec.DecodeError):
        values = []
    if tuple(map(type, values)) != kinds or not all(_is_storable(value) for value in values):
        raise Malformed("that is no cursor of this list", Reason.INVALID_VALUE)
    return tuple(values)


def _is_storable(value: int | str) -> bool:
    """PostgreSQL has no larger integers, and no text with U+0000."""
    return -(2**63) <= value < 2**63 if isinstance(value, int) else "\0" not in value


def text_of(value: str) -> str:
    """A text to look for; U+0000 is in none that is stored."""
    if "\0" in value or len(value) > 200:
        raise Malformed("a text to look for has at most 200 characters and no U+0000", Reason.INVALID_VALUE)
    return value
