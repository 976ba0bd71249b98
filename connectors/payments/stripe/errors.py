"""Stripe's errors in the gateway's words, and whether they are certain."""

from __future__ import annotations

import mappings
from connectors.payments.stripe.objects import Fault
from gateway.model.payment_error import PaymentError

NEVER_AGAIN = "do_not_try_again"


def error_of(fault: Fault, status: int) -> PaymentError:
    """The decline code says more than the code, the code more than the HTTP status."""
    if fault.type == "idempotency_error" and status == 400:
        return PaymentError.IDEMPOTENCY_CONFLICT
    if fault.advice_code == NEVER_AGAIN:
        return PaymentError.DO_NOT_RETRY
    for code in (fault.decline_code, fault.code):
        if code:
            try:
                return PaymentError(mappings.look_up("stripe_errors", code))
            except mappings.Unmapped:
                continue
    return _BY_STATUS.get(status, PaymentError.UNKNOWN)


_BY_STATUS = {
    400: PaymentError.INVALID_REQUEST,
    401: PaymentError.CREDENTIALS_INVALID,
    402: PaymentError.DECLINED,
    403: PaymentError.MERCHANT_CONFIG,
    404: PaymentError.INVALID_REQUEST,
    409: PaymentError.IN_PROGRESS,
}


def raw(fault: Fault) -> str:
    """Their codes and text for our records."""
    return " ".join(part for part in (fault.type, fault.code, fault.decline_code, fault.message) if part)
