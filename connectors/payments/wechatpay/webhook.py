"""WeChat Pay calls us: signed, then sealed. Signature and time come first, then the seal, then the account.

Now and then a signature is wrong on purpose (it begins with ``WECHATPAY/SIGNTEST/``) to see whether we look at it; it
fails like any other.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Sequence
from typing import Any

import msgspec

from connectors.payments._shared.document import PaymentDocument, Read, as_callback, one_event, status_of
from connectors.payments._shared.profile import Amounts, profile_of
from connectors.payments.wechatpay.encode import NAME
from connectors.payments.wechatpay.objects import Notice, RefundObject, Transaction, read_json
from connectors.payments.wechatpay.outcomes import PAID, captured, refund_facts
from connectors.payments.wechatpay.signing import verify_message
from gateway.contract import Document, Key, Reply, Site
from gateway.errors import Malformed, Reason, Refusal, Unauthentic
from gateway.messages import Event, Query
from gateway.model.dates import Instant
from gateway.wire.signatures import open_sealed

_JSON = {"content-type": "application/json"}
_REFUNDS = frozenset({"REFUND.SUCCESS", "REFUND.CLOSED", "REFUND.ABNORMAL"})
_OURS = (("mchid", "sp_mchid", "sub_mchid"), ("appid", "sp_appid", "sub_appid"))


def verify(document: Document, site: Site, now_ms: Instant) -> None:
    """Signature and window, then seal, then whether merchant and application are ours."""
    callback = as_callback(document)
    window_s = profile_of(NAME, site.profile).window_s
    callback.verified_with = verify_message(callback.headers, callback.raw, site, now_ms, window_s)
    try:
        content = read_json(_opened(_notice(callback), site.keys_for("decrypt", now_ms)), dict[str, Any])
    except Unauthentic as error:
        # A genuine notice that we cannot open: the key of this account is another one by now.
        raise Unauthentic(error.text, Reason.UNAVAILABLE) from None
    merchants = {site.hotel, str(site.options.get("sub_mchid", site.hotel))}
    applications = {str(site.options.get("app_id", "")), str(site.options.get("sub_app_id", ""))}
    for names, ours in zip(_OURS, (merchants, applications), strict=True):
        if any(content.get(name) and content[name] not in ours for name in names):
            raise Unauthentic("a notice of another merchant or application", Reason.AUTHORIZATION)


def parse(document: Document, site: Site) -> Sequence[Event | Query]:
    """One event; what cannot be understood of a genuine notice is left to a person."""
    notice = _notice(as_callback(document))
    keys = [key for key in site.keys if key.use == "decrypt"]
    content = _opened(notice, keys)
    amounts = profile_of(NAME, site.profile).amounts
    account = read_json(content, dict[str, Any]).get("mchid", "")
    return one_event(str(account), notice.id, notice.event_type, lambda: _read(notice.event_type, content, amounts))


def refuse(document: Document | None, error: Refusal, now_ms: Instant) -> Reply:
    """A status and a reason in WeChat Pay's shape; it comes again 15 times within a day."""
    body = msgspec.json.encode({"code": "FAIL", "message": error.reason.value})
    return Reply(status_of(error, apart=True), _JSON, body)


def _read(kind: str, content: bytes, amounts: Amounts) -> Read:
    if kind == "TRANSACTION.SUCCESS":
        found = read_json(content, Transaction)
        if found.trade_state not in PAID:
            return (), (), f"WeChat Pay reports a payment as {found.trade_state[:40]!r}"
        return (captured(found, amounts),), (), ""
    if kind in _REFUNDS:
        refund = read_json(content, RefundObject)
        park = "a refund cannot reach the guest's card: it has to be sent another way" if "ABNORMAL" in kind else ""
        return refund_facts(refund, amounts), (), park
    return (), (), f"WeChat Pay reports {kind[:60]}" if kind.startswith("COMPLAINT.") else ""


def _opened(notice: Notice, keys: Sequence[Key]) -> bytes:
    """While the key is changed there are two; the seal itself tells which one fits."""
    resource = notice.resource
    if resource.algorithm != "AEAD_AES_256_GCM":
        raise Malformed(f"a notice sealed with {resource.algorithm[:40]!r}")
    try:
        sealed = b64decode(resource.ciphertext, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("the sealed content is not Base64") from None
    nonce, associated = resource.nonce.encode(), (resource.associated_data or "").encode()
    for key in keys:
        try:
            return open_sealed(key.material.encode(), nonce, sealed, associated)
        except Unauthentic:
            continue
    raise Unauthentic("the content was not sealed with a key of this account")


def _notice(callback: PaymentDocument) -> Notice:
    notice = read_json(callback.raw, Notice)
    if not notice.id or notice.resource_type != "encrypt-resource":
        raise Malformed("not a notice of WeChat Pay's")
    return notice
