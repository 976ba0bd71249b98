"""Stripe calls us: the signature over the raw bytes first, then account and mode, then what the event states.

Header ``Stripe-Signature: t=<unix>,v1=<hex>[,v1=<hex>…]``; signed is ``t``, a point and the body, with the whole secret
including ``whsec_`` as key. While a secret is changed there is one ``v1`` for each. Unlike the official library we
refuse timestamps of the future as well.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from connectors.payments._shared.document import PaymentDocument, as_callback, status_of
from connectors.payments._shared.money import from_gateway
from connectors.payments._shared.profile import Amounts, is_live, profile_of
from connectors.payments.stripe import facts as stated
from connectors.payments.stripe.encode import NAME
from connectors.payments.stripe.objects import (
    Charge,
    DisputeObject,
    Intent,
    Notice,
    Object,
    Payout,
    Session,
    SetupIntent,
    StripeRefund,
    Warned,
)
from connectors.payments.stripe.outcomes import session_closed
from gateway.contract import Document, Reply, Site
from gateway.errors import Malformed, Reason, Refusal, Unauthentic
from gateway.messages import Event, Query
from gateway.messages_payment import Inquiry, PaymentNotified
from gateway.model.dates import Instant
from gateway.model.payment import Fact, FactKind, OperationKind
from gateway.wire.redact import mask_text
from gateway.wire.signatures import hmac_sha256, same

T = TypeVar("T")
K = FactKind
_SECRET = re.compile(rb'("client_secret"\s*:\s*)"(?:[^"\\]|\\.)*"')
_SIGNATURES_MAX = 20
_DISPUTES = {
    "charge.dispute.created": K.DISPUTE_OPENED,
    "charge.dispute.funds_withdrawn": K.DISPUTE_FUNDS_WITHDRAWN,
    "charge.dispute.funds_reinstated": K.DISPUTE_FUNDS_REINSTATED,
}
_ENDINGS = {
    "won": K.DISPUTE_WON,
    "lost": K.DISPUTE_LOST,
    "warning_closed": K.DISPUTE_CLOSED,
    "prevented": K.DISPUTE_CLOSED,
}
_INTENTS = frozenset(
    f"payment_intent.{event}"
    for event in ("requires_action", "amount_capturable_updated", "succeeded", "payment_failed", "canceled")
)
_REFUNDS = frozenset({"refund.created", "refund.updated", "refund.failed", "charge.refund.updated"})
_PAYOUTS = {
    "payout.paid": K.PAYOUT_PAID,
    "payout.failed": K.PAYOUT_FAILED,
    "payout.reconciliation_completed": K.REPORT_READY,
}
_FOR_STAFF = frozenset({"review.opened", "review.closed", "reporting.report_run.failed"})


def verify(document: Document, site: Site, now_ms: Instant) -> None:
    """Signature, then window, then whether the event is of this account and mode."""
    callback = as_callback(document)
    profile = profile_of(NAME, site.profile)
    sent_s, signatures = _signature(callback.headers.get("stripe-signature", ""))
    signed = f"{sent_s}.".encode() + callback.raw
    for key in site.keys_for("callback", now_ms):
        expected = hmac_sha256(key.material.encode(), signed).hex() if key.material else ""
        if expected and any(same(signature, expected) for signature in signatures):
            callback.verified_with = key.id
            break
    else:
        raise Unauthentic("the signature does not belong to this message")
    if abs(now_ms - int(sent_s) * 1000) > profile.window_s * 1000:
        raise Unauthentic("the signature is too old, or of the future")
    notice = _notice(callback)
    if notice.livemode is not None and notice.livemode != is_live(site):
        raise Unauthentic("a test event for a live account, or the reverse", Reason.AUTHORIZATION)
    expected_account = site.options.get("connect_account")
    if (expected_account or notice.account) and notice.account != expected_account:
        raise Unauthentic("an event of another account", Reason.AUTHORIZATION)


def parse(document: Document, site: Site) -> Sequence[Event | Query]:
    """One event; what it states in a version other than ours is left to a person."""
    notice = _notice(as_callback(document))
    profile = profile_of(NAME, site.profile)
    if notice.object != "event" or notice.data is None:
        return (_notified(notice, park=f"an event of the kind {notice.object[:40]!r}"),)
    if notice.api_version != profile.version:
        return (_notified(notice, park=f"an event of version {notice.api_version!r}, not {profile.version!r}"),)
    try:
        return (_read(notice, notice.data.object, profile.amounts),)
    except Refusal as refusal:
        return (_notified(notice, park=refusal.text),)


def refuse(document: Document | None, error: Refusal, now_ms: Instant) -> Reply:
    """A status without a body: Stripe comes again after any that is not 2xx."""
    return Reply(status_of(error), {}, b"")


def _read(notice: Notice, raw: msgspec.Raw, amounts: Amounts) -> PaymentNotified:
    kind = notice.type
    if kind in _FOR_STAFF:
        return _notified(notice, park=f"Stripe reports {kind}")
    if kind == "charge.refunded":
        # Its amount_refunded is a running total, with released rests in it.
        charge = _decode(raw, Charge)
        hint = Inquiry(
            kind=OperationKind.REFUND,
            payment=charge.metadata.get("payment_id", ""),
            payment_psp=charge.payment_intent or "",
        )
        return _notified(notice, inquiries=(hint,))
    if kind.startswith("checkout.session."):
        return _session(notice, _decode(raw, Session), amounts)
    return _notified(notice, facts=_facts(notice, raw, amounts))


def _facts(notice: Notice, raw: msgspec.Raw, amounts: Amounts) -> tuple[Fact, ...]:
    kind, at_ms = notice.type, notice.created * 1000
    if kind in _INTENTS:
        intent = _decode(raw, Intent)
        return stated.intent_facts(intent, amounts, notice.id) + stated.kept_facts(intent)
    if kind in ("charge.succeeded", "charge.captured"):
        return stated.charge_facts(_decode(raw, Charge), amounts)
    if kind == "charge.expired":
        return stated.expired_facts(_decode(raw, Charge), amounts)
    if kind in _REFUNDS:
        return stated.refund_facts(_decode(raw, StripeRefund), amounts)
    if kind.startswith("charge.dispute."):
        return _dispute(kind, _decode(raw, DisputeObject), amounts, at_ms)
    if kind == "radar.early_fraud_warning.created":
        warned = _decode(raw, Warned)
        fact = Fact(kind=K.DISPUTE_WARNING, key=warned.id, amount=0, payment_psp=warned.payment_intent or "")
        return (msgspec.structs.replace(fact, psp=warned.charge or "", at_ms=at_ms),)
    if kind in _PAYOUTS:
        payout = _decode(raw, Payout)
        value = from_gateway(payout.amount, payout.currency.upper(), amounts)
        return (Fact(kind=_PAYOUTS[kind], key=payout.id, amount=value, currency=payout.currency.upper(), at_ms=at_ms),)
    if kind == "reporting.report_run.succeeded":
        return (Fact(kind=K.REPORT_READY, key=_decode(raw, Object).id, amount=0, at_ms=at_ms),)
    if kind == "setup_intent.succeeded":
        setup = _decode(raw, SetupIntent)
        fact = Fact(kind=K.TOKEN_CREATED, key=setup.payment_method or "", amount=0, at_ms=at_ms, psp=setup.id)
        return (msgspec.structs.replace(fact, customer=setup.customer or ""),)
    if kind == "payment_method.detached":
        return (Fact(kind=K.TOKEN_REMOVED, key=_decode(raw, Object).id, amount=0, at_ms=at_ms),)
    return ()


def _dispute(kind: str, dispute: DisputeObject, amounts: Amounts, at_ms: Instant) -> tuple[Fact, ...]:
    """Money leaves before anything is decided; an inquiry only asks."""
    if kind == "charge.dispute.closed":
        found = _ENDINGS.get(dispute.status)
    elif dispute.status.startswith("warning_") and kind in ("charge.dispute.created", "charge.dispute.updated"):
        found = K.DISPUTE_WARNING
    else:
        found = _DISPUTES.get(kind)
    return (stated.dispute_fact(found, dispute, amounts, at_ms),) if found else ()


def _session(notice: Notice, session: Session, amounts: Amounts) -> PaymentNotified:
    """A page that is done names the intent, whose own state says the amounts."""
    if notice.type == "checkout.session.expired":
        return _notified(notice, facts=(session_closed(session, amounts),))
    metadata = session.metadata or {}
    intent = session.payment_intent
    inquiry = Inquiry(
        kind=OperationKind.PURCHASE,
        operation=metadata.get("op_id", ""),
        payment=metadata.get("payment_id", ""),
        psp=session.id,
        payment_psp=intent.id if isinstance(intent, Intent) else intent or "",
    )
    return _notified(notice, inquiries=(inquiry,))


def _notified(
    notice: Notice, facts: tuple[Fact, ...] = (), inquiries: tuple[Inquiry, ...] = (), park: str = ""
) -> PaymentNotified:
    return PaymentNotified(
        account=notice.account or "",
        dedupe=notice.id,
        name=notice.type,
        facts=facts,
        inquiries=inquiries,
        park=park,
    )


def _signature(header: str) -> tuple[str, list[str]]:
    """The timestamp and the signatures of the scheme v1."""
    pairs = [item.strip().partition("=") for item in header.split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    signatures = [value for name, _, value in pairs if name == "v1"]
    if len(times) != 1 or not re.fullmatch(r"[0-9]{1,12}", times[0]) or not 1 <= len(signatures) <= _SIGNATURES_MAX:
        raise Unauthentic("the Stripe-Signature header is missing or cannot be read")
    return times[0], signatures


def _notice(callback: PaymentDocument) -> Notice:
    try:
        notice = msgspec.json.decode(callback.raw, type=Notice)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"not an event of Stripe's: {error}") from None
    if notice.object not in ("event", "v2.core.event") or not notice.id:
        raise Malformed(f"not an event of Stripe's, but a {notice.object[:40]!r}")
    return notice


def _decode(raw: msgspec.Raw, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"the object of the event cannot be read: {error}") from None


def without_secrets(raw: bytes) -> bytes:
    """The copy to keep: whoever holds a client secret may act as the guest."""
    without = _SECRET.sub(rb'\1"***"', raw)
    return mask_text(without.decode("utf-8", "replace")).encode()
