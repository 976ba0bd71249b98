"""UnionPay's clearing files: Base64 of a deflated ZIP with texts in GBK, of columns with fixed widths in bytes.

``ZM`` lists transactions, ``ZME`` chargebacks and adjustments, of whose columns only the first eight are certain.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Sequence

import mappings
from connectors.payments._shared.beijing import instant_of
from connectors.payments._shared.form import Fields
from connectors.payments._shared.money import from_gateway
from connectors.payments._shared.profile import Amounts
from connectors.payments._shared.zipped import inflated, texts_of
from connectors.payments.unionpay.facts import CURRENCY
from gateway.contract import Arrived, Confirmed, Decoded, Refused
from gateway.errors import Malformed, Reason
from gateway.messages_payment import FetchStatement, StatementReceived
from gateway.model.dates import Day, Instant, format_day
from gateway.model.payment import FactKind, StatementLine
from gateway.model.payment_error import PaymentError

ENCODING = "gb18030"  # GBK, and what has been added to it since
# Up to column 42; what follows differs between ages of the file and is not needed.
WIDTHS = (
    *(3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2),
    *(6, 2, 4, 32, 1, 21, 15, 1, 15, 32, 13, 13, 8, 32, 13, 13, 12, 2, 1, 32, 13),
)
DISPUTE_WIDTHS = WIDTHS[:8]
_NO_FILE = "98"
# Columns are numbered from 1 in the interface's description.
_TIME, _AMOUNT, _QUERY_ID, _ORDER, _FEE, _SETTLED, _KIND, _ORIGINAL, _MERCHANT = 5, 7, 10, 12, 16, 17, 20, 27, 28


def decode_statement(command: FetchStatement, fields: Fields, amounts: Amounts, *, accepted: bool) -> Decoded:
    """The whole file. That there is none for a day is told by ``not_found``."""
    if not accepted:
        code = fields.get("respCode", "")
        none = code == _NO_FILE
        return Decoded(Refused(PaymentError.NOT_FOUND.value if none else code, fields.get("respMsg", "")))
    try:
        archive = inflated(b64decode(fields.get("fileContent", ""), validate=True))
    except (binascii.Error, ValueError):
        raise Malformed("the file is not Base64") from None
    texts = texts_of(archive, ENCODING)
    lines: list[StatementLine] = []
    for name, text in sorted(texts.items(), key=lambda named: ("ZME" in named[0], named[0])):
        rows = [row for row in text.split("\n") if row.strip()]
        if "ZME" in name:
            lines += [_dispute(len(lines) + place, row, amounts) for place, row in enumerate(rows)]
        elif "ZM" in name:
            lines += [
                _line(len(lines) + place, row, fields["merId"], command.day, amounts) for place, row in enumerate(rows)
            ]
    if not any("ZM" in name for name in texts):
        raise Malformed("the archive has no clearing file")
    report = f"{fields.get('settleDate', '')}:{format_day(command.day)}".lstrip(":")
    read = StatementReceived(report=report, lines=tuple(lines), currency=CURRENCY if lines else "")
    return Decoded(Confirmed(report), events=(Arrived(read),))


def _line(number: int, row: str, merchant: str, day: Day, amounts: Amounts) -> StatementLine:
    """Settled is the clearing amount without the fee; both carry C (credit to us) or D in front."""
    values = _columns(row, WIDTHS)
    if values[_MERCHANT - 1] not in ("", merchant):
        raise Malformed("a line of another merchant")
    kind = _kind(values[_KIND - 1])
    net, fee = _signed(values[_SETTLED - 1], amounts), -_signed(values[_FEE - 1], amounts)
    query_id, original = values[_QUERY_ID - 1], values[_ORIGINAL - 1]
    return StatementLine(
        number=number,
        label=f"{values[_KIND - 1]} {values[0]}",
        kind=kind,
        key=original if kind is FactKind.CAPTURE_FAILED else query_id,
        psp=query_id,
        payment_psp=original or query_id,
        operation=values[_ORDER - 1],
        gross=net + fee,
        fee=fee,
        net=net,
        currency=CURRENCY,
        amount=_fen(values[_AMOUNT - 1], amounts) if kind else None,
        presented=CURRENCY if kind else "",
        at_ms=_time(values[_TIME - 1], day),
    )


def _dispute(number: int, row: str, amounts: Amounts) -> StatementLine:
    """A chargeback or an adjustment, for a person to look at: what it is about is not certain from the file."""
    values = _columns(row, DISPUTE_WIDTHS)
    trace = f"ZME:{values[1]}:{values[3]}:{values[4]}"
    amount = _fen(values[_AMOUNT - 1], amounts)
    return StatementLine(
        number=number,
        label=f"ZME {values[0]}",
        kind=FactKind.DISPUTE_OPENED,
        key=trace,
        psp=trace,
        currency=CURRENCY,
        amount=amount,
        presented=CURRENCY,
    )


def _columns(row: str, widths: Sequence[int]) -> list[str]:
    """By bytes, since a Chinese name has two to the character; one blank stands between two columns."""
    data = row.rstrip("\r").encode(ENCODING)
    if len(data) < sum(widths) + len(widths) - 1:
        raise Malformed(f"a line of the clearing file has {len(data)} bytes only")
    found, start = [], 0
    for width in widths:
        found.append(data[start : start + width].decode(ENCODING, "replace").strip())
        start += width + 1
    return found


def _signed(text: str, amounts: Amounts) -> int:
    """``C000000000100`` is 100 to us, ``D`` from us; empty is nothing."""
    if not text:
        return 0
    if text[0] not in "CD":
        raise Malformed(f"{text[:20]!r} says neither C nor D", Reason.INVALID_VALUE)
    value = _fen(text[1:], amounts)
    return value if text[0] == "C" else -value


def _fen(text: str, amounts: Amounts) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise Malformed(f"{text[:20]!r} is not an amount", Reason.INVALID_VALUE)
    return from_gateway(int(text), CURRENCY, amounts)


def _time(text: str, day: Day) -> Instant | None:
    """Month to second; a line of December in a file of January is of the year before."""
    year, month = int(format_day(day)[:4]), int(format_day(day)[5:7])
    if month == 1 and text.startswith("12"):
        year -= 1
    return instant_of(f"{year}{text}") if len(text) == 10 else None


def _kind(code: str) -> FactKind | None:
    try:
        return FactKind(mappings.look_up("unionpay_movements", code))
    except mappings.Unmapped:
        return None
