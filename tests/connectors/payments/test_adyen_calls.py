"""What we ask of Adyen, and what its answers mean."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

import mappings
from connectors.payments.adyen import CONNECTOR
from connectors.payments.adyen.errors import reason_of
from gateway.contract import Decoded, Reply
from gateway.errors import OutcomeUnknown, Rejected, Retryable, Unsupported
from gateway.messages import Command
from gateway.messages_payment import (
    Adjust,
    Authorise,
    Capture,
    Close,
    ContinueCharge,
    PaymentAnswered,
    Purchase,
    QueryOperation,
    Refund,
    Tokenise,
    Void,
)
from gateway.model.payment import FactKind, OperationKind, OperationOutcome
from gateway.model.payment_error import PaymentError
from gateway.model.payment_means import (
    ActionKind,
    ClientMethod,
    Device,
    HostedPage,
    Occasion,
    Presence,
    ScannedCode,
    ShownCode,
    StoredMethod,
)
from gateway.testing.subject import NOW_MS
from tests.connectors.payments.accounts import CARD, OP, PAYMENT, hold, reply, site

SITE = site("adyen")
PSP = "KHQC5N7G84BLNK43"
TEST = "https://checkout-test.adyen.com/v72"
BASE: dict[str, Any] = {"id": OP, "at_ms": NOW_MS, "payment": PAYMENT}
MONEY: dict[str, Any] = {"amount": 24100, "currency": "EUR"}
STORED = StoredMethod("8415718415172204", "guest-1001")
HOLD = Authorise(**BASE, **MONEY, means=CARD)
BUY = Purchase(**BASE, **MONEY, means=STORED, presence=Presence.ABSENT, occasion=Occasion.NO_SHOW)
CAPTURE = Capture(**BASE, of=hold(PSP), amount=20000, currency="EUR")
Out, K, E = OperationOutcome, FactKind, PaymentError


def sent(command: Command, account: Any = SITE) -> tuple[str, dict[str, Any], dict[str, str]]:
    request = CONNECTOR.encode(command, account)
    return f"{request.method} {request.url}", msgspec.json.decode(request.body), dict(request.headers)


def answered(command: Command, answer: Reply) -> PaymentAnswered:
    decoded: Decoded = CONNECTOR.decode(command, CONNECTOR.encode(command, SITE), answer, SITE)
    ((arrived),) = decoded.events
    assert isinstance(arrived.event, PaymentAnswered)
    return arrived.event


def test_a_hold() -> None:
    call, fields, headers = sent(HOLD)
    assert call == f"POST {TEST}/payments"
    assert (headers["x-api-key"], headers["idempotency-key"]) == (SITE.password, OP)
    assert fields == {
        "amount": {"currency": "EUR", "value": 24100},
        "merchantAccount": "HOTEL1",
        "reference": OP,
        "merchantOrderReference": PAYMENT,
        "returnUrl": "https://hotel.invalid/back",
        "paymentMethod": {
            "type": "scheme",
            "number": CARD.number,
            "expiryMonth": "12",
            "expiryYear": "2033",
            "cvc": "737",
            "holderName": CARD.holder,
        },
        "additionalData": {"manualCapture": "true", "authorisationType": "PreAuth"},
        "shopperInteraction": "Ecommerce",
    }


def test_a_no_show_is_charged_to_a_kept_card() -> None:
    _, fields, _ = sent(BUY)
    assert fields["captureDelayHours"] == 0
    assert fields["shopperReference"] == "guest-1001"
    assert fields["paymentMethod"] == {"type": "scheme", "storedPaymentMethodId": STORED.token}
    assert fields["shopperInteraction"] == "ContAuth"
    assert fields["recurringProcessingModel"] == "UnscheduledCardOnFile"
    assert fields["industryUsage"] == "noShow"


def test_a_card_of_an_ota_is_not_authenticated() -> None:
    _, fields, _ = sent(Purchase(**BASE, **MONEY, means=CARD, presence=Presence.MOTO))
    assert fields["shopperInteraction"] == "Moto"
    assert fields["authenticationData"] == {"attemptAuthentication": "never"}


def test_a_browser_is_described_for_authentication() -> None:
    device = Device(
        "203.0.113.7", {"language": "en", "javaEnabled": False, "screenWidth": 1024}, "https://hotel.invalid"
    )
    means = ClientMethod({"type": "scheme", "encryptedCardNumber": "adyenjs_0_1_25$..."})
    _, fields, _ = sent(Purchase(**BASE, **MONEY, means=means, device=device, store=True, customer="guest-1001"))
    assert fields["browserInfo"]["screenWidth"] == 1024
    assert (fields["channel"], fields["shopperIP"]) == ("Web", "203.0.113.7")
    assert fields["paymentMethod"]["encryptedCardNumber"].startswith("adyenjs")
    assert fields["storePaymentMethod"] is True


def test_links_and_sessions() -> None:
    call, fields, _ = sent(Authorise(**BASE, **MONEY, means=HostedPage(link=True), text="Deposit", expires_ms=NOW_MS))
    assert call == f"POST {TEST}/paymentLinks"
    assert (fields["manualCapture"], fields["reusable"], fields["expiresAt"]) == (True, False, "2031-01-04T08:00:00Z")
    call, fields, _ = sent(Authorise(**BASE, **MONEY, means=ClientMethod({})))
    assert call == f"POST {TEST}/sessions"
    assert fields["additionalData"]["manualCapture"] == "true"


@pytest.mark.parametrize(
    ("command", "path", "extra"),
    [
        (CAPTURE, "captures", {"amount": {"currency": "EUR", "value": 20000}}),
        (Void(**BASE, of=hold(PSP), **MONEY), "cancels", {}),
        (Void(**BASE, of=hold(PSP, kind=OperationKind.PURCHASE), **MONEY), "reversals", {}),
        (
            Refund(**BASE, of=hold(PSP), capture=hold("CAP1", kind=OperationKind.CAPTURE), amount=5000, currency="EUR"),
            "refunds",
            {
                "amount": {"currency": "EUR", "value": 5000},
                "merchantRefundReason": "CUSTOMER REQUEST",
                "capturePspReference": "CAP1",
            },
        ),
        (
            Adjust(**BASE, of=hold(PSP), amount=30000, currency="EUR", occasion=Occasion.LATE_CHARGE),
            "amountUpdates",
            {"amount": {"currency": "EUR", "value": 30000}, "industryUsage": "delayedCharge"},
        ),
    ],
)
def test_modifications_are_of_the_payment_never_of_its_capture(
    command: Command, path: str, extra: dict[str, Any]
) -> None:
    call, fields, headers = sent(command)
    assert call == f"POST {TEST}/payments/{PSP}/{path}"
    assert headers["idempotency-key"] == OP
    assert fields == {"merchantAccount": "HOTEL1", "reference": OP} | extra


def test_what_may_exist_is_neutralised_by_our_own_reference() -> None:
    for command in (
        Void(**BASE, of=hold(""), **MONEY),
        Void(**BASE, of=hold(PSP), neutralise=True, **MONEY),
    ):
        call, fields, _ = sent(command)
        assert (call, fields["paymentReference"]) == (f"POST {TEST}/cancels", OP)


def test_live_accounts_have_an_address_of_their_own() -> None:
    live = msgspec.structs.replace(SITE, options={"live": True, "return_url": "https://h.invalid"})
    with pytest.raises(Rejected):
        CONNECTOR.encode(HOLD, live)
    url = "https://1797a841fbb37ca7-Hotel-checkout-live.adyenpayments.com/checkout/v72"
    call, _, _ = sent(HOLD, msgspec.structs.replace(live, url=url))
    assert call == f"POST {url}/payments"


def test_what_adyen_cannot_do_is_refused() -> None:
    for command in (
        QueryOperation(**BASE, of=hold(PSP)),
        Close(**BASE, of=hold("CS1")),
        Void(**BASE, of=hold(PSP), whole=False, **MONEY),
        Purchase(**BASE, **MONEY, means=ScannedCode("1")),
    ):
        with pytest.raises(Unsupported):
            CONNECTOR.encode(command, SITE)
    with pytest.raises(Rejected):
        CONNECTOR.encode(Capture(**BASE, of=hold(""), amount=1, currency="EUR"), SITE)


# --- what the answers mean --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "outcome", "error", "kinds"),
    [
        ("Authorised", Out.SUCCEEDED, None, [K.AUTHORISED]),
        ("Refused", Out.FAILED, E.INSUFFICIENT_FUNDS, [K.PAYMENT_FAILED]),
        ("Cancelled", Out.FAILED, E.CANCELLED_BY_USER, [K.PAYMENT_FAILED]),
        ("Error", Out.UNKNOWN, E.GATEWAY_ERROR, []),
        ("Pending", Out.PENDING, None, []),
        ("Received", Out.PENDING, None, []),
        ("RedirectShopper", Out.ACTION_REQUIRED, None, []),
        ("ChallengeShopper", Out.ACTION_REQUIRED, None, []),
        ("AuthenticationFinished", Out.ACTION_REQUIRED, None, []),
        ("Novel", Out.UNKNOWN, E.UNKNOWN, []),
    ],
)
def test_results(code: str, outcome: OperationOutcome, error: PaymentError | None, kinds: list[FactKind]) -> None:
    body = {"resultCode": code, "pspReference": PSP, "refusalReasonCode": "12", "refusalReason": "Not enough balance"}
    answer = answered(HOLD, reply(body))
    assert (answer.outcome, answer.error, [fact.kind for fact in answer.facts]) == (outcome, error, kinds)
    assert answer.psp == PSP


def test_an_authorisation_states_the_amount_adyen_gives() -> None:
    body: dict[str, Any] = {"resultCode": "Authorised", "pspReference": PSP}
    assert answered(HOLD, reply(body)).facts[0].amount is None
    full = answered(HOLD, reply(body | {"amount": {"currency": "EUR", "value": 24100}})).facts[0]
    assert (full.key, full.amount, full.currency, full.payment_psp) == (PSP, 24100, "EUR", PSP)
    partial = body | {
        "resultCode": "PartiallyAuthorised",
        "additionalData": {"authorisedAmountValue": "100", "authorisedAmountCurrency": "EUR"},
    }
    assert answered(HOLD, reply(partial)).facts[0].amount == 100
    with pytest.raises(OutcomeUnknown):
        answered(HOLD, reply({"resultCode": "Authorised"}))


def test_received_is_not_done() -> None:
    answer = answered(CAPTURE, reply({"pspReference": "CAP1", "paymentPspReference": PSP, "status": "received"}, 201))
    assert (answer.outcome, answer.psp, answer.facts) == (Out.PENDING, "CAP1", ())


def test_an_action_goes_to_the_front_end_untouched() -> None:
    action = {"type": "threeDS2", "token": "eyJ0", "paymentData": "Ab02b4c0!"}
    found = answered(HOLD, reply({"resultCode": "IdentifyShopper", "action": action})).action
    assert found is not None
    assert (found.kind, msgspec.json.decode(found.content)) == (ActionKind.CLIENT, action)
    wallet = Purchase(**BASE, **MONEY, means=ShownCode("wechatpayQR"))
    code = {"resultCode": "PresentToShopper", "action": {"type": "qrCode", "qrCodeData": "weixin://wxpay/x"}}
    shown = answered(wallet, reply(code)).action
    assert shown is not None
    assert (shown.kind, shown.content) == (ActionKind.QR, "weixin://wxpay/x")


def test_a_session_and_a_link_wait_for_the_guest() -> None:
    session = {"id": "CS1", "sessionData": "Ab02b4c0!", "expiresAt": "2031-01-04T10:00:00+01:00"}
    found = answered(Authorise(**BASE, **MONEY, means=ClientMethod({})), reply(session, 201))
    assert (found.outcome, found.psp) == (Out.ACTION_REQUIRED, "CS1")
    assert found.action is not None
    assert found.action.fields == {"id": "CS1", "sessionData": "Ab02b4c0!"}
    assert found.action.expires_ms == NOW_MS + 3_600_000
    link = {"id": "PL61C53A8B97E6915A", "url": "https://test.adyen.link/PL61", "status": "active"}
    ask = QueryOperation(**BASE, of=hold("PL61C53A8B97E6915A"))
    assert answered(ask, reply(link)).outcome is Out.ACTION_REQUIRED
    assert answered(ask, reply(link | {"status": "completed"})).outcome is Out.PENDING
    over = answered(ask, reply(link | {"status": "expired"}))
    assert (over.outcome, over.error, over.facts[0].kind) == (Out.FAILED, E.ORDER_EXPIRED, K.CLOSED)
    close = Close(**BASE, of=hold("PL61C53A8B97E6915A"))
    assert answered(close, reply(link | {"status": "expired"})).outcome is Out.SUCCEEDED
    assert answered(close, reply(link | {"status": "completed"})).error is E.ALREADY_PAID
    assert answered(close, reply(link)).outcome is Out.UNKNOWN


@pytest.mark.parametrize(
    ("status", "body", "outcome", "error"),
    [
        (422, {"errorCode": "14_030", "errorType": "validation"}, Out.FAILED, E.INVALID_REQUEST),
        (400, {"errorCode": "702", "errorType": "validation"}, Out.FAILED, E.INVALID_REQUEST),
        (401, {"errorCode": "000", "errorType": "security"}, Out.FAILED, E.CREDENTIALS_INVALID),
        (403, {"errorCode": "901", "errorType": "security"}, Out.FAILED, E.MERCHANT_CONFIG),
        (404, {}, Out.FAILED, E.INVALID_REQUEST),
        (422, {"errorCode": "704"}, Out.PENDING, E.IN_PROGRESS),
        (422, {"errorCode": "167", "errorType": "validation"}, Out.FAILED, E.NOT_FOUND),
        (422, {"errorCode": "999"}, Out.UNKNOWN, E.WRONG_STATE),
        (500, {"errorCode": "905", "errorType": "configuration"}, Out.FAILED, E.MERCHANT_CONFIG),
        (500, {"errorCode": "905", "errorType": "internal"}, Out.UNKNOWN, E.GATEWAY_ERROR),
        (503, {}, Out.UNKNOWN, E.GATEWAY_ERROR),
        (302, {}, Out.UNKNOWN, E.GATEWAY_ERROR),
    ],
)
def test_errors(status: int, body: dict[str, str], outcome: OperationOutcome, error: PaymentError) -> None:
    answer = answered(HOLD, reply(body | {"message": f"card {CARD.number}", "pspReference": PSP}, status))
    assert (answer.outcome, answer.error) == (outcome, error)
    assert CARD.number not in answer.error_raw


def test_nothing_was_stored_so_the_same_key_may_be_used_again() -> None:
    transient = reply({"errorCode": "905"}, 500, **{"transient-error": "true"})
    with pytest.raises(Retryable):
        answered(HOLD, transient)
    with pytest.raises(Retryable):
        answered(HOLD, Reply(429, {}, b""))
    for answer in (Reply(200, {}, b"{}"), Reply(200, {}, b"["), Reply(500, {}, b"<html>")):
        with pytest.raises(OutcomeUnknown):
            answered(HOLD, answer)


def test_every_refusal_code_of_the_table_is_one_of_ours() -> None:
    for code, ours in mappings.load("codes", "adyen_refusals", mappings.CodeTable).entries.items():
        body = {"resultCode": "Refused", "pspReference": PSP, "refusalReasonCode": code}
        assert answered(HOLD, reply(body)).error is PaymentError(ours), code
    unheard = {"resultCode": "Refused", "pspReference": PSP, "refusalReasonCode": "9999"}
    assert answered(HOLD, reply(unheard)).error is E.DECLINED


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ("Not enough balance", E.INSUFFICIENT_FUNDS),
        ("FRAUD-CANCELLED", E.FRAUD_SUSPECTED),
        ("Invalid Card Number", E.INVALID_CARD),
        ("null", E.DECLINED),
        (None, E.DECLINED),
        ("51 : Something new", E.DECLINED),
    ],
)
def test_reasons_in_words(text: str | None, ours: PaymentError) -> None:
    assert reason_of(text) is ours


def test_a_kept_card_and_what_the_browser_brings_back() -> None:
    keep = Tokenise(**BASE, means=CARD, currency="EUR", customer="guest-1001")
    assert sent(keep)[1]["amount"] == {"currency": "EUR", "value": 0}
    data = {"tokenization.storedPaymentMethodId": "TOK1"}
    found = answered(keep, reply({"resultCode": "Authorised", "pspReference": PSP, "additionalData": data}))
    assert found.token is not None
    assert (found.token.token, found.facts) == ("TOK1", ())
    details = {"redirectResult": "eyJ0", "paymentData": "Ab02"}
    back = ContinueCharge(**(BASE | {"id": "CALL"}), of=hold(""), details=details)
    call, fields, headers = sent(back)
    assert (call, headers["idempotency-key"]) == (f"POST {TEST}/payments/details", "CALL")
    assert fields == {"details": {"redirectResult": "eyJ0"}, "paymentData": "Ab02"}
    done = answered(back, reply({"resultCode": "Authorised", "pspReference": PSP}))
    assert (done.operation, done.facts[0].operation) == (OP, OP)
    keeping = ContinueCharge(**BASE, of=hold("", 0, OperationKind.TOKENISE), details=details)
    kept = answered(keeping, reply({"resultCode": "Authorised", "pspReference": PSP, "additionalData": data}))
    assert (kept.token is not None, kept.facts) == (True, ())
