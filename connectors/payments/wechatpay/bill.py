"""WeChat Pay's bills: texts with a back-tick before each value, proven by the hash that came with their address.

Values hold commas but never back-ticks, so a line is split where a comma is followed by one. The last two lines are
the heads and figures of a summary. Amounts are decimals of yuan; fees may have five places.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

import msgspec

import mappings
from connectors.payments._shared.beijing import instant_of
from connectors.payments._shared.money import from_gateway
from connectors.payments._shared.profile import Amounts
from connectors.payments.wechatpay.objects import Fault, Location
from gateway.contract import Arrived, Confirmed, Decoded, Refused, Reply
from gateway.errors import Malformed, OutcomeUnknown, Reason
from gateway.messages_payment import FetchStatement, StatementReceived
from gateway.model.dates import format_day
from gateway.model.money import parse_minor
from gateway.model.payment import FactKind, StatementLine
from gateway.model.payment_error import PaymentError
from gateway.wire.signatures import same

CURRENCY = "CNY"
_NONE = "NO_STATEMENT_EXIST"
_STATE, _ORDER, _OURS = "交易状态", "微信订单号", "商户订单号"
_REFUND, _OUR_REFUND, _REFUND_STATE = "微信退款单号", "商户退款单号", "退款状态"
_TOTAL, _REFUNDED, _FEE, _TIME = "订单金额", "申请退款金额", "手续费", "交易时间"
_SETTLED, _SETTLED_BACK = "应结订单金额", "退款金额"
_COLUMNS = (_STATE, _ORDER, _OURS, _TOTAL, _REFUNDED, _FEE, _TIME, _SETTLED, _SETTLED_BACK)
_DIRECTION, _MOVED, _FLOW, _BOOKED = "收支类型", "收支金额(元)", "微信支付业务单号", "记账时间"
_AROUND = "\ufeff \t\r\n"

Row = Mapping[str, str]


def decode_location(command: FetchStatement, found: Location) -> Decoded:
    """The next command fetches the file itself."""
    if found.hash_type.upper() != "SHA1":
        raise OutcomeUnknown(f"a bill with a hash of the kind {found.hash_type[:20]!r}")
    following = msgspec.structs.replace(command, location=found.download_url, check=found.hash_value)
    return Decoded(Confirmed(_report(command)), next=following)


def no_bill(fault: Fault) -> Decoded:
    """That there is none for a day is told by ``not_found``; one still being made is refused under its own code."""
    code = PaymentError.NOT_FOUND.value if fault.code == _NONE else fault.code
    return Decoded(Refused(code, fault.message))


def decode_bill(command: FetchStatement, reply: Reply, amounts: Amounts) -> Decoded:
    """The file, which is unsigned: raises :class:`OutcomeUnknown` unless its hash is the one that was signed."""
    if reply.status != 200:
        raise OutcomeUnknown(f"the file of the bill was answered with status {reply.status}")
    digest = hashlib.sha1(reply.body, usedforsecurity=False).hexdigest()
    if not same(digest, command.check.lower()):
        raise OutcomeUnknown("the file of the bill is not the one whose hash was announced")
    rows = _rows(reply.body)
    flows = bool(rows) and _DIRECTION in rows[0]
    lines = tuple((_movement if flows else _line)(number, row, amounts) for number, row in enumerate(rows))
    read = StatementReceived(report=_report(command), lines=lines, currency=CURRENCY if lines else "")
    return Decoded(Confirmed(read.report), events=(Arrived(read),))


def _report(command: FetchStatement) -> str:
    return f"{command.report or 'tradebill'}:{format_day(command.day)}"


def _rows(body: bytes) -> list[Row]:
    """Without the summary, whose count of movements has to be that of the lines."""
    try:
        lines = [line for line in body.decode("utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError:
        raise Malformed("the bill is not UTF-8") from None
    if len(lines) < 3:
        raise Malformed("the bill has no summary")
    names = [_name(cell) for cell in lines[0].split(",")]
    if not set(_COLUMNS) <= set(names) and not {_DIRECTION, _MOVED, _FLOW} <= set(names):
        raise Malformed("the bill lacks columns that are needed")
    rows: list[Row] = []
    for line in lines[1:-2]:
        cells = [cell.strip() for cell in line.strip().removeprefix("`").split(",`")]
        if len(cells) != len(names):
            raise Malformed(f"a line of the bill has {len(cells)} values, not {len(names)}")
        rows.append(dict(zip(names, cells, strict=True)))
    count = lines[-1].strip().removeprefix("`").split(",`")[0]
    if count != str(len(rows)):
        raise Malformed(f"the summary counts {count[:20]!r} movements, the bill has {len(rows)}")
    return rows


def _line(number: int, row: Row, amounts: Amounts) -> StatementLine:
    """Settled amounts are after coupons; the order, and what was asked back, are as the guest saw it."""
    label = row[_STATE]
    back = label != "SUCCESS"
    refund = label == "REFUND"
    settled = _minor(row[_SETTLED_BACK] if back else row[_SETTLED], amounts)
    gross, fee = -settled if back else settled, _rounded(row[_FEE], amounts)
    kind = _kind(label, row.get(_REFUND_STATE, ""))
    key = row.get(_REFUND, "") if refund else row[_ORDER]
    return StatementLine(
        number=number,
        label=label,
        kind=kind,
        key=key,
        psp=key,
        payment_psp=row[_ORDER],
        operation=row.get(_OUR_REFUND, "") if refund else row[_OURS],
        gross=gross,
        fee=fee,
        net=gross - fee,
        currency=CURRENCY,
        amount=_minor(row[_REFUNDED] if back else row[_TOTAL], amounts) if kind else None,
        presented=CURRENCY if kind else "",
        at_ms=instant_of(row[_TIME]),
    )


def _movement(number: int, row: Row, amounts: Amounts) -> StatementLine:
    """A line of the fund bill: what came in and went out, whatever for."""
    amount = _minor(row[_MOVED], amounts)
    net = amount if row[_DIRECTION] == "收入" else -amount
    return StatementLine(
        number=number,
        label=row.get("业务类型", "") or row.get("业务名称", ""),
        kind=None,
        key=row[_FLOW],
        psp=row[_FLOW],
        gross=net,
        net=net,
        currency=CURRENCY,
        at_ms=instant_of(row.get(_BOOKED, "")),
    )


def _kind(label: str, refund_state: str) -> FactKind | None:
    """A refund counts once it has succeeded; one that is being made, or has failed, has moved nothing."""
    try:
        kind = FactKind(mappings.look_up("wechatpay_bill", label))
    except mappings.Unmapped:
        return None
    states = {"PROCESSING": FactKind.REFUND_PENDING, "FAIL": FactKind.REFUND_FAILED}
    return states.get(refund_state, kind) if label == "REFUND" else kind


def _minor(text: str, amounts: Amounts) -> int:
    return from_gateway(parse_minor(text or "0", CURRENCY), CURRENCY, amounts)


def _rounded(text: str, amounts: Amounts) -> int:
    """Fees are fractions of a fen; each is brought to a whole one."""
    try:
        found = Decimal(text or "0")
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite() or abs(found) >= 10**10:
        raise Malformed(f"{text[:40]!r} is not an amount", Reason.INVALID_VALUE)
    return from_gateway(int(found.scaleb(2).quantize(Decimal(1), ROUND_HALF_EVEN)), CURRENCY, amounts)


def _name(cell: str) -> str:
    return cell.strip(f"{_AROUND}`").replace("（", "(").replace("）", ")")
