"""The simulated gateways are held against the official libraries: what one signs the other accepts."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from simulators.psp.adyen import Adyen
from simulators.psp.common import Answer
from simulators.psp.stripe import Stripe

stripe_sdk = pytest.importorskip("stripe")
adyen_util = pytest.importorskip("Adyen.util")

NOW_S = 1_900_000_000
HMAC = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"
LOGIN = {"authorization": "Bearer sk"}


def stripe() -> Stripe:
    return Stripe("sk", "whsec", "2026-10-28.endive", lambda: NOW_S)


def adyen() -> Adyen:
    return Adyen("key", "HotelEU", HMAC, ("user", "password"), lambda: NOW_S)


def charge(psp: Stripe, key: str, amount: int = 1_000, **more: str) -> Answer:
    fields = {"amount": str(amount), "currency": "eur", "payment_method": "pm_ok", **more}
    body = "&".join(f"{name}={value}" for name, value in fields.items()).encode()
    return psp.serve("POST", "https://api.stripe.com/v1/payment_intents", {**LOGIN, "Idempotency-Key": key}, body)


def pay(psp: Adyen, key: str, path: str = "payments", **body: Any) -> Answer:
    body = {"merchantAccount": "HotelEU", "reference": "R", **body}
    headers = {"x-api-key": "key", "idempotency-key": key}
    url = f"https://checkout-test.adyen.com/v72/{path}"
    return psp.serve("POST", url, headers, json.dumps(body).encode())


def test_stripes_library_accepts_what_is_signed_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    psp = stripe()
    charge(psp, "k1")
    callback = psp.signed(psp.events[-1])
    signature = callback.headers["stripe-signature"]
    verify = stripe_sdk.WebhookSignature.verify_header
    assert verify(callback.body.decode(), signature, "whsec")
    with pytest.raises(stripe_sdk.SignatureVerificationError):
        verify(callback.body.decode().replace("1000", "1001"), signature, "whsec")
    event = stripe_sdk.Event.construct_from(json.loads(callback.body), "sk")
    assert (event.type, event.data.object.amount_received) == ("payment_intent.succeeded", 1_000)


def test_adyens_library_accepts_what_is_signed_and_nothing_else() -> None:
    psp = adyen()
    pay(psp, "k1", amount={"currency": "EUR", "value": 1_000}, paymentMethod={"storedPaymentMethodId": "ok"})
    message = json.loads(psp.signed(psp.events[0]).body)
    (item,) = message["notificationItems"]
    assert adyen_util.is_valid_hmac_notification(message, HMAC)
    item["NotificationRequestItem"]["amount"]["value"] = 1_001
    assert not adyen_util.is_valid_hmac_notification(message, HMAC)


def test_a_key_is_answered_once_and_never_serves_two_requests() -> None:
    psp = stripe()
    first, again, other = charge(psp, "k1"), charge(psp, "k1"), charge(psp, "k1", 2_000)
    assert first.body == again.body
    assert again.headers["idempotent-replayed"] == "true"
    assert other.status == 400
    assert psp.moved() == (1_000, 0)


def test_stripe_takes_and_gives_back_no_more_than_there_is() -> None:
    psp = stripe()
    charge(psp, "k1", capture_method="manual")
    (name,) = psp.intents
    url = f"https://api.stripe.com/v1/payment_intents/{name}/capture"

    def post(url: str, key: str, body: bytes) -> int:
        return psp.serve("POST", url, {**LOGIN, "idempotency-key": key}, body).status

    assert post(url, "k2", b"amount_to_capture=1001") == 400
    assert post(url, "k3", b"amount_to_capture=700") == 200
    assert post(url, "k4", b"amount_to_capture=300") == 400
    refunds = "https://api.stripe.com/v1/refunds"
    assert post(refunds, "k5", f"payment_intent={name}&amount=701".encode()) == 400
    assert post(refunds, "k6", f"payment_intent={name}&amount=700".encode()) == 200
    assert psp.moved() == (700, 700)


def test_adyen_only_receives_and_tells_the_rest_later() -> None:
    psp = adyen()
    pay(psp, "k1", amount={"currency": "EUR", "value": 1_000}, paymentMethod={"storedPaymentMethodId": "ok"})
    (name,) = psp.payments
    for key, value in (("k2", 2_000), ("k3", 1_000), ("k4", 1_000)):
        reply = pay(psp, key, f"payments/{name}/captures", amount={"currency": "EUR", "value": value})
        assert (reply.status, json.loads(reply.body)["status"]) == (201, "received")
    assert [(event["eventCode"], event["success"]) for event in psp.events] == [
        ("AUTHORISATION", "true"),
        ("CAPTURE", "false"),
        ("CAPTURE", "true"),
        ("CAPTURE", "false"),
    ]
    assert psp.moved() == (1_000, 0)


def test_without_the_key_there_is_nothing() -> None:
    assert stripe().serve("GET", "https://api.stripe.com/v1/refunds", {}, b"").status == 401
    assert adyen().serve("POST", "https://checkout-test.adyen.com/v72/payments", {}, b"{}").status == 401
    login = adyen().signed({**_ITEM}).headers["authorization"].removeprefix("Basic ")
    assert base64.b64decode(login) == b"user:password"


_ITEM = {
    "pspReference": "8",
    "merchantAccountCode": "HotelEU",
    "merchantReference": "R",
    "amount": {"currency": "EUR", "value": 1},
    "eventCode": "AUTHORISATION",
    "success": "true",
}
