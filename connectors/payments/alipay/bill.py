"""Alipay's statements: the address of a ZIP file, valid for half a minute, with texts in GBK inside.

Lines that begin with ``#`` are headings, totals and remarks. Columns are found by name, fields end with tabs.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping

import mappings
from connectors.payments._shared.beijing import instant_of
from connectors.payments._shared.profile import Amounts
from connectors.payments._shared.zipped import texts_of
from connectors.payments.alipay.nodes import CURRENCY, Node, fen
from gateway.contract import Arrived, Confirmed, Decoded, Refused, Reply
from gateway.errors import Malformed, OutcomeUnknown
from gateway.messages_payment import FetchStatement, StatementReceived
from gateway.model.dates import format_day
from gateway.model.payment import FactKind, StatementLine
from gateway.model.payment_error import PaymentError

ENCODING = "gb18030"  # GBK, and what has been added to it since
_TRADE, _ORDER, _KIND, _DONE = "支付宝交易号", "商户订单号", "业务类型", "完成时间"
_GROSS, _RECEIVED, _FEE, _REFUND = "订单金额(元)", "商家实收(元)", "服务费(元)", "退款批次号/请求号"
_COLUMNS = (_TRADE, _ORDER, _KIND, _GROSS, _RECEIVED, _FEE)
_FLOW, _CREDIT, _DEBIT = "账务流水号", "收入金额(+元)", "支出金额(-元)"
_NO_BILL = ("NOT_EXIST", "not-exist", "BILL_NOT")

Row = Mapping[str, str]


def decode_location(command: FetchStatement, node: Node) -> Decoded:
    """Where the file is. That there is none for a day is told by ``not_found``."""
    if node.code == "10000" and node.bill_download_url:
        return Decoded(Confirmed(_report(command)), next=_located(command, node.bill_download_url))
    none = any(mark in node.sub_code for mark in _NO_BILL)
    return Decoded(Refused(PaymentError.NOT_FOUND.value if none else node.sub_code or node.code, node.sub_msg))


def decode_bill(command: FetchStatement, reply: Reply, amounts: Amounts) -> Decoded:
    """The file. An address that is too old is asked for again."""
    if reply.status != 200:
        raise OutcomeUnknown(f"the file of the statement was answered with status {reply.status}")
    texts = texts_of(reply.body, ENCODING)
    rows = [row for text in texts.values() for row in _rows(text)]
    if not any(_heading(text) for text in texts.values()):
        raise Malformed("no file in the archive has the columns of a statement")
    lines = tuple(_line(number, row, amounts) for number, row in enumerate(rows))
    read = StatementReceived(report=_report(command), lines=lines, currency=CURRENCY if lines else "")
    return Decoded(Confirmed(read.report), events=(Arrived(read),))


def _located(command: FetchStatement, url: str) -> FetchStatement:
    return FetchStatement(
        id=command.id,
        at_ms=command.at_ms,
        day=command.day,
        report=command.report,
        location=url,
        sent_ms=command.sent_ms,
        nonce=command.nonce,
    )


def _report(command: FetchStatement) -> str:
    return f"{command.report or 'trade'}:{format_day(command.day)}"


def _heading(text: str) -> list[str]:
    """The names of the columns, where the text is a list of single movements."""
    for line in text.splitlines():
        names = [_name(cell) for cell in line.split(",")]
        if not line.startswith("#") and (set(_COLUMNS) <= set(names) or {_FLOW, _CREDIT, _DEBIT} <= set(names)):
            return names
    return []


def _rows(text: str) -> Iterator[Row]:
    names = _heading(text)
    if not names:
        return
    plain = (line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    try:
        for cells in csv.reader(io.StringIO("\n".join(plain)), strict=True):
            values = [cell.strip() for cell in cells]
            if [_name(value) for value in values] == names:
                continue
            if len(values) != len(names):
                raise Malformed(f"a line of the statement has {len(values)} fields, not {len(names)}")
            yield dict(zip(names, values, strict=True))
    except csv.Error as error:
        raise Malformed(f"no CSV: {error}") from None


def _line(number: int, row: Row, amounts: Amounts) -> StatementLine:
    if _FLOW in row:
        return _movement(number, row, amounts)
    label, trade, request = row[_KIND], row[_TRADE], row.get(_REFUND, "")
    kind = _kind(label)
    gross, fee = fen(row[_GROSS] or "0", amounts), -fen(row[_FEE] or "0", amounts)
    received = fen(row[_RECEIVED] or "0", amounts)
    refund = kind is FactKind.REFUNDED
    return StatementLine(
        number=number,
        label=label,
        kind=kind,
        key=f"{trade}:{request}" if refund else trade,
        psp=f"{trade}:{request}" if refund else trade,
        payment_psp=trade,
        operation=request if refund else row[_ORDER],
        gross=received,
        fee=fee,
        net=received - fee,
        currency=CURRENCY,
        amount=abs(gross) if kind else None,
        presented=CURRENCY if kind else "",
        at_ms=instant_of(row.get(_DONE, "")),
    )


def _movement(number: int, row: Row, amounts: Amounts) -> StatementLine:
    """A line of the account log: what came in and went out, whatever for."""
    credit, debit = fen(row[_CREDIT] or "0", amounts), abs(fen(row[_DEBIT] or "0", amounts))
    net = credit - debit
    return StatementLine(
        number=number,
        label=row.get(_KIND, "") or row.get("业务描述", ""),
        kind=None,
        key=row[_FLOW],
        psp=row[_FLOW],
        operation=row.get(_ORDER, ""),
        gross=net,
        net=net,
        currency=CURRENCY,
        at_ms=instant_of(row.get("发生时间", "")),
    )


def _kind(label: str) -> FactKind | None:
    try:
        return FactKind(mappings.look_up("alipay_bill", label))
    except mappings.Unmapped:
        return None


def _name(cell: str) -> str:
    return "".join(cell.split()).replace("（", "(").replace("）", ")").lstrip("\ufeff")
