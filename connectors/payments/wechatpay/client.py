"""What a page, a mini-program or an app hands to the wallet: the prepared order with a second signature of ours."""

from __future__ import annotations

import msgspec

from connectors.payments.wechatpay.signing import sign_lines
from gateway.contract import Site
from gateway.errors import Reason, Rejected
from gateway.model.dates import Instant
from gateway.model.payment_means import ActionKind, GuestAction

PREPARED_LIFE_MS = 2 * 3600 * 1000
_PREPAY = "prepay_id="


def in_wallet(prepay_id: str, site: Site, at_ms: Instant, nonce: str) -> dict[str, str]:
    """For JSAPI and mini-programs. Times are texts of seconds."""
    app_id, seconds, package = str(site.options.get("app_id", "")), str(at_ms // 1000), f"{_PREPAY}{prepay_id}"
    return {
        "appId": app_id,
        "timeStamp": seconds,
        "nonceStr": nonce,
        "package": package,
        "signType": "RSA",
        "paySign": sign_lines((app_id, seconds, nonce, package), site, at_ms),
    }


def in_app(prepay_id: str, site: Site, at_ms: Instant, nonce: str) -> dict[str, str]:
    """For an app with WeChat's kit."""
    app_id, seconds = str(site.options.get("app_id", "")), str(at_ms // 1000)
    return {
        "appid": app_id,
        "partnerid": site.hotel,
        "prepayid": prepay_id,
        "package": "Sign=WXPay",
        "noncestr": nonce,
        "timestamp": seconds,
        "sign": sign_lines((app_id, seconds, nonce, prepay_id), site, at_ms),
    }


def renewed(action: GuestAction, site: Site, at_ms: Instant, nonce: str) -> GuestAction:
    """The same order, signed anew; raises :class:`Rejected` for what has no signature that ages."""
    fields = action.fields
    if action.kind is ActionKind.CLIENT and fields.get("package", "").startswith(_PREPAY):
        again = in_wallet(fields["package"].removeprefix(_PREPAY), site, at_ms, nonce)
    elif action.kind is ActionKind.CLIENT and fields.get("prepayid"):
        again = in_app(fields["prepayid"], site, at_ms, nonce)
    else:
        raise Rejected("there is nothing in this action to sign anew", Reason.INVALID_VALUE)
    if action.expires_ms is not None and action.expires_ms <= at_ms:
        raise Rejected("what was prepared for the wallet has expired", Reason.BUSINESS_RULE)
    return msgspec.structs.replace(action, fields=again)
