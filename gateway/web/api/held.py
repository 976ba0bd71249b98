"""What the guard holds back of changes of the calendar."""

from __future__ import annotations

import msgspec

from gateway.flows.desk import holding
from gateway.flows.desk.calendar import Saved
from gateway.flows.desk.holding import HeldChange
from gateway.model.access import Action
from gateway.web.api.endpoints import Answer, Call, Endpoints, Nothing, Repeat
from gateway.web.api.shapes import shown_type
from gateway.web.api.values import number

ENDPOINTS = Endpoints("Guard", "Prices that look like slips and openings by the hundred, until somebody confirms them.")


class HeldChanges(msgspec.Struct, frozen=True):
    """Everything that waits, the oldest first."""

    items: tuple[HeldChange, ...]


@ENDPOINTS.add("GET", "/properties/{property}/held", Action.LOOK, answer=shown_type(HeldChanges))
async def list_held(call: Call[Nothing, Nothing]) -> Answer:
    """List what waits for confirmation.

    By the message that it came in, with the values there are and those it would have set.
    """
    return Answer(HeldChanges(await holding.find(call.services, call.property_id)))


@ENDPOINTS.add(
    "POST",
    "/properties/{property}/held/{message}/confirm",
    Action.SET_RATES,
    answer=shown_type(Saved),
    repeat=Repeat.CLAIMED,
)
async def confirm_held(call: Call[Nothing, Nothing]) -> Answer:
    """Confirm what waits.

    The values that were held back are set, in your name.
    """
    message, author = number(call.path["message"]), call.principal.author
    return Answer(await holding.confirm(call.services, call.property_id, message, author))


@ENDPOINTS.add("DELETE", "/properties/{property}/held/{message}", Action.SET_RATES)
async def discard_held(call: Call[Nothing, Nothing]) -> Answer:
    """Throw away what waits.

    Everything stays as it is.
    """
    message, author = number(call.path["message"]), call.principal.author
    await holding.discard(call.services, call.property_id, message, author)
    return Answer(None)
