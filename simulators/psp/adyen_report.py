"""Adyen's settlement detail report: CSV, decimals in major units, and which of two columns is filled as direction."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from simulators.psp.common import DISPUTED, GIVEN, REINSTATED, TAKEN, Movement

_TYPES = {TAKEN: "Settled", GIVEN: "Refunded", DISPUTED: "Chargeback", REINSTATED: "ChargebackReversed"}
_WHOLE = frozenset({"JPY", "KRW", "VND"})  # currencies without a minor unit, as far as they are used here
_COLUMNS = (
    *("Company Account", "Merchant Account", "Psp Reference", "Merchant Reference", "Payment Method", "Creation Date"),
    *("TimeZone", "Type", "Modification Reference", "Gross Currency", "Gross Debit (GC)", "Gross Credit (GC)"),
    *("Exchange Rate", "Net Currency", "Net Debit (NC)", "Net Credit (NC)", "Commission (NC)", "Markup (NC)"),
    *("Scheme Fees (NC)", "Interchange (NC)", "Payment Method Variant", "Modification Merchant Reference"),
    "Batch Number",
)


def report_of(account: str, batch: int, movements: Sequence[Movement]) -> bytes:
    """The movements of one batch and, for each currency, the payout of their sum."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, restval="")
    writer.writeheader()
    payouts: dict[str, int] = {}
    for movement in movements:
        fee = movement.fee if movement.kind == TAKEN else 0
        net = movement.signed - fee
        payouts[movement.currency] = payouts.get(movement.currency, 0) + net
        own = {"Psp Reference": movement.payment, "Modification Reference": movement.number}
        own |= {"Type": _TYPES[movement.kind], "Modification Merchant Reference": movement.reference}
        own |= _gross(movement.signed, movement.currency) | _net(net, movement.currency)
        own["Commission (NC)"] = _major(fee, movement.currency)
        writer.writerow(own | _common(account, batch, movement.at_s))
    for currency, net in payouts.items():
        at_s = max(movement.at_s for movement in movements)
        writer.writerow({"Type": "MerchantPayout"} | _net(-net, currency) | _common(account, batch, at_s))
    return text.getvalue().encode()


def _common(account: str, batch: int, at_s: int) -> dict[str, str]:
    date = datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return {"Merchant Account": account, "Creation Date": date, "TimeZone": "UTC", "Batch Number": str(batch)}


def _gross(amount: int, currency: str) -> dict[str, str]:
    column = "Gross Credit (GC)" if amount >= 0 else "Gross Debit (GC)"
    return {"Gross Currency": currency, column: _major(abs(amount), currency)}


def _net(amount: int, currency: str) -> dict[str, str]:
    column = "Net Credit (NC)" if amount >= 0 else "Net Debit (NC)"
    return {"Net Currency": currency, column: _major(abs(amount), currency)}


def _major(amount: int, currency: str) -> str:
    return str(Decimal(amount) if currency in _WHOLE else Decimal(amount).scaleb(-2))
