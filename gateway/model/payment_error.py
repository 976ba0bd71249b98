"""Why an operation at a payment gateway did not succeed, and what may follow."""

from __future__ import annotations

from enum import StrEnum


class Retry(StrEnum):
    """What may follow an error."""

    NO = "no"  # the same details will not work
    NEW = "new"  # the guest may try again, as a new operation
    SAME = "same"  # send again with the same key
    QUERY = "query"  # ask what happened


class PaymentError(StrEnum):
    """Why an operation did not succeed, stable and the same for every gateway."""

    DECLINED = "declined"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    LIMIT_EXCEEDED = "limit_exceeded"
    EXPIRED_CARD = "expired_card"
    INVALID_CARD = "invalid_card"
    INCORRECT_CVC = "incorrect_cvc"
    CARD_RESTRICTED = "card_restricted"
    DO_NOT_RETRY = "do_not_retry"
    FRAUD_SUSPECTED = "fraud_suspected"
    NOT_PERMITTED = "not_permitted"
    AUTHENTICATION_REQUIRED = "authentication_required"
    AUTHENTICATION_FAILED = "authentication_failed"
    CANCELLED_BY_USER = "cancelled_by_user"
    ORDER_EXPIRED = "order_expired"
    ISSUER_UNAVAILABLE = "issuer_unavailable"
    NOT_FOUND = "not_found"
    ALREADY_PAID = "already_paid"
    ALREADY_CAPTURED = "already_captured"
    ALREADY_REFUNDED = "already_refunded"
    ALREADY_VOIDED = "already_voided"
    ALREADY_CLOSED = "already_closed"
    WRONG_STATE = "wrong_state"
    AUTHORISATION_EXPIRED = "authorisation_expired"
    AMOUNT_EXCEEDS_AUTHORISED = "amount_exceeds_authorised"
    AMOUNT_EXCEEDS_REFUNDABLE = "amount_exceeds_refundable"
    AMOUNT_EXCEEDS_FROZEN = "amount_exceeds_frozen"
    REFUND_WINDOW_CLOSED = "refund_window_closed"
    MERCHANT_BALANCE_INSUFFICIENT = "merchant_balance_insufficient"
    DISPUTED = "disputed"
    INVALID_AMOUNT = "invalid_amount"
    CURRENCY_NOT_SUPPORTED = "currency_not_supported"
    INVALID_REQUEST = "invalid_request"
    DUPLICATE = "duplicate"
    IDEMPOTENCY_CONFLICT = "idempotency_conflict"
    IN_PROGRESS = "in_progress"
    RATE_LIMITED = "rate_limited"
    CREDENTIALS_INVALID = "credentials_invalid"
    MERCHANT_CONFIG = "merchant_config"
    SIGNATURE_INVALID = "signature_invalid"
    GATEWAY_ERROR = "gateway_error"
    TIMEOUT = "timeout"
    UNKNOWN = "unknown"


_NEW = frozenset(
    {
        PaymentError.DECLINED,
        PaymentError.INSUFFICIENT_FUNDS,
        PaymentError.LIMIT_EXCEEDED,
        PaymentError.EXPIRED_CARD,
        PaymentError.INVALID_CARD,
        PaymentError.INCORRECT_CVC,
        PaymentError.NOT_PERMITTED,
        PaymentError.AUTHENTICATION_REQUIRED,
        PaymentError.AUTHENTICATION_FAILED,
        PaymentError.CANCELLED_BY_USER,
        PaymentError.ORDER_EXPIRED,
    }
)
_SAME = frozenset(
    {
        PaymentError.ISSUER_UNAVAILABLE,
        PaymentError.MERCHANT_BALANCE_INSUFFICIENT,
        PaymentError.IN_PROGRESS,
        PaymentError.RATE_LIMITED,
    }
)
_QUERY = frozenset(
    {
        PaymentError.ALREADY_PAID,
        PaymentError.ALREADY_CAPTURED,
        PaymentError.ALREADY_REFUNDED,
        PaymentError.ALREADY_VOIDED,
        PaymentError.ALREADY_CLOSED,
        PaymentError.WRONG_STATE,
        PaymentError.DUPLICATE,
        PaymentError.SIGNATURE_INVALID,
        PaymentError.GATEWAY_ERROR,
        PaymentError.TIMEOUT,
        PaymentError.UNKNOWN,
    }
)


def retry_of(error: PaymentError) -> Retry:
    """What may follow."""
    return (
        Retry.NEW if error in _NEW else Retry.SAME if error in _SAME else Retry.QUERY if error in _QUERY else Retry.NO
    )
