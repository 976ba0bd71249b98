"""What a reply says of an operation, in the shape the contract asks for."""

from __future__ import annotations

from gateway.contract import Accepted, Arrived, Confirmed, Decoded, Outcome, Refused, Unknown
from gateway.messages import Command
from gateway.messages_payment import PaymentAnswered
from gateway.model.dates import Instant
from gateway.model.payment import OperationOutcome
from gateway.model.payment_error import PaymentError
from gateway.wire.redact import mask_text

_DAY_MS = 24 * 3600 * 1000
_TEXT_MAX = 300


def decoded(answer: PaymentAnswered, deadline_ms: Instant, next_: Command | None = None) -> Decoded:
    """The answer as the one event of a reply. ``deadline_ms`` is until when something pending should have ended."""
    return Decoded(_outcome(answer, deadline_ms), events=(Arrived(answer),), next=next_)


def deadline(at_ms: Instant, expires_ms: Instant | None = None) -> Instant:
    """When the order expires, or a day after the operation."""
    return expires_ms if expires_ms is not None else at_ms + _DAY_MS


def failed(operation: str, error: PaymentError, raw: str = "", psp: str = "") -> PaymentAnswered:
    """It did not happen and will not."""
    return PaymentAnswered(
        operation=operation, outcome=OperationOutcome.FAILED, psp=psp, error=error, error_raw=tidy(raw)
    )


def unknown(
    operation: str, error: PaymentError, raw: str = "", psp: str = "", retry_after_s: float | None = None
) -> PaymentAnswered:
    """Nobody can tell whether it happened."""
    return PaymentAnswered(
        operation=operation,
        outcome=OperationOutcome.UNKNOWN,
        psp=psp,
        error=error,
        error_raw=tidy(raw),
        retry_after_s=retry_after_s,
    )


def tidy(text: str) -> str:
    """A gateway's own words, short and without card numbers."""
    return mask_text(" ".join(text.split())[:_TEXT_MAX])


def _outcome(answer: PaymentAnswered, deadline_ms: Instant) -> Outcome:
    match answer.outcome:
        case OperationOutcome.SUCCEEDED:
            return Confirmed(answer.psp)
        case OperationOutcome.PENDING | OperationOutcome.ACTION_REQUIRED:
            return Accepted(answer.psp, deadline_ms)
        case OperationOutcome.FAILED:
            return Refused((answer.error or PaymentError.UNKNOWN).value, answer.error_raw)
    return Unknown(answer.error_raw)
