"""All that any of Alipay's methods may answer, as they name it. Amounts are decimals of yuan."""

from __future__ import annotations

import msgspec

from connectors.payments._shared.money import from_gateway
from connectors.payments._shared.profile import Amounts
from gateway.model.money import parse_minor

CURRENCY = "CNY"


class Node(msgspec.Struct, frozen=True):
    """The content of a ``…_response``."""

    code: str = ""
    msg: str = ""
    sub_code: str = ""
    sub_msg: str = ""
    out_trade_no: str = ""
    trade_no: str = ""
    trade_status: str = ""
    total_amount: str = ""
    gmt_payment: str = ""
    send_pay_date: str = ""
    qr_code: str = ""
    fund_change: str = ""
    refund_status: str = ""
    refund_amount: str = ""
    out_request_no: str = ""
    gmt_refund_pay: str = ""
    action: str = ""
    retry_flag: str = ""
    auth_no: str = ""
    out_order_no: str = ""
    operation_id: str = ""
    operation_type: str = ""
    order_status: str = ""
    status: str = ""
    amount: str = ""
    rest_amount: str = ""
    total_pay_amount: str = ""
    gmt_trans: str = ""
    code_value: str = ""
    bill_download_url: str = ""

    def __repr__(self) -> str:
        return f"Node({self.code}, {self.sub_code})"


def fen(text: str, amounts: Amounts) -> int:
    """``"88.8" -> 8880``; raises :class:`gateway.errors.Malformed`."""
    return from_gateway(parse_minor(text, CURRENCY), CURRENCY, amounts)
