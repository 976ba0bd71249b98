"""Payments: holds, purchases, captures, releases and refunds, and what waits for a person."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.flows.payments import operate
from gateway.flows.payments import show as payments
from gateway.flows.payments.operate import Ask, Operated
from gateway.flows.payments.show import ParkedLine, ParkedList, PaymentPage, PaymentView
from gateway.model.access import Action
from gateway.model.payment import OperationKind
from gateway.model.payment_means import ClientMethod, Device, HostedPage, Means, Occasion, Presence, StoredMethod
from gateway.web.api.endpoints import Answer, Call, Endpoints, Nothing, Repeat
from gateway.web.api.shapes import shown_type
from gateway.web.api.values import COUNT, Code, CodeOrNone, Count, Cursor, Language, Text, WebAddress

ENDPOINTS = Endpoints("Payments", "Deposits, prepayments, holds and refunds at payment gateways.")

_PAYMENTS = "/properties/{property}/payments"
Amount = Annotated[int, Meta(ge=1, le=10**12, description="in minor units")]
Currency = Annotated[str, Meta(pattern=r"\A[A-Z]{3}\Z")]
_Number = Annotated[str, Meta(max_length=64)]
Method = Annotated[dict[str, Annotated[str, Meta(max_length=8_000)]], Meta(max_length=40)]


class PaymentsQuery(msgspec.Struct, frozen=True):
    reservation: Annotated[CodeOrNone, Meta(description="only those of this reservation")] = ""
    cursor: Cursor = ""
    limit: Count = COUNT


class NewPayment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """With a ``token`` the stored means of payment is charged, with a ``method`` what the gateway's own field in the
    browser gave; without either the guest pays on the gateway's page. ``keep`` has the gateway keep what they pay with
    for its ``customer``."""

    account: Code
    amount: Amount
    currency: Currency
    hold: Annotated[bool, Meta(description="hold the amount, to be captured later")] = False
    reservation: _Number = ""
    text: Text = ""
    token: Text = ""
    method: Method | None = None
    customer: Text = ""
    keep: bool = False
    browser: Annotated[dict[str, str | int | bool], Meta(max_length=40)] = {}
    return_url: WebAddress | None = None
    language: Language = ""
    absent: Annotated[bool, Meta(description="the guest is not there: charged by agreement")] = False
    occasion: Occasion = Occasion.STAY


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``amount`` absent: all there is."""

    amount: Amount | None = None


class Seen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which message it is."""

    account: Code
    id: Annotated[str, Meta(min_length=1, max_length=200)]


@ENDPOINTS.add("GET", _PAYMENTS, Action.READ_RESERVATIONS, query=PaymentsQuery, answer=shown_type(PaymentPage))
async def list_payments(call: Call[PaymentsQuery, Nothing]) -> Answer:
    """List payments.

    The newest first.
    """
    query = call.query
    return Answer(
        await payments.find(
            call.services, call.property_id, reservation=query.reservation, cursor=query.cursor, limit=query.limit
        )
    )


@ENDPOINTS.add(
    "POST",
    _PAYMENTS,
    Action.PAY,
    body=NewPayment,
    answer=shown_type(Operated),
    status=HTTPStatus.CREATED,
    repeat=Repeat.CLAIMED,
)
async def create_payment(call: Call[Nothing, NewPayment]) -> Answer:
    """Begin a payment.

    With the outcome `action_required` the guest has to do what `action` says. With `unknown` or `pending` the gateway
    is asked until it is known: look at the payment again, and never begin another one for the same debt.
    """
    body = call.body
    ask = Ask(
        intent=OperationKind.AUTHORISE if body.hold else OperationKind.PURCHASE,
        amount=body.amount,
        currency=body.currency,
        means=_means(body),
        reservation=body.reservation,
        text=body.text,
        presence=Presence.ABSENT if body.absent else Presence.GUEST,
        occasion=body.occasion,
        customer=body.customer,
        store=body.keep,
        device=Device(browser=body.browser),
        return_url=body.return_url or "",
        language=body.language,
    )
    operated = await operate.charge(call.services, call.property_id, body.account, ask, call.principal.author)
    return Answer(operated, location=f"/properties/{call.property_id}/payments/{operated.payment_id}")


def _means(body: NewPayment) -> Means:
    if body.token:
        return StoredMethod(body.token, body.customer)
    return HostedPage() if body.method is None else ClientMethod(body.method)


@ENDPOINTS.add("GET", f"{_PAYMENTS}/parked", Action.READ_RESERVATIONS, answer=shown_type(ParkedList))
async def list_parked_payment_messages(call: Call[Nothing, Nothing]) -> Answer:
    """List messages about payments that wait for a person.

    They were genuine, and did not fit what was asked for; none of them has changed anything.
    """
    return Answer(await payments.parked(call.services, call.property_id))


@ENDPOINTS.add(
    "POST",
    f"{_PAYMENTS}/parked/settle",
    Action.PAY,
    body=Seen,
    answer=shown_type(ParkedLine),
    repeat=Repeat.CLAIMED,
)
async def settle_payment_message(call: Call[Nothing, Seen]) -> Answer:
    """Say that somebody has looked at a message.

    It changes no amount.
    """
    body = call.body
    return Answer(await payments.settle(call.services, call.property_id, body.account, body.id, call.principal.author))


@ENDPOINTS.add("GET", f"{_PAYMENTS}/{{payment}}", Action.READ_RESERVATIONS, answer=shown_type(PaymentView))
async def show_payment(call: Call[Nothing, Nothing]) -> Answer:
    """Show a payment.

    With everything that was asked of the gateway, and every movement.
    """
    return Answer(await payments.show(call.services, call.property_id, call.path["payment"]))


@ENDPOINTS.add(
    "POST",
    f"{_PAYMENTS}/{{payment}}/captures",
    Action.PAY,
    body=Part,
    answer=shown_type(Operated),
    status=HTTPStatus.CREATED,
    repeat=Repeat.CLAIMED,
)
async def capture_payment(call: Call[Nothing, Part]) -> Answer:
    """Take what is held.

    Never more than is left of the hold; most gateways release the rest.
    """
    return Answer(
        await operate.capture(
            call.services, call.property_id, call.path["payment"], call.body.amount, call.principal.author
        )
    )


@ENDPOINTS.add(
    "POST",
    f"{_PAYMENTS}/{{payment}}/refunds",
    Action.PAY,
    body=Part,
    answer=shown_type(Operated),
    status=HTTPStatus.CREATED,
    repeat=Repeat.CLAIMED,
)
async def refund_payment(call: Call[Nothing, Part]) -> Answer:
    """Give money back.

    Never more than was taken; refunds that are under way count as given.
    """
    return Answer(
        await operate.refund(
            call.services, call.property_id, call.path["payment"], call.body.amount, call.principal.author
        )
    )


@ENDPOINTS.add(
    "POST",
    f"{_PAYMENTS}/{{payment}}/void",
    Action.PAY,
    answer=shown_type(Operated),
    status=HTTPStatus.CREATED,
    repeat=Repeat.CLAIMED,
)
async def void_payment(call: Call[Nothing, Nothing]) -> Answer:
    """Release what is held."""
    return Answer(await operate.void(call.services, call.property_id, call.path["payment"], call.principal.author))


@ENDPOINTS.add(
    "POST",
    f"{_PAYMENTS}/{{payment}}/close",
    Action.PAY,
    answer=shown_type(Operated),
    status=HTTPStatus.CREATED,
    repeat=Repeat.CLAIMED,
)
async def close_payment(call: Call[Nothing, Nothing]) -> Answer:
    """Withdraw a payment nobody has made."""
    return Answer(await operate.close(call.services, call.property_id, call.path["payment"], call.principal.author))
