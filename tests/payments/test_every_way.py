"""Every way a guest can pay at the gateways that have it, and every way an order or a hold ends unpaid, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.flows.payments import operate
from gateway.flows.payments.operate import Ask, Operated
from gateway.model.payment import OperationKind, OperationOutcome
from gateway.model.payment_means import (
    ActionKind,
    Device,
    HostedPage,
    InApp,
    Means,
    MiniProgram,
    MobilePage,
    ShownCode,
    StoredMethod,
)
from gateway.store.database import Database
from simulators.psp.alipay import Alipay
from simulators.psp.common import NotHere
from tests.payments.five import ACCOUNT, Five, opened

BACK = "http://hotel.invalid/back"
TELEPHONE = Device("203.0.113.7")
H5, JSAPI, APP = MobilePage(), MiniProgram("oUpF8uMuAJO"), InApp()
STORED, HOLD_CODE = StoredMethod("ok", "guest-1"), ShownCode()


async def begun(five: Five, means: Means, kind: OperationKind = OperationKind.PURCHASE) -> Operated:
    ask = Ask(
        intent=kind,
        amount=10_000,
        currency=five.case.currency,
        means=means,
        return_url=BACK,
        device=TELEPHONE,
        text="Stay",
    )
    payment = await operate.charge(five.services, "h", ACCOUNT, ask, "test")
    five.payments.append(payment.payment_id)
    return payment


async def carried_out(five: Five, payment: Operated) -> None:
    """What the guest's browser, wallet or telephone does with what it was given."""
    action = payment.action
    assert action is not None
    if action.kind is ActionKind.REDIRECT:
        page = await five.client.get(action.url, follow_redirects=True)
        assert page.status_code == 200
    elif action.kind is ActionKind.FORM:
        page = await five.client.post(action.url, data=dict(action.fields), follow_redirects=False)
        assert page.status_code == 302
    elif isinstance(five.psp, Alipay) and action.content:
        five.psp.open(action.content)  # the telephone's kit hands the signed order over
    five.psp.pay(payment.operation_id)


@pytest.mark.parametrize(
    ("gateway", "means", "kind"),
    [
        ("alipay", H5, ActionKind.REDIRECT),
        ("alipay", MiniProgram("2088102534368455"), ActionKind.CLIENT),
        ("alipay", APP, ActionKind.CLIENT),
        ("alipay", HostedPage(), ActionKind.REDIRECT),
        ("wechatpay", H5, ActionKind.REDIRECT),
        ("wechatpay", JSAPI, ActionKind.CLIENT),
        ("wechatpay", APP, ActionKind.CLIENT),
        ("unionpay", H5, ActionKind.FORM),
        ("unionpay", APP, ActionKind.CLIENT),
    ],
)
async def test_a_guest_pays_in_every_way_there_is(
    gateway: str, means: Means, kind: ActionKind, sqlite: Database
) -> None:
    more: dict[str, Any] = {"biz_type": "000201"} if gateway == "unionpay" else {}
    async with opened(gateway, sqlite, **more) as five:
        payment = await begun(five, means)
        assert payment.outcome is OperationOutcome.ACTION_REQUIRED
        assert payment.action is not None
        assert payment.action.kind is kind
        await carried_out(five, payment)
        await five.settle()
        await five.refund(payment, 2_500)
        await five.settle()
        assert five.psp.moved() == (10_000, 2_500)
        await five.ledger_is_the_books()


@pytest.mark.parametrize(
    ("gateway", "means"),
    [
        ("stripe", HostedPage()),
        ("adyen", HostedPage(link=True)),
        ("alipay", MiniProgram("2088102534368455")),
        ("wechatpay", ShownCode()),
        ("wechatpay", APP),
    ],
)
async def test_an_order_that_is_withdrawn_cannot_be_paid(gateway: str, means: Means, sqlite: Database) -> None:
    async with opened(gateway, sqlite) as five:
        payment = await begun(five, means)
        await operate.close(five.services, "h", payment.payment_id, "test")
        await five.settle()
        with pytest.raises(NotHere):
            five.psp.pay(payment.operation_id)
        outcomes = dict(await five.outcomes())
        assert (outcomes["purchase"], outcomes["close"]) == ("failed", "succeeded")
        assert five.psp.moved() == (0, 0)
        await five.ledger_is_the_books()


@pytest.mark.parametrize(
    ("gateway", "means"),
    [("stripe", StoredMethod("pm_ok")), ("adyen", STORED), ("alipay", HOLD_CODE), ("unionpay", APP)],
)
async def test_a_hold_that_is_released_brings_nothing(gateway: str, means: Means, sqlite: Database) -> None:
    async with opened(gateway, sqlite) as five:
        held = await begun(five, means, OperationKind.AUTHORISE)
        if held.outcome is OperationOutcome.ACTION_REQUIRED:
            five.psp.pay(held.operation_id)
        await five.settle()
        assert (await five.position(held)).capturable == 10_000
        await operate.void(five.services, "h", held.payment_id, "test")
        await five.settle()
        position = await five.position(held)
        assert (position.released, position.capturable, position.captured) == (10_000, 0, 0)
        assert five.psp.moved() == (0, 0)
        await five.ledger_is_the_books()
