"""Adyen's settlement detail report: CSV with a header row, read by the names of its columns.

Amounts are decimals in major units. Which of debit and credit is filled gives the direction, the type of the line does
not.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

import mappings
from connectors.payments._shared.money import from_gateway, to_gateway
from connectors.payments._shared.profile import Amounts
from connectors.payments._shared.replies import demand_up
from connectors.payments.adyen.times import instant_of
from gateway.contract import Arrived, Confirmed, Decoded, Refused, Reply
from gateway.errors import Malformed, OutcomeUnknown, Reason, Refusal
from gateway.messages_payment import FetchStatement, StatementReceived
from gateway.model.money import digits_of
from gateway.model.payment import FactKind, StatementLine

PAYOUT = "MerchantPayout"
_COLUMNS = ("Psp Reference", "Type", "Modification Reference", "Gross Currency", "Net Currency")
_FEES = ("Commission (NC)", "Markup (NC)", "Scheme Fees (NC)", "Interchange (NC)")
_EVENT_OF = {
    "Chargeback": "CHARGEBACK",
    "SecondChargeback": "SECOND_CHARGEBACK",
    "ChargebackReversed": "CHARGEBACK_REVERSED",
}
_DIGITS_MAX = 15

Row = Mapping[str, str | None]


def decode_report(command: FetchStatement, reply: Reply, amounts: Amounts) -> Decoded:
    """The whole report."""
    demand_up(reply)
    if reply.status != 200:
        return Decoded(Refused(str(reply.status), "the report was refused"))
    try:
        rows = _rows(reply.body)
        lines = [_line(number, row, amounts) for number, row in enumerate(rows) if row["Type"] != PAYOUT]
        payouts = [row for row in rows if row["Type"] == PAYOUT]
        total = -sum(_net(row, amounts) for row in payouts)
    except Refusal as refusal:
        raise OutcomeUnknown(f"a report that cannot be read: {refusal.text}") from None
    currency = lines[0].currency if lines else ""
    read = StatementReceived(
        report=command.report, lines=tuple(lines), currency=currency, total=total if payouts else None
    )
    return Decoded(Confirmed(command.report), events=(Arrived(read),))


def _rows(body: bytes) -> list[Row]:
    try:
        reader = csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
        names = [name.strip() for name in reader.fieldnames or ()]
        reader.fieldnames = names
        missing = [name for name in _COLUMNS if name not in names]
        if missing:
            raise Malformed(f"without the columns {', '.join(missing)}")
        return list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise Malformed(f"no CSV: {error}") from None


def _line(number: int, row: Row, amounts: Amounts) -> StatementLine:
    label = _text(row, "Type")
    kind = _kind(label)
    payment, own = _text(row, "Psp Reference"), _text(row, "Modification Reference")
    key = own or payment
    presented = _text(row, "Gross Currency")
    gross = _minor(row, "Gross Credit (GC)", presented, amounts) - _minor(row, "Gross Debit (GC)", presented, amounts)
    net, fee = _net(row, amounts), _fee(row)
    return StatementLine(
        number=number,
        label=label,
        kind=kind,
        key=f"{key}:{_EVENT_OF[label]}" if label in _EVENT_OF else key,
        psp=own,
        payment_psp=payment,
        operation=_text(row, "Modification Merchant Reference") or _text(row, "Merchant Reference"),
        gross=net + fee,
        fee=fee,
        net=net,
        currency=_text(row, "Net Currency"),
        amount=abs(gross) if kind else None,
        presented=presented if kind else "",
        at_ms=instant_of(_text(row, "Creation Date"), _text(row, "TimeZone")),
    )


def _net(row: Row, amounts: Amounts) -> int:
    currency = _text(row, "Net Currency")
    return _minor(row, "Net Credit (NC)", currency, amounts) - _minor(row, "Net Debit (NC)", currency, amounts)


def _fee(row: Row) -> int:
    """Schemes charge fractions of a minor unit; the sum is brought to whole ones."""
    total = sum((_decimal(row, name) for name in _FEES), Decimal(0))
    return int(total.scaleb(digits_of(_text(row, "Net Currency"))).quantize(Decimal(1), ROUND_HALF_EVEN))


def _minor(row: Row, name: str, currency: str, amounts: Amounts) -> int:
    amount = _decimal(row, name)
    if not amount:
        return 0
    # Major units times what one of them is in Adyen's own smallest ones.
    value = amount * to_gateway(10 ** digits_of(currency), currency, amounts)
    if value != value.to_integral_value():
        raise Malformed(f"{amount} {currency} has digits below the minor unit", Reason.INVALID_VALUE)
    return from_gateway(int(value), currency, amounts)


def _decimal(row: Row, name: str) -> Decimal:
    text = _text(row, name)
    try:
        found = Decimal(text) if text else Decimal(0)
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite() or found.adjusted() > _DIGITS_MAX:
        raise Malformed(f"{text[:40]!r} is not an amount", Reason.INVALID_VALUE)
    return found


def _text(row: Row, name: str) -> str:
    return (row.get(name) or "").strip()


def _kind(label: str) -> FactKind | None:
    try:
        return FactKind(mappings.look_up("adyen_report", label))
    except mappings.Unmapped:
        return None
