"""What the replies of all gateways go through, and which operation and instant a command is of."""

from __future__ import annotations

from collections.abc import Callable

from connectors.payments._shared import answers
from gateway.contract import Decoded, Reply
from gateway.errors import OutcomeUnknown, Refusal, Retryable
from gateway.messages import Command
from gateway.messages_payment import ContinueCharge, FetchStatement, PaymentAnswered, PaymentCommand, QueryOperation
from gateway.model.dates import Instant
from gateway.wire.retry_after import retry_after


def asked(command: PaymentCommand) -> str:
    """The operation an answer is about."""
    return command.of.id if isinstance(command, QueryOperation | ContinueCharge) else command.id


def sent_at(command: PaymentCommand | FetchStatement) -> Instant:
    """The instant of this sending."""
    return command.sent_ms or command.at_ms


def decode(
    gateway: str,
    command: Command,
    reply: Reply,
    statement: Callable[[FetchStatement], Decoded],
    answer: Callable[[PaymentCommand], PaymentAnswered | Decoded],
) -> Decoded:
    """What ``statement`` or ``answer`` reads; a first step that another one follows is a ``Decoded`` already.

    Raises :class:`Retryable` for 429, and :class:`OutcomeUnknown` for what cannot be read: it may have happened.
    ``gateway`` is its name as people write it.
    """
    if reply.status == 429:
        raise Retryable(f"{gateway} asks us to slow down", after_s=retry_after(reply.headers))
    try:
        if isinstance(command, FetchStatement):
            return statement(command)
        if not isinstance(command, PaymentCommand):
            raise TypeError(f"no call for {type(command).__name__} was made")
        said = answer(command)
    except Refusal as refusal:
        raise OutcomeUnknown(f"an answer of {gateway}'s that cannot be understood: {refusal.text}") from None
    if isinstance(said, Decoded):
        return said
    return answers.decoded(said, answers.deadline(command.at_ms, getattr(command, "expires_ms", None)))


def demand_up(reply: Reply) -> None:
    """Raises :class:`Retryable` where a statement was not answered: reading changes nothing, so it may be repeated."""
    if reply.status >= 500 or reply.status == 408:
        raise Retryable(f"the statement was answered with status {reply.status}")
