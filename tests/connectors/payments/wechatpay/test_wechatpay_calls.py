"""What we ask of WeChat Pay, what the wallet is handed, and what its answers mean."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from connectors.payments.wechatpay import CONNECTOR
from gateway.contract import Reply, Request
from gateway.errors import OutcomeUnknown, Rejected, Retryable, Unmapped, Unsupported
from gateway.messages import Command
from gateway.messages_payment import (
    Authorise,
    Close,
    PaymentAnswered,
    Purchase,
    QueryOperation,
    Refund,
    RenewAction,
    Void,
)
from gateway.model.payment import FactKind, OperationKind, OperationOutcome
from gateway.model.payment_error import PaymentError
from gateway.model.payment_means import (
    ActionKind,
    Device,
    HostedPage,
    InApp,
    Means,
    MiniProgram,
    MobilePage,
    ScannedCode,
    ShownCode,
)
from gateway.testing.subject import NOW_MS
from tests.connectors.payments.china import (
    APP_ID,
    BACK,
    BASE,
    CHILD,
    MONEY,
    NONCE,
    NOTIFY,
    OP,
    SERIAL,
    THEIR_SERIAL,
    carried,
    decoded,
    of,
    site,
    verified_by,
    wechat_reply,
)

SITE = site("wechatpay")
HOST = "https://api.mch.weixin.qq.com"
TX = "4200001234203101041234567890"
SALE = of(OperationKind.PURCHASE, TX)
KID: dict[str, Any] = BASE | {"id": CHILD}
SHOWN = Purchase(**BASE, **MONEY, means=ShownCode(), text="湖畔 stay", notify_url=NOTIFY)
SCANNED = Purchase(**BASE, **MONEY, means=ScannedCode("134567890123456789", "desk-1"))
ASK = QueryOperation(**KID, of=SALE)
UNDO = Void(**KID, of=SALE, **MONEY, neutralise=True)
BACK_50 = Refund(**KID, of=SALE, amount=5000, currency="CNY", text="Left early", notify_url=NOTIFY)
ORDER = {"mchid": "HOTEL1", "out_trade_no": OP, "transaction_id": TX, "amount": {"total": 24100, "payer_total": 1}}
Out, K, E = OperationOutcome, FactKind, PaymentError


def sent(command: Command, account: Any = SITE) -> tuple[str, Any, Request]:
    """Call and body; the signature is ours over exactly what is sent."""
    request = CONNECTOR.encode(command, account)
    parts = urlsplit(request.url)
    scheme, _, items = request.headers["authorization"].partition(" ")
    found = dict(re.findall(r'(\w+)="([^"]*)"', items))
    assert scheme == "WECHATPAY2-SHA256-RSA2048"
    assert (found["mchid"], found["serial_no"], found["nonce_str"]) == ("HOTEL1", SERIAL, NONCE)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = [request.method, target, found["timestamp"], found["nonce_str"], request.body.decode(), ""]
    verified_by("ours", "\n".join(lines).encode(), found["signature"])
    fields = msgspec.json.decode(request.body) if request.body else None
    return f"{request.method} {request.url.removeprefix(HOST)}", fields, request


def answered(command: Command, fields: Any, status: int = 200, owner: str = "theirs") -> PaymentAnswered:
    return decoded(CONNECTOR, command, wechat_reply(fields, status, owner), SITE)


def test_a_code_for_the_guest() -> None:
    call, fields, request = sent(SHOWN)
    assert call == "POST /v3/pay/transactions/native"
    assert fields == {
        "appid": APP_ID,
        "mchid": "HOTEL1",
        "description": "湖畔 stay",
        "out_trade_no": OP,
        "time_expire": "2031-01-04T16:30:00+08:00",
        "notify_url": NOTIFY,
        "amount": {"total": 24100, "currency": "CNY"},
    }
    assert "湖畔".encode() in request.body
    assert request.headers["wechatpay-serial"] == THEIR_SERIAL
    assert request.headers["user-agent"]


@pytest.mark.parametrize(
    ("means", "path", "extra"),
    [
        (MiniProgram("oUpF8uMuAJO"), "jsapi", {"payer": {"openid": "oUpF8uMuAJO"}}),
        (InApp(), "app", {}),
        (MobilePage("iOS"), "h5", {"scene_info": {"payer_client_ip": "203.0.113.7", "h5_info": {"type": "iOS"}}}),
        (
            ScannedCode("134567890123456789", "desk-1"),
            "codepay",
            {"payer": {"auth_code": "134567890123456789"}},
        ),
    ],
)
def test_other_ways_to_pay(means: Means, path: str, extra: dict[str, Any]) -> None:
    command = Purchase(**BASE, **MONEY, means=means, notify_url=NOTIFY, device=Device("203.0.113.7"))
    call, fields, _ = sent(command)
    assert call == f"POST /v3/pay/transactions/{path}"
    assert extra.items() <= fields.items()
    assert ("notify_url" in fields) == (path != "codepay")


@pytest.mark.parametrize(
    ("command", "call", "fields"),
    [
        (ASK, f"GET /v3/pay/transactions/out-trade-no/{OP}?mchid=HOTEL1", None),
        (Close(**KID, of=SALE), f"POST /v3/pay/transactions/out-trade-no/{OP}/close", {"mchid": "HOTEL1"}),
        (
            UNDO,
            f"POST /v3/pay/transactions/out-trade-no/{OP}/reverse",
            {"appid": APP_ID, "mchid": "HOTEL1"},
        ),
        (
            BACK_50,
            "POST /v3/refund/domestic/refunds",
            {
                "out_trade_no": OP,
                "out_refund_no": CHILD,
                "reason": "Left early",
                "notify_url": NOTIFY,
                "amount": {"refund": 5000, "total": 24100, "currency": "CNY"},
            },
        ),
        (
            QueryOperation(**KID, of=of(OperationKind.REFUND, "", CHILD), parent=SALE),
            f"GET /v3/refund/domestic/refunds/{CHILD}",
            None,
        ),
        (
            QueryOperation(**KID, of=of(OperationKind.CLOSE, "", CHILD), parent=SALE),
            f"GET /v3/pay/transactions/out-trade-no/{OP}?mchid=HOTEL1",
            None,
        ),
    ],
)
def test_what_follows(command: Command, call: str, fields: Any) -> None:
    assert sent(command)[:2] == (call, fields)


def test_what_wechat_pay_cannot_do_is_refused() -> None:
    for command in (
        Authorise(**BASE, **MONEY, means=ShownCode()),
        Void(**KID, of=SALE, **MONEY),
        msgspec.structs.replace(SHOWN, means=HostedPage()),
    ):
        with pytest.raises(Unsupported):
            CONNECTOR.encode(command, SITE)
    changes: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"notify_url": f"{NOTIFY}?a=b"}, Rejected),
        ({"notify_url": ""}, Rejected),
        ({"nonce": ""}, Rejected),
        ({"nonce": 'a"b'}, Rejected),
        ({"amount": 0}, Rejected),
        ({"currency": "HKD"}, Unmapped),
        ({"means": MobilePage()}, Rejected),
    ]
    for change, error in changes:
        with pytest.raises(error):
            CONNECTOR.encode(msgspec.structs.replace(SHOWN, **change), SITE)


# --- what the answers mean --------------------------------------------------------------------------------------------


def test_an_order_waits_for_the_guest() -> None:
    shown = answered(SHOWN, {"code_url": "weixin://wxpay/bizpayurl?pr=x"})
    assert (shown.outcome, shown.facts) == (Out.ACTION_REQUIRED, ())
    assert shown.action is not None
    assert (shown.action.kind, shown.action.content) == (ActionKind.QR, "weixin://wxpay/bizpayurl?pr=x")
    mobile = Purchase(
        **BASE, **MONEY, means=MobilePage(), notify_url=NOTIFY, return_url=BACK, device=Device("203.0.113.7")
    )
    page = answered(mobile, {"h5_url": "https://wx.tenpay.com/x?prepay_id=wx1"}).action
    assert page is not None
    assert page.url == "https://wx.tenpay.com/x?prepay_id=wx1&redirect_url=https%3A%2F%2Fhotel.invalid%2Fback"
    assert page.expires_ms == NOW_MS + 300_000
    with pytest.raises(OutcomeUnknown):
        answered(SHOWN, {})


def test_the_wallet_is_handed_a_signature_of_its_own_and_a_new_one_later() -> None:
    for means, names in (
        (MiniProgram("o1"), ("appId", "timeStamp", "nonceStr", "package", "paySign")),
        (InApp(), ("appid", "timestamp", "noncestr", "prepayid", "sign")),
    ):
        action = answered(Purchase(**BASE, **MONEY, means=means, notify_url=NOTIFY), {"prepay_id": "wx1"}).action
        assert action is not None
        again = RenewAction(**BASE | {"sent_ms": NOW_MS + 60_000, "nonce": "N2"}, of=SALE, action=action)
        renewed = carried(CONNECTOR, again, SITE)
        for found, seconds in ((action, NOW_MS // 1000), (renewed, NOW_MS // 1000 + 60)):
            values = [found.fields[name] for name in names]
            assert str(seconds) == values[1]
            verified_by("ours", "".join(f"{value}\n" for value in values[:-1]).encode(), values[-1])
        late = msgspec.structs.replace(again, sent_ms=NOW_MS + 3 * 3600_000)
        with pytest.raises(Rejected):
            CONNECTOR.hand_over(late, SITE)
    assert CONNECTOR.hand_over(SHOWN, SITE) is None


# None where none is named; a release of the rest keeps nothing back.
AMOUNTS = {K.CAPTURED: 24100, K.CLOSED: None, K.CAPTURE_FAILED: None, K.VOIDED: 0}


@pytest.mark.parametrize(
    ("state", "outcome", "kinds"),
    [
        ("SUCCESS", Out.SUCCEEDED, [K.CAPTURED]),
        ("REFUND", Out.SUCCEEDED, [K.CAPTURED]),
        ("NOTPAY", Out.ACTION_REQUIRED, []),
        ("USERPAYING", Out.PENDING, []),
        ("ACCEPT", Out.PENDING, []),
        ("CLOSED", Out.FAILED, [K.CLOSED]),
        ("REVOKED", Out.FAILED, [K.CLOSED, K.CAPTURE_FAILED, K.VOIDED]),
        ("PAYERROR", Out.FAILED, []),
        ("NOVEL", Out.UNKNOWN, []),
    ],
)
def test_states_of_an_order(state: str, outcome: OperationOutcome, kinds: list[FactKind]) -> None:
    for command in (SCANNED, ASK):
        answer = answered(command, ORDER | {"trade_state": state})
        assert (answer.operation, answer.outcome, [fact.kind for fact in answer.facts]) == (OP, outcome, kinds)
        assert [fact.amount for fact in answer.facts] == [AMOUNTS[kind] for kind in kinds]
    with pytest.raises(OutcomeUnknown):
        answered(ASK, ORDER | {"trade_state": state, "out_trade_no": CHILD})


def test_what_became_of_a_withdrawal() -> None:
    assert answered(Close(**KID, of=SALE), None, 204).outcome is Out.SUCCEEDED
    assert answered(UNDO, {"out_trade_no": OP}).outcome is Out.PENDING
    ask = QueryOperation(**KID, of=of(OperationKind.VOID, "", CHILD), parent=SALE)
    assert answered(ask, ORDER | {"trade_state": "REVOKED"}).outcome is Out.SUCCEEDED
    still = answered(ask, ORDER | {"trade_state": "SUCCESS"})
    assert (still.outcome, [fact.kind for fact in still.facts]) == (Out.UNKNOWN, [K.CAPTURED])
    closing = QueryOperation(**KID, of=of(OperationKind.CLOSE, "", CHILD), parent=SALE)
    assert answered(closing, ORDER | {"trade_state": "SUCCESS"}).error is E.ALREADY_PAID


# None where none is named; a release of the rest keeps nothing back.
AMOUNTS = {K.CAPTURED: 24100, K.CLOSED: None, K.CAPTURE_FAILED: None, K.VOIDED: 0}


@pytest.mark.parametrize(
    ("state", "outcome", "kinds"),
    [
        ("SUCCESS", Out.SUCCEEDED, [K.REFUNDED]),
        ("PROCESSING", Out.PENDING, [K.REFUND_PENDING]),
        ("CLOSED", Out.FAILED, [K.REFUND_FAILED]),
        ("ABNORMAL", Out.PENDING, [K.REFUND_PENDING]),
        ("NOVEL", Out.UNKNOWN, []),
    ],
)
def test_an_accepted_refund_is_not_a_done_one(state: str, outcome: OperationOutcome, kinds: list[FactKind]) -> None:
    body = {
        "out_refund_no": CHILD,
        "refund_id": "5030",
        "transaction_id": TX,
        "amount": {"refund": 5000, "total": 24100},
    }
    answer = answered(BACK_50, body | {"status": state})
    assert (answer.outcome, answer.psp, [fact.kind for fact in answer.facts]) == (outcome, "5030", kinds)
    assert all(fact.amount == 5000 for fact in answer.facts)
    with pytest.raises(OutcomeUnknown):
        answered(BACK_50, body | {"status": state, "out_refund_no": OP})


@pytest.mark.parametrize(
    ("status", "code", "command", "outcome", "error"),
    [
        (400, "PARAM_ERROR", SHOWN, Out.FAILED, E.INVALID_REQUEST),
        (400, "INVALID_REQUEST", SHOWN, Out.UNKNOWN, E.WRONG_STATE),
        (400, "ORDERPAID", Close(**KID, of=SALE), Out.UNKNOWN, E.ALREADY_PAID),
        (401, "SIGN_ERROR", SHOWN, Out.FAILED, E.CREDENTIALS_INVALID),
        (403, "NOT_ENOUGH", SCANNED, Out.FAILED, E.INSUFFICIENT_FUNDS),
        (403, "NOTENOUGH", BACK_50, Out.FAILED, E.MERCHANT_BALANCE_INSUFFICIENT),
        (403, "OUT_TRADE_NO_USED", SHOWN, Out.UNKNOWN, E.DUPLICATE),
        (404, "ORDER_NOT_EXIST", ASK, Out.UNKNOWN, E.NOT_FOUND),
        (404, "RESOURCE_NOT_EXISTS", BACK_50, Out.FAILED, E.NOT_FOUND),
        (400, "USER_PAYING", SCANNED, Out.PENDING, None),
        (403, "FREQUENCY_LIMITED", SHOWN, Out.PENDING, E.RATE_LIMITED),
        (500, "SYSTEM_ERROR", SHOWN, Out.UNKNOWN, E.GATEWAY_ERROR),
        (403, "MADE_UP", SHOWN, Out.UNKNOWN, E.UNKNOWN),
    ],
)
def test_errors(status: int, code: str, command: Any, outcome: OperationOutcome, error: PaymentError | None) -> None:
    answer = answered(command, {"code": code, "message": "no"}, status)
    assert (answer.outcome, answer.error) == (outcome, error)


def test_an_answer_that_is_not_proven_is_never_a_success() -> None:
    for command, body in ((SHOWN, {"code_url": "weixin://x"}), (ASK, ORDER | {"trade_state": "SUCCESS"})):
        for forged in (wechat_reply(body, owner="other"), Reply(200, {}, msgspec.json.encode(body))):
            answer = decoded(CONNECTOR, command, forged, SITE)
            assert (answer.outcome, answer.error, answer.facts) == (Out.UNKNOWN, E.SIGNATURE_INVALID, ())
    late = msgspec.structs.replace(SHOWN, sent_ms=NOW_MS + 301_000)
    assert decoded(CONNECTOR, late, wechat_reply({"code_url": "weixin://x"}), SITE).outcome is Out.UNKNOWN


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(401, Out.FAILED), (404, Out.FAILED), (403, Out.UNKNOWN), (400, Out.UNKNOWN), (502, Out.UNKNOWN)],
)
def test_a_refusal_without_a_signature(status: int, outcome: OperationOutcome) -> None:
    body = b'{"code":"PARAM_ERROR"}'
    assert decoded(CONNECTOR, SHOWN, Reply(status, {}, body), SITE).outcome is outcome
    signed = wechat_reply({"code": "PARAM_ERROR"}, status, owner="other")
    assert decoded(CONNECTOR, SHOWN, signed, SITE).outcome is Out.UNKNOWN
    with pytest.raises(Retryable):
        decoded(CONNECTOR, SHOWN, Reply(429, {}, b""), SITE)
