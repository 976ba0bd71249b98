"""Cards of bookings: masked, and one in full for a reason that stays on record."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.flows.vault.show import REASON_MAX, REASON_MIN, CardsOf, ShownCard, cards_of, show_card
from gateway.model.access import Action
from gateway.web.api.endpoints import Answer, Call, Endpoints, Nothing
from gateway.web.api.shapes import shown_type

ENDPOINTS = Endpoints("Cards", "Payment cards that came with bookings.")


@ENDPOINTS.add(
    "GET",
    "/properties/{property}/reservations/{reservation}/cards",
    Action.READ_RESERVATIONS,
    answer=shown_type(CardsOf),
)
async def list_cards(call: Call[Nothing, Nothing]) -> Answer:
    """List the cards of a reservation.

    Masked, with what was done with any card it has had: shown, sent or purged, when, by whom and why.
    """
    return Answer(await cards_of(call.services, call.property_id, call.path["reservation"]))


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``reason`` is kept for good."""

    reason: Annotated[
        str, Meta(min_length=REASON_MIN, max_length=REASON_MAX, description="why the number is needed; kept for good")
    ]


@ENDPOINTS.add(
    "POST",
    "/properties/{property}/reservations/{reservation}/cards/{card}/show",
    Action.SHOW_CARDS,
    body=Wanted,
    answer=shown_type(ShownCard),
)
async def show_whole_card(call: Call[Nothing, Wanted]) -> Answer:
    """Show a card in full.

    Who has seen it and why is on record before the number is told. There is never a security code. An
    `Idempotency-Key` is not taken: the answer is kept nowhere. At most 30 cards in an hour.
    """
    shown = await show_card(
        call.services,
        call.property_id,
        call.path["reservation"],
        call.path["card"],
        call.principal.author,
        call.body.reason,
    )
    return Answer(shown)
