"""WeChat Pay's objects, as far as they are read. Amounts are whole fen."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from gateway.errors import Malformed

T = TypeVar("T")


def read_json(raw: bytes, kind: type[T]) -> T:
    """Raises :class:`Malformed`."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Malformed("not a message of WeChat Pay's") from None


class Amount(msgspec.Struct, frozen=True):
    """``total`` is the order, whatever the guest paid of it with coupons; ``refund`` one refund."""

    total: int | None = None
    refund: int | None = None
    currency: str = "CNY"


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """A payment, in answers to queries and scanned codes, and in notices."""

    out_trade_no: str
    trade_state: str
    mchid: str = ""
    appid: str = ""
    transaction_id: str = ""
    success_time: str = ""
    trade_state_desc: str = ""
    amount: Amount | None = None

    def __repr__(self) -> str:
        return f"Transaction({self.out_trade_no}, {self.trade_state})"


class RefundObject(msgspec.Struct, frozen=True, kw_only=True):
    """A refund. Answers say ``status``, notices ``refund_status``."""

    out_refund_no: str
    refund_id: str
    amount: Amount
    mchid: str = ""
    out_trade_no: str = ""
    transaction_id: str = ""
    status: str = ""
    refund_status: str = ""
    success_time: str | None = None
    create_time: str = ""

    def __repr__(self) -> str:
        return f"RefundObject({self.out_refund_no}, {self.state})"

    @property
    def state(self) -> str:
        return self.status or self.refund_status


class Prepared(msgspec.Struct, frozen=True):
    """What making an order gives, one of the three by its channel."""

    code_url: str = ""
    prepay_id: str = ""
    h5_url: str = ""


class Fault(msgspec.Struct, frozen=True):
    """The body of an error."""

    code: str = ""
    message: str = ""


class Location(msgspec.Struct, frozen=True):
    """Where a bill is, and the hash of what is there."""

    download_url: str
    hash_type: str
    hash_value: str


class Resource(msgspec.Struct, frozen=True):
    """The sealed content of a notice."""

    algorithm: str
    ciphertext: str
    nonce: str
    associated_data: str | None = None
    original_type: str = ""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """A notice before it is opened."""

    id: str
    event_type: str
    resource: Resource
    create_time: str = ""
    resource_type: str = ""
