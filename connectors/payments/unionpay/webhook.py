"""UnionPay calls us: a form, signed with a certificate that it brings along. Only what has succeeded is told.

There is no time in the protocol that would age a callback. It comes five times more until it is answered with 200.
"""

from __future__ import annotations

from collections.abc import Sequence

from connectors.payments._shared.document import Read, as_callback, one_event, status_of
from connectors.payments._shared.form import Fields, demand_signature, read_form
from connectors.payments._shared.profile import PaymentProfile, profile_of
from connectors.payments.unionpay.encode import NAME
from connectors.payments.unionpay.errors import DEFECT, DONE
from connectors.payments.unionpay.facts import CODE, amount_of, facts_of
from connectors.payments.unionpay.wire import verify as verify_fields
from gateway.contract import Document, Reply, Site
from gateway.errors import Malformed, Reason, Refusal, Unauthentic
from gateway.messages import Event, Query
from gateway.messages_payment import Inquiry
from gateway.model.dates import Instant
from gateway.model.payment import OperationKind

_TEXT = {"content-type": "text/plain"}
_IDENTITY = ("orderId", "txnTime", "txnType")
_ASKED_AS = {
    "01": OperationKind.PURCHASE,
    "02": OperationKind.AUTHORISE,
    "03": OperationKind.CAPTURE,
    "04": OperationKind.REFUND,
    "31": OperationKind.VOID,
    "32": OperationKind.VOID,
    "33": OperationKind.VOID,
}


def verify(document: Document, site: Site, now_ms: Instant) -> None:
    """Certificate and signature, then merchant and currency."""
    callback = as_callback(document)
    fields = _fields(callback.raw)
    callback.verified_with = verify_fields(fields, site, now_ms)
    if fields.get("merId") != site.hotel:
        raise Unauthentic("a callback of another merchant", Reason.AUTHORIZATION)
    if fields.get("currencyCode", CODE) != CODE:
        raise Unauthentic("a callback in another currency than the account's", Reason.AUTHORIZATION)


def parse(document: Document, site: Site) -> Sequence[Event | Query]:
    """One event; what cannot be understood of a genuine callback is left to a person."""
    fields = _fields(as_callback(document).raw)
    kind = fields.get("txnType", "")
    if any(not fields.get(name) for name in (*_IDENTITY, "queryId", "respCode")):
        raise Malformed("a callback without the numbers of its transaction")
    dedupe = ":".join(fields.get(name, "") for name in (*_IDENTITY, "queryId"))
    profile = profile_of(NAME, site.profile)
    name = f"{kind}:{fields.get('respCode', '')}"
    return one_event(fields.get("merId", ""), dedupe, name, lambda: _read(kind, fields, site, profile))


def refuse(document: Document | None, error: Refusal, now_ms: Instant) -> Reply:
    """Any other status than 200 brings the callback back."""
    return Reply(status_of(error), _TEXT, b"fail")


def _read(kind: str, fields: Fields, site: Site, profile: PaymentProfile) -> Read:
    """Above an amount of the account's choice, a callback alone is not believed: the transaction is asked about."""
    code = fields.get("respCode", "")
    if code not in DONE:
        return (), (), f"UnionPay reports a transaction with the code {code[:10]!r}"
    facts = facts_of(kind, fields, fields.get("origQryId", ""), profile.amounts, int(profile.options["hold_days"]))
    limit = site.options.get("confirm_above")
    if facts and isinstance(limit, int) and amount_of(fields, profile.amounts) > limit:
        inquiry = Inquiry(kind=_ASKED_AS[kind], operation=fields["orderId"], psp=fields["queryId"])
        return (), (inquiry,), ""
    return facts, (), "UnionPay reports a success with a defect" if code == DEFECT else ""


def _fields(raw: bytes) -> Fields:
    fields = read_form(raw)
    demand_signature(fields, "signature")
    return fields
