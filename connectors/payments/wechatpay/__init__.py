"""WeChat Pay of mainland China, API v3: QR codes, mini-programs, apps, mobile pages, desk scanners, notices, bills."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from connectors.payments._shared.connector import PaymentConnector
from connectors.payments.wechatpay.decode import decode_reply
from connectors.payments.wechatpay.encode import NAME, encode_command, hand_over
from connectors.payments.wechatpay.webhook import parse, refuse, verify
from gateway.contract import Reply
from gateway.messages_payment import (
    Close,
    FetchStatement,
    Purchase,
    QueryOperation,
    Refund,
    Void,
)


class WeChatPay(PaymentConnector):
    """Both directions, and what the wallet is handed again."""

    name = NAME
    commands = frozenset({Purchase, Void, Close, Refund, QueryOperation, FetchStatement})
    lossy: ClassVar[Mapping[str, str]] = {
        "hold": "basic payment holds nothing: take a deposit as a purchase and give the rest back"
    }
    # Our own numbers are the keys, and WeChat Pay never forgets one.
    replay_s = 365 * 24 * 3600.0

    encode = staticmethod(encode_command)
    decode = staticmethod(decode_reply)
    hand_over = staticmethod(hand_over)

    document = "notice"
    taken = Reply(204, {}, b"")
    verify = staticmethod(verify)
    parse = staticmethod(parse)
    refuse = staticmethod(refuse)


CONNECTOR = WeChatPay()
