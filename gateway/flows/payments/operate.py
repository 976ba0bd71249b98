"""Operations: written down with their key, sent, and the answer entered.

A crash between the first and the last leaves a row that comes due, and is then asked about
(:mod:`gateway.flows.payments.work`). Two people cannot give back the same money: what is under way counts as gone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from gateway.engine.hotel import Hotel
from gateway.engine.operations import Waiting, fingerprint
from gateway.errors import NotFound, Reason, Rejected, Unsupported
from gateway.flows.payments.book import Book, ledger_of, ref_of
from gateway.flows.payments.calling import call
from gateway.flows.payments.operate_jobs import BeginOperation, EnterAnswer
from gateway.flows.payments.tie_jobs import tied
from gateway.flows.services import Services
from gateway.messages_payment import (
    Authorise,
    Capture,
    Close,
    PaymentAnswered,
    PaymentCommand,
    Purchase,
    Refund,
    Void,
)
from gateway.model.dates import Instant
from gateway.model.payment import FactSource, OperationKind, OperationOutcome, OperationRef
from gateway.model.payment_account import PaymentAccount
from gateway.model.payment_means import (
    Card,
    ClientMethod,
    Device,
    GuestAction,
    HostedPage,
    Means,
    Occasion,
    Presence,
    ScannedCode,
)
from gateway.store import paying
from gateway.store.tables_paying import PaymentOperationRow, PaymentRow

# After the timeout of the call itself, its process is taken for dead.
GRACE_MS = 5_000
PAGE_LIFE_MS = 24 * 3_600_000
_KEPT_FIELDS = frozenset({"payment_method"})
_encode = msgspec.json.Encoder().encode


Begins = Callable[[PaymentOperationRow, PaymentCommand, PaymentRow | None], BeginOperation]
"""Makes the job that writes a new operation down."""


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """A charge: ``intent`` is authorise (hold) or purchase. ``text`` and ``reservation`` show up at the gateway.

    ``store`` has the gateway keep the means of payment for its ``customer``.
    """

    intent: OperationKind
    amount: int
    currency: str
    means: Means
    reservation: str = ""
    text: str = ""
    presence: Presence = Presence.GUEST
    occasion: Occasion = Occasion.STAY
    customer: str = ""
    store: bool = False
    device: Device = Device()
    return_url: str = ""
    notify_url: str = ""
    language: str = ""
    expires_ms: Instant | None = None


class Operated(msgspec.Struct, frozen=True):
    """How an operation stands after its call; ``action`` is for the guest's eyes only."""

    payment_id: str
    operation_id: str
    outcome: OperationOutcome
    error: str = ""
    action: GuestAction | None = None


async def charge(
    services: Services, scope_id: str, account_id: str, ask: Ask, author: str, begins: Begins = BeginOperation
) -> Operated:
    """A new payment; raises :class:`NotFound`, :class:`Rejected` and :class:`Unsupported` where nothing was sent."""
    hotel, account = await account_of(services, scope_id, account_id)
    payment_id, now_ms = services.ids.operation(), services.clock.now_ms()
    kind = {OperationKind.AUTHORISE: Authorise, OperationKind.PURCHASE: Purchase}.get(ask.intent)
    if kind is None:
        raise Unsupported(f"{ask.intent.value} does not begin a payment")
    expires_ms = ask.expires_ms
    if expires_ms is None and isinstance(ask.means, HostedPage):
        expires_ms = now_ms + PAGE_LIFE_MS
    command = kind(
        **base_of(services, payment_id),
        amount=ask.amount,
        currency=ask.currency,
        means=ask.means,
        reservation=ask.reservation,
        text=ask.text,
        presence=ask.presence,
        occasion=ask.occasion,
        customer=ask.customer,
        store=ask.store,
        device=ask.device,
        return_url=ask.return_url,
        notify_url=ask.notify_url or notify_url(account),
        language=ask.language,
        expires_ms=expires_ms,
    )
    payment = PaymentRow(
        scope_id,
        payment_id,
        account=account_id,
        reservation_id=ask.reservation,
        intent=ask.intent.value,
        amount=ask.amount,
        currency=ask.currency,
        at_ms=now_ms,
        author=author,
        text=ask.text,
    )
    return await send(services, hotel, account, command, ask.intent, author, payment, begins=begins)


async def capture(services: Services, scope_id: str, payment_id: str, amount: int | None, author: str) -> Operated:
    """Takes an amount of the hold, or all that is left of it."""
    hotel, account, book, of = await held_in(services, scope_id, payment_id)
    amount = book.position().capturable if amount is None else amount
    base = base_of(services, payment_id)
    command = Capture(**base, of=of, amount=amount, currency=of.currency)
    return await send(services, hotel, account, command, OperationKind.CAPTURE, author, parent=of)


async def void(services: Services, scope_id: str, payment_id: str, author: str) -> Operated:
    """Releases what is left of a hold."""
    hotel, account, book, of = await held_in(services, scope_id, payment_id)
    left = book.position().capturable
    if not left:
        raise Rejected("nothing of this payment is held", Reason.BUSINESS_RULE)
    command = Void(**base_of(services, payment_id), of=of, amount=left, currency=of.currency)
    return await send(services, hotel, account, command, OperationKind.VOID, author, parent=of)


async def refund(services: Services, scope_id: str, payment_id: str, amount: int | None, author: str) -> Operated:
    """Gives an amount back, or all there is."""
    hotel, account, book, of = await held_in(services, scope_id, payment_id)
    amount = book.position().refundable if amount is None else amount
    taken = [row for row in book.operations if row.kind == OperationKind.CAPTURE]
    taken = [row for row in taken if row.outcome == OperationOutcome.SUCCEEDED]
    command = Refund(
        **base_of(services, payment_id),
        of=of,
        amount=amount,
        currency=of.currency,
        capture=ref_of(taken[0]) if len(taken) == 1 else None,
    )
    return await send(services, hotel, account, command, OperationKind.REFUND, author, parent=of)


async def close(services: Services, scope_id: str, payment_id: str, author: str) -> Operated:
    """Withdraws an order nobody has paid."""
    hotel, account, book, of = await held_in(services, scope_id, payment_id)
    if book.position().authorised:
        raise Rejected("this payment was made: void or refund it", Reason.BUSINESS_RULE)
    command = Close(**base_of(services, payment_id), of=of)
    return await send(services, hotel, account, command, OperationKind.CLOSE, author, parent=of)


async def account_of(services: Services, scope_id: str, account_id: str) -> tuple[Hotel, PaymentAccount]:
    """A payment account of the property that may be used."""
    hotel = await services.directory.hotel_of_account(account_id)
    if hotel is None or hotel.property.id != scope_id:
        raise NotFound(f"{scope_id!r} has no payment account {account_id!r}")
    account = hotel.payments[account_id]
    if not account.enabled:
        raise Rejected(f"payment account {account_id!r} is not enabled", Reason.BUSINESS_RULE)
    return hotel, account


async def book_in(services: Services, scope_id: str, payment_id: str) -> Book:
    """The payment as it is stored; raises :class:`NotFound`."""
    kept = await services.database.read(lambda tx: paying.one(tx, scope_id, payment_id.replace("\0", "")))
    if kept is None:
        raise NotFound(f"there is no payment {payment_id!r}")
    return Book(kept.payment, kept.operations, ledger_of(kept.events))


async def held_in(
    services: Services, scope_id: str, payment_id: str
) -> tuple[Hotel, PaymentAccount, Book, OperationRef]:
    """The payment, whose it is, and the operation that holds or takes the money."""
    book = await book_in(services, scope_id, payment_id)
    hotel, account = await account_of(services, scope_id, book.payment.account)
    holding = book.holding
    if holding is None:
        raise Rejected("nothing was ever asked for with this payment", Reason.BUSINESS_RULE)
    return hotel, account, book, ref_of(holding)


def base_of(services: Services, payment_id: str) -> dict[str, Any]:
    """What every command begins with."""
    ids = services.ids
    return {"id": ids.operation(), "at_ms": services.clock.now_ms(), "payment": payment_id, "nonce": ids.nonce()}


async def send(
    services: Services,
    hotel: Hotel,
    account: PaymentAccount,
    command: PaymentCommand,
    kind: OperationKind,
    author: str,
    payment: PaymentRow | None = None,
    parent: OperationRef | None = None,
    begins: Begins = BeginOperation,
) -> Operated:
    """Writes the operation down, sends it and enters the answer; ``payment`` is the new one it begins."""
    capabilities = services.connectors.outbound(account.gateway).capabilities(account.profile)
    if type(command) not in capabilities.commands:
        raise Unsupported(f"{account.gateway} cannot {kind.value}")
    scope_id, now_ms = hotel.property.id, services.clock.now_ms()
    row = PaymentOperationRow(
        scope_id,
        command.id,
        payment_id=command.payment,
        account=account.id,
        kind=kind.value,
        parent=parent.id if parent else "",
        amount=getattr(command, "amount", 0),
        currency=getattr(command, "currency", parent.currency if parent else ""),
        at_ms=command.at_ms,
        outcome=OperationOutcome.NEW.value,
        waiting=_waiting(command).value,
        psp="",
        error="",
        error_raw="",
        sent_ms=now_ms,
        due_ms=now_ms + int(capabilities.timeout_s * 1000) + GRACE_MS,
        asked=0,
        expires_ms=getattr(command, "expires_ms", None),
        not_found=b"",
        fingerprint=fingerprint(command),
        command=kept_command(services, command),
        action=b"",
        author=author,
    )
    await services.batcher.submit(begins(row, command, payment))
    answer = await call(services, hotel, account, command, command.id)
    return await _enter(services, row, answer)


async def _enter(services: Services, row: PaymentOperationRow, answer: PaymentAnswered) -> Operated:
    job = EnterAnswer(row.scope_id, row.payment_id, answer, FactSource.REPLY, sealed_action=sealed(services, answer))
    after: PaymentOperationRow = await services.batcher.submit(tied(services, job))
    outcome = OperationOutcome(after.outcome)
    action = answer.action if outcome is OperationOutcome.ACTION_REQUIRED else None
    return Operated(row.payment_id, row.operation_id, outcome, after.error, action)


def sealed(services: Services, answer: PaymentAnswered) -> bytes:
    """What the guest has to do, as it is kept."""
    return services.vault.seal(_encode(answer.action).decode()).encode() if answer.action is not None else b""


def kept_command(services: Services, command: PaymentCommand) -> bytes:
    """The command as it may wait in a table to be sent again; empty where nothing of it may."""
    return services.vault.seal(_encode(command).decode()).encode() if may_be_kept(command) else b""


def notify_url(account: PaymentAccount) -> str:
    """Where the gateway tells of its results, where that is said with each command."""
    return str(account.options.get("notify_url", ""))


def may_be_kept(command: PaymentCommand) -> bool:
    """Whether a command may wait in a table: nothing of a card that was just typed in may."""
    means = getattr(command, "means", None)
    if isinstance(means, ClientMethod):
        return set(means.data) <= _KEPT_FIELDS
    return not isinstance(means, Card | ScannedCode)


def _waiting(command: PaymentCommand) -> Waiting:
    if not isinstance(command, Authorise | Purchase) or command.presence is not Presence.GUEST:
        return Waiting.NOBODY
    return Waiting.DESK if isinstance(command.means, ScannedCode) else Waiting.PAGE
