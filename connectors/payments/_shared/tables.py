"""Error codes of a gateway in the gateway's own words."""

from __future__ import annotations

import mappings
from gateway.model.payment_error import PaymentError


def error_in(table: str, code: str) -> PaymentError | None:
    """The meaning of a code, None where nobody has said it: such a money operation is unknown, not failed."""
    try:
        return PaymentError(mappings.look_up(table, code))
    except mappings.Unmapped:
        return None
