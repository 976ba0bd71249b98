"""Adyen's refusals in the gateway's words."""

from __future__ import annotations

import mappings
from gateway.model.payment_error import PaymentError


def refusal_of(code: str) -> PaymentError:
    """By the reason code of a reply."""
    try:
        return PaymentError(mappings.look_up("adyen_refusals", code))
    except mappings.Unmapped:
        return PaymentError.DECLINED


def reason_of(text: str | None) -> PaymentError:
    """By the words of a webhook, which has no code; longer words before the shorter ones they begin with."""
    folded = " ".join((text or "").casefold().split())
    entries = mappings.load("codes", "adyen_reasons", mappings.CodeTable).entries
    found = max((words for words in entries if folded.startswith(words)), key=len, default="")
    return PaymentError(entries[found]) if found else PaymentError.DECLINED


def fault_of(status: int, code: str, kind: str) -> PaymentError | None:
    """What an HTTP error means where it is certain that nothing happened, None where it is not."""
    if code == "704":
        return PaymentError.IN_PROGRESS
    if code == "167":
        return PaymentError.NOT_FOUND
    if status == 401:
        return PaymentError.CREDENTIALS_INVALID
    if status == 403 or (status == 500 and kind in ("configuration", "validation", "security")):
        return PaymentError.MERCHANT_CONFIG
    if status == 422 and kind not in ("validation", "configuration", "security"):
        return PaymentError.WRONG_STATE
    return PaymentError.INVALID_REQUEST if 400 <= status < 500 and status not in (408, 409, 425) else None
