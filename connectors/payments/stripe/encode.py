"""Ours to Stripe's: commands become form-encoded calls. An empty value would unset a field there, so none is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from connectors.payments._shared.money import to_gateway
from connectors.payments._shared.profile import PaymentProfile, base_url, profile_of
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
from gateway.model.dates import day_start_ms
from gateway.model.payment import OperationKind, OperationRef
from gateway.model.payment_means import Card, ClientMethod, HostedPage, Presence, StoredMethod

NAME = "stripe"
PAGE_LINES = 100
_HOUR_S = 3600
_HOLDING = (OperationKind.AUTHORISE, OperationKind.PURCHASE)
_CONFIRMING = ("payment_method", "return_url", "payment_method_data")
_SESSION_MIN_S, _SESSION_MAX_S = 30 * 60, 24 * 3600

Fields = dict[str, Any]


def encode_command(command: Command, site: Site) -> Request:
    """Raises :class:`Unsupported` for what Stripe has no call for."""
    profile = profile_of(NAME, site.profile)
    match command:
        case Authorise() | Purchase():
            return _charge(command, site, profile)
        case ContinueCharge():
            fields: Fields = {name: command.details[name] for name in _CONFIRMING if name in command.details}
            kind = "setup_intents" if command.of.kind is OperationKind.TOKENISE else "payment_intents"
            return _post(command, site, profile, f"{kind}/{_their(command.of)}/confirm", fields)
        case Adjust():
            fields = {"amount": _amount(command, profile), "metadata": {"adjust_op_id": command.id}}
            return _post(
                command, site, profile, f"payment_intents/{_their(command.of)}/increment_authorization", fields
            )
        case Capture():
            fields = {"amount_to_capture": _amount(command, profile), "metadata": {"capture_op_id": command.id}}
            return _post(command, site, profile, f"payment_intents/{_their(command.of)}/capture", fields)
        case Void() | Close():
            return _cancel(command, site, profile)
        case Refund():
            return _refund(command, site, profile)
        case Tokenise():
            return _tokenise(command, site, profile)
        case QueryOperation():
            return _get(site, profile, *_question(command))
        case FetchStatement():
            return _get(site, profile, "balance_transactions", _page(command))
    raise Unsupported(f"Stripe has no call for {type(command).__name__}")


def _charge(command: Authorise | Purchase, site: Site, profile: PaymentProfile) -> Request:
    match command.means:
        case Card() as card:
            # Its token is then charged by the command that follows, which keeps the key of its own.
            return _post(command, site, profile, "payment_methods", _card(card), "-card")
        case HostedPage():
            return _post(command, site, profile, "checkout/sessions", _session(command, profile))
        case StoredMethod() | ClientMethod():
            return _post(command, site, profile, "payment_intents", _intent(command, profile))
    raise Unsupported(f"Stripe does not take {type(command.means).__name__}; offer its page")


def _intent(command: Authorise | Purchase, profile: PaymentProfile) -> Fields:
    manual = isinstance(command, Authorise)
    fields: Fields = {
        "amount": _amount(command, profile),
        "currency": command.currency.lower(),
        "capture_method": "manual" if manual else "automatic",
        "description": command.text,
        "customer": _customer(command),
        "metadata": _metadata(command),
    }
    card: Fields = dict(profile.options["hold"]) if manual else {}
    if command.presence is Presence.MOTO:
        card["moto"] = True
    if command.store:
        fields["setup_future_usage"] = "off_session"
    fields["payment_method_options"] = {"card": card}
    return fields | _confirmation(command)


def _confirmation(command: Authorise | Purchase) -> Fields:
    """With a method in hand the intent is made and confirmed in one call; otherwise the browser confirms it."""
    means = command.means
    method = means.token if isinstance(means, StoredMethod) else _client_method(means)
    if not method:
        return {"automatic_payment_methods": {"enabled": True}}
    fields: Fields = {"payment_method": method, "confirm": True, "payment_method_types": ["card"]}
    if command.presence is Presence.ABSENT:
        # A demand for authentication is then a decline that can be told to the guest.
        fields |= {"off_session": True, "error_on_requires_action": True}
    elif command.return_url:
        fields["return_url"] = command.return_url
    return fields


def _session(command: Authorise | Purchase, profile: PaymentProfile) -> Fields:
    line = {
        "quantity": 1,
        "price_data": {
            "currency": command.currency.lower(),
            "unit_amount": _amount(command, profile),
            "product_data": {"name": command.text or command.reservation or "Stay"},
        },
    }
    intent: Fields = {
        "capture_method": "manual" if isinstance(command, Authorise) else "automatic",
        "metadata": _metadata(command),
        "description": command.text,
    }
    if command.store:
        intent["setup_future_usage"] = "off_session"
    fields: Fields = {
        "mode": "payment",
        "line_items": [line],
        "payment_intent_data": intent,
        "metadata": _metadata(command),
        "client_reference_id": command.payment,
        "success_url": command.return_url,
        "cancel_url": command.return_url,
        "customer": _customer(command),
        "locale": command.language,
    }
    if command.expires_ms is not None:
        fields["expires_at"] = _session_end(command.expires_ms, command.at_ms)
    return fields


def _session_end(expires_ms: int, at_ms: int) -> int:
    """Stripe takes 30 minutes to 24 hours; the payment's own deadline is kept by closing it."""
    life_s = min(max((expires_ms - at_ms) // 1000, _SESSION_MIN_S + 60), _SESSION_MAX_S - 60)
    return at_ms // 1000 + life_s


def _cancel(command: Void | Close, site: Site, profile: PaymentProfile) -> Request:
    if isinstance(command, Void) and not command.whole:
        raise Unsupported("Stripe releases a hold as a whole")
    theirs = _their(command.of)
    if theirs.startswith("cs_"):
        return _post(command, site, profile, f"checkout/sessions/{theirs}/expire", {})
    reason = "abandoned" if isinstance(command, Close) else "requested_by_customer"
    return _post(command, site, profile, f"payment_intents/{theirs}/cancel", {"cancellation_reason": reason})


def _refund(command: Refund, site: Site, profile: PaymentProfile) -> Request:
    fields = {
        "payment_intent": _their(command.of),
        "amount": _amount(command, profile),
        "reason": "requested_by_customer",
        "metadata": {"op_id": command.id, "payment_id": command.payment},
    }
    return _post(command, site, profile, "refunds", fields)


def _tokenise(command: Tokenise, site: Site, profile: PaymentProfile) -> Request:
    if isinstance(command.means, Card):
        return _post(command, site, profile, "payment_methods", _card(command.means))
    method = _client_method(command.means)
    if not isinstance(command.means, ClientMethod):
        raise Unsupported(f"Stripe does not keep {type(command.means).__name__}")
    fields: Fields = {"customer": command.customer, "usage": "off_session", "payment_method": method}
    if method:
        fields |= {"confirm": True, "return_url": command.return_url}
    return _post(command, site, profile, "setup_intents", fields)


def _question(command: QueryOperation) -> tuple[str, Fields]:
    asked = command.of
    whole = asked if asked.kind in _HOLDING or command.parent is None else command.parent
    if asked.kind is OperationKind.REFUND:
        if asked.psp:
            return f"refunds/{_segment(asked.psp)}", {}
        return "refunds", {"payment_intent": _their(whole), "limit": PAGE_LINES}
    if asked.kind is OperationKind.TOKENISE:
        kind = "setup_intents" if _their(asked).startswith("seti_") else "payment_methods"
        return f"{kind}/{_their(asked)}", {}
    if whole.psp.startswith("cs_"):
        return f"checkout/sessions/{_their(whole)}", {"expand": ["payment_intent.latest_charge"]}
    if whole.psp:
        return f"payment_intents/{_their(whole)}", {"expand": ["latest_charge"]}
    sent = whole.at_ms // 1000
    window = {"gte": sent - 60, "lte": sent + _HOUR_S}
    return "payment_intents", {"created": window, "limit": PAGE_LINES, "expand": ["data.latest_charge"]}


def _page(command: FetchStatement) -> Fields:
    """A payout's movements, or those of a day in UTC."""
    fields: Fields = {"limit": PAGE_LINES, "expand": ["data.source"]}
    if command.report:
        fields["payout"] = command.report
    else:
        start, end = (day_start_ms(day, "UTC") // 1000 for day in (command.day, command.day + 1))
        fields["created"] = {"gte": start, "lt": end}
    if command.cursor:
        fields["starting_after"] = command.cursor
    return fields


def _card(card: Card) -> Fields:
    fields: Fields = {"number": card.number, "exp_month": card.month, "exp_year": card.year, "cvc": card.cvc}
    return {"type": "card", "card": fields, "billing_details": {"name": card.holder}}


def _client_method(means: object) -> str:
    return means.data.get("payment_method", "") if isinstance(means, ClientMethod) else ""


def _customer(command: Charge) -> str:
    return command.means.customer if isinstance(command.means, StoredMethod) else command.customer


def _metadata(command: Charge) -> Fields:
    return {"op_id": command.id, "payment_id": command.payment, "reservation": command.reservation[:500]}


def _amount(command: Charge | Adjust | Capture | Refund, profile: PaymentProfile) -> int:
    return to_gateway(command.amount, command.currency, profile.amounts)


def _their(of: OperationRef) -> str:
    if not of.psp:
        raise Rejected("Stripe has not given a number for this payment yet", Reason.BOOKING_REFERENCE)
    return _segment(of.psp)


def _segment(theirs: str) -> str:
    return quote(theirs, safe="")


def _post(
    command: PaymentCommand, site: Site, profile: PaymentProfile, path: str, fields: Fields, suffix: str = ""
) -> Request:
    headers = _headers(site, profile)
    headers["idempotency-key"] = f"{command.id}{suffix}"
    headers["content-type"] = "application/x-www-form-urlencoded"
    return Request("POST", f"{base_url(site, profile)}/v1/{path}", headers, urlencode(flat(fields)).encode())


def _get(site: Site, profile: PaymentProfile, path: str, fields: Fields) -> Request:
    query = f"?{urlencode(flat(fields))}" if fields else ""
    return Request("GET", f"{base_url(site, profile)}/v1/{path}{query}", _headers(site, profile), b"")


def _headers(site: Site, profile: PaymentProfile) -> dict[str, str]:
    headers = {"authorization": f"Bearer {site.password}", "stripe-version": profile.version}
    account = site.options.get("connect_account", "")
    return headers | ({"stripe-account": str(account)} if account else {})


def flat(fields: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """``{"a": {"b": [1]}}`` as ``a[b][0]=1``, without what is empty."""
    pairs: list[tuple[str, str]] = []
    for name, value in fields.items():
        path = f"{prefix}[{name}]" if prefix else name
        if isinstance(value, list):
            value = {str(place): item for place, item in enumerate(value)}
        if isinstance(value, Mapping):
            pairs += flat(value, path)
        elif isinstance(value, bool):
            pairs.append((path, "true" if value else "false"))
        elif value not in ("", None):
            pairs.append((path, str(value)))
    return pairs
