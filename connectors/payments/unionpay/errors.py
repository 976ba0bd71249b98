"""UnionPay's response codes."""

from __future__ import annotations

from connectors.payments._shared.tables import error_in
from gateway.model.payment_error import PaymentError

ACCEPTED, DEFECT = "00", "A6"
DONE = frozenset({ACCEPTED, DEFECT})
PENDING = frozenset({"05"})
UNDECIDED = frozenset({"03", "04", "05"})
# One of UnionPay's own demonstrations goes on asking after these, at least where money is given back.
HALF_DECIDED = frozenset({"01", "12", "34", "60"})


def error_of(code: str) -> PaymentError:
    """``unknown`` for a code nobody has mapped."""
    return error_in("unionpay_errors", code) or PaymentError.UNKNOWN
