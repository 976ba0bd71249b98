"""Cards of bookings: masked, one in full for a reason that stays on record, and charged at a payment gateway."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.flows.payments.operate import Operated
from gateway.flows.vault.charge import CardCharge, charge_card
from gateway.flows.vault.charger import charged_at_terminal
from gateway.flows.vault.owed import CardsToCharge, cards_to_charge
from gateway.flows.vault.show import REASON_MAX, REASON_MIN, CardsOf, ShownCard, cards_of, show_card
from gateway.model.access import Action
from gateway.web.api.endpoints import Answer, Call, Endpoints, Nothing, Repeat
from gateway.web.api.payments import Amount, Currency
from gateway.web.api.shapes import shown_type
from gateway.web.api.values import Code

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


class NewCharge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is taken from the card."""

    account: Code
    amount: Amount
    currency: Currency


@ENDPOINTS.add(
    "POST",
    "/properties/{property}/reservations/{reservation}/cards/{card}/charge",
    Action.PAY,
    body=NewCharge,
    answer=shown_type(Operated),
    status=HTTPStatus.CREATED,
    repeat=Repeat.CLAIMED,
)
async def charge_kept_card(call: Call[Nothing, NewCharge]) -> Answer:
    """Charge a card of a reservation.

    Its number goes to the payment gateway and nowhere else. Only an account with the option `card_numbers` is sent
    numbers; otherwise charge the card at the terminal.
    """
    body, path = call.body, call.path
    wanted = CardCharge(body.account, body.amount, body.currency)
    author = call.principal.author
    operated = await charge_card(call.services, call.property_id, path["reservation"], path["card"], wanted, author)
    return Answer(operated, location=f"/properties/{call.property_id}/payments/{operated.payment_id}")


@ENDPOINTS.add(
    "POST",
    "/properties/{property}/reservations/{reservation}/cards/{card}/terminal",
    Action.PAY,
    repeat=Repeat.CLAIMED,
)
async def note_terminal_charge(call: Call[Nothing, Nothing]) -> Answer:
    """Say that a card was charged at the terminal.

    It leaves the list of cards to charge, and nothing is charged to it by itself any more.
    """
    path, author = call.path, call.principal.author
    await charged_at_terminal(call.services, call.property_id, path["reservation"], path["card"], author)
    return Answer(None)


@ENDPOINTS.add(
    "GET", "/properties/{property}/cards-to-charge", Action.READ_RESERVATIONS, answer=shown_type(CardsToCharge)
)
async def list_cards_to_charge(call: Call[Nothing, Nothing]) -> Answer:
    """List cards that came with bookings and are not charged yet.

    Of channels' bookings whose rate plans are paid by them, up to 30 days ahead, or as early as something may be due.
    `terminal` and `refused` wait for a person; `why` says how the card was chosen.
    """
    return Answer(await cards_to_charge(call.services, call.property_id))
