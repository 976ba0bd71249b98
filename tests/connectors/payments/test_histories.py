"""From the gateways' own messages to the ledger: order, repetition and loss make no difference to where it ends."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.payments.adyen import CONNECTOR as ADYEN
from connectors.payments.alipay import CONNECTOR as ALIPAY
from connectors.payments.stripe import CONNECTOR as STRIPE
from connectors.payments.unionpay import CONNECTOR as UNIONPAY
from connectors.payments.wechatpay import CONNECTOR as WECHATPAY
from gateway.contract import Head, Inbound
from gateway.engine.facts import events_of
from gateway.engine.ledger import Ledger, LedgerEvent, Novelty, Position, Status, fold, novelty
from gateway.messages_payment import PaymentNotified
from gateway.model.payment import FactSource, OperationKind, OperationRef
from tests.connectors.payments import china
from tests.connectors.payments.accounts import FIXTURES, OP, site

Kind = OperationKind
CAPTURE = OperationRef(
    id="01J9ZQ4W7M3N5P8R2T6V9X1B3C", kind=Kind.CAPTURE, at_ms=2, amount=20000, currency="EUR", psp="WZ9X2KQ7TT3F6B82"
)
REFUND = OperationRef(
    id="01J9ZQ4W7M3N5P8R2T6V9X1B3R", kind=Kind.REFUND, at_ms=3, amount=5000, currency="EUR", psp="QFQTPCQ8HXSKGK82"
)
CONNECTORS: dict[str, Inbound] = {
    "stripe": STRIPE,
    "adyen": ADYEN,
    "alipay": ALIPAY,
    "wechatpay": WECHATPAY,
    "unionpay": UNIONPAY,
}
IN_YUAN = ("alipay", "wechatpay", "unionpay")
# The refunds that the fixtures of these three speak of.
REFUNDS = tuple(
    OperationRef(id=id_, kind=Kind.REFUND, at_ms=3, amount=amount, currency="CNY")
    for id_, amount in ((china.CHILD, 5000), ("01J9ZQ4W7M3N5P8R2T6V9X1B3S", 19100))
)

# Gateway, what was intended, what it told, and authorised, captured, released, refunded, status.
HISTORIES = {
    "stripe: held, taken in part, refunded in part": (
        "stripe",
        Kind.AUTHORISE,
        [
            "payment_intent/held",
            "charge/held",
            "payment_intent/captured-in-part",
            "charge/captured-in-part",
            "refund/waiting",
            "refund/done",
            "refund/of-an-uncaptured-rest",
            "payment_intent/refused",
        ],
        (24100, 20000, 4100, 5000, Status.PARTIALLY_REFUNDED),
    ),
    "stripe: a refund that fails days later": (
        "stripe",
        Kind.PURCHASE,
        ["payment_intent/paid", "refund/done", "refund/failed", "dispute/opened", "dispute/withdrawn"],
        (24100, 24100, 0, 0, Status.CAPTURED),
    ),
    "stripe: raised and released": (
        "stripe",
        Kind.AUTHORISE,
        ["payment_intent/held", "payment_intent/raised", "payment_intent/released", "charge/run-out"],
        (30000, 0, 30000, 0, Status.EXPIRED),
    ),
    "adyen: held, taken in part, refunded in part": (
        "adyen",
        Kind.AUTHORISE,
        ["authorisation/authorised", "capture/in-part", "refund/postponed", "refund/done", "release/run-out"],
        (24100, 20000, 4100, 5000, Status.PARTIALLY_REFUNDED),
    ),
    "adyen: raised and cancelled": (
        "adyen",
        Kind.AUTHORISE,
        ["authorisation/authorised", "authorisation/raised", "release/cancelled"],
        (30000, 0, 30000, 0, Status.VOIDED),
    ),
    "adyen: a capture and a refund that fail later": (
        "adyen",
        Kind.AUTHORISE,
        [
            "authorisation/authorised",
            "authorisation/refused",
            "capture/in-part",
            "capture/failed-later",
            "refund/done",
            "refund/failed-later",
        ],
        (24100, 0, 4100, 0, Status.AUTHORISED),
    ),
    "adyen: a purchase whose capture is told again": (
        "adyen",
        Kind.PURCHASE,
        ["several/paid-and-captured", "dispute/chargeback", "dispute/reversed"],
        (24100, 24100, 0, 0, Status.CAPTURED),
    ),
    "alipay: paid, refunded in part, then the rest": (
        "alipay",
        Kind.PURCHASE,
        ["trade/opened", "trade/paid", "refund/in-part", "refund/the-rest", "trade/paid-without-refunds"],
        (24100, 24100, 0, 24100, Status.REFUNDED),
    ),
    "alipay: paid and cancelled": (
        "alipay",
        Kind.PURCHASE,
        ["refund/cancelled", "trade/closed"],
        (24100, 24100, 0, 24100, Status.REFUNDED),
    ),
    "alipay: held and released in part": (
        "alipay",
        Kind.AUTHORISE,
        ["hold/begun", "hold/held", "hold/released"],
        (50000, 0, 25900, 0, Status.AUTHORISED),
    ),
    "wechatpay: a refund that cannot reach the card, then does": (
        "wechatpay",
        Kind.PURCHASE,
        ["transaction/paid", "refund/abnormal", "refund/done"],
        (24100, 24100, 0, 5000, Status.PARTIALLY_REFUNDED),
    ),
    "wechatpay: a refund that is closed": (
        "wechatpay",
        Kind.PURCHASE,
        ["transaction/paid", "refund/abnormal", "refund/closed"],
        (24100, 24100, 0, 0, Status.CAPTURED),
    ),
    "unionpay: held, taken in part, refunded in part": (
        "unionpay",
        Kind.AUTHORISE,
        ["hold/held", "capture/in-part", "refund/in-part"],
        (50000, 20000, 30000, 5000, Status.PARTIALLY_REFUNDED),
    ),
    "unionpay: a completion that is taken back": (
        "unionpay",
        Kind.AUTHORISE,
        ["hold/held", "capture/in-part", "capture/taken-back"],
        (50000, 0, 50000, 0, Status.VOIDED),
    ),
    "unionpay: paid and undone on the same day": (
        "unionpay",
        Kind.PURCHASE,
        ["purchase/paid", "refund/same-day"],
        (24100, 24100, 0, 24100, Status.REFUNDED),
    ),
}


@cache
def said(gateway: str, intent: OperationKind, name: str) -> tuple[LedgerEvent, ...]:
    """One message, as events of the ledger."""
    yuan = gateway in IN_YUAN
    connector, account = CONNECTORS[gateway], china.site(gateway) if yuan else site(gateway)
    asked = OperationRef(id=OP, kind=intent, at_ms=1, amount=24100, currency="CNY" if yuan else "EUR")
    others = REFUNDS if yuan else (CAPTURE, REFUND) if intent is Kind.AUTHORISE else ()
    operations = (asked, *others)
    (fixture,) = (path for path in (FIXTURES / gateway).glob(f"{name}.*") if ".expected" not in path.name)
    body = fixture.read_bytes()
    found = connector.parse(connector.open(Head("POST", "/", {}), [body]), account)
    facts = [fact for event in found if isinstance(event, PaymentNotified) for fact in event.facts]
    return tuple(event for fact in facts for event in events_of(fact, intent, operations, FactSource.CALLBACK))


def told(gateway: str, intent: OperationKind, names: Sequence[str]) -> list[LedgerEvent]:
    return [event for name in names for event in said(gateway, intent, name)]


def booked(events: Sequence[LedgerEvent]) -> Position:
    ledger: Ledger = {}
    for event in events:
        what = novelty(ledger.get((event.kind, event.key)), event)
        assert what is not Novelty.CONFLICT, event
        if what is Novelty.NEW:
            ledger = {**ledger, (event.kind, event.key): event}
    return fold(ledger.values(), events[0].currency)


@pytest.mark.parametrize("name", HISTORIES)
def test_where_it_ends(name: str) -> None:
    gateway, intent, names, expected = HISTORIES[name]
    found = booked(told(gateway, intent, names))
    assert (found.authorised, found.captured, found.released, found.refunded, found.status) == expected
    assert found.alarms == ()


@pytest.mark.parametrize("name", HISTORIES)
@given(seed=st.integers(0, 2**32))
def test_in_any_order_and_any_number_of_times(name: str, seed: int) -> None:
    dice = Random(seed)
    gateway, intent, names, expected = HISTORIES[name]
    late = [one for one in names if dice.random() < 0.3]
    order = [*names, *dice.choices(names, k=3)]
    dice.shuffle(order)
    found = booked(told(gateway, intent, [one for one in order if one not in late] + late))
    assert (found.authorised, found.captured, found.released, found.refunded, found.status) == expected


def test_a_message_that_contradicts_another_is_found_out() -> None:
    events = told("adyen", Kind.AUTHORISE, ["capture/in-part"])
    (captured,) = [event for event in events if event.kind.value == "captured"]
    other = LedgerEvent(kind=captured.kind, key=captured.key, amount=captured.amount - 1, currency="EUR")
    assert novelty(captured, other) is Novelty.CONFLICT
