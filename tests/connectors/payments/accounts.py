"""Accounts, commands and signed callbacks for the tests of payment connectors."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from gateway.contract import Head, Key, Reply, Site
from gateway.messages import Command
from gateway.messages_payment import (
    Adjust,
    Authorise,
    Capture,
    Close,
    ContinueCharge,
    FetchStatement,
    Purchase,
    QueryOperation,
    Refund,
    Tokenise,
    Void,
)
from gateway.model.payment import OperationKind, OperationRef
from gateway.model.payment_means import Card, ClientMethod, HostedPage, Presence, StoredMethod
from gateway.testing.subject import NOW_MS, PASSWORD, USERNAME, default_site

FIXTURES = Path(__file__).parents[3] / "fixtures" / "payments"
OP = "01J9ZQ4W7M3N5P8R2T6V9X1B3D"
PAYMENT = "01J9ZQ4W0000000000000000PA"
CARD = Card("4111111111111111", 12, 2033, "Ada Okonkwo", "737")
ADYEN_KEY = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"
STRIPE_SECRET = f"{USERNAME}:{PASSWORD}"  # so that the kit's wrong logins are wrong signatures


def site(profile: str, **changes: Any) -> Site:
    """The kit's account, with the keys of both gateways."""
    keys = {"stripe": (Key("callback", STRIPE_SECRET, "s1"),), "adyen": (Key("callback", ADYEN_KEY, "a1"),)}
    options = {"return_url": "https://hotel.invalid/back"}
    found = msgspec.structs.replace(default_site(profile), url="", keys=keys[profile], options=options)
    return msgspec.structs.replace(found, **changes)


def hold(psp: str, amount: int = 24100, kind: OperationKind = OperationKind.AUTHORISE) -> OperationRef:
    """The authorisation other commands point to."""
    return OperationRef(id=OP, kind=kind, at_ms=NOW_MS, amount=amount, currency="EUR", psp=psp)


def samples(psp: str, link: str, report: str) -> dict[type[Command], Sequence[Command]]:
    """At least one command of each kind; ``psp`` is the gateway's number of the payment, ``link`` of its page."""
    base: dict[str, Any] = {"id": OP, "at_ms": NOW_MS, "payment": PAYMENT}
    money: dict[str, Any] = {"amount": 24100, "currency": "EUR"}
    of: dict[str, Any] = {"of": hold(psp)}
    stored = StoredMethod("8415718415172204", "guest-1001")
    page = hold(link)
    return {
        Authorise: [
            Authorise(**base, **money, means=stored, text="Stay", reservation="R-1001"),
            Authorise(**base, **money, means=HostedPage(), return_url="https://hotel.invalid/back"),
            Authorise(**base, **money, means=ClientMethod({})),
        ],
        Purchase: [
            Purchase(**base, **money, means=stored, presence=Presence.ABSENT),
            Purchase(**base, **money, means=CARD, presence=Presence.MOTO),
        ],
        ContinueCharge: [ContinueCharge(**base, **of, details={"redirectResult": "eyJ0cmFuc1N0YXR1cyI6IlkifQ=="})],
        Adjust: [Adjust(**base, **of, amount=30000, currency="EUR")],
        Capture: [Capture(**base, **of, amount=20000, currency="EUR")],
        Void: [Void(**base, **of, **money)],
        Refund: [Refund(**base, **of, amount=5000, currency="EUR")],
        Close: [Close(**base, of=page)],
        Tokenise: [Tokenise(**base, means=CARD, currency="EUR", customer="guest-1001")],
        QueryOperation: [QueryOperation(**base, of=page)],
        FetchStatement: [FetchStatement(id=OP, at_ms=NOW_MS, day=738000, report=report)],
    }


def stripe_header(body: bytes, secret: str = STRIPE_SECRET, at_s: int = NOW_MS // 1000, scheme: str = "v1") -> str:
    """The Stripe-Signature header as its documentation describes it."""
    signed = str(at_s).encode() + b"." + body
    return f"t={at_s},{scheme}={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def show_stripe(head: Head, body: bytes, username: str, password: str) -> tuple[Head, bytes]:
    """A login is a signature here."""
    headers = {**head.headers, "stripe-signature": stripe_header(body, f"{username}:{password}")}
    return Head(head.method, head.path, headers), body


def reply(body: object, status: int = 200, **headers: str) -> Reply:
    """An answer in JSON."""
    return Reply(status, {"content-type": "application/json", **headers}, msgspec.json.encode(body))
