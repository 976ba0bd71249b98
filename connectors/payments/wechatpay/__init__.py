"""WeChat Pay of mainland China, API v3: QR codes, mini-programs, apps, mobile pages, desk scanners, notices, bills."""

from __future__ import annotations

from connectors.payments._shared.profile import profile_of, with_limits
from connectors.payments.wechatpay.decode import decode_reply
from connectors.payments.wechatpay.encode import NAME, encode_command, hand_over
from connectors.payments.wechatpay.webhook import answer, locate, open_document, parse, refuse, verify
from gateway.contract import Capabilities
from gateway.messages_payment import (
    Close,
    FetchStatement,
    PaymentAnswered,
    PaymentNotified,
    Purchase,
    QueryOperation,
    Refund,
    StatementReceived,
    Void,
)

# Our own numbers are the keys, and WeChat Pay never forgets one.
_REPLAY_S = 365 * 24 * 3600.0

CAPABILITIES = Capabilities(
    commands=frozenset({Purchase, Void, Close, Refund, QueryOperation, FetchStatement}),
    events=frozenset({PaymentAnswered, PaymentNotified, StatementReceived}),
    lossy={"hold": "basic payment holds nothing: take a deposit as a purchase and give the rest back"},
    replay_s=_REPLAY_S,
)


class WeChatPay:
    """Both directions, and what the wallet is handed again."""

    name = NAME

    def capabilities(self, profile: str) -> Capabilities:
        return with_limits(CAPABILITIES, profile_of(NAME, profile))

    encode = staticmethod(encode_command)
    decode = staticmethod(decode_reply)
    hand_over = staticmethod(hand_over)

    open = staticmethod(open_document)
    locate = staticmethod(locate)
    verify = staticmethod(verify)
    parse = staticmethod(parse)
    answer = staticmethod(answer)
    refuse = staticmethod(refuse)


CONNECTOR = WeChatPay()
