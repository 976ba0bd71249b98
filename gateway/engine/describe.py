"""What a counterpart is told of a hotel that it has no other way to learn: what our rooms and plans are called."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import msgspec

from gateway.messages import Described
from gateway.model.property import Connection, Property

Listed = tuple[Described, ...]


def content_of(prop: Property, connection: Connection) -> tuple[Listed, Listed]:
    """The room types and the rate plans that are mapped, under their codes and with our names.

    Where one code of theirs stands for several of ours, the first line of the mapping names it.
    """
    rooms = {room.code: room.name for room in prop.room_types}
    plans = {plan.code: plan.name for plan in prop.rate_plans}
    return (
        _listed((line.their_room, rooms.get(line.room, "")) for line in connection.products),
        _listed((line.their_plan, plans.get(line.plan, "")) for line in connection.products),
    )


def digest_of(prop: Property, connection: Connection) -> str:
    """Differs where something else would be told, or somebody else."""
    account = (connection.connector, connection.profile, connection.url, connection.hotel, connection.outbound.username)
    told = (account, connection.options, content_of(prop, connection))
    return blake2b(msgspec.json.encode(told, order="deterministic"), digest_size=16).hexdigest()


def _listed(named: Iterable[tuple[str, str]]) -> Listed:
    first: dict[str, str] = {}
    for code, name in named:
        if code:
            first.setdefault(code, name)
    return tuple(Described(code, name) for code, name in first.items())
