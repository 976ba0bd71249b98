"""What we ask of Alipay, what the guest carries, and what its answers mean."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest

from connectors.payments.alipay import CONNECTOR
from connectors.payments.alipay.errors import of_sub_code
from gateway.contract import Reply
from gateway.errors import OutcomeUnknown, Rejected, Retryable, Unmapped, Unsupported
from gateway.messages import Command
from gateway.messages_payment import (
    Authorise,
    Capture,
    Close,
    PaymentAnswered,
    Purchase,
    QueryOperation,
    Refund,
    Void,
)
from gateway.model.payment import FactKind, OperationKind, OperationOutcome
from gateway.model.payment_error import PaymentError
from gateway.model.payment_means import (
    ActionKind,
    GuestAction,
    HostedPage,
    InApp,
    Means,
    MiniProgram,
    MobilePage,
    ScannedCode,
    ShownCode,
)
from gateway.testing.subject import NOW_MS
from tests.connectors.payments import china
from tests.connectors.payments.china import (
    APP_ID,
    BACK,
    BASE,
    CHILD,
    MONEY,
    NOTIFY,
    OP,
    PAYMENT,
    alipay_reply,
    decoded,
    joined,
    of,
    site,
    verified_by,
)

SITE = site("alipay")
IN_APP = msgspec.structs.replace(SITE, options={"app_id": APP_ID, "hold_product": "PRE_AUTH_ONLINE"})
TRADE, HOLD = "2031010422001468450512505578", "2031010410002001760201905725"
SALE = of(OperationKind.PURCHASE, TRADE)
HELD = of(OperationKind.AUTHORISE, HOLD)
TAKEN = of(OperationKind.CAPTURE, TRADE, CHILD, 20000)
KID: dict[str, Any] = BASE | {"id": CHILD}
SHOWN = Purchase(**BASE, **MONEY, means=ShownCode(), text="湖畔 R=1&2/3", notify_url=NOTIFY)
SCANNED = Purchase(**BASE, **MONEY, means=ScannedCode("28763443825664394", "T1"))
BACK_50 = Refund(**KID, of=SALE, amount=5000, currency="CNY", text="Left early")
ASK = QueryOperation(**KID, of=SALE)
UNDO = Void(**KID, of=SALE, **MONEY, neutralise=True)
Out, K, E = OperationOutcome, FactKind, PaymentError


def sent(command: Command, account: Any = SITE) -> tuple[str, dict[str, Any], dict[str, str]]:
    """Method, business fields and system parameters; the signature is ours over all of them."""
    request = CONNECTOR.encode(command, account)
    assert request.method == "POST"
    assert request.url.startswith("https://openapi-sandbox.dl.alipaydev.com/gateway.do?")
    fields = dict(parse_qsl(urlsplit(request.url).query)) | dict(parse_qsl(request.body.decode()))
    verified_by("ours", joined(fields, "sign"), fields["sign"])
    return fields["method"], msgspec.json.decode(fields["biz_content"]), fields


def answered(command: Command, fields: dict[str, Any], owner: str = "theirs", account: Any = SITE) -> PaymentAnswered:
    request = CONNECTOR.encode(command, account)
    return decoded(CONNECTOR, command, alipay_reply(request, fields, owner), account)


def carried(command: Command, account: Any = SITE) -> GuestAction:
    return china.carried(CONNECTOR, command, account)


def test_a_code_for_the_guest() -> None:
    method, fields, system = sent(SHOWN)
    assert method == "alipay.trade.precreate"
    assert fields == {
        "out_trade_no": OP,
        "total_amount": "241.00",
        "subject": "湖畔 R 1 2 3",
        "seller_id": "HOTEL1",
        "time_expire": "2031-01-04 16:30:00",
        "product_code": "FACE_TO_FACE_PAYMENT",
    }
    assert system["app_id"] == APP_ID
    assert (system["sign_type"], system["timestamp"]) == ("RSA2", "2031-01-04 16:00:00")
    assert system["notify_url"] == NOTIFY
    assert "return_url" not in system


def test_the_time_of_sending_is_new_while_the_order_stays_the_same() -> None:
    again = msgspec.structs.replace(SHOWN, sent_ms=NOW_MS + 60_000)
    assert sent(again)[1] == sent(SHOWN)[1]
    assert sent(again)[2]["timestamp"] == "2031-01-04 16:01:00"


@pytest.mark.parametrize(
    ("means", "method", "extra"),
    [
        (ScannedCode("28763443825664394", "T1"), "pay", {"scene": "bar_code", "terminal_id": "T1"}),
        (MiniProgram("2088102534368455"), "create", {"buyer_id": "2088102534368455", "product_code": "JSAPI_PAY"}),
        (MiniProgram("074a1CcTG1LelxKe4xQ"), "create", {"buyer_open_id": "074a1CcTG1LelxKe4xQ"}),
    ],
)
def test_other_ways_to_pay(means: Means, method: str, extra: dict[str, str]) -> None:
    called, fields, _ = sent(Purchase(**BASE, **MONEY, means=means))
    assert called == f"alipay.trade.{method}"
    assert extra.items() <= fields.items()


@pytest.mark.parametrize(
    ("means", "method", "product"),
    [
        (HostedPage(), "alipay.trade.page.pay", "FAST_INSTANT_TRADE_PAY"),
        (MobilePage(), "alipay.trade.wap.pay", "QUICK_WAP_WAY"),
        (InApp(), "alipay.trade.app.pay", "QUICK_MSECURITY_PAY"),
    ],
)
def test_what_the_guest_carries(means: Means, method: str, product: str) -> None:
    action = carried(Purchase(**BASE, **MONEY, means=means, notify_url=NOTIFY, return_url=BACK))
    assert action.kind is (ActionKind.CLIENT if isinstance(means, InApp) else ActionKind.REDIRECT)
    fields = dict(parse_qsl(action.content or urlsplit(action.url).query))
    verified_by("ours", joined(fields, "sign"), fields["sign"])
    assert (fields["method"], fields.get("return_url")) == (method, None if action.content else BACK)
    assert msgspec.json.decode(fields["biz_content"])["product_code"] == product
    assert action.expires_ms == NOW_MS + 30 * 60_000
    assert CONNECTOR.hand_over(SHOWN, SITE) is None


def test_holds() -> None:
    hold = Authorise(**BASE, **MONEY, means=ShownCode())
    method, fields, _ = sent(hold)
    assert method == "alipay.fund.auth.order.voucher.create"
    assert (fields["out_order_no"], fields["out_request_no"]) == (PAYMENT, OP)
    assert (fields["amount"], fields["product_code"], fields["pay_timeout"]) == ("241.00", "PRE_AUTH", "15m")
    assert fields["payee_user_id"] == "HOTEL1"
    method, fields, _ = sent(Authorise(**BASE, **MONEY, means=ScannedCode("28763443825664394")))
    assert (method, fields["auth_code_type"]) == ("alipay.fund.auth.order.freeze", "bar_code")
    in_app = Authorise(**BASE, **MONEY, means=InApp())
    order = dict(parse_qsl(carried(in_app, IN_APP).content))
    assert order["method"] == "alipay.fund.auth.order.app.freeze"
    # A capture has to name the product of its hold, so an account has one.
    for command, account in ((hold, IN_APP), (msgspec.structs.replace(hold, means=MobilePage()), SITE)):
        with pytest.raises(Unsupported):
            CONNECTOR.encode(command, account)
    with pytest.raises(Unsupported):
        CONNECTOR.hand_over(in_app, SITE)


def test_what_follows_a_hold() -> None:
    method, fields, _ = sent(Capture(**KID, of=HELD, amount=20000, currency="CNY", final=False))
    assert (method, fields["auth_no"], fields["auth_confirm_mode"]) == ("alipay.trade.pay", HOLD, "NOT_COMPLETE")
    assert (fields["out_trade_no"], fields["product_code"]) == (CHILD, "PRE_AUTH")
    method, fields, _ = sent(Void(**KID, of=HELD, amount=4100, currency="CNY", whole=False))
    assert method == "alipay.fund.auth.order.unfreeze"
    assert (fields["auth_no"], fields["out_request_no"], fields["amount"]) == (HOLD, CHILD, "41.00")
    method, fields, _ = sent(Void(**KID, of=HELD, **MONEY, neutralise=True))
    assert (method, fields["out_request_no"]) == ("alipay.fund.auth.operation.cancel", OP)
    with pytest.raises(Rejected):
        CONNECTOR.encode(Capture(**KID, of=of(OperationKind.AUTHORISE), amount=1, currency="CNY"), SITE)


def test_refunds_are_of_the_trade_and_always_numbered() -> None:
    method, fields, _ = sent(BACK_50)
    assert method == "alipay.trade.refund"
    expected = {"out_trade_no": OP, "refund_reason": "Left early", "refund_amount": "50.00", "out_request_no": CHILD}
    assert fields == expected
    of_capture = Refund(**BASE, of=HELD, capture=TAKEN, amount=5000, currency="CNY")
    assert sent(of_capture)[1]["out_trade_no"] == CHILD
    with pytest.raises(Rejected):
        CONNECTOR.encode(msgspec.structs.replace(of_capture, capture=None), SITE)


@pytest.mark.parametrize(
    ("command", "method", "fields"),
    [
        (ASK, "alipay.trade.query", {"out_trade_no": OP}),
        (Close(**KID, of=SALE), "alipay.trade.close", {"out_trade_no": OP}),
        (UNDO, "alipay.trade.cancel", {"out_trade_no": OP}),
        (QueryOperation(**KID, of=TAKEN, parent=HELD), "alipay.trade.query", {"out_trade_no": CHILD}),
        (QueryOperation(**KID, of=of(OperationKind.CLOSE, id_=CHILD), parent=SALE), "alipay.trade.query", None),
        (QueryOperation(**KID, of=HELD), "alipay.fund.auth.operation.detail.query", None),
        (
            QueryOperation(**KID, of=of(OperationKind.REFUND, f"{TRADE}:{CHILD}", CHILD), parent=HELD),
            "alipay.trade.fastpay.refund.query",
            {"trade_no": TRADE, "out_request_no": CHILD},
        ),
        (
            QueryOperation(**KID, of=of(OperationKind.REFUND, "", CHILD), parent=SALE),
            "alipay.trade.fastpay.refund.query",
            {"out_trade_no": OP, "out_request_no": CHILD},
        ),
    ],
)
def test_questions_and_withdrawals(command: Command, method: str, fields: dict[str, str] | None) -> None:
    called, given, _ = sent(command)
    assert called == method
    assert fields in (None, given)


def test_what_alipay_cannot_do_is_refused() -> None:
    for command in (
        Void(**KID, of=SALE, **MONEY),
        Close(**KID, of=HELD),
        Purchase(**BASE, **MONEY, means=HostedPage()),
    ):
        with pytest.raises(Unsupported):
            CONNECTOR.encode(command, SITE)
    for changes, error in (
        ({"currency": "EUR"}, Unmapped),
        ({"amount": 10**10 + 1}, Rejected),
        ({"amount": 0}, Rejected),
    ):
        with pytest.raises(error):
            CONNECTOR.encode(msgspec.structs.replace(SHOWN, **changes), SITE)
    for account in (msgspec.structs.replace(SITE, options={}), msgspec.structs.replace(SITE, keys=())):
        with pytest.raises(Rejected):
            CONNECTOR.encode(SHOWN, account)


# --- what the answers mean --------------------------------------------------------------------------------------------

PAID = {"code": "10000", "msg": "Success", "out_trade_no": OP, "trade_no": TRADE, "total_amount": "241.0"}


def test_a_code_waits_for_the_guest() -> None:
    answer = answered(SHOWN, {"code": "10000", "out_trade_no": OP, "qr_code": "https://qr.alipay.com/bax03/x"})
    assert (answer.outcome, answer.facts) == (Out.ACTION_REQUIRED, ())
    assert answer.action is not None
    assert (answer.action.kind, answer.action.content) == (ActionKind.QR, "https://qr.alipay.com/bax03/x")
    mini = Purchase(**BASE, **MONEY, means=MiniProgram("2088102534368455"))
    action = answered(mini, {"code": "10000", "out_trade_no": OP, "trade_no": TRADE}).action
    assert action is not None
    assert action.fields == {"tradeNO": TRADE}


def test_a_scanned_code() -> None:
    paid = answered(SCANNED, PAID | {"gmt_payment": "2031-01-04 16:00:00"})
    assert (paid.outcome, paid.psp) == (Out.SUCCEEDED, TRADE)
    assert [(fact.kind, fact.key, fact.amount, fact.at_ms) for fact in paid.facts] == [
        (K.CAPTURED, TRADE, 24100, NOW_MS)
    ]
    waiting = answered(SCANNED, {"code": "10003", "msg": "order success pay inprocess", "trade_no": TRADE})
    assert (waiting.outcome, waiting.facts) == (Out.PENDING, ())
    assert answered(SCANNED, {"code": "20000", "sub_code": "isp.unknow-error"}).outcome is Out.UNKNOWN
    with pytest.raises(OutcomeUnknown):
        answered(SCANNED, PAID | {"out_trade_no": CHILD})


@pytest.mark.parametrize(
    ("state", "paid_at", "outcome", "kinds"),
    [
        ("WAIT_BUYER_PAY", "", Out.PENDING, []),
        ("TRADE_SUCCESS", "2031-01-04 16:00:00", Out.SUCCEEDED, [K.CAPTURED]),
        ("TRADE_FINISHED", "", Out.SUCCEEDED, [K.CAPTURED]),
        ("TRADE_CLOSED", "2031-01-04 16:00:00", Out.SUCCEEDED, [K.CAPTURED]),
        ("TRADE_CLOSED", "", Out.FAILED, [K.CLOSED]),
        ("NOVEL", "", Out.UNKNOWN, []),
    ],
)
def test_states_of_a_trade(state: str, paid_at: str, outcome: OperationOutcome, kinds: list[FactKind]) -> None:
    answer = answered(ASK, PAID | {"trade_status": state} | ({"send_pay_date": paid_at} if paid_at else {}))
    assert (answer.operation, answer.outcome, [fact.kind for fact in answer.facts]) == (OP, outcome, kinds)


def test_a_refund_is_done_only_where_money_moved() -> None:
    body = PAID | {"fund_change": "Y", "refund_fee": "241.00"}
    done = answered(BACK_50, body)
    assert (done.outcome, done.psp) == (Out.SUCCEEDED, f"{TRADE}:{CHILD}")
    # What they give is the sum of all refunds so far.
    assert [(fact.kind, fact.amount) for fact in done.facts] == [(K.REFUNDED, 5000)]
    for change in ("N", ""):
        again = answered(BACK_50, body | {"fund_change": change})
        assert (again.outcome, again.facts) == (Out.PENDING, ())


def test_a_refund_asked_about() -> None:
    ask = QueryOperation(**KID, of=of(OperationKind.REFUND, "", CHILD, 5000), parent=SALE)
    body = {"code": "10000", "trade_no": TRADE, "out_request_no": CHILD, "refund_amount": "50.00"}
    found = answered(ask, body | {"refund_status": "REFUND_SUCCESS"})
    assert (found.outcome, found.facts[0].key, found.facts[0].amount) == (Out.SUCCEEDED, f"{TRADE}:{CHILD}", 5000)
    assert (answered(ask, body).outcome, answered(ask, body).error) == (Out.UNKNOWN, E.NOT_FOUND)
    with pytest.raises(OutcomeUnknown):
        answered(ask, body | {"refund_status": "REFUND_SUCCESS", "out_request_no": OP})


def test_cancelling_says_what_it_found() -> None:
    closed = answered(UNDO, PAID | {"action": "close", "retry_flag": "N"})
    assert (closed.outcome, [fact.kind for fact in closed.facts]) == (Out.SUCCEEDED, [K.CLOSED])
    refunded = answered(UNDO, PAID | {"action": "refund", "retry_flag": "N"})
    assert [(fact.kind, fact.key, fact.amount) for fact in refunded.facts] == [
        (K.CAPTURED, TRADE, 24100),
        (K.REFUNDED, f"{TRADE}:cancel", 24100),
    ]
    assert answered(UNDO, PAID | {"action": "", "retry_flag": "Y"}).outcome is Out.UNKNOWN


def test_states_of_a_hold() -> None:
    hold = Authorise(**BASE, **MONEY, means=ScannedCode("28763443825664394"))
    body = {
        "code": "10000",
        "auth_no": HOLD,
        "operation_id": "20310104701",
        "operation_type": "FREEZE",
        "out_order_no": PAYMENT,
        "out_request_no": OP,
        "amount": "241.00",
        "status": "SUCCESS",
    }
    held = answered(hold, body)
    assert (held.outcome, held.psp) == (Out.SUCCEEDED, HOLD)
    assert [(fact.kind, fact.key, fact.amount) for fact in held.facts] == [(K.AUTHORISED, "20310104701", 24100)]
    assert answered(hold, body | {"status": "INIT"}).outcome is Out.PENDING
    assert answered(hold, body | {"status": "CLOSED"}).outcome is Out.FAILED
    over = {"order_status": "FINISH", "rest_amount": "0.00", "total_pay_amount": "200.00"}
    facts = answered(QueryOperation(**KID, of=HELD), body | over).facts
    assert [(fact.kind, fact.amount, fact.rest) for fact in facts[1:]] == [(K.VOIDED, 20000, True)]
    release = Void(**KID, of=HELD, amount=4100, currency="CNY")
    freed = answered(release, body | {"operation_id": "20310104702", "out_request_no": CHILD, "amount": "41.00"})
    assert (freed.psp, freed.facts[0].kind, freed.facts[0].amount) == ("20310104702", K.VOIDED, 4100)


@pytest.mark.parametrize(
    ("code", "sub_code", "outcome", "error"),
    [
        ("40004", "ACQ.BUYER_BALANCE_NOT_ENOUGH", Out.FAILED, E.INSUFFICIENT_FUNDS),
        ("40004", "ACQ.BUYER_BANKCARD_BALANCE_NOT_E", Out.FAILED, E.INSUFFICIENT_FUNDS),
        ("40004", "ACQ.TRADE_HAS_SUCCESS", Out.UNKNOWN, E.ALREADY_PAID),
        ("40004", "ACQ.SYSTEM_ERROR", Out.UNKNOWN, E.GATEWAY_ERROR),
        ("40004", "ACQ.MADE_UP", Out.UNKNOWN, E.UNKNOWN),
        ("40002", "isv.invalid-signature", Out.FAILED, E.CREDENTIALS_INVALID),
        ("40002", "isv.invalid-timestamp", Out.FAILED, E.INVALID_REQUEST),
        ("40006", "isv.insufficient-isv-permissions", Out.FAILED, E.MERCHANT_CONFIG),
        ("40005", "isv.app-call-limited", Out.PENDING, E.RATE_LIMITED),
        ("50000", "", Out.UNKNOWN, E.UNKNOWN),
    ],
)
def test_errors(code: str, sub_code: str, outcome: OperationOutcome, error: PaymentError) -> None:
    answer = answered(SCANNED, {"code": code, "msg": "no", "sub_code": sub_code})
    assert (answer.outcome, answer.error) == (outcome, error)
    asked = answered(ASK, {"code": code, "msg": "no", "sub_code": sub_code})
    assert asked.outcome in (Out.UNKNOWN, Out.PENDING)


def test_a_cut_code_that_fits_two_meanings_is_none() -> None:
    assert of_sub_code("ACQ.BUYER_PAYMENT_AMOUNT_DAY_LIM") is E.LIMIT_EXCEEDED
    assert of_sub_code("ACQ.BUYER_PAYMENT_AMOUNT_WEEK_LI") is E.UNKNOWN


def test_an_answer_that_is_not_proven_is_never_a_success() -> None:
    forged = answered(SCANNED, PAID, owner="other")
    assert (forged.outcome, forged.error, forged.facts) == (Out.UNKNOWN, E.SIGNATURE_INVALID, ())
    request = CONNECTOR.encode(SCANNED, SITE)
    unsigned = b'{"error_response":{"code":"40002","sub_code":"isv.invalid-app-id"}}'
    refused = decoded(CONNECTOR, SCANNED, Reply(200, {}, unsigned), SITE)
    assert (refused.outcome, refused.error) == (Out.FAILED, E.CREDENTIALS_INVALID)
    true = alipay_reply(request, PAID)
    moved = Reply(200, {}, true.body.replace(b"241.0", b"241.1"))
    assert decoded(CONNECTOR, SCANNED, moved, SITE).error is E.SIGNATURE_INVALID
    assert decoded(CONNECTOR, SCANNED, Reply(502, {}, b""), SITE).outcome is Out.UNKNOWN
    with pytest.raises(Retryable):
        decoded(CONNECTOR, SCANNED, Reply(429, {}, b""), SITE)
