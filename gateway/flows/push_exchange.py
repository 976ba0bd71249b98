"""One message to a channel: in the dialect's words, sent when it is its turn, and what the answer says."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from gateway.contract import Decoded, Refused, Reply, Request, Unknown
from gateway.engine.sending import Parcel
from gateway.errors import OutcomeUnknown, Refusal, Retryable
from gateway.flows import translating
from gateway.flows.exchange import Counterpart, send
from gateway.flows.push_work import terms_of
from gateway.flows.services import Services
from gateway.messages import PushAvailability, PushRates
from gateway.model.dates import Instant
from gateway.store.tables_connections import AgreedRow

# A message that has waited longer for its turn is planned anew, and its cells' doubt is measured from here.
TURN_MAX_S = 10.0


class Exchange(NamedTuple):
    """One call and what came of it; ``failure`` is set when the call as a whole did not come through."""

    request: Request | None
    reply: Reply | None
    decoded: Decoded
    failure: Retryable | OutcomeUnknown | None = None

    def carried(self, parts: int) -> int:
        """How many of the parts were in the message; at least one, so that sending what is left comes to an end."""
        return parts if self.request is None else max(self.request.parts, 1)


def command_of(parcel: Parcel, number: str, now_ms: Instant) -> PushAvailability | PushRates:
    updates = tuple(part.update for part in parcel.parts)
    if parcel.rates:
        return PushRates(id=number, at_ms=now_ms, updates=updates)
    return PushAvailability(id=number, at_ms=now_ms, updates=updates, complete=parcel.complete)


async def exchange_once(
    services: Services,
    called: Counterpart,
    agreed: AgreedRow | None,
    command: PushAvailability | PushRates,
    *,
    urgent: bool,
) -> Exchange:
    """Calls once, since what is not confirmed is planned anew; ``agreed`` is what the channel said it can do."""
    connector = services.connectors.outbound(called.connection.connector)
    site = services.site(called.hotel, called.connection, outbound=True)
    if agreed is not None:
        site = msgspec.structs.replace(site, agreed=terms_of(agreed))
    request: Request | None = None
    reply: Reply | None = None
    intended_ms = services.clock.now_ms()
    try:
        request = translating.encode(connector, command, site)
        async with called.pace.turn(urgent=urgent):
            if services.clock.now_ms() - intended_ms > TURN_MAX_S * 1000:
                raise Retryable("waited too long for a turn to call")
            reply = await send(services, called, request)
        decoded = translating.decode(connector, command, request, reply, site)
        return Exchange(request, reply, decoded)
    except (Retryable, OutcomeUnknown) as failure:
        return Exchange(request, reply, Decoded(Unknown(str(failure))), failure)
    except Refusal as refusal:  # the dialect has no words for it, or the address may not be called
        return Exchange(request, reply, Decoded(Refused(refusal.reason.value, refusal.text)))
