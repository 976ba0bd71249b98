"""Deliveries: what people do about one that a counterpart has refused, or has lost."""

from __future__ import annotations

from gateway.flows.delivering.redeliver import EnteredByHand, Resend
from gateway.flows.desk.finding import property_of, text_of
from gateway.flows.desk.reservation_lines import DeliveryLine
from gateway.flows.record import own_message
from gateway.flows.services import Services
from gateway.store.tables import DeliveryRow, MessageRow


async def entered_by_hand(
    services: Services, property_id: str, reservation_id: str, connection: str, author: str, *, ref: str = ""
) -> DeliveryLine:
    """Somebody has entered at the counterpart what it had refused; ``ref`` is its number there.

    Refused unless it was refused there, because what is sent by itself must not be entered as well.
    """
    message = await _message(services, property_id, connection, "entered by hand", author)
    return await _done(services, EnteredByHand(property_id, connection, text_of(reservation_id), message, text_of(ref)))


async def resend(
    services: Services, property_id: str, reservation_id: str, connection: str, author: str
) -> DeliveryLine:
    """Hand it over once more, under the number it had: a counterpart that holds it takes it for a repetition."""
    message = await _message(services, property_id, connection, "resend", author)
    return await _done(services, Resend(property_id, connection, text_of(reservation_id), message))


async def _done(services: Services, job: EnteredByHand | Resend) -> DeliveryLine:
    row: DeliveryRow = await services.batcher.submit(job)
    return DeliveryLine(row.connection, row.state, row.wanted_seq, row.attempts, row.due_ms, row.ref, row.error)


async def _message(services: Services, property_id: str, connection: str, kind: str, author: str) -> MessageRow:
    """What the log keeps of it."""
    await services.database.read(lambda tx: property_of(services, tx, property_id))
    return own_message(services, property_id, kind, author, connection)
