"""UnionPay of mainland China (ACP 5.1.0): pages, apps, QR codes, pre-authorisations, callbacks, clearing files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from connectors.payments._shared.connector import PaymentConnector
from connectors.payments._shared.form import redact_form
from connectors.payments.unionpay.decode import decode_reply
from connectors.payments.unionpay.encode import NAME, encode_command, hand_over
from connectors.payments.unionpay.webhook import parse, refuse, verify
from gateway.contract import Reply
from gateway.messages_payment import (
    Authorise,
    Capture,
    FetchStatement,
    Purchase,
    QueryOperation,
    Refund,
    Void,
)


class UnionPay(PaymentConnector):
    """Both directions, and the forms that browsers carry."""

    name = NAME
    commands = frozenset({Authorise, Purchase, Capture, Void, Refund, QueryOperation, FetchStatement})
    lossy: ClassVar[Mapping[str, str]] = {
        "close": "an unpaid order ends by its deadline only; whoever pays after all has paid"
    }
    # A repetition is refused as a duplicate, without saying what became of the first: nothing is ever replayed.
    replay_s = 0.0

    encode = staticmethod(encode_command)
    decode = staticmethod(decode_reply)
    hand_over = staticmethod(hand_over)

    document = "callback"
    taken = Reply(200, {"content-type": "text/plain"}, b"ok")
    redact = staticmethod(redact_form)
    verify = staticmethod(verify)
    parse = staticmethod(parse)
    refuse = staticmethod(refuse)


CONNECTOR = UnionPay()
