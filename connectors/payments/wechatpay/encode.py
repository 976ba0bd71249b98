"""Ours to WeChat Pay's: commands become signed JSON calls; what a wallet is handed is signed a second time."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from connectors.payments._shared import answers
from connectors.payments._shared.beijing import with_offset
from connectors.payments._shared.hosts import known_location
from connectors.payments._shared.money import to_gateway
from connectors.payments._shared.profile import PaymentProfile, base_url, profile_of
from connectors.payments._shared.replies import sent_at
from connectors.payments.wechatpay.client import renewed
from connectors.payments.wechatpay.signing import authorization
from gateway.contract import Decoded, Request, Site
from gateway.errors import Reason, Rejected, Unsupported
from gateway.messages import Command
from gateway.messages_payment import (
    Close,
    FetchStatement,
    PaymentAnswered,
    PaymentCommand,
    Purchase,
    QueryOperation,
    Refund,
    RenewAction,
    Void,
)
from gateway.model.dates import Instant, format_day
from gateway.model.payment import OperationKind, OperationOutcome
from gateway.model.payment_means import InApp, MiniProgram, MobilePage, ScannedCode, ShownCode

NAME = "wechatpay"
BILLS = {"tradebill": {"bill_type": "ALL"}, "fundflowbill": {"account_type": "BASIC"}}
_DESCRIPTION_BYTES_MAX = 127
_REASON_BYTES_MAX = 80
_NONCE_MAX = 32

Fields = dict[str, Any]


def encode_command(command: Command, site: Site) -> Request:
    """Raises :class:`Unsupported` for what WeChat Pay has no call for: it holds no money by itself."""
    profile = profile_of(NAME, site.profile)
    if isinstance(command, FetchStatement):
        return _statement(command, site, profile)
    if not isinstance(command, PaymentCommand):
        raise Unsupported(f"WeChat Pay has no call for {type(command).__name__}")
    method, path, fields = _call(command, site, profile)
    body = b"" if fields is None else msgspec.json.encode(fields)
    return signed_request(method, base_url(site, profile) + path, body, site, profile, sent_at(command), command.nonce)


def hand_over(command: Command, site: Site) -> Decoded | None:
    """The guest opens the page again: what was prepared is signed with a new time."""
    if not isinstance(command, RenewAction):
        return None
    action = renewed(command.action, site, sent_at(command), command.nonce)
    answer = PaymentAnswered(operation=command.of.id, outcome=OperationOutcome.ACTION_REQUIRED, action=action)
    return answers.decoded(answer, answers.deadline(command.at_ms, action.expires_ms))


def order_end(command: Purchase, profile: PaymentProfile) -> Instant:
    """When an unpaid order ends: the same over repeats, or they would be refused as different."""
    if command.expires_ms is not None:
        return command.expires_ms
    return command.at_ms + int(profile.options["order_minutes"]) * 60_000


def app_id_of(site: Site) -> str:
    """The application that is bound to the merchant."""
    found = str(site.options.get("app_id", ""))
    if not found:
        raise Rejected("a WeChat Pay account needs its app_id", Reason.REQUIRED_MISSING)
    return found


def signed_request(
    method: str, url: str, body: bytes, site: Site, profile: PaymentProfile, at_ms: Instant, nonce: str
) -> Request:
    """The address is built here to the last character, since exactly that is signed."""
    if not nonce.isalnum() or len(nonce) > _NONCE_MAX:
        raise Rejected("a call needs a nonce of letters and digits", Reason.REQUIRED_MISSING)
    headers = {
        "authorization": authorization(method, url, body, site, at_ms, nonce),
        "accept": "application/json",
        "user-agent": str(profile.options["user_agent"]),
    }
    if body:
        headers["content-type"] = "application/json"
    # Without it, accounts with a public key of WeChat Pay's are answered with a certificate's signature.
    public = [key.id for key in site.keys_for("theirs", at_ms) if key.id.startswith("PUB_KEY_ID_")]
    if public:
        headers["wechatpay-serial"] = public[0]
    return Request(method, url, headers, body)


def _call(command: PaymentCommand, site: Site, profile: PaymentProfile) -> tuple[str, str, Fields | None]:
    match command:
        case Purchase():
            return _purchase(command, site, profile)
        case QueryOperation():
            return "GET", _question(command, site), None
        case Close():
            return "POST", f"{_order_path(command.of.id)}/close", {"mchid": site.hotel}
        case Void() if command.neutralise and command.of.kind is OperationKind.PURCHASE:
            return "POST", f"{_order_path(command.of.id)}/reverse", {"appid": app_id_of(site), "mchid": site.hotel}
        case Void():
            raise Unsupported("WeChat Pay undoes only a scanned payment nobody can tell of; refund a payment")
        case Refund():
            return "POST", "/v3/refund/domestic/refunds", _refund(command, profile)
    raise Unsupported(f"WeChat Pay has no call for {type(command).__name__}")


def _purchase(command: Purchase, site: Site, profile: PaymentProfile) -> tuple[str, str, Fields]:
    fields: Fields = {
        "appid": app_id_of(site),
        "mchid": site.hotel,
        "description": _shortened(command.text or f"Stay {command.reservation}".strip(), _DESCRIPTION_BYTES_MAX),
        "out_trade_no": command.id,
        "amount": {"total": _amount(command, profile), "currency": command.currency},
    }
    means = command.means
    if isinstance(means, ScannedCode):
        return "POST", "/v3/pay/transactions/codepay", fields | _at_desk(means, command, site)
    fields |= {"time_expire": with_offset(order_end(command, profile)), "notify_url": _notify_url(command.notify_url)}
    match means:
        case ShownCode():
            return "POST", "/v3/pay/transactions/native", fields
        case MiniProgram(payer):
            return "POST", "/v3/pay/transactions/jsapi", fields | {"payer": {"openid": payer}}
        case InApp():
            return "POST", "/v3/pay/transactions/app", fields
        case MobilePage(platform):
            if not command.device.ip:
                raise Rejected("a mobile page needs the address of the guest's telephone", Reason.REQUIRED_MISSING)
            scene = {"payer_client_ip": command.device.ip, "h5_info": {"type": platform}}
            return "POST", "/v3/pay/transactions/h5", fields | {"scene_info": scene}
    raise Unsupported(f"WeChat Pay has no call for {type(means).__name__}")


def _at_desk(means: ScannedCode, command: Purchase, site: Site) -> Fields:
    """Nobody is notified of what is paid at a desk: the answer or a question tells."""
    scene: Fields = {"store_info": {"out_id": means.terminal or str(site.options.get("store_id", site.connection))}}
    ip = command.device.ip or str(site.options.get("device_ip", ""))
    if ip:
        scene["device_ip"] = ip
    return {"payer": {"auth_code": means.code}, "scene_info": scene}


def _refund(command: Refund, profile: PaymentProfile) -> Fields:
    """``total`` is that of the order, which is the whole of what ``of`` asked for."""
    fields: Fields = {
        "out_trade_no": command.of.id,
        "out_refund_no": command.id,
        "amount": {
            "refund": _amount(command, profile),
            "total": to_gateway(command.of.amount, command.of.currency, profile.amounts),
            "currency": command.currency,
        },
    }
    if command.text:
        fields["reason"] = _shortened(command.text, _REASON_BYTES_MAX)
    if command.notify_url:
        fields["notify_url"] = _notify_url(command.notify_url)
    return fields


def _question(command: QueryOperation, site: Site) -> str:
    of = command.of
    if of.kind is OperationKind.REFUND:
        return f"/v3/refund/domestic/refunds/{quote(of.id, safe='')}"
    order = of if of.kind is OperationKind.PURCHASE else command.parent
    if order is None:
        raise Rejected("what was closed or undone has to be named", Reason.REQUIRED_MISSING)
    return f"{_order_path(order.id)}?mchid={quote(site.hotel, safe='')}"


def _statement(command: FetchStatement, site: Site, profile: PaymentProfile) -> Request:
    """The file is fetched with a signature too, though it comes without one."""
    if command.location:
        url = known_location(command.location, site, profile.options["statement_hosts"]).geturl()
    else:
        kind = command.report or "tradebill"
        if kind not in BILLS:
            raise Rejected(f"WeChat Pay has no statement {kind[:40]!r}", Reason.INVALID_VALUE)
        query = urlencode({"bill_date": format_day(command.day)} | BILLS[kind])
        url = f"{base_url(site, profile)}/v3/bill/{kind}?{query}"
    return signed_request("GET", url, b"", site, profile, sent_at(command), command.nonce)


def _order_path(order: str) -> str:
    return f"/v3/pay/transactions/out-trade-no/{quote(order, safe='')}"


def _notify_url(url: str) -> str:
    if not url or "?" in url:
        raise Rejected("WeChat Pay needs an address for notices, without a query", Reason.INVALID_VALUE)
    return url


def _amount(command: Purchase | Refund, profile: PaymentProfile) -> int:
    return to_gateway(command.amount, command.currency, profile.amounts)


def _shortened(text: str, bytes_max: int) -> str:
    return text.encode()[:bytes_max].decode("utf-8", "ignore")
