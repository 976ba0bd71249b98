"""Stripe's balance transactions as lines of a statement, page by page."""

from __future__ import annotations

import msgspec

import mappings
from connectors.payments._shared.money import from_gateway
from connectors.payments._shared.profile import Amounts, PaymentProfile
from connectors.payments.stripe.objects import Balance, BalanceList, FaultBody
from gateway.contract import Arrived, Confirmed, Decoded, Refused, Reply
from gateway.errors import OutcomeUnknown, Refusal, Retryable
from gateway.messages_payment import FetchStatement, StatementReceived
from gateway.model.dates import format_day
from gateway.model.payment import FactKind, StatementLine


def decode_statement(command: FetchStatement, reply: Reply, profile: PaymentProfile) -> Decoded:
    """One page; :attr:`Decoded.next` asks for the next one. Reading changes nothing, so a failure may be repeated."""
    if reply.status != 200:
        return _refused(reply)
    try:
        page = msgspec.json.decode(reply.body, type=BalanceList)
        if page.object != "list":
            raise OutcomeUnknown(f"an answer of Stripe's that is a {page.object[:40]!r}")
        numbered = [(command.seen + place, found) for place, found in enumerate(page.data)]
        payouts = [found for found in page.data if command.report and found.reporting_category == "payout"]
        lines = tuple(_line(number, found, profile.amounts) for number, found in numbered if found not in payouts)
        total = sum(from_gateway(-payout.net, payout.currency.upper(), profile.amounts) for payout in payouts)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, Refusal) as error:
        raise OutcomeUnknown(f"a page of the statement that cannot be read: {error}") from None
    more = page.has_more and bool(page.data)
    report = command.report or format_day(command.day)
    currency = page.data[0].currency.upper() if page.data else ""
    read = StatementReceived(
        report=report, lines=lines, currency=currency, total=total if payouts else None, complete=not more
    )
    if not more:
        return Decoded(Confirmed(report), events=(Arrived(read),))
    following = msgspec.structs.replace(command, cursor=page.data[-1].id, seen=command.seen + len(page.data))
    return Decoded(Confirmed(report), events=(Arrived(read),), next=following)


def _refused(reply: Reply) -> Decoded:
    if reply.status >= 500 or reply.status == 409:
        raise Retryable(f"the statement was answered with status {reply.status}")
    try:
        fault = msgspec.json.decode(reply.body, type=FaultBody).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise OutcomeUnknown(f"status {reply.status} with an unreadable answer") from None
    return Decoded(Refused(fault.code or str(reply.status), fault.message or ""))


def _line(number: int, found: Balance, amounts: Amounts) -> StatementLine:
    currency = found.currency.upper()
    source = found.source if isinstance(found.source, dict) else {}
    theirs = str(source.get("id", "")) if source else str(found.source or "")
    kind = _kind(found.reporting_category or found.type)
    presented = str(source.get("currency") or "").upper()
    amount = source.get("amount_captured", source.get("amount")) if kind is FactKind.CAPTURED else source.get("amount")
    metadata = source.get("metadata")
    return StatementLine(
        number=number,
        label=found.reporting_category or found.type,
        kind=kind,
        key=theirs,
        psp=found.id,
        payment_psp=str(source.get("payment_intent") or ""),
        operation=str(metadata.get("op_id", "")) if isinstance(metadata, dict) else "",
        gross=from_gateway(found.amount, currency, amounts),
        fee=from_gateway(found.fee, currency, amounts),
        net=from_gateway(found.net, currency, amounts),
        currency=currency,
        amount=from_gateway(amount, presented, amounts) if presented and isinstance(amount, int) else None,
        presented=presented,
        at_ms=found.created * 1000,
    )


def _kind(label: str) -> FactKind | None:
    """What a reporting category is to the ledger; fees, payouts and corrections are nothing to it."""
    try:
        return FactKind(mappings.look_up("stripe_balance", label))
    except mappings.Unmapped:
        return None
