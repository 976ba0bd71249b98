"""Ours to Alipay's: a call is signed and sent, or handed to the guest, whose browser or telephone carries it."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

import msgspec

from connectors.payments._shared import answers
from connectors.payments._shared.beijing import DASHED, written
from connectors.payments._shared.hosts import known_location
from connectors.payments._shared.profile import PaymentProfile, base_url, profile_of
from connectors.payments._shared.replies import sent_at
from connectors.payments.alipay.calls import Call, bill_of, call_of, order, order_end
from connectors.payments.alipay.certificates import number_of, root_number_of
from connectors.payments.alipay.holds import HOLDING_IN_APP, hold
from connectors.payments.alipay.signing import SIGN_TYPE, signed
from gateway.contract import Decoded, Request, Site
from gateway.errors import Reason, Rejected, Unsupported
from gateway.messages import Command
from gateway.messages_payment import Authorise, FetchStatement, PaymentAnswered, PaymentCommand, Purchase
from gateway.model.dates import Instant
from gateway.model.payment import OperationOutcome
from gateway.model.payment_means import ActionKind, GuestAction, HostedPage, InApp, MobilePage

NAME = "alipay"
_PAGES = {HostedPage: ("page", "FAST_INSTANT_TRADE_PAY"), MobilePage: ("wap", "QUICK_WAP_WAY")}


def encode_command(command: Command, site: Site) -> Request:
    """Raises :class:`Unsupported` for what Alipay has no call for, and for what the guest has to carry."""
    profile = profile_of(NAME, site.profile)
    if isinstance(command, FetchStatement):
        if command.location:
            known_location(command.location, site, profile.options["statement_hosts"])
            return Request("GET", command.location, {}, b"")
        return _post(bill_of(command), site, profile, sent_at(command))
    if not isinstance(command, PaymentCommand):
        raise Unsupported(f"Alipay has no call for {type(command).__name__}")
    call = call_of(command, site, profile)
    return _post(call, site, profile, sent_at(command), getattr(command, "notify_url", ""))


def hand_over(command: Command, site: Site) -> Decoded | None:
    """Pages and app payments. The order does not exist at Alipay before the guest opens it."""
    if not isinstance(command, Authorise | Purchase):
        return None
    page = _PAGES.get(type(command.means), ("", "")) if isinstance(command, Purchase) else ("", "")
    if not page[0] and not isinstance(command.means, InApp):
        return None
    profile = profile_of(NAME, site.profile)
    parameters = _parameters(_carried(command, page, site, profile), site, profile, sent_at(command))
    parameters["notify_url"] = command.notify_url
    if page[0]:
        parameters["return_url"] = command.return_url
    content = urlencode(signed(parameters, site, sent_at(command)))
    until_ms = order_end(command, profile)
    if page[0]:
        action = GuestAction(kind=ActionKind.REDIRECT, url=f"{_gateway(site, profile)}?{content}", expires_ms=until_ms)
    else:
        action = GuestAction(kind=ActionKind.CLIENT, content=content, expires_ms=until_ms)
    answer = PaymentAnswered(operation=command.id, outcome=OperationOutcome.ACTION_REQUIRED, action=action)
    return answers.decoded(answer, until_ms)


def _carried(command: Authorise | Purchase, page: tuple[str, str], site: Site, profile: PaymentProfile) -> Call:
    if isinstance(command, Authorise):
        return HOLDING_IN_APP, hold(command, site, profile)
    kind, product = page if page[0] else ("app", "QUICK_MSECURITY_PAY")
    return f"alipay.trade.{kind}.pay", order(command, site, profile) | {"product_code": product}


def _post(call: Call, site: Site, profile: PaymentProfile, at_ms: Instant, notify_url: str = "") -> Request:
    """All but the business fields go into the address, where the character set is known before the body is read."""
    parameters = signed(_parameters(call, site, profile, at_ms) | {"notify_url": notify_url}, site, at_ms)
    body = urlencode({"biz_content": parameters.pop("biz_content")}).encode()
    headers = {"content-type": "application/x-www-form-urlencoded;charset=utf-8"}
    return Request("POST", f"{_gateway(site, profile)}?{urlencode(parameters)}", headers, body)


def _parameters(call: Call, site: Site, profile: PaymentProfile, at_ms: Instant) -> dict[str, str]:
    method, fields = call
    app_id = str(site.options.get("app_id", ""))
    if not app_id:
        raise Rejected("an Alipay account needs its app_id", Reason.REQUIRED_MISSING)
    parameters = {
        "app_id": app_id,
        "method": method,
        "format": "JSON",
        "charset": "utf-8",
        "sign_type": SIGN_TYPE,
        "timestamp": written(at_ms, DASHED),
        "version": profile.version,
        "app_auth_token": str(site.options.get("app_auth_token", "")),
        "biz_content": msgspec.json.encode(fields).decode(),
    }
    return parameters | _certificate_numbers(site, at_ms)


def _certificate_numbers(site: Site, at_ms: Instant) -> dict[str, str]:
    """In certificate mode, which is the one where our own certificate is configured; it needs the roots as well."""
    own, roots = site.keys_for("certificate", at_ms), site.keys_for("root", at_ms)
    if not own:
        return {}
    if not roots:
        raise Rejected("an account with a certificate needs Alipay's root certificates", Reason.REQUIRED_MISSING)
    return {"app_cert_sn": number_of(own[0].material), "alipay_root_cert_sn": root_number_of(roots[0].material)}


def _gateway(site: Site, profile: PaymentProfile) -> str:
    base = base_url(site, profile)
    return base if urlsplit(base).path.endswith(".do") else f"{base}/gateway.do"
