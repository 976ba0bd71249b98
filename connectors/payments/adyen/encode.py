"""Ours to Adyen's: commands become JSON calls of the Checkout API. Requests are not signed; the key proves us."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import msgspec

from connectors.payments._shared.money import to_gateway
from connectors.payments._shared.profile import PaymentProfile, base_url, is_live, profile_of
from gateway.contract import Request, Site
from gateway.errors import Reason, Rejected, Unsupported
from gateway.messages import Command
from gateway.messages_payment import (
    Adjust,
    Authorise,
    Capture,
    Charge,
    Close,
    ContinueCharge,
    FetchStatement,
    PaymentCommand,
    Purchase,
    QueryOperation,
    Refund,
    Tokenise,
    Void,
)
from gateway.model.dates import format_instant
from gateway.model.payment import OperationKind, OperationRef
from gateway.model.payment_means import (
    Card,
    ClientMethod,
    HostedPage,
    Means,
    Occasion,
    Presence,
    ShownCode,
    StoredMethod,
)

NAME = "adyen"
LINK = "PL"
_FILE = re.compile(r"(?!\.)[A-Za-z0-9_.-]{1,200}")
_USAGE = {Occasion.NO_SHOW: "noShow", Occasion.LATE_CHARGE: "delayedCharge"}
_INTERACTION = {Presence.GUEST: "Ecommerce", Presence.ABSENT: "ContAuth", Presence.MOTO: "Moto"}

Fields = dict[str, Any]


def encode_command(command: Command, site: Site) -> Request:
    """Raises :class:`Unsupported` for what Adyen has no call for, a query of a payment among it."""
    profile = profile_of(NAME, site.profile)
    match command:
        case Authorise() | Purchase():
            return _charge(command, site, profile)
        case ContinueCharge():
            return _post(command, site, profile, "payments/details", _details(command))
        case Adjust():
            fields: Fields = {"amount": _amount(command, profile)} | _industry(command.occasion)
            return _modify(command, site, profile, "amountUpdates", fields)
        case Capture():
            return _modify(command, site, profile, "captures", {"amount": _amount(command, profile)})
        case Void():
            return _void(command, site, profile)
        case Refund():
            fields = {"amount": _amount(command, profile), "merchantRefundReason": "CUSTOMER REQUEST"}
            if command.capture is not None and command.capture.psp:
                fields["capturePspReference"] = command.capture.psp
            return _modify(command, site, profile, "refunds", fields)
        case Close():
            return _expire_link(command, site, profile)
        case Tokenise():
            return _post(command, site, profile, "payments", _zero(command, site))
        case QueryOperation():
            return _ask_link(command, site, profile)
        case FetchStatement():
            return _report(command, site, profile)
    raise Unsupported(f"Adyen has no call for {type(command).__name__}")


def _charge(command: Authorise | Purchase, site: Site, profile: PaymentProfile) -> Request:
    fields = _order(command, site, profile)
    means = command.means
    if isinstance(means, HostedPage):
        return _post(command, site, profile, "paymentLinks", fields | _link(command))
    if isinstance(means, ClientMethod) and not means.data:
        return _post(command, site, profile, "sessions", fields | _held(command) | _until(command))
    fields |= {"paymentMethod": _method(means)} | _held(command) | _shopper(command)
    return _post(command, site, profile, "payments", fields)


def _order(command: Charge, site: Site, profile: PaymentProfile) -> Fields:
    """What links, sessions and payments have in common."""
    fields: Fields = {
        "amount": _amount(command, profile),
        "merchantAccount": site.hotel,
        "reference": command.id,
        "merchantOrderReference": command.payment,
        "returnUrl": _return_url(command, site),
    }
    customer = command.means.customer if isinstance(command.means, StoredMethod) else command.customer
    if customer:
        fields["shopperReference"] = customer
    if command.language:
        fields["shopperLocale"] = command.language
    if command.store:
        fields["recurringProcessingModel"] = "CardOnFile"
    return fields


def _held(command: Authorise | Purchase) -> Fields:
    if isinstance(command, Authorise):
        return {"additionalData": {"manualCapture": "true", "authorisationType": "PreAuth"}}
    return {"captureDelayHours": 0}


def _link(command: Authorise | Purchase) -> Fields:
    fields: Fields = {"reusable": False, "description": command.text or command.reservation}
    if command.store:
        fields["storePaymentMethodMode"] = "enabled"
    capture: Fields = {"manualCapture": True} if isinstance(command, Authorise) else {"captureDelayHours": 0}
    return fields | capture | _until(command)


def _until(command: Charge) -> Fields:
    return {} if command.expires_ms is None else {"expiresAt": format_instant(command.expires_ms)}


def _shopper(command: Charge) -> Fields:
    """Who is there, and what schemes want to know about it."""
    fields: Fields = {"shopperInteraction": _INTERACTION[command.presence]} | _industry(command.occasion)
    if command.presence is Presence.ABSENT:
        fields["recurringProcessingModel"] = "UnscheduledCardOnFile"
    elif isinstance(command.means, StoredMethod):
        fields["recurringProcessingModel"] = "CardOnFile"
    if command.presence is Presence.MOTO:
        fields["authenticationData"] = {"attemptAuthentication": "never"}
    if command.store:
        fields["storePaymentMethod"] = True
    device = command.device
    if device.browser:
        fields |= {"browserInfo": device.browser, "channel": "Web"}
    if device.origin:
        fields["origin"] = device.origin
    if device.ip:
        fields["shopperIP"] = device.ip
    return fields


def _industry(occasion: Occasion) -> Fields:
    return {"industryUsage": _USAGE[occasion]} if occasion in _USAGE else {}


def _method(means: Means) -> Fields:
    match means:
        case Card():
            card: Fields = {"type": "scheme", "number": means.number, "expiryMonth": f"{means.month:02}"}
            card["expiryYear"] = str(means.year)
            names = {"cvc": means.cvc, "holderName": means.holder}
            return card | {name: text for name, text in names.items() if text}
        case StoredMethod():
            return {"type": "scheme", "storedPaymentMethodId": means.token}
        case ClientMethod():
            return dict(means.data)
        case ShownCode() if means.wallet:
            return {"type": means.wallet}
    raise Unsupported(f"Adyen does not take {type(means).__name__} here; offer a link")


def _details(command: ContinueCharge) -> Fields:
    details = {name: text for name, text in command.details.items() if name != "paymentData"}
    data = command.details.get("paymentData", "")
    return {"details": details} | ({"paymentData": data} if data else {})


def _void(command: Void, site: Site, profile: PaymentProfile) -> Request:
    if not command.whole:
        raise Unsupported("Adyen releases a hold as a whole")
    if command.neutralise or not command.of.psp:
        fields = {"merchantAccount": site.hotel, "reference": command.id, "paymentReference": command.of.id}
        return _post(command, site, profile, "cancels", fields)
    captured = command.of.kind is OperationKind.PURCHASE
    return _modify(command, site, profile, "reversals" if captured else "cancels", {})


def _zero(command: Tokenise, site: Site) -> Fields:
    """A card is kept by a payment of nothing."""
    fields: Fields = {
        "amount": {"currency": command.currency, "value": 0},
        "merchantAccount": site.hotel,
        "reference": command.id,
        "returnUrl": _return_url(command, site),
        "paymentMethod": _method(command.means),
        "storePaymentMethod": True,
        "shopperInteraction": "Ecommerce",
        "recurringProcessingModel": "CardOnFile",
    }
    if not command.customer:
        raise Rejected("Adyen keeps a card for a customer only", Reason.REQUIRED_MISSING)
    return fields | {"shopperReference": command.customer}


def _expire_link(command: Close, site: Site, profile: PaymentProfile) -> Request:
    url = f"{_base(site, profile)}/paymentLinks/{_their_link(command.of)}"
    return Request("PATCH", url, _headers(site), msgspec.json.encode({"status": "expired"}))


def _ask_link(command: QueryOperation, site: Site, profile: PaymentProfile) -> Request:
    headers = {name: text for name, text in _headers(site).items() if name != "content-type"}
    return Request("GET", f"{_base(site, profile)}/paymentLinks/{_their_link(command.of)}", headers, b"")


def _their_link(of: OperationRef) -> str:
    if not of.psp.startswith(LINK):
        raise Unsupported("Adyen answers questions about payment links only: repeat the call with its key, or wait")
    return quote(of.psp, safe="")


def _report(command: FetchStatement, site: Site, profile: PaymentProfile) -> Request:
    """From the host we know, or the one that is configured: what a webhook gives as address is not signed."""
    if not _FILE.fullmatch(command.report):
        raise Rejected("a report is named by letters, digits, points, dashes and underscores", Reason.INVALID_VALUE)
    host = str(site.options.get("reports_url") or profile.options["reports_live" if is_live(site) else "reports_test"])
    keys = site.keys_for("report", command.at_ms)
    headers = {"x-api-key": keys[0].material if keys else site.password}
    account = quote(site.hotel, safe="")
    return Request("GET", f"{host}/MerchantAccount/{account}/{command.report}", headers, b"")


def _modify(
    command: Adjust | Capture | Refund | Void, site: Site, profile: PaymentProfile, path: str, fields: Fields
) -> Request:
    """The path names the payment, never its capture."""
    if not command.of.psp:
        raise Rejected("Adyen has not given a number for this payment yet", Reason.BOOKING_REFERENCE)
    fields = {"merchantAccount": site.hotel, "reference": command.id} | fields
    return _post(command, site, profile, f"payments/{quote(command.of.psp, safe='')}/{path}", fields)


def _post(command: PaymentCommand, site: Site, profile: PaymentProfile, path: str, fields: Fields) -> Request:
    headers = _headers(site) | {"idempotency-key": command.id}
    return Request("POST", f"{_base(site, profile)}/{path}", headers, msgspec.json.encode(fields))


def _headers(site: Site) -> dict[str, str]:
    return {"x-api-key": site.password, "content-type": "application/json"}


def _base(site: Site, profile: PaymentProfile) -> str:
    base = base_url(site, profile)
    if not base:
        raise Rejected("a live account needs its own address of the Checkout API", Reason.REQUIRED_MISSING)
    return base


def _amount(command: Charge | Adjust | Capture | Refund, profile: PaymentProfile) -> Fields:
    return {"currency": command.currency, "value": to_gateway(command.amount, command.currency, profile.amounts)}


def _return_url(command: Charge | Tokenise, site: Site) -> str:
    url = command.return_url or str(site.options.get("return_url", ""))
    if not url:
        raise Rejected("Adyen wants to know where the guest comes back to", Reason.REQUIRED_MISSING)
    return url
