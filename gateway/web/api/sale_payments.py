"""Payments of direct sales: what is due, and the link, code or page the guest pays with."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.flows.payments import schedule
from gateway.flows.payments.schedule import PayLink, SaleMoney, Wish
from gateway.model.access import Action
from gateway.model.payment_means import Device
from gateway.model.selling import Method
from gateway.web.api.customers import CustomerBody, customer_of
from gateway.web.api.endpoints import Answer, Call, Endpoints, Nothing, Repeat
from gateway.web.api.shapes import shown_type
from gateway.web.api.values import Language, Text, WebAddress

ENDPOINTS = Endpoints("Payments of sales", "What a direct sale costs, and how its guest pays it.")

_SALE = "/properties/{property}/sales/{sale}"
_Data = Annotated[
    dict[Annotated[str, Meta(max_length=100)], Annotated[str, Meta(max_length=4_000)]], Meta(max_length=50)
]


class PayBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the guest pays, by default as the rate says. ``customer`` is who books, where a quote was not held yet.

    With a ``token`` the means of payment that the gateway keeps for ``token_customer`` is charged, now and for what
    comes due later. ``client`` is what the gateway's own fields in the page gave, verbatim; ``payer`` the guest's id in
    a wallet, for a page inside it. With ``anew`` another payment may begin while one is under way.
    """

    method: Method | None = None
    token: Text = ""
    token_customer: Text = ""
    client: _Data = {}
    payer: Text = ""
    ip: Annotated[str, Meta(max_length=45, description="the guest's address, for pages on telephones")] = ""
    browser: Annotated[dict[str, str | int | bool], Meta(max_length=40)] = {}
    return_url: WebAddress | None = None
    language: Language = ""
    anew: bool = False
    customer: CustomerBody | None = None


@ENDPOINTS.add("GET", f"{_SALE}/money", Action.SELL, answer=shown_type(SaleMoney))
async def show_sale_money(call: Call[Nothing, Nothing]) -> Answer:
    """Show what is due and paid.

    By the schedule of the rate. Of a hold `to_pay` is what is needed for the booking.
    """
    return Answer(await schedule.money(call.services, call.property_id, call.path["sale"]))


@ENDPOINTS.add("POST", f"{_SALE}/pay", Action.SELL, body=PayBody, answer=shown_type(PayLink), repeat=Repeat.CLAIMED)
async def pay_sale(call: Call[Nothing, PayBody]) -> Answer:
    """Get the link to pay with.

    A quote is held first. With the outcome `action_required` the guest does what `action` says: open `url`, scan
    `content`, or hand `fields` to the gateway's script. Once paid, the hold becomes a reservation by itself. Asked
    again, the same payment is given until it has ended.
    """
    body = call.body
    wish = Wish(
        method=body.method,
        token=body.token,
        customer=body.token_customer,
        client=body.client,
        payer=body.payer,
        device=Device(ip=body.ip, browser=body.browser),
        return_url=body.return_url or "",
        language=body.language,
        anew=body.anew,
    )
    sale, author = call.path["sale"], call.principal.author
    customer = customer_of(body.customer)
    return Answer(await schedule.pay(call.services, call.property_id, sale, wish, author, customer=customer))
