"""What was tolerated in a message, and what its codes mean: read again by its dialect, when somebody looks at it.

Looking at every message as it comes would cost more than taking it.
"""

from __future__ import annotations

import asyncio

from gateway.contract import Explains
from gateway.contract_inspecting import Inspection, Inspector
from gateway.engine.hotel import Hotel
from gateway.errors import GatewayError, Refusal
from gateway.flows.services import Services
from gateway.store.tables import MessageRow

BYTES_MAX = 1024 * 1024
# What stands for a number of a card or a password in the log, and is none.
_MASK = "*"


async def meanings(services: Services, hotel: Hotel, row: MessageRow) -> tuple[str, ...]:
    """What the codes mean that stand in a message or its answer, in dialects that can tell."""
    connection = hotel.connections.get(row.connection)
    if connection is None or not (row.raw or row.answer):
        return ()
    try:
        connector = services.connectors.get(connection.connector)
    except GatewayError:
        return ()
    if not isinstance(connector, Explains):
        return ()
    told: dict[str, None] = {}
    for text in (row.raw, row.answer):
        if text and len(text) <= BYTES_MAX:
            told |= dict.fromkeys(await asyncio.to_thread(connector.explain, text))
    return tuple(told)


async def deviations(services: Services, hotel: Hotel, row: MessageRow) -> tuple[str, ...]:
    """Nothing for what was refused, since the refusal says it, and for dialects that have no inspector."""
    connection = hotel.connections.get(row.connection)
    is_read = row.direction == "in" and row.outcome != "refused" and row.raw.lstrip().startswith(b"<")
    if connection is None or not is_read or len(row.raw) > BYTES_MAX:
        return ()
    try:
        connector = services.connectors.get(connection.connector)
    except GatewayError:
        return ()
    if not isinstance(connector, Inspector):
        return ()
    try:
        found = await asyncio.to_thread(connector.inspect, row.raw, Inspection(connection.profile))
    except Refusal as refusal:
        told = f"{refusal.path}: {refusal.text}" if refusal.path else refusal.text
        return () if _MASK in told else (told,)
    return tuple(warning for warning in found.warnings if _MASK not in warning)
