"""WeChat Pay's error codes in the gateway's words."""

from __future__ import annotations

from connectors.payments._shared.tables import error_in
from gateway.model.payment_error import PaymentError

_OF_REFUNDS = {
    "NOTENOUGH": PaymentError.MERCHANT_BALANCE_INSUFFICIENT,
    "TRADEERROR": PaymentError.WRONG_STATE,
}


def error_of(code: str, *, refund: bool) -> PaymentError | None:
    """None for a code nobody has mapped. Products spell codes with and without underscores."""
    plain = code.upper().replace("_", "")
    if refund and plain in _OF_REFUNDS:
        return _OF_REFUNDS[plain]
    return error_in("wechatpay_errors", plain)
