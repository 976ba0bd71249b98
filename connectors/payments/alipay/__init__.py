"""Alipay of mainland China: QR codes, pages, apps, mini-programs, desk scanners, holds, notices and statements."""

from __future__ import annotations

from connectors.payments._shared.profile import profile_of, with_limits
from connectors.payments.alipay.decode import decode_reply
from connectors.payments.alipay.encode import NAME, encode_command, hand_over
from connectors.payments.alipay.webhook import answer, locate, open_document, parse, refuse, verify
from gateway.contract import Capabilities
from gateway.messages_payment import (
    Authorise,
    Capture,
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

# Our own numbers are the keys, and Alipay never forgets one.
_REPLAY_S = 365 * 24 * 3600.0

CAPABILITIES = Capabilities(
    commands=frozenset({Authorise, Purchase, Capture, Void, Close, Refund, QueryOperation, FetchStatement}),
    events=frozenset({PaymentAnswered, PaymentNotified, StatementReceived}),
    replay_s=_REPLAY_S,
)


class Alipay:
    """Both directions, and what the guest carries."""

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


CONNECTOR = Alipay()
