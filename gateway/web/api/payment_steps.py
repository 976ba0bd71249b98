"""What follows a payment that has begun besides taking and giving back, and means of payment kept for later."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.flows.payments import amend
from gateway.flows.payments.amend import DETAILS_MAX, TokenList
from gateway.flows.payments.operate import Operated
from gateway.model.access import Action
from gateway.model.payment_means import ClientMethod
from gateway.web.api.endpoints import Answer, Call, Endpoints, Nothing, Repeat
from gateway.web.api.payments import Amount, Method
from gateway.web.api.shapes import shown_type
from gateway.web.api.values import Code, CodeOrNone, Text, WebAddress

ENDPOINTS = Endpoints("Payment steps", "What follows a payment that has begun, and means of payment kept for later.")

_PAYMENTS = "/properties/{property}/payments"
_Detail = Annotated[str, Meta(max_length=32_000)]


class Total(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the hold is to come to; the same total extends it."""

    amount: Amount


class Details(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the guest's browser brought back from the gateway, as it is."""

    details: Annotated[dict[str, _Detail], Meta(max_length=DETAILS_MAX)]


class NewToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``method`` is what the gateway's own field in the browser gave; no number of a card is taken here."""

    account: Code
    method: Method
    customer: Text = ""
    reservation: CodeOrNone = ""
    return_url: WebAddress | None = None


class TokensQuery(msgspec.Struct, frozen=True):
    reservation: Annotated[CodeOrNone, Meta(description="only those of this reservation")] = ""


@ENDPOINTS.add(
    "POST",
    f"{_PAYMENTS}/{{payment}}/adjustments",
    Action.PAY,
    body=Total,
    answer=shown_type(Operated),
    status=HTTPStatus.CREATED,
    repeat=Repeat.CLAIMED,
)
async def adjust_payment(call: Call[Nothing, Total]) -> Answer:
    """Set a hold to another total.

    When a stay is extended, say. Not every gateway can; nothing may have been captured yet.
    """
    return Answer(
        await amend.adjust(
            call.services, call.property_id, call.path["payment"], call.body.amount, call.principal.author
        )
    )


@ENDPOINTS.add(
    "POST",
    f"{_PAYMENTS}/{{payment}}/continue",
    Action.PAY,
    body=Details,
    answer=shown_type(Operated),
    repeat=Repeat.CLAIMED,
)
async def continue_payment(call: Call[Nothing, Details]) -> Answer:
    """Hand the guest's answer to the gateway.

    After an action of the kind `client`, once the gateway's component in the browser has given its result.
    """
    return Answer(await amend.proceed(call.services, call.property_id, call.path["payment"], call.body.details))


@ENDPOINTS.add("GET", f"{_PAYMENTS}/{{payment}}/action", Action.PAY, answer=shown_type(Operated))
async def show_payment_action(call: Call[Nothing, Nothing]) -> Answer:
    """Show what the guest has to do, once more.

    Signed afresh where the gateway wants that, as inside a wallet. Nothing is sent.
    """
    return Answer(await amend.open_again(call.services, call.property_id, call.path["payment"]))


@ENDPOINTS.add("GET", f"{_PAYMENTS}/tokens", Action.READ_RESERVATIONS, query=TokensQuery, answer=shown_type(TokenList))
async def list_payment_tokens(call: Call[TokensQuery, Nothing]) -> Answer:
    """List means of payment that gateways keep.

    The newest first. A later payment names the token and its customer.
    """
    return Answer(await amend.tokens(call.services, call.property_id, call.query.reservation))


@ENDPOINTS.add(
    "POST",
    f"{_PAYMENTS}/tokens",
    Action.PAY,
    body=NewToken,
    answer=shown_type(Operated),
    status=HTTPStatus.CREATED,
    repeat=Repeat.CLAIMED,
)
async def keep_payment_method(call: Call[Nothing, NewToken]) -> Answer:
    """Have a gateway keep a means of payment.

    Nothing is charged. It shows up as a payment of nothing, and in the list of tokens once the gateway has kept it.
    """
    body = call.body
    operated = await amend.tokenise(
        call.services,
        call.property_id,
        body.account,
        ClientMethod(body.method),
        call.principal.author,
        customer=body.customer,
        reservation=body.reservation,
        return_url=body.return_url or "",
    )
    return Answer(operated, location=f"/properties/{call.property_id}/payments/{operated.payment_id}")
