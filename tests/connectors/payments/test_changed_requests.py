"""The other direction: what we sign is accepted by who reads the protocol by itself, and any changed byte is refused.

And what a gateway answers: a changed byte of it is never a success. Stripe and Adyen sign neither; there the key proves
us, and TLS the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.payments._shared.connector import PaymentConnector
from connectors.payments.alipay import CONNECTOR as ALIPAY
from connectors.payments.unionpay import CONNECTOR as UNIONPAY
from connectors.payments.wechatpay import CONNECTOR as WECHATPAY
from gateway.contract import Key, Reply, Request, Site
from gateway.errors import CallFailed
from gateway.messages_payment import PaymentAnswered, Purchase
from gateway.model.payment import OperationOutcome
from gateway.model.payment_means import ScannedCode
from simulators.psp.accounts import Keys, make
from simulators.psp.common import Psp

NOW_S = 1_930_000_000
KEYS = Keys()
PAID = Purchase(
    id="01JGB7VXKQ8ZY6V3R2M1N0P4T5",
    at_ms=NOW_S * 1000,
    payment="01JGB7VXKQ8ZY6V3R2M1N0P4T6",
    nonce="n" * 32,
    amount=24_100,
    currency="CNY",
    means=ScannedCode("281234567890123456", "till-1"),
    text="Stay at the lake",
    notify_url="https://hotel.example/payments/x/house",
)
# Headers that nothing is proven by.
_UNSIGNED = frozenset({"user-agent", "accept", "content-type", "wechatpay-serial"})


class Pair(NamedTuple):
    connector: PaymentConnector
    site: Site
    fresh: Callable[[], Psp]


@cache
def pair(name: str) -> Pair:
    """Our connector, and a simulated gateway that has its own reading; a new one for each try, with the same keys."""
    connector = {"alipay": ALIPAY, "wechatpay": WECHATPAY, "unionpay": UNIONPAY}[name]
    first, table = make(name, lambda: NOW_S, "house", KEYS)
    site = Site(
        "house",
        table["profile"],
        table["account"],
        "CNY",
        url="https://psp.invalid",
        keys=tuple(Key(key["use"], key["secret"], key.get("id", "")) for key in table["keys"]),
        options=table.get("options", {}) | {"biz_type": "000000", "device_ip": "203.0.113.7"},
    )

    def fresh() -> Psp:
        psp, other = make(name, lambda: NOW_S, "house", KEYS)
        if name == "wechatpay":
            psp.merchant = first.merchant  # type: ignore[attr-defined]
            assert other
        return psp

    return Pair(connector, site, fresh)


def asked(name: str) -> Request:
    return pair(name).connector.encode(PAID, pair(name).site)


def answered(psp: Psp, request: Request) -> Reply:
    return Reply(*psp.serve(request.method, request.url, request.headers, request.body))


def outcome(name: str, request: Request, reply: Reply) -> OperationOutcome:
    try:
        decoded = pair(name).connector.decode(PAID, request, reply, pair(name).site)
    except CallFailed:
        return OperationOutcome.UNKNOWN
    (arrived,) = decoded.events
    assert isinstance(arrived.event, PaymentAnswered)
    return arrived.event.outcome


def meaning(request: Request) -> tuple[object, ...]:
    """What is signed of it: of forms the values, however they are spelt."""
    parts = urlsplit(request.url)
    form = b"=" in request.body[:40] and not request.body.startswith(b"{")
    body: object = sorted(parse_qsl(request.body.decode("latin-1"))) if form else request.body
    headers = {key: value for key, value in request.headers.items() if key not in _UNSIGNED}
    return request.method, parts.path, sorted(parse_qsl(parts.query)), body, tuple(sorted(headers.items()))


GATEWAYS = pytest.mark.parametrize("name", ["alipay", "wechatpay", "unionpay"])
PLACES = st.integers(0, 2**16)
CHARACTERS = st.integers(33, 126)


@GATEWAYS
def test_what_we_sign_is_carried_out(name: str) -> None:
    psp, request = pair(name).fresh(), asked(name)
    reply = answered(psp, request)
    assert outcome(name, request, reply) in (OperationOutcome.SUCCEEDED, OperationOutcome.PENDING)
    assert psp.moved() == (24_100, 0)


@GATEWAYS
@settings(max_examples=80, deadline=None)
@given(PLACES, CHARACTERS)
def test_a_changed_byte_of_what_we_ask_does_nothing(name: str, place: int, other: int) -> None:
    psp, request = pair(name).fresh(), asked(name)
    query = urlsplit(request.url).query
    proof = request.headers.get("authorization", "")
    whole = f"{query}\n{proof}\n".encode() + request.body
    place %= len(whole)
    if whole[place : place + 1] == b"\n":
        return
    changed = whole[:place] + bytes([other]) + whole[place + 1 :]
    new_query, new_proof, body = changed.split(b"\n", 2)
    headers = dict(request.headers) | ({"authorization": new_proof.decode()} if proof else {})
    url = request.url.removesuffix(query) + new_query.decode()
    forged = msgspec.structs.replace(request, url=url, headers=headers, body=body)
    if meaning(forged) == meaning(request):
        return
    answered(psp, forged)
    assert psp.moved() == (0, 0)


@GATEWAYS
@settings(max_examples=80, deadline=None)
@given(PLACES, st.integers(0, 255))
def test_a_changed_byte_of_an_answer_is_no_success(name: str, place: int, byte: int) -> None:
    request = asked(name)
    genuine = _answer(name)
    changed = bytearray(genuine.body)
    changed[place % len(changed)] = byte
    if bytes(changed) == genuine.body:
        return
    told = outcome(name, request, msgspec.structs.replace(genuine, body=bytes(changed)))
    if told is not OperationOutcome.UNKNOWN:
        # Only what stands beside the proven part, and says nothing of the payment.
        assert told is outcome(name, request, genuine)
        assert name == "alipay"


@cache
def _answer(name: str) -> Reply:
    return answered(pair(name).fresh(), asked(name))
