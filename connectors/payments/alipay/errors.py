"""Alipay's codes and sub-codes in the gateway's words."""

from __future__ import annotations

import mappings
from connectors.payments._shared.tables import error_in
from gateway.model.payment_error import PaymentError

E = PaymentError
TABLE = "alipay_errors"

# Requests that were never carried out, so that even an unsigned reply may say so.
NOT_EXECUTED = frozenset({"40001", "40002", "40003", "40006"})
_CUT_AT = 32
_BY_CODE = {
    "20001": E.CREDENTIALS_INVALID,
    "40001": E.INVALID_REQUEST,
    "40003": E.MERCHANT_CONFIG,
    "40005": E.RATE_LIMITED,
    "40006": E.MERCHANT_CONFIG,
}


def error_of(code: str, sub_code: str) -> PaymentError:
    """What a code other than 10000 and 10003 means; ``unknown`` where it is not certain that nothing happened."""
    if code in _BY_CODE:
        return _BY_CODE[code]
    if code == "40002":
        found = of_sub_code(sub_code)
        return found if found is E.CREDENTIALS_INVALID else E.INVALID_REQUEST
    return of_sub_code(sub_code) if code == "40004" else E.UNKNOWN


def of_sub_code(sub_code: str) -> PaymentError:
    """By the whole code, then by the beginning it may have been cut to, then by its family."""
    exact = error_in(TABLE, sub_code)
    if exact is not None:
        return exact
    if len(sub_code) == _CUT_AT:
        entries = mappings.load("codes", TABLE, mappings.CodeTable).entries
        cut = {E(meaning) for code, meaning in entries.items() if code[:_CUT_AT] == sub_code}
        if len(cut) == 1:
            return cut.pop()
    return _family(sub_code)


def _family(sub_code: str) -> PaymentError:
    if sub_code.startswith("isp."):
        return E.GATEWAY_ERROR
    if sub_code.startswith("isv.missing-signature") or (sub_code.startswith("aop.invalid-") and "token" in sub_code):
        return E.CREDENTIALS_INVALID
    if sub_code.endswith("BALANCE_NOT_ENOUGH"):
        return E.AMOUNT_EXCEEDS_FROZEN
    return E.MERCHANT_CONFIG if sub_code.startswith("isv.") else E.UNKNOWN
