"""One command to a payment gateway, and what its answer says. Nothing of it is logged or kept: it may hold a card."""

from __future__ import annotations

from functools import partial
from time import perf_counter

import msgspec
import structlog

from gateway.contract import Decoded, HandsOver, Request
from gateway.engine.hotel import Hotel
from gateway.errors import OutcomeUnknown, Refusal, Retryable
from gateway.flows import translating
from gateway.flows.payments.accounts import site_of
from gateway.flows.services import Services
from gateway.io.retry import with_retries
from gateway.messages import Command
from gateway.messages_payment import PaymentAnswered
from gateway.model.payment import OperationOutcome
from gateway.model.payment_account import PaymentAccount
from gateway.model.payment_error import PaymentError

log = structlog.get_logger(__name__)

CALL_ATTEMPTS = 3
RETRY_FIRST_S = 0.25
RETRY_MAX_S = 2.0
# A card that becomes a method first, a page that is followed: never more than a few.
STEPS_MAX = 4
# What :func:`call` says of a call that cannot have done anything.
OF_THE_CALL = frozenset({PaymentError.GATEWAY_ERROR, PaymentError.INVALID_REQUEST})


async def call(
    services: Services, hotel: Hotel, account: PaymentAccount, command: Command, operation: str
) -> PaymentAnswered:
    """What became of ``operation``: sent with its own key, or asked about.

    Failed only where it is certain that nothing has left, or the gateway says so; whoever asks again about something
    that was sent before must not take the first for its end.
    """
    connector = services.connectors.outbound(account.gateway)
    site = site_of(services, account, hotel.property.currency)
    timeout_s = connector.capabilities(account.profile).timeout_s
    command = _with_address(command, account)
    began = perf_counter()

    async def exchange(request: Request, said: Command) -> Decoded:
        reply = await services.caller.call(request, timeout_s=timeout_s)
        services.metrics.clock_of(account.id, reply.headers.get("date"), services.clock.now_ms())
        return translating.decode(connector, said, request, reply, site)

    try:
        handed = connector.hand_over(command, site) if isinstance(connector, HandsOver) else None
        step: Command | None = command
        for _ in range(STEPS_MAX):
            if handed is not None or step is None:
                break
            decoded = await with_retries(
                partial(exchange, translating.encode(connector, step, site), step),
                attempts=CALL_ATTEMPTS,
                first_s=RETRY_FIRST_S,
                max_s=RETRY_MAX_S,
                clock=services.clock,
                random=services.random,
            )
            step, handed = decoded.next, decoded if decoded.next is None else None
        answer = _answered(handed, operation)
    except Retryable as failure:
        answer = _ended(operation, OperationOutcome.FAILED, PaymentError.GATEWAY_ERROR, str(failure), failure.after_s)
    except OutcomeUnknown as failure:
        answer = _ended(operation, OperationOutcome.UNKNOWN, PaymentError.TIMEOUT, str(failure))
    except Refusal as refusal:
        answer = _ended(operation, OperationOutcome.FAILED, PaymentError.INVALID_REQUEST, refusal.text)
    services.metrics.call("pay", perf_counter() - began)
    log.info(
        "payment_call",
        account=account.id,
        command=type(command).__name__,
        operation=operation,
        outcome=answer.outcome.value,
        error=answer.error.value if answer.error else "",
    )
    return answer


def _with_address(command: Command, account: PaymentAccount) -> Command:
    """Gateways that are told with each call where their callbacks go get the account's address."""
    address = str(account.options.get("notify_url", ""))
    if address and getattr(command, "notify_url", None) == "":
        return msgspec.structs.replace(command, notify_url=address)
    return command


def _answered(decoded: Decoded | None, operation: str) -> PaymentAnswered:
    events = [arrived.event for arrived in decoded.events] if decoded else []
    answer = next((event for event in events if isinstance(event, PaymentAnswered)), None)
    if answer is not None:
        return answer
    return _ended(operation, OperationOutcome.UNKNOWN, PaymentError.UNKNOWN, "an answer that says nothing")


def _ended(
    operation: str, outcome: OperationOutcome, error: PaymentError, text: str, after_s: float | None = None
) -> PaymentAnswered:
    return PaymentAnswered(
        operation=operation, outcome=outcome, error=error, error_raw=text[:300], retry_after_s=after_s
    )
