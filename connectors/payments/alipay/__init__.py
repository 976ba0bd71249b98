"""Alipay of mainland China: QR codes, pages, apps, mini-programs, desk scanners, holds, notices and statements."""

from __future__ import annotations

from connectors.payments._shared.connector import PaymentConnector
from connectors.payments._shared.form import redact_form
from connectors.payments.alipay.decode import decode_reply
from connectors.payments.alipay.encode import NAME, encode_command, hand_over
from connectors.payments.alipay.webhook import parse, refuse, verify
from gateway.contract import Reply
from gateway.messages_payment import (
    Authorise,
    Capture,
    Close,
    FetchStatement,
    Purchase,
    QueryOperation,
    Refund,
    Void,
)


class Alipay(PaymentConnector):
    """Both directions, and what the guest carries."""

    name = NAME
    commands = frozenset({Authorise, Purchase, Capture, Void, Close, Refund, QueryOperation, FetchStatement})
    # Our own numbers are the keys, and Alipay never forgets one.
    replay_s = 365 * 24 * 3600.0

    encode = staticmethod(encode_command)
    decode = staticmethod(decode_reply)
    hand_over = staticmethod(hand_over)

    document = "notice"
    taken = Reply(200, {"content-type": "text/plain"}, b"success")
    redact = staticmethod(redact_form)
    verify = staticmethod(verify)
    parse = staticmethod(parse)
    refuse = staticmethod(refuse)


CONNECTOR = Alipay()
