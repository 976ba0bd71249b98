"""Ours to UnionPay's. Every operation has its own ``orderId`` and ``txnTime``; a later one names the first's queryId.

Where the guest pays in a browser nothing is sent from here: the browser carries the form.
"""

from __future__ import annotations

from urllib.parse import urlencode

from connectors.payments._shared import answers
from connectors.payments._shared.beijing import COMPACT, clearing_day, written
from connectors.payments._shared.money import to_gateway
from connectors.payments._shared.profile import PaymentProfile, base_url, is_live, profile_of
from connectors.payments._shared.replies import sent_at
from connectors.payments.unionpay.wire import VERSION, signed
from gateway.contract import Decoded, Request, Site
from gateway.errors import Reason, Rejected, Unsupported
from gateway.messages import Command
from gateway.messages_payment import (
    Authorise,
    Capture,
    FetchStatement,
    PaymentAnswered,
    PaymentCommand,
    Purchase,
    QueryOperation,
    Refund,
    Void,
)
from gateway.model.dates import Instant, format_day
from gateway.model.payment import OperationKind, OperationOutcome, OperationRef
from gateway.model.payment_means import ActionKind, GuestAction, HostedPage, InApp, MobilePage, ScannedCode, ShownCode

NAME = "unionpay"
WEB, CODES = "000201", "000000"
REVERSED = "99:"
_DESCRIPTION_BYTES_MAX = 32
_MINUTE_MS = 60_000

Fields = dict[str, str]


def encode_command(command: Command, site: Site) -> Request:
    """Raises :class:`Unsupported` for what UnionPay has no call for, and for what the guest's browser carries."""
    profile = profile_of(NAME, site.profile)
    if isinstance(command, FetchStatement):
        fields = _common("76", "01", site, sent_at(command)) | {"bizType": CODES}
        fields |= {"settleDate": format_day(command.day)[5:].replace("-", ""), "fileType": "00"}
        return _post(_files(site, profile), fields, site, sent_at(command))
    if not isinstance(command, PaymentCommand):
        raise Unsupported(f"UnionPay has no call for {type(command).__name__}")
    path, fields = _call(command, site, profile)
    url = f"{base_url(site, profile)}/gateway/api/{path}.do"
    return _post(url, fields, site, sent_at(command))


def hand_over(command: Command, site: Site) -> Decoded | None:
    """A form for the guest's browser, which posts it by itself."""
    if not isinstance(command, Authorise | Purchase) or not isinstance(command.means, HostedPage | MobilePage):
        return None
    profile = profile_of(NAME, site.profile)
    channel = "07" if isinstance(command.means, HostedPage) else "08"
    fields = _order(command, _kind(command), "01", site, profile) | {"channelType": channel, "bizType": WEB}
    fields["frontUrl"] = command.return_url or str(site.options.get("return_url", ""))
    if not fields["frontUrl"] or "?" in fields["frontUrl"]:
        raise Rejected("UnionPay needs an address without a query for the guest to come back to", Reason.INVALID_VALUE)
    _demand_product(WEB, site)
    until_ms = order_end(command, profile)
    action = GuestAction(
        kind=ActionKind.FORM,
        url=f"{base_url(site, profile)}/gateway/api/frontTransReq.do",
        fields=signed(fields, site, sent_at(command)),
        expires_ms=until_ms,
    )
    answer = PaymentAnswered(operation=command.id, outcome=OperationOutcome.ACTION_REQUIRED, action=action)
    return answers.decoded(answer, until_ms)


def order_end(command: Authorise | Purchase, profile: PaymentProfile) -> Instant:
    """When an unpaid order ends."""
    if command.expires_ms is not None:
        return command.expires_ms
    return command.at_ms + int(profile.options["order_minutes"]) * _MINUTE_MS


def asked_order(command: QueryOperation) -> OperationRef:
    """Whose number and time identify what is asked about: a reversal has those of what it reverses."""
    if not command.of.psp.startswith(REVERSED):
        return command.of
    if command.parent is None:
        raise Rejected("what was reversed has to be named", Reason.REQUIRED_MISSING)
    return command.parent


def _call(command: PaymentCommand, site: Site, profile: PaymentProfile) -> tuple[str, Fields]:
    match command:
        case Purchase() | Authorise():
            return _charge(command, site, profile)
        case Capture():
            fields = _following(command, "03", command.of, site, profile) | {"bizType": WEB}
            return "backTransReq", fields
        case Void():
            return "backTransReq", _undo(command, site, profile)
        case Refund():
            fields = _following(command, "04", command.capture or command.of, site, profile)
            return "backTransReq", fields | {"bizType": product_of(site)}
        case QueryOperation():
            order = asked_order(command)
            fields = _common("00", "00", site, order.at_ms) | {"bizType": CODES, "orderId": order.id}
            return "queryTrans", fields
    raise Unsupported(f"UnionPay has no call for {type(command).__name__}")


def _charge(command: Authorise | Purchase, site: Site, profile: PaymentProfile) -> tuple[str, Fields]:
    means, kind = command.means, _kind(command)
    if isinstance(means, InApp):
        fields = _order(command, kind, "01", site, profile)
        return "appTransReq", fields | {"channelType": "08", "bizType": product_of(site)}
    if isinstance(command, Purchase) and isinstance(means, ShownCode | ScannedCode):
        _demand_product(CODES, site)
        shown = isinstance(means, ShownCode)
        fields = _order(command, kind, "07" if shown else "06", site, profile)
        fields |= {"channelType": "08", "bizType": CODES}
        if isinstance(means, ScannedCode):
            fields |= {"qrNo": means.code, "termId": means.terminal}
        return "backTransReq", fields
    raise Unsupported(f"UnionPay has no {type(command).__name__} by {type(means).__name__}")


def _order(command: Authorise | Purchase, kind: str, sub_kind: str, site: Site, profile: PaymentProfile) -> Fields:
    """``backUrl`` is where callbacks go; what it had as a query would be mixed up with their fields."""
    fields = _common(kind, sub_kind, site, command.at_ms) | _money(command, profile)
    return fields | {
        "orderId": command.id,
        "orderDesc": command.text.encode()[:_DESCRIPTION_BYTES_MAX].decode("utf-8", "ignore"),
        "payTimeout": written(order_end(command, profile), COMPACT),
        "backUrl": _back_url(command.notify_url),
        "customerIp": command.device.ip,
    }


def _following(
    command: Capture | Refund | Void, kind: str, of: OperationRef, site: Site, profile: PaymentProfile
) -> Fields:
    """An operation on an earlier one, which UnionPay knows by its own number."""
    if not of.psp:
        raise Rejected("UnionPay has not given a number for this payment yet", Reason.BOOKING_REFERENCE)
    fields = _common(kind, "00", site, command.at_ms) | _money(command, profile)
    return fields | {"orderId": command.id, "origQryId": of.psp, "backUrl": _back_url(command.notify_url)}


def _undo(command: Void, site: Site, profile: PaymentProfile) -> Fields:
    """As a whole only, and but for holds only while the clearing day lasts; afterwards it has to be a refund."""
    of = command.of
    if not command.whole:
        raise Unsupported("UnionPay releases a hold as a whole")
    if of.kind is not OperationKind.AUTHORISE:
        _demand_same_day(of, command, profile)
    if command.neutralise:
        if of.kind is not OperationKind.PURCHASE:
            raise Unsupported("UnionPay reverses only a scanned payment nobody can tell of")
        fields = _common("99", "01", site, of.at_ms) | _money(command, profile)
        return fields | {"bizType": CODES, "orderId": of.id, "backUrl": _back_url(command.notify_url)}
    if command.amount != of.amount and of.kind is not OperationKind.AUTHORISE:
        raise Rejected("UnionPay takes back the whole amount or none of it; refund a part", Reason.BUSINESS_RULE)
    kinds = {OperationKind.AUTHORISE: "32", OperationKind.PURCHASE: "31", OperationKind.CAPTURE: "33"}
    if of.kind not in kinds:
        raise Unsupported(f"UnionPay cannot undo the operation {of.kind.value}")
    fields = _following(command, kinds[of.kind], of, site, profile)
    fields["bizType"] = product_of(site) if of.kind is OperationKind.PURCHASE else CODES
    return fields | {"txnAmt": str(to_gateway(of.amount, of.currency, profile.amounts))}


def _demand_same_day(of: OperationRef, command: Void, profile: PaymentProfile) -> None:
    hour, margin_ms = int(profile.options["cut_off_hour"]), int(profile.options["cut_off_margin_minutes"]) * _MINUTE_MS
    day, _ = clearing_day(of.at_ms, hour)
    today, left_ms = clearing_day(sent_at(command), hour)
    # What was sent just before a cut-off may have been booked after it.
    later, _ = clearing_day(of.at_ms + margin_ms, hour)
    if day != today or later != day or left_ms < margin_ms:
        raise Rejected("the clearing day of the payment is over, or nearly: refund it", Reason.BUSINESS_RULE)


def product_of(site: Site) -> str:
    """What the account sells by: follow-ups have to name the same product as the payment did."""
    return str(site.options.get("biz_type", WEB))


def _demand_product(product: str, site: Site) -> None:
    if product_of(site) != product:
        raise Unsupported(f"this account sells by the product {product_of(site)}, which this payment is not of")


def _kind(command: Authorise | Purchase) -> str:
    return "01" if isinstance(command, Purchase) else "02"


def _money(command: Authorise | Purchase | Capture | Refund | Void, profile: PaymentProfile) -> Fields:
    return {"txnAmt": str(to_gateway(command.amount, command.currency, profile.amounts)), "currencyCode": "156"}


def _common(kind: str, sub_kind: str, site: Site, at_ms: Instant) -> Fields:
    return {
        "version": VERSION,
        "encoding": "UTF-8",
        "txnType": kind,
        "txnSubType": sub_kind,
        "accessType": "0",
        "channelType": "07",
        "merId": site.hotel,
        "txnTime": written(at_ms, COMPACT),
    }


def _back_url(url: str) -> str:
    if not url or "?" in url:
        raise Rejected("UnionPay needs an address for callbacks, without a query", Reason.INVALID_VALUE)
    return url


def _files(site: Site, profile: PaymentProfile) -> str:
    if site.options.get("files_url"):
        return str(site.options["files_url"])
    return (
        f"{site.url.rstrip('/')}/"
        if site.url
        else str(profile.options["files_live" if is_live(site) else "files_test"])
    )


def _post(url: str, fields: Fields, site: Site, at_ms: Instant) -> Request:
    """Signed first, form-encoded afterwards."""
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    return Request("POST", url, headers, urlencode(signed(fields, site, at_ms)).encode())
