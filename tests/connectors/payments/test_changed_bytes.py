"""One byte of a genuine callback is changed, any to any: it is refused, wherever in body or signature it stands.

Two gateways do not sign bytes but what they mean. There a change may only be one that means the same: another spelling
of a form's value at Alipay and UnionPay, and at Adyen what no movement of money is read from.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.payments._shared.connector import PaymentConnector
from connectors.payments._shared.form import read_form
from connectors.payments.adyen import CONNECTOR as ADYEN
from connectors.payments.alipay import CONNECTOR as ALIPAY
from connectors.payments.stripe import CONNECTOR as STRIPE
from connectors.payments.unionpay import CONNECTOR as UNIONPAY
from connectors.payments.wechatpay import CONNECTOR as WECHATPAY
from gateway.contract import Head, Reply, Site
from gateway.errors import Malformed, Reason, Refusal, Rejected, Unauthentic
from gateway.messages_payment import PaymentNotified
from gateway.testing.subject import NOW_MS, PASSWORD, USERNAME
from gateway.wire.http_auth import compose_basic
from tests.connectors.payments import china
from tests.connectors.payments.accounts import FIXTURES, site, stripe_header


class Genuine(NamedTuple):
    """A callback that is taken; ``proof`` names the headers that prove it."""

    connector: PaymentConnector
    account: Site
    headers: dict[str, str]
    body: bytes
    proof: tuple[str, ...] = ()

    def read(self, body: bytes, headers: dict[str, str]) -> list[Any]:
        """What follows from it; raises a :class:`gateway.errors.Refusal`."""
        document = self.connector.open(Head("POST", "/payments/x/t", headers), [body])
        self.connector.verify(document, self.account, NOW_MS)
        return list(self.connector.parse(document, self.account))


def _body(*path: str) -> bytes:
    return FIXTURES.joinpath(*path).read_bytes()


def _genuine() -> dict[str, Genuine]:
    paid = _body("stripe", "payment_intent", "paid.json")
    sealed = _body("wechatpay", "transaction", "paid.json")
    alipay = dict(parse_qsl(_body("alipay", "trade", "paid.form").decode()))
    unionpay = dict(parse_qsl(_body("unionpay", "purchase", "paid.form").decode()))
    login = {"authorization": compose_basic(USERNAME, PASSWORD)}
    wechat = china.wechat_headers(sealed)
    return {
        "stripe": Genuine(
            STRIPE, site("stripe"), {"stripe-signature": stripe_header(paid)}, paid, ("stripe-signature",)
        ),
        "adyen": Genuine(ADYEN, site("adyen"), login, _body("adyen", "several", "paid-and-captured.json")),
        "alipay": Genuine(ALIPAY, china.site("alipay"), {}, china.alipay_notice(alipay)),
        "wechatpay": Genuine(WECHATPAY, china.site("wechatpay"), wechat, sealed, tuple(wechat)),
        "unionpay": Genuine(UNIONPAY, china.site("unionpay"), {}, urlencode(china.unionpay_signed(unionpay)).encode()),
    }


GENUINE = _genuine()
NAMES = pytest.mark.parametrize("name", list(GENUINE))
PLACES = st.integers(0, 2**16)
BYTES = st.integers(0, 255)


def money(events: list[Any]) -> list[Any]:
    """What could reach a ledger."""
    return [
        (event.account, event.dedupe, fact.kind, fact.key, fact.amount, fact.currency, fact.operation, fact.payment_psp)
        for event in events
        for fact in event.facts
    ]


def means_the_same(name: str, body: bytes) -> bool:
    """Whether a changed body says what the genuine one says."""
    genuine = GENUINE[name]
    if name in ("alipay", "unionpay"):
        return read_form(body) == read_form(genuine.body)
    expected = money(genuine.read(genuine.body, genuine.headers))
    return name == "adyen" and money(genuine.read(body, genuine.headers)) == expected


@NAMES
def test_what_is_genuine_is_taken(name: str) -> None:
    genuine = GENUINE[name]
    events = genuine.read(genuine.body, genuine.headers)
    assert events
    assert all(isinstance(event, PaymentNotified) and event.facts for event in events)


# A certificate that was tampered with is read before it is refused.
@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@NAMES
@settings(max_examples=150)
@given(PLACES, BYTES)
def test_a_changed_byte_of_the_body_is_refused(name: str, place: int, byte: int) -> None:
    genuine = GENUINE[name]
    changed = bytearray(genuine.body)
    changed[place % len(changed)] = byte
    if changed == genuine.body:
        return
    try:
        genuine.read(bytes(changed), genuine.headers)
    except (Unauthentic, Malformed):
        return
    assert means_the_same(name, bytes(changed))


@pytest.mark.parametrize("name", [name for name, genuine in GENUINE.items() if genuine.proof])
@settings(max_examples=150)
@given(PLACES, PLACES, st.characters(min_codepoint=33, max_codepoint=126))
def test_a_changed_character_of_the_proof_is_refused(name: str, which: int, place: int, other: str) -> None:
    genuine = GENUINE[name]
    header = genuine.proof[which % len(genuine.proof)]
    value = genuine.headers[header]
    place %= len(value)
    changed = f"{value[:place]}{other}{value[place + 1 :]}"
    if changed == value or (header.endswith("serial") and changed.upper() == value.upper()):
        return
    with pytest.raises((Unauthentic, Malformed)):
        genuine.read(genuine.body, genuine.headers | {header: changed})


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@NAMES
@settings(max_examples=40)
@given(PLACES, st.booleans())
def test_a_byte_too_few_or_too_many_is_refused(name: str, place: int, more: bool) -> None:
    genuine = GENUINE[name]
    place %= len(genuine.body)
    changed = genuine.body[:place] + (b"0" if more else b"") + genuine.body[place + (0 if more else 1) :]
    try:
        genuine.read(changed, genuine.headers)
    except (Unauthentic, Malformed):
        return
    assert means_the_same(name, changed)


SHAPES: dict[str, dict[Reason, tuple[int, bytes]]] = {
    "stripe": {Reason.AUTHENTICATION: (400, b""), Reason.AUTHORIZATION: (400, b""), Reason.UNAVAILABLE: (500, b"")},
    "adyen": {Reason.AUTHENTICATION: (401, b""), Reason.AUTHORIZATION: (403, b""), Reason.UNAVAILABLE: (500, b"")},
    "alipay": {
        Reason.AUTHENTICATION: (400, b"fail"),
        Reason.AUTHORIZATION: (400, b"fail"),
        Reason.UNAVAILABLE: (500, b"fail"),
    },
    "wechatpay": {
        Reason.AUTHENTICATION: (401, b'"FAIL"'),
        Reason.AUTHORIZATION: (403, b'"FAIL"'),
        Reason.UNAVAILABLE: (500, b'"FAIL"'),
    },
    "unionpay": {
        Reason.AUTHENTICATION: (400, b"fail"),
        Reason.AUTHORIZATION: (400, b"fail"),
        Reason.UNAVAILABLE: (500, b"fail"),
    },
}


@NAMES
def test_each_gateway_is_refused_in_its_own_way_and_never_as_taken(name: str) -> None:
    connector = GENUINE[name].connector
    for reason, (status, text) in SHAPES[name].items():
        refusal: Refusal = Rejected("no", reason) if reason is Reason.UNAVAILABLE else Unauthentic("no", reason)
        reply = connector.refuse(None, refusal, NOW_MS)
        assert (reply.status, text in reply.body) == (status, True)
        assert reply != connector.taken


@NAMES
def test_one_item_that_is_not_taken_brings_the_whole_message_back(name: str) -> None:
    genuine = GENUINE[name]
    document = genuine.connector.open(Head("POST", "/", genuine.headers), [genuine.body])
    refusal = Rejected("no", Reason.UNAVAILABLE)
    reply: Reply = genuine.connector.answer(document, genuine.account, [refusal], NOW_MS)
    assert reply == genuine.connector.refuse(document, refusal, NOW_MS)


@NAMES
def test_another_account_refuses_what_is_genuine(name: str) -> None:
    genuine = GENUINE[name]
    if name == "stripe":
        other = msgspec.structs.replace(genuine.account, options={"connect_account": "acct_other"})
    else:
        other = msgspec.structs.replace(genuine.account, hotel="OTHER")
    with pytest.raises(Unauthentic) as caught:
        genuine._replace(account=other).read(genuine.body, genuine.headers)
    assert caught.value.reason is Reason.AUTHORIZATION
