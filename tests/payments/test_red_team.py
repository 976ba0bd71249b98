"""What somebody could try with callbacks, at each gateway over HTTP: nothing of it moves money or stays behind.

Who can sign is the gateway, or has stolen its keys; also then amounts, currencies and references are held against what
was asked for. Who cannot sign may repeat, mix and dress up what they have seen.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

import pytest

from gateway.flows.payments import operate
from gateway.flows.payments.callbacks import BODY_BYTES_MAX
from gateway.flows.payments.operate import Ask
from gateway.model.payment import OperationKind, OperationOutcome
from gateway.model.payment_means import StoredMethod
from gateway.store.database import Database
from gateway.store.tables_paying import PaymentAccountRow
from simulators.psp.common import Body, Callback
from tests.payments.five import ACCOUNT, GATEWAYS, Five, changed, opened

FORGED = {"authorization": b"Basic Zm9yZ2VkOmZvcmdlZA==", "stripe-signature": b"t=1,v1=00"}
NOBODYS = "01K00000000000000000000000"


class Spot(NamedTuple):
    """Where an event of each gateway says what it is about."""

    amount: tuple[str, ...]
    currency: tuple[str, ...]
    reference: tuple[str, ...]
    foreign: str
    number: Callable[[int], Any] = int


SPOTS = {
    "stripe": Spot(
        *(("data", "object", "amount_received"), ("data", "object", "currency")),
        *(("data", "object", "metadata", "op_id"), "usd"),
    ),
    "adyen": Spot(("amount", "value"), ("amount", "currency"), ("merchantReference",), "USD"),
    "alipay": Spot(("total_amount",), (), ("out_trade_no",), "", lambda fen: f"{fen / 100:.2f}"),
    "wechatpay": Spot(
        *(("content", "amount", "total"), ("content", "amount", "currency"), ("content", "out_trade_no"), "USD")
    ),
    "unionpay": Spot(("txnAmt",), ("currencyCode",), ("orderId",), "840", str),
}


@pytest.fixture(params=GATEWAYS)
async def five(request: pytest.FixtureRequest, sqlite: Database) -> AsyncIterator[Five]:
    async with opened(request.param, sqlite) as one:
        yield one


def said(five: Five, path: tuple[str, ...], value: Any) -> Body:
    """The event of a payment with something else in one place; its numbers are new, so that it is no repetition."""
    event = changed(five.paid_event(), *path, value=value)
    if five.gateway == "stripe":
        intent = event["data"]["object"]
        if path[-1] == "op_id":
            intent["id"], intent["metadata"]["payment_id"] = "pi_other", NOBODYS
        if path[-1] == "amount_received":
            intent["amount"] = value
    if five.gateway in ("alipay", "wechatpay") and path[-1] == "out_trade_no":
        target = event if five.gateway == "alipay" else event["content"]
        target["trade_no" if five.gateway == "alipay" else "transaction_id"] = "2031999999999999"
    if five.gateway == "unionpay" and path[-1] == "orderId":
        event["queryId"] = "203101049999999999999"
    if five.gateway == "adyen" and path[-1] == "merchantReference":
        event["pspReference"] = "8999999999999999"
    return event


def numbered(gateway: str, event: Body, number: int) -> Body:
    """The event as a message nobody has seen yet."""
    match gateway:
        case "adyen":
            return event | {"pspReference": f"88{number:014d}"}
        case "alipay":
            return event | {"notify_id": f"2031REDTEAM{number}"}
        case "unionpay":
            return event | {"queryId": f"2031010499999{number:08d}"}
    return event | {"id": f"evt_redteam{number}"}


async def has_no_effect(five: Five, payment_id: str, callback: Callback, *, says_nothing: bool = False) -> None:
    """Refused, or taken and left to a person: the ledger has heard nothing.

    ``says_nothing`` is of no movement at all, as Adyen tells of a card that it keeps.
    """
    five.courier.faults.withhold = True
    known = {row.dedupe for row in await five.inbox()}
    reply = await five.post(callback)
    await five.work()
    assert await five.events() == []
    assert (await five.position(payment_id)).captured == 0
    fresh = [row.state for row in await five.inbox() if row.dedupe not in known]
    assert says_nothing or "done" not in fresh
    assert fresh or not five.psp.acknowledged(reply)


AMOUNTS = (0, -10_000, 10_001)
# In texts of Alipay and UnionPay; the others write numbers.
DIGITS = ("１００.００", "１００００", "1e4", "")


async def test_what_was_not_asked_for_moves_nothing(five: Five) -> None:
    """Another amount, another currency, another payment, and digits of other scripts, each in a message of its own."""
    payment, spot = await five.bought(), SPOTS[five.gateway]
    told = [(spot.amount, spot.number(amount)) for amount in AMOUNTS]
    told += [(spot.amount, text) for text in DIGITS if five.gateway in ("alipay", "unionpay")]
    told += [(spot.currency, spot.foreign)] if spot.currency else []  # Alipay's notices name none: they are in yuan
    told.append((spot.reference, NOBODYS))
    for number, (path, value) in enumerate(told):
        event = numbered(five.gateway, said(five, path, value), number)
        says_nothing = five.gateway == "adyen" and value == 0
        await has_no_effect(five, payment.payment_id, five.psp.signed(event), says_nothing=says_nothing)


@pytest.mark.parametrize("five", ["stripe", "wechatpay"], indirect=True)
async def test_times_are_written_in_ascii(five: Five) -> None:
    payment, genuine = await five.bought(), five.psp.signed(five.paid_event())
    headers = [
        (name.encode(), "".join(chr(0xFF10 + int(each)) if each.isdigit() else each for each in value).encode())
        for name, value in genuine.headers.items()
        if name in ("stripe-signature", "wechatpay-timestamp")
    ]
    rest = [(name.encode(), value.encode()) for name, value in genuine.headers.items() if name != "stripe-signature"]
    rest = [pair for pair in rest if pair[0] != b"wechatpay-timestamp"]
    reply = await five.client.post(five.callback_url, headers=[*rest, *headers], content=genuine.body)
    assert reply.status_code == five.case.refused[0]
    assert (await five.position(payment)).captured == 0


async def test_a_message_of_before_changes_nothing_however_late_it_comes_again(five: Five) -> None:
    """Recorded while it was sent, and played again once everything was given back."""
    payment = await five.bought()
    recorded = five.psp.signed(five.paid_event())
    await five.settle()
    await five.refund(payment)
    await five.settle()
    before = await five.position(payment)
    assert (before.captured, before.refunded, before.refundable) == (10_000, 10_000, 0)
    for wait_s in (0, 60, 400):
        five.clock.pass_s(wait_s)
        await five.post(recorded)
        await five.settle()
    assert await five.position(payment) == before
    assert five.psp.moved() == (10_000, 10_000)
    await five.ledger_is_the_books()


async def test_a_proof_that_comes_twice_is_no_proof(five: Five) -> None:
    """The genuine one, and one of somebody else's making beside it: nobody chooses which of them counts."""
    payment, genuine = await five.bought(), five.psp.signed(five.paid_event())
    proofs = [name for name in genuine.headers if "sign" in name or name in ("authorization", "wechatpay-nonce")]
    for name in proofs:
        for place in (0, len(genuine.headers)):
            headers = [(key.encode(), value.encode()) for key, value in genuine.headers.items()]
            headers.insert(place, (name.encode(), FORGED.get(name, b"1")))
            reply = await five.client.post(five.callback_url, headers=headers, content=genuine.body)
            assert reply.status_code >= 400, name
    assert (bool(proofs), await five.inbox()) == (five.gateway in ("stripe", "adyen", "wechatpay"), [])
    assert (await five.position(payment)).captured == 0


KINDS = ("text/html", "multipart/form-data; boundary=x", "application/json; charset=utf-16", "application/xml", "")


async def test_what_a_message_calls_itself_makes_no_difference(five: Five) -> None:
    """The bytes are what is signed, and are read as that gateway writes them."""
    payment, genuine = await five.bought(), five.psp.signed(five.paid_event())
    forged = genuine.body.replace(*five.case.forged)
    for kind in KINDS:
        headers = {**genuine.headers, "content-type": kind}
        assert (await five.post(Callback(headers, forged))).status == five.case.refused[0]
        assert five.psp.acknowledged(await five.post(Callback(headers, genuine.body)))
    await five.work()
    assert (await five.position(payment)).captured in (0, 10_000)  # Adyen tells of the capture with another one
    assert [row.state for row in await five.inbox()] == ["done"]


async def test_what_cannot_be_unpacked_is_refused(five: Five) -> None:
    payment, genuine = await five.bought(), five.psp.signed(five.paid_event())
    for encoding in ("br", "deflate", "gzip, gzip", "utf-16"):
        reply = await five.post(Callback({**genuine.headers, "content-encoding": encoding}, genuine.body))
        assert not five.psp.acknowledged(reply)
        assert reply.status in (400, 500)
    assert await five.inbox() == []
    assert (await five.position(payment)).captured == 0


async def test_a_body_that_is_too_large_is_refused_unread(five: Five) -> None:
    await five.bought()
    genuine = five.psp.signed(five.paid_event())
    too_large = genuine.body + b" " * BODY_BYTES_MAX
    bomb = gzip.compress(b"{" + b" " * 50_000_000)
    for headers, body in ((genuine.headers, too_large), ({**genuine.headers, "content-encoding": "gzip"}, bomb)):
        reply = await five.post(Callback(headers, body))
        assert reply.status == 413
    assert await five.inbox() == []


NOTHING = (b"[" * 100_000, b"{}", b"null", b'"x"', b"\xff\xfe", b"=&=&=", b"a=%ff&a=1", b"\0" * 64)


async def test_what_is_no_message_at_all_is_refused(five: Five) -> None:
    headers = five.psp.signed(_item()).headers if five.gateway == "adyen" else {}
    for body in NOTHING:
        reply = await five.post(Callback(headers, body))
        assert not five.psp.acknowledged(reply)
        assert 400 <= reply.status < 500
        five.clock.pass_s(11)  # of many within ten seconds the first is written down, and the rest with the next
    refused = sum(row.refused for row in await five.house.rows(PaymentAccountRow, "1 = 1"))
    assert (refused, await five.inbox()) == (len(NOTHING), [])


def _item() -> Body:
    nothing = {"currency": "EUR", "value": 1}
    named = {"pspReference": "8", "merchantAccountCode": "SimulatedHotel", "merchantReference": "x"}
    return named | {"amount": nothing, "eventCode": "AUTHORISATION", "success": "true"}


@pytest.mark.parametrize("five", ["adyen"], indirect=True)
async def test_one_item_of_another_house_refuses_all(five: Five) -> None:
    payment = await five.bought()
    foreign = {**five.paid_event(), "merchantAccountCode": "AnotherHotel", "pspReference": "8000000000000099"}
    for items in ((five.paid_event(), foreign), (foreign, five.paid_event())):
        assert (await five.post(five.psp.signed(*items))).status == 403
    many = json.loads(five.psp.signed(five.paid_event()).body)
    many["notificationItems"] *= 101
    body = json.dumps(many).encode()
    assert (await five.post(Callback(five.psp.signed(five.paid_event()).headers, body))).status == 400
    assert await five.inbox() == []
    assert (await five.position(payment)).captured == 0


@pytest.mark.parametrize(
    ("gateway", "currency", "amount", "theirs"),
    [
        ("stripe", "JPY", 10_000, 10_000),
        ("stripe", "KWD", 10_250, 10_250),
        ("stripe", "ISK", 10_000, 1_000_000),
        ("stripe", "UGX", 10_000, 1_000_000),
        ("adyen", "JPY", 10_000, 10_000),
        ("adyen", "KWD", 10_255, 10_255),
        ("adyen", "CLP", 10_000, 1_000_000),
        ("adyen", "IDR", 1_000_000, 10_000),
    ],
)
async def test_every_currency_has_its_own_places(
    gateway: str, currency: str, amount: int, theirs: int, sqlite: Database
) -> None:
    """Ours are minor units of ISO 4217; what the gateway moves and tells is in its own."""
    async with opened(gateway, sqlite) as five:
        means = StoredMethod("pm_ok") if gateway == "stripe" else StoredMethod("ok", "guest-1")
        ask = Ask(intent=OperationKind.PURCHASE, amount=amount, currency=currency, means=means)
        payment = await operate.charge(five.services, "h", ACCOUNT, ask, "test")
        assert payment.outcome is OperationOutcome.SUCCEEDED
        await five.settle()
        part = amount // 2 - amount // 2 % (100 if currency == "IDR" else 10)
        await five.give_back(payment.payment_id, part)
        await five.settle()
        position = await five.position(payment)
        assert (position.captured, position.refunded, position.currency) == (amount, part, currency)
        assert five.psp.moved() == (theirs, part * theirs // amount)
        assert [row.state for row in await five.inbox() if row.state != "done"] == []
