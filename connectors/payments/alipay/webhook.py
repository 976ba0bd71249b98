"""Alipay calls us: a form whose decoded values are signed. There is no time in the protocol that would age a notice.

The answer is the seven bytes ``success``; anything else brings the notice back, eight times within 25 hours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from connectors.payments._shared.document import as_callback, one_event, status_of
from connectors.payments._shared.form import Fields, demand_signature, read_form, signed_text
from connectors.payments._shared.profile import profile_of
from connectors.payments.alipay.encode import NAME
from connectors.payments.alipay.notices import read_notice
from connectors.payments.alipay.signing import verify_notice
from gateway.contract import Document, Reply, Site
from gateway.errors import Reason, Refusal, Unauthentic
from gateway.messages import Event, Query
from gateway.model.dates import Instant

_TEXT = {"content-type": "text/plain"}


def verify(document: Document, site: Site, now_ms: Instant) -> None:
    """Signature, then whether app and seller are ours."""
    callback = as_callback(document)
    fields = _fields(callback.raw)
    callback.verified_with = verify_notice(fields, site, now_ms)
    ours = str(site.options.get("app_id", ""))
    if not ours or ours not in (fields.get("app_id"), fields.get("auth_app_id")):
        raise Unauthentic("a notice of another application", Reason.AUTHORIZATION)
    if any(fields.get(name, site.hotel) != site.hotel for name in ("seller_id", "payee_user_id")):
        raise Unauthentic("a notice of another seller", Reason.AUTHORIZATION)


def parse(document: Document, site: Site) -> Sequence[Event | Query]:
    """One event; what cannot be understood of a genuine notice is left to a person."""
    fields = _fields(as_callback(document).raw)
    amounts = profile_of(NAME, site.profile).amounts
    dedupe = fields.get("notify_id") or _digest(fields)
    return one_event(fields.get("app_id", ""), dedupe, _name(fields), lambda: read_notice(fields, amounts))


def refuse(document: Document | None, error: Refusal, now_ms: Instant) -> Reply:
    """``fail``; the status makes no difference to Alipay."""
    return Reply(status_of(error), _TEXT, b"fail")


def _fields(raw: bytes) -> Fields:
    fields = read_form(raw)
    demand_signature(fields, "sign")
    return fields


def _digest(fields: Fields) -> str:
    """The same for every repetition of a notice that has no number."""
    return hashlib.sha256(signed_text(fields, ("notify_time", "sign")).encode()).hexdigest()


def _name(fields: Fields) -> str:
    kind = fields.get("notify_type") or fields.get("msg_method", "")
    return f"{kind}:{fields.get('trade_status') or fields.get('status', '')}".strip(":")[:100]
