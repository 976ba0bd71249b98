"""What we ask of Stripe, and what its answers mean."""

from __future__ import annotations

import importlib
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest

import mappings
from connectors.payments.stripe import CONNECTOR
from connectors.payments.stripe.encode import flat
from gateway.contract import Accepted, Confirmed, Decoded, Refused, Reply, Request, Unknown
from gateway.errors import OutcomeUnknown, Rejected, Retryable, Unmapped, Unsupported
from gateway.messages import Command
from gateway.messages_payment import (
    Adjust,
    Authorise,
    Capture,
    ContinueCharge,
    PaymentAnswered,
    Purchase,
    QueryOperation,
    Refund,
    Tokenise,
    Void,
)
from gateway.model.payment import FactKind, OperationKind, OperationOutcome, OperationRef
from gateway.model.payment_error import PaymentError
from gateway.model.payment_means import ActionKind, ClientMethod, HostedPage, Presence, ShownCode, StoredMethod
from gateway.testing.subject import NOW_MS
from tests.connectors.payments.accounts import CARD, FIXTURES, OP, PAYMENT, hold, reply, samples, site

SITE = site("stripe")
PI = "pi_3RkTq2LkdIwHu7ix0VbYhZ1a"
CH = "ch_3RkTq2LkdIwHu7ix0Mn4Ks8d"
BASE: dict[str, Any] = {"id": OP, "at_ms": NOW_MS, "payment": PAYMENT}
MONEY: dict[str, Any] = {"amount": 24100, "currency": "EUR"}
STORED = StoredMethod("pm_card_visa", "cus_1001")
HOLD = Authorise(**BASE, **MONEY, means=STORED, text="Stay", reservation="R-1001", return_url="https://hotel.invalid/b")
BUY = Purchase(**BASE, **MONEY, means=STORED, presence=Presence.ABSENT)
CAPTURE = Capture(**(BASE | {"id": "01J9ZQ4W7M3N5P8R2T6V9X1B3C"}), of=hold(PI), amount=20000, currency="EUR")
VOID = Void(**BASE, of=hold(PI), **MONEY)
REFUND = Refund(**(BASE | {"id": "01J9ZQ4W7M3N5P8R2T6V9X1B3R"}), of=hold(PI), amount=5000, currency="EUR")
RAISE = Adjust(**BASE, of=hold(PI), amount=30000, currency="EUR")
Out, K, E = OperationOutcome, FactKind, PaymentError


def form(command: Command) -> tuple[Request, dict[str, str]]:
    request = CONNECTOR.encode(command, SITE)
    pairs = parse_qsl(request.body.decode(), keep_blank_values=True, strict_parsing=True) if request.body else []
    assert len(dict(pairs)) == len(pairs)
    assert all(value for _, value in pairs)  # an empty value would unset a field there
    return request, dict(pairs)


def decoded(command: Command, answer: Reply) -> Decoded:
    found: Decoded = CONNECTOR.decode(command, CONNECTOR.encode(command, SITE), answer, SITE)
    return found


def answered(command: Command, answer: Reply) -> PaymentAnswered:
    ((arrived),) = decoded(command, answer).events
    assert isinstance(arrived.event, PaymentAnswered)
    return arrived.event


def intent(**changes: Any) -> dict[str, Any]:
    event = msgspec.json.decode((FIXTURES / "stripe" / "payment_intent" / "held.json").read_bytes())
    return event["data"]["object"] | changes  # type: ignore[no-any-return]


def charge(**changes: Any) -> dict[str, Any]:
    event = msgspec.json.decode((FIXTURES / "stripe" / "charge" / "held.json").read_bytes())
    return event["data"]["object"] | changes  # type: ignore[no-any-return]


def refund(**changes: Any) -> dict[str, Any]:
    event = msgspec.json.decode((FIXTURES / "stripe" / "refund" / "done.json").read_bytes())
    return event["data"]["object"] | changes  # type: ignore[no-any-return]


def fault(status: int, **error: Any) -> Reply:
    return reply({"error": error}, status)


# --- what we ask ------------------------------------------------------------------------------------------------------


def test_a_hold() -> None:
    request, fields = form(HOLD)
    assert (request.method, request.url) == ("POST", "https://api.stripe.com/v1/payment_intents")
    assert request.headers["idempotency-key"] == OP
    assert request.headers["stripe-version"] == "2026-10-28.endive"
    assert request.headers["authorization"] == f"Bearer {SITE.password}"
    assert fields == {
        "amount": "24100",
        "currency": "eur",
        "capture_method": "manual",
        "description": "Stay",
        "customer": "cus_1001",
        "metadata[op_id]": OP,
        "metadata[payment_id]": PAYMENT,
        "metadata[reservation]": "R-1001",
        "payment_method_options[card][request_extended_authorization]": "if_available",
        "payment_method_options[card][request_incremental_authorization]": "if_available",
        "payment_method_options[card][request_overcapture]": "never",
        "payment_method_options[card][request_multicapture]": "never",
        "payment_method": "pm_card_visa",
        "confirm": "true",
        "payment_method_types[0]": "card",
        "return_url": "https://hotel.invalid/b",
    }


def test_a_guest_who_is_not_there_is_never_asked_for_authentication() -> None:
    _, fields = form(BUY)
    assert fields["capture_method"] == "automatic"
    assert (fields["off_session"], fields["error_on_requires_action"]) == ("true", "true")
    assert "return_url" not in fields


def test_a_card_of_an_ota_becomes_a_method_first_and_is_charged_as_taken_by_mail() -> None:
    command = Purchase(**BASE, **MONEY, means=CARD, presence=Presence.MOTO)
    request, fields = form(command)
    assert request.url.endswith("/v1/payment_methods")
    assert request.headers["idempotency-key"] == f"{OP}-card"
    assert (fields["card[number]"], fields["card[cvc]"]) == (CARD.number, CARD.cvc)
    step = decoded(command, reply({"id": "pm_new", "object": "payment_method"}))
    assert isinstance(step.outcome, Accepted)
    assert isinstance(step.next, Purchase)
    assert step.next.id == OP
    request, fields = form(step.next)
    assert request.headers["idempotency-key"] == OP
    assert (fields["payment_method"], fields["payment_method_options[card][moto]"]) == ("pm_new", "true")
    assert CARD.number not in request.body.decode()


def test_a_page_is_open_as_long_as_stripe_allows() -> None:
    hour = 3_600_000
    for asked, given in ((5 * 60_000, 31 * 60), (2 * hour, 7200), (90 * 24 * hour, 24 * 3600 - 60)):
        command = Purchase(
            **BASE, **MONEY, means=HostedPage(), return_url="https://h.invalid", expires_ms=NOW_MS + asked
        )
        request, fields = form(command)
        assert request.url.endswith("/v1/checkout/sessions")
        assert int(fields["expires_at"]) == NOW_MS // 1000 + given
        assert fields["payment_intent_data[metadata][op_id]"] == OP
        assert fields["line_items[0][price_data][unit_amount]"] == "24100"


def test_modifications_name_the_payment_and_carry_keys_of_their_own() -> None:
    for command, path, expected in (
        (CAPTURE, "capture", {"amount_to_capture": "20000", "metadata[capture_op_id]": CAPTURE.id}),
        (RAISE, "increment_authorization", {"amount": "30000", "metadata[adjust_op_id]": RAISE.id}),
        (VOID, "cancel", {"cancellation_reason": "requested_by_customer"}),
    ):
        request, fields = form(command)
        assert request.url == f"https://api.stripe.com/v1/payment_intents/{PI}/{path}"
        assert request.headers["idempotency-key"] == command.id
        assert fields == expected
    assert form(REFUND)[1] == {
        "payment_intent": PI,
        "amount": "5000",
        "reason": "requested_by_customer",
        "metadata[op_id]": REFUND.id,
        "metadata[payment_id]": PAYMENT,
    }


def test_questions() -> None:
    known = QueryOperation(**BASE, of=hold(PI))
    assert form(known)[0].url == f"https://api.stripe.com/v1/payment_intents/{PI}?expand%5B0%5D=latest_charge"
    assert "idempotency-key" not in form(known)[0].headers
    lost = form(QueryOperation(**BASE, of=hold("")))[0].url
    assert dict(parse_qsl(urlsplit(lost).query))["created[gte]"] == str(NOW_MS // 1000 - 60)
    unnumbered = OperationRef(id=REFUND.id, kind=OperationKind.REFUND, at_ms=1, amount=5000, currency="EUR")
    assert (
        f"refunds?payment_intent={PI}&limit=100" in form(QueryOperation(**BASE, of=unnumbered, parent=hold(PI)))[0].url
    )


def test_numbers_of_theirs_stay_within_the_path() -> None:
    command = Capture(**BASE, of=hold("pi_1/../../charges?x="), amount=1, currency="EUR")
    assert (
        urlsplit(CONNECTOR.encode(command, SITE).url).path
        == "/v1/payment_intents/pi_1%2F..%2F..%2Fcharges%3Fx%3D/capture"
    )


def test_what_stripe_cannot_do_is_refused() -> None:
    with pytest.raises(Unsupported):
        CONNECTOR.encode(Purchase(**BASE, **MONEY, means=ShownCode()), SITE)
    with pytest.raises(Unsupported):
        CONNECTOR.encode(msgspec.structs.replace(VOID, whole=False), SITE)
    with pytest.raises(Rejected):
        CONNECTOR.encode(Capture(**BASE, of=hold(""), amount=1, currency="EUR"), SITE)
    with pytest.raises(Unmapped):
        CONNECTOR.encode(Purchase(**BASE, amount=1, currency="IQD", means=STORED), SITE)


def test_the_official_library_writes_the_same_form() -> None:
    pytest.importorskip("stripe", reason="the official library of Stripe is not installed")
    oracle = importlib.import_module("stripe._encode")
    nested = {
        "amount": 24100,
        "metadata": {"op_id": OP, "reservation": "R&B 1/2 é"},
        "expand": ["latest_charge"],
        "line_items": [{"quantity": 1, "price_data": {"product_data": {"name": "Stay"}}}],
    }
    assert flat(nested) == [(name, str(value)) for name, value in oracle._api_encode(nested)]


# --- what the answers mean --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "state", "outcome", "error"),
    [
        (HOLD, {"amount_capturable": 24100}, Out.SUCCEEDED, None),
        (HOLD, {"status": "requires_action"}, Out.ACTION_REQUIRED, None),
        (HOLD, {"status": "requires_confirmation"}, Out.ACTION_REQUIRED, None),
        (HOLD, {"status": "requires_payment_method", "latest_charge": None}, Out.ACTION_REQUIRED, None),
        (HOLD, {"status": "processing"}, Out.PENDING, None),
        (HOLD, {"status": "succeeded", "amount_received": 24100}, Out.SUCCEEDED, None),
        (HOLD, {"status": "canceled", "cancellation_reason": "abandoned"}, Out.FAILED, E.ORDER_EXPIRED),
        (HOLD, {"status": "canceled", "cancellation_reason": "requested_by_customer"}, Out.FAILED, E.ALREADY_VOIDED),
        (HOLD, {"status": "something_new"}, Out.UNKNOWN, E.UNKNOWN),
        (BUY, {"amount_capturable": 24100}, Out.PENDING, E.WRONG_STATE),
        (BUY, {"status": "succeeded", "amount_received": 24100}, Out.SUCCEEDED, None),
        (CAPTURE, {"status": "succeeded", "amount_received": 20000}, Out.SUCCEEDED, None),
        (CAPTURE, {"status": "succeeded", "amount_received": 24100}, Out.FAILED, E.ALREADY_CAPTURED),
        (CAPTURE, {"amount_capturable": 24100}, Out.UNKNOWN, E.NOT_FOUND),
        (CAPTURE, {"status": "canceled", "cancellation_reason": "automatic"}, Out.FAILED, E.AUTHORISATION_EXPIRED),
        (VOID, {"status": "canceled"}, Out.SUCCEEDED, None),
        (VOID, {"status": "succeeded", "amount_received": 1}, Out.FAILED, E.ALREADY_CAPTURED),
        (RAISE, {"amount": 30000, "amount_capturable": 30000}, Out.SUCCEEDED, None),
        (RAISE, {"amount_capturable": 24100}, Out.UNKNOWN, E.NOT_FOUND),
    ],
)
def test_states_of_an_intent(
    command: Command, state: dict[str, Any], outcome: OperationOutcome, error: PaymentError | None
) -> None:
    answer = answered(command, reply(intent(**state)))
    assert (answer.outcome, answer.error) == (outcome, error)
    kinds = {Out.SUCCEEDED: Confirmed, Out.PENDING: Accepted, Out.ACTION_REQUIRED: Accepted, Out.FAILED: Refused}
    assert isinstance(decoded(command, reply(intent(**state))).outcome, kinds.get(outcome, Unknown))


def test_a_hold_lasts_as_long_as_the_network_says() -> None:
    answer = answered(HOLD, reply(intent(amount_capturable=24100, latest_charge=charge())))
    assert answer.hold_expires_ms == 1925884750000
    assert [(fact.kind, fact.key, fact.amount, fact.expires_ms) for fact in answer.facts] == [
        (K.AUTHORISED, CH, 24100, 1925884750000)
    ]


def test_a_capture_of_less_releases_the_rest_and_refunds_nothing() -> None:
    facts = answered(CAPTURE, reply(intent(status="succeeded", amount_received=20000))).facts
    assert [(fact.kind, fact.amount, fact.rest) for fact in facts] == [
        (K.AUTHORISED, 24100, False),
        (K.CAPTURED, 20000, False),
        (K.VOIDED, 20000, True),
    ]


def test_the_client_secret_is_for_the_guest_only() -> None:
    found = decoded(HOLD, reply(intent(status="requires_action", next_action={"type": "use_stripe_sdk"})))
    ((arrived),) = found.events
    assert isinstance(arrived.event, PaymentAnswered)
    action = arrived.event.action
    assert action is not None
    assert action.kind is ActionKind.CLIENT
    assert "_secret_" in action.fields["client_secret"]
    assert "_secret_" not in repr(found)
    url = {"type": "redirect_to_url", "redirect_to_url": {"url": "https://hooks.stripe.com/3ds"}}
    redirect = answered(HOLD, reply(intent(status="requires_action", next_action=url))).action
    assert redirect is not None
    assert (redirect.kind, redirect.url) == (ActionKind.REDIRECT, "https://hooks.stripe.com/3ds")


def test_a_declined_card_leaves_an_intent_whose_number_is_kept() -> None:
    declined = intent(status="requires_payment_method", last_payment_error={"code": "card_declined", "charge": "ch_no"})
    answer = answered(
        BUY,
        fault(
            402,
            type="card_error",
            code="card_declined",
            decline_code="insufficient_funds",
            message="4242424242424242 has insufficient funds",
            payment_intent=declined,
        ),
    )
    assert (answer.outcome, answer.error, answer.psp) == (Out.FAILED, E.INSUFFICIENT_FUNDS, PI)
    assert [(fact.kind, fact.key) for fact in answer.facts] == [(K.PAYMENT_FAILED, f"{PI}:ch_no")]
    assert "4242424242424242" not in answer.error_raw


def test_a_declined_increment_leaves_the_hold() -> None:
    answer = answered(RAISE, fault(402, type="card_error", code="card_declined"))
    assert (answer.outcome, answer.error) == (Out.FAILED, E.DECLINED)
    assert [fact.kind for fact in answer.facts] == [K.ADJUSTMENT_FAILED]


@pytest.mark.parametrize(
    ("status", "error", "outcome", "ours"),
    [
        (400, {"type": "invalid_request_error", "code": "parameter_missing"}, Out.FAILED, E.INVALID_REQUEST),
        (400, {"type": "idempotency_error"}, Out.FAILED, E.IDEMPOTENCY_CONFLICT),
        (400, {"type": "invalid_request_error", "code": "amount_too_small"}, Out.FAILED, E.INVALID_AMOUNT),
        (400, {"code": "payment_intent_unexpected_state"}, Out.UNKNOWN, E.WRONG_STATE),
        (400, {"code": "charge_already_captured"}, Out.UNKNOWN, E.ALREADY_CAPTURED),
        (401, {"type": "invalid_request_error"}, Out.FAILED, E.CREDENTIALS_INVALID),
        (402, {"type": "card_error", "code": "brand_new_code"}, Out.FAILED, E.DECLINED),
        (402, {"code": "card_declined", "advice_code": "do_not_try_again"}, Out.FAILED, E.DO_NOT_RETRY),
        (402, {"code": "authentication_required"}, Out.FAILED, E.AUTHENTICATION_REQUIRED),
        (403, {"type": "invalid_request_error"}, Out.FAILED, E.MERCHANT_CONFIG),
        (404, {"code": "resource_missing"}, Out.FAILED, E.NOT_FOUND),
        (409, {"type": "idempotency_error", "code": "idempotency_key_in_use"}, Out.PENDING, E.IN_PROGRESS),
        (409, {"code": "lock_timeout"}, Out.PENDING, E.IN_PROGRESS),
        (424, {"type": "api_error"}, Out.UNKNOWN, E.GATEWAY_ERROR),
        (500, {"type": "api_error"}, Out.UNKNOWN, E.GATEWAY_ERROR),
        (302, {"type": "api_error"}, Out.UNKNOWN, E.GATEWAY_ERROR),
        (418, {"type": "teapot"}, Out.UNKNOWN, E.UNKNOWN),
    ],
)
def test_errors(status: int, error: dict[str, str], outcome: OperationOutcome, ours: PaymentError) -> None:
    answer = answered(BUY, fault(status, **error))
    assert (answer.outcome, answer.error) == (outcome, ours)


def test_every_code_of_the_table_is_one_of_ours() -> None:
    for code, ours in mappings.load("codes", "stripe_errors", mappings.CodeTable).entries.items():
        answer = answered(BUY, fault(402, type="card_error", code="card_declined", decline_code=code))
        assert answer.error is PaymentError(ours), code


def test_calls_that_must_be_repeated_or_asked_about() -> None:
    with pytest.raises(Retryable) as caught:
        decoded(BUY, Reply(429, {"retry-after": "3"}, b""))
    assert caught.value.after_s == 3
    for answer in (Reply(500, {}, b""), Reply(200, {}, b"{}"), Reply(200, {}, b"<html>"), Reply(204, {}, b"")):
        with pytest.raises(OutcomeUnknown):
            decoded(BUY, answer)


@pytest.mark.parametrize(
    ("state", "outcome", "error", "kinds"),
    [
        ({}, Out.SUCCEEDED, None, [K.REFUNDED]),
        ({"status": "pending"}, Out.PENDING, None, [K.REFUND_PENDING]),
        ({"status": "requires_action"}, Out.ACTION_REQUIRED, None, []),
        (
            {"status": "failed", "failure_reason": "insufficient_funds"},
            Out.FAILED,
            E.MERCHANT_BALANCE_INSUFFICIENT,
            [K.REFUND_FAILED],
        ),
        (
            {"status": "failed", "failure_reason": "lost_or_stolen_card"},
            Out.FAILED,
            E.CARD_RESTRICTED,
            [K.REFUND_FAILED],
        ),
        ({"status": "canceled"}, Out.FAILED, E.ALREADY_VOIDED, [K.REFUND_FAILED]),
    ],
)
def test_states_of_a_refund(
    state: dict[str, Any], outcome: OperationOutcome, error: PaymentError | None, kinds: list[FactKind]
) -> None:
    answer = answered(REFUND, reply(refund(**state)))
    assert (answer.outcome, answer.error, [fact.kind for fact in answer.facts]) == (outcome, error, kinds)


def test_a_lost_refund_is_found_by_the_mark_we_left() -> None:
    unnumbered = OperationRef(id=REFUND.id, kind=OperationKind.REFUND, at_ms=1, amount=5000, currency="EUR")
    ask = QueryOperation(**BASE, of=unnumbered, parent=hold(PI))
    other = refund(id="re_dashboard", metadata={}, amount=100)
    listed = {"object": "list", "data": [other, refund()], "has_more": False}
    answer = answered(ask, reply(listed))
    assert (answer.operation, answer.outcome, answer.psp) == (REFUND.id, Out.SUCCEEDED, refund()["id"])
    assert [fact.key for fact in answer.facts] == ["re_dashboard", refund()["id"]]
    absent = answered(ask, reply({"object": "list", "data": [other], "has_more": False}))
    assert (absent.outcome, absent.error) == (Out.UNKNOWN, E.NOT_FOUND)


def test_a_lost_intent_is_found_by_the_mark_we_left() -> None:
    ask = QueryOperation(**BASE, of=hold(""))
    listed = {"object": "list", "data": [intent(id="pi_x", metadata={}), intent(amount_capturable=24100)]}
    assert (answered(ask, reply(listed)).outcome, answered(ask, reply(listed)).psp) == (Out.SUCCEEDED, PI)
    absent = answered(ask, reply({"object": "list", "data": []}))
    assert (absent.outcome, absent.error) == (Out.UNKNOWN, E.NOT_FOUND)
    gone = answered(QueryOperation(**BASE, of=hold(PI)), fault(404, code="resource_missing"))
    assert (gone.outcome, gone.error) == (Out.UNKNOWN, E.NOT_FOUND)


def test_a_page_says_what_its_intent_says_once_there_is_one() -> None:
    command = Purchase(**BASE, **MONEY, means=HostedPage(), return_url="https://h.invalid")
    session = {
        "id": "cs_test_a1",
        "object": "checkout.session",
        "status": "open",
        "url": "https://checkout.stripe.com/c",
    }
    opened = answered(command, reply(session))
    assert opened.outcome is Out.ACTION_REQUIRED
    assert opened.action is not None
    assert opened.action.url == "https://checkout.stripe.com/c"
    ask = QueryOperation(**BASE, of=hold("cs_test_a1", kind=OperationKind.PURCHASE))
    paid = session | {"status": "complete", "payment_intent": intent(status="succeeded", amount_received=24100)}
    assert (answered(ask, reply(paid)).outcome, answered(ask, reply(paid)).psp) == (Out.SUCCEEDED, PI)
    over = session | {"status": "expired", "amount_total": 24100, "currency": "eur", "metadata": {"op_id": OP}}
    ended = answered(ask, reply(over))
    assert (ended.outcome, ended.error, [fact.kind for fact in ended.facts]) == (
        Out.FAILED,
        E.ORDER_EXPIRED,
        [K.CLOSED],
    )


def test_a_kept_card() -> None:
    command = Tokenise(**BASE, means=CARD, currency="EUR")
    method = {"id": "pm_1", "object": "payment_method", "card": {"brand": "visa", "last4": "1111"}}
    token = answered(command, reply(method)).token
    assert token is not None
    assert (token.token, token.brand, token.last4) == ("pm_1", "visa", "1111")
    setup = Tokenise(**BASE, means=ClientMethod({}), currency="EUR", customer="cus_1")
    waiting = {"id": "seti_1", "object": "setup_intent", "status": "requires_payment_method", "client_secret": "s"}
    assert answered(setup, reply(waiting)).outcome is Out.ACTION_REQUIRED
    done = waiting | {"status": "succeeded", "payment_method": "pm_2", "customer": "cus_1"}
    found = answered(setup, reply(done)).token
    assert found is not None
    assert (found.token, found.customer) == ("pm_2", "cus_1")
    goes_on = ContinueCharge(**BASE, of=hold("seti_1", kind=OperationKind.TOKENISE), details={})
    assert form(goes_on)[0].url.endswith("/v1/setup_intents/seti_1/confirm")
    ended = answered(goes_on, reply(done))
    assert (ended.operation, ended.token, ended.facts) == (OP, found, ())


def test_confirming_again_answers_for_the_operation_it_continues() -> None:
    command = ContinueCharge(**(BASE | {"id": "CALL"}), of=hold(PI), details={"payment_method": "pm_2", "evil": "x"})
    request, fields = form(command)
    assert (request.headers["idempotency-key"], fields) == ("CALL", {"payment_method": "pm_2"})
    answer = answered(command, reply(intent(amount_capturable=24100)))
    assert (answer.operation, answer.outcome) == (OP, Out.SUCCEEDED)


def test_every_command_ends_typed_whatever_state_comes_back() -> None:
    for commands in samples(PI, "cs_test_a1", "po_1").values():
        for command in commands:
            for state in ("requires_capture", "succeeded", "canceled", "processing", "nonsense"):
                try:
                    found = decoded(command, reply(intent(status=state)))
                except OutcomeUnknown:
                    continue
                assert isinstance(found, Decoded)


def test_what_a_guest_has_paid_with_is_kept_where_that_was_asked_for() -> None:
    command = Purchase(**BASE, **MONEY, means=StoredMethod("pm_1"), store=True)
    paid = intent(status="succeeded", amount_received=24100, payment_method="pm_1", customer="cus_1")
    assert answered(command, reply(paid)).token is None
    kept = answered(command, reply(paid | {"setup_future_usage": "off_session"})).token
    assert kept is not None
    assert (kept.token, kept.customer) == ("pm_1", "cus_1")
