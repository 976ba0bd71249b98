"""What we ask of UnionPay, what the guest's browser carries, and what its answers mean."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest

from connectors.payments.unionpay import CONNECTOR
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
from gateway.model.payment_means import ActionKind, HostedPage, InApp, MobilePage, ScannedCode, ShownCode
from gateway.testing.subject import NOW_MS
from tests.connectors.payments.china import (
    BACK,
    BASE,
    CHILD,
    MONEY,
    NOTIFY,
    OP,
    carried,
    decoded,
    of,
    site,
    unionpay_reply,
)

SITE = site("unionpay")
CODES = msgspec.structs.replace(SITE, options={"biz_type": "000000"})
GATE = "https://gateway.test.95516.com/gateway/api"
Q = "123101041600001234568"
URLS: dict[str, Any] = {"notify_url": NOTIFY, "return_url": BACK}
KID: dict[str, Any] = BASE | {"id": CHILD, "notify_url": NOTIFY}
SALE, HELD = of(OperationKind.PURCHASE, Q), of(OperationKind.AUTHORISE, Q)
TAKEN = of(OperationKind.CAPTURE, "C1", CHILD, 20000)
SHOWN = Purchase(**BASE, **MONEY, **URLS, means=ShownCode())
SCANNED = Purchase(**BASE, **MONEY, **URLS, means=ScannedCode("6220051234567890123", "desk1"))
TAKE = Capture(**KID, of=HELD, amount=20000, currency="CNY")
BACK_50 = Refund(**KID, of=SALE, amount=5000, currency="CNY")
ASK = QueryOperation(**BASE, of=SALE)
HOUR_MS = 3600_000
Out, K, E = OperationOutcome, FactKind, PaymentError


def sent(command: Command, account: Any = SITE) -> tuple[str, dict[str, str]]:
    request = CONNECTOR.encode(command, account)
    return request.url.removeprefix(GATE), dict(parse_qsl(request.body.decode(), keep_blank_values=True))


def answered(command: Command, account: Any = SITE, owner: str = "theirs", **fields: str) -> PaymentAnswered:
    request = CONNECTOR.encode(command, account)
    return decoded(CONNECTOR, command, unionpay_reply(request, {"respCode": "00"} | fields, owner), account)


def kinds(answer: PaymentAnswered) -> list[tuple[FactKind, str, int | None, bool]]:
    return [(fact.kind, fact.key, fact.amount, fact.rest) for fact in answer.facts]


def test_a_form_for_the_browser() -> None:
    for command, means, channel, kind in (
        (Purchase, HostedPage(), "07", "01"),
        (Authorise, MobilePage(), "08", "02"),
    ):
        order = command(**BASE, **MONEY, **URLS, means=means, text="湖畔酒店的一间很好的房间")
        action = carried(CONNECTOR, order, SITE)
        assert (action.kind, action.url) == (ActionKind.FORM, f"{GATE}/frontTransReq.do")
        fields = action.fields
        assert (fields["txnType"], fields["txnSubType"], fields["channelType"]) == (kind, "01", channel)
        assert (fields["merId"], fields["orderId"], fields["txnAmt"]) == ("HOTEL1", OP, "24100")
        assert (fields["txnTime"], fields["payTimeout"]) == ("20310104160000", "20310104163000")
        assert (fields["backUrl"], fields["frontUrl"], fields["bizType"]) == (NOTIFY, BACK, "000201")
        assert (fields["certId"], fields["currencyCode"]) == ("68759663125", "156")
        assert len(fields["orderDesc"].encode()) <= 32
        with pytest.raises(Unsupported):
            CONNECTOR.hand_over(order, CODES)
    assert CONNECTOR.hand_over(SHOWN, CODES) is None


@pytest.mark.parametrize(
    ("command", "account", "path", "expected"),
    [
        (SHOWN, CODES, "/backTransReq.do", ("01", "07", "000000", OP)),
        (SCANNED, CODES, "/backTransReq.do", ("01", "06", "000000", OP)),
        (Purchase(**BASE, **MONEY, **URLS, means=InApp()), SITE, "/appTransReq.do", ("01", "01", "000201", OP)),
        (Authorise(**BASE, **MONEY, **URLS, means=InApp()), SITE, "/appTransReq.do", ("02", "01", "000201", OP)),
        (TAKE, SITE, "/backTransReq.do", ("03", "00", "000201", CHILD)),
        (BACK_50, SITE, "/backTransReq.do", ("04", "00", "000201", CHILD)),
        (BACK_50, CODES, "/backTransReq.do", ("04", "00", "000000", CHILD)),
        (Void(**KID, of=SALE, **MONEY), SITE, "/backTransReq.do", ("31", "00", "000201", CHILD)),
        (Void(**KID, of=HELD, **MONEY), SITE, "/backTransReq.do", ("32", "00", "000000", CHILD)),
        (Void(**KID, of=TAKEN, amount=20000, currency="CNY"), SITE, "/backTransReq.do", ("33", "00", "000000", CHILD)),
        (Void(**KID, of=SALE, **MONEY, neutralise=True), CODES, "/backTransReq.do", ("99", "01", "000000", OP)),
        (ASK, SITE, "/queryTrans.do", ("00", "00", "000000", OP)),
    ],
)
def test_calls(command: Command, account: Any, path: str, expected: tuple[str, ...]) -> None:
    called, fields = sent(command, account)
    assert called == path
    assert tuple(fields[name] for name in ("txnType", "txnSubType", "bizType", "orderId")) == expected
    assert ("txnAmt" in fields) == (command is not ASK)


def test_what_follows_names_the_transaction_it_follows() -> None:
    assert sent(TAKE)[1]["origQryId"] == Q
    assert sent(Refund(**KID, of=HELD, capture=TAKEN, amount=1, currency="CNY"))[1]["origQryId"] == "C1"
    for command in (TAKE, BACK_50):
        with pytest.raises(Rejected):
            CONNECTOR.encode(msgspec.structs.replace(command, of=of(OperationKind.AUTHORISE)), SITE)


@pytest.mark.parametrize(
    ("paid_h", "now_h", "fits"),
    [
        (0, 5, True),  # 16:00 and 21:00 in Beijing
        (0, 6.4, True),  # 22:24
        (0, 6.6, False),  # 22:36: too near to 23:00
        (0, 8, False),
        (6.6, 6.7, False),
        (7.1, 8, True),  # both in the clearing day of tomorrow
        (0, 24.5, False),
    ],
)
def test_undoing_lasts_as_long_as_the_clearing_day(paid_h: float, now_h: float, fits: bool) -> None:
    paid = msgspec.structs.replace(SALE, at_ms=NOW_MS + int(paid_h * HOUR_MS))
    command = Void(**KID | {"at_ms": NOW_MS + int(now_h * HOUR_MS)}, of=paid, **MONEY)
    if fits:
        assert sent(command)[1]["txnType"] == "31"
    else:
        with pytest.raises(Rejected):
            CONNECTOR.encode(command, SITE)
    # A hold is released whenever that is.
    assert sent(msgspec.structs.replace(command, of=HELD))[1]["txnType"] == "32"


def test_what_unionpay_cannot_do_is_refused() -> None:
    for command, account in (
        (SHOWN, SITE),
        (Close(**BASE, of=SALE), SITE),
        (Void(**KID, of=HELD, **MONEY, whole=False), SITE),
        (Void(**KID, of=HELD, **MONEY, neutralise=True), SITE),
        (Authorise(**BASE, **MONEY, **URLS, means=ShownCode()), CODES),
    ):
        with pytest.raises(Unsupported):
            CONNECTOR.encode(command, account)
    changes: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"notify_url": f"{NOTIFY}?a=b"}, Rejected),
        ({"notify_url": ""}, Rejected),
        ({"currency": "USD"}, Unmapped),
        ({"amount": 10**12}, Rejected),
    ]
    for change, error in changes:
        with pytest.raises(error):
            CONNECTOR.encode(msgspec.structs.replace(SHOWN, **change), CODES)
    with pytest.raises(Rejected):
        CONNECTOR.encode(Void(**KID, of=SALE, amount=5000, currency="CNY"), SITE)


# --- what the answers mean --------------------------------------------------------------------------------------------


def test_accepted_is_not_done() -> None:
    for command, account in ((SCANNED, CODES), (TAKE, SITE), (BACK_50, SITE), (Void(**KID, of=HELD, **MONEY), SITE)):
        answer = answered(command, account, queryId="Q9")
        assert (answer.outcome, answer.psp, answer.facts) == (Out.PENDING, "Q9", ())


def test_what_the_guest_is_shown() -> None:
    shown = answered(SHOWN, CODES, qrCode="https://qr.95516.com/00010000/x?y=z")
    assert shown.outcome is Out.ACTION_REQUIRED
    assert shown.action is not None
    assert (shown.action.kind, shown.action.content) == (ActionKind.QR, "https://qr.95516.com/00010000/x?y=z")
    app = answered(Purchase(**BASE, **MONEY, **URLS, means=InApp()), tn="813").action
    assert app is not None
    assert app.fields == {"tn": "813"}


def test_the_answer_to_another_order_is_no_answer() -> None:
    for change in ({"orderId": CHILD}, {"merId": "HOTEL2"}, {"txnTime": "20310104160001"}):
        with pytest.raises(OutcomeUnknown):
            answered(SCANNED, CODES, **change)


@pytest.mark.parametrize(
    ("reference", "parent", "amount", "expected"),
    [
        (SALE, None, "24100", [(K.CAPTURED, "Q9", 24100, False)]),
        (HELD, None, "24100", [(K.AUTHORISED, "Q9", 24100, False)]),
        (TAKEN, HELD, "20000", [(K.CAPTURED, "Q9", 20000, False), (K.VOIDED, "Q9:release", 20000, True)]),
        (of(OperationKind.REFUND, "", CHILD, 5000), SALE, "5000", [(K.REFUNDED, "Q9", 5000, False)]),
        (of(OperationKind.VOID, "", CHILD), SALE, "24100", [(K.REFUNDED, "Q9", 24100, False)]),
        (of(OperationKind.VOID, "", CHILD), HELD, "24100", [(K.VOIDED, "Q9", 0, True)]),
        (
            of(OperationKind.VOID, "", CHILD),
            TAKEN,
            "20000",
            [(K.CAPTURE_FAILED, "C1", 20000, False), (K.VOIDED, "Q9:release", 0, True)],
        ),
    ],
)
def test_what_was_asked_about_has_succeeded(reference: Any, parent: Any, amount: str, expected: Any) -> None:
    command = QueryOperation(**BASE, of=reference, parent=parent)
    done = answered(command, origRespCode="00", queryId="Q9", txnAmt=amount)
    assert (done.operation, done.outcome, done.psp, kinds(done)) == (reference.id, Out.SUCCEEDED, "Q9", expected)
    flawed = answered(command, origRespCode="A6", queryId="Q9", txnAmt=amount)
    assert (flawed.outcome, flawed.error_raw) == (Out.SUCCEEDED, "A6")
    with pytest.raises(OutcomeUnknown):
        answered(command, origRespCode="00", queryId="Q9", txnAmt="1")
    if reference is HELD:
        assert done.hold_expires_ms == NOW_MS + 25 * 24 * HOUR_MS


@pytest.mark.parametrize(
    ("code", "state", "outcome", "error"),
    [
        ("34", "", Out.UNKNOWN, E.NOT_FOUND),
        ("37", "", Out.UNKNOWN, E.RATE_LIMITED),
        ("11", "", Out.UNKNOWN, E.CREDENTIALS_INVALID),
        ("00", "03", Out.PENDING, None),
        ("00", "05", Out.PENDING, None),
        ("00", "01", Out.FAILED, E.DECLINED),
        ("00", "64", Out.FAILED, E.INSUFFICIENT_FUNDS),
        ("00", "42", Out.UNKNOWN, E.UNKNOWN),
        ("00", "ZZ", Out.UNKNOWN, E.UNKNOWN),
        ("00", "", Out.UNKNOWN, E.UNKNOWN),
    ],
)
def test_what_was_asked_about_has_not(
    code: str, state: str, outcome: OperationOutcome, error: PaymentError | None
) -> None:
    answer = answered(ASK, respCode=code, origRespCode=state)
    assert (answer.outcome, answer.error, answer.facts) == (outcome, error, ())


def test_a_refund_that_seems_to_have_failed_is_asked_about_again() -> None:
    ask = QueryOperation(**BASE, of=of(OperationKind.REFUND, "", CHILD, 5000), parent=SALE)
    assert {answered(ask, origRespCode=state).outcome for state in ("01", "12", "34", "60")} == {Out.PENDING}


def test_a_reversal_is_asked_about_by_what_it_reverses() -> None:
    undo = Void(**KID, of=SALE, **MONEY, neutralise=True)
    accepted = answered(undo, CODES)
    assert (accepted.outcome, accepted.psp) == (Out.PENDING, f"99:{Q}")
    ask = QueryOperation(**BASE, of=of(OperationKind.VOID, accepted.psp, CHILD), parent=SALE)
    assert sent(ask)[1]["orderId"] == OP
    done = answered(ask, txnType="99", origRespCode="00", txnAmt="24100")
    assert (done.operation, done.outcome) == (CHILD, Out.SUCCEEDED)
    assert kinds(done) == [
        (K.CLOSED, OP, None, False),
        (K.CAPTURE_FAILED, Q, 24100, False),
        (K.VOIDED, f"{Q}:release", 0, True),
    ]
    assert answered(ask, origRespCode="00", txnAmt="24100").outcome is Out.UNKNOWN


@pytest.mark.parametrize(
    ("code", "outcome", "error"),
    [
        ("01", Out.FAILED, E.DECLINED),
        ("03", Out.UNKNOWN, E.TIMEOUT),
        ("05", Out.PENDING, None),
        ("06", Out.PENDING, E.RATE_LIMITED),
        ("11", Out.FAILED, E.CREDENTIALS_INVALID),
        ("12", Out.UNKNOWN, E.DUPLICATE),
        ("36", Out.FAILED, E.INVALID_AMOUNT),
        ("42", Out.UNKNOWN, E.UNKNOWN),
        ("45", Out.UNKNOWN, E.ALREADY_REFUNDED),
        ("70", Out.ACTION_REQUIRED, None),
        ("XX", Out.UNKNOWN, E.UNKNOWN),
    ],
)
def test_errors(code: str, outcome: OperationOutcome, error: PaymentError | None) -> None:
    answer = answered(BACK_50, respCode=code, respMsg="失败[1234567]")
    assert (answer.outcome, answer.error) == (outcome, error)
    assert code in answer.error_raw


def test_an_answer_that_is_not_proven_is_never_a_success() -> None:
    for command, fields in ((SHOWN, {"qrCode": "https://x"}), (ASK, {"origRespCode": "00", "txnAmt": "24100"})):
        forged = answered(command, CODES, "other", **fields)
        assert (forged.outcome, forged.error, forged.facts) == (Out.UNKNOWN, E.SIGNATURE_INVALID, ())
    assert decoded(CONNECTOR, ASK, Reply(503, {}, b""), SITE).outcome is Out.UNKNOWN
    with pytest.raises(Retryable):
        decoded(CONNECTOR, ASK, Reply(429, {}, b""), SITE)
