"""Adyen: Checkout API, standard webhooks, settlement detail reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from connectors.payments._shared.connector import PaymentConnector
from connectors.payments.adyen.decode import decode_reply
from connectors.payments.adyen.encode import NAME, encode_command
from connectors.payments.adyen.webhook import parse, refuse, verify
from gateway.contract import Reply
from gateway.messages_payment import (
    Adjust,
    Authorise,
    Capture,
    Close,
    ContinueCharge,
    FetchStatement,
    Purchase,
    QueryOperation,
    Refund,
    Tokenise,
    Void,
)


class Adyen(PaymentConnector):
    """Both directions."""

    name = NAME
    commands = frozenset(
        {
            Authorise,
            Purchase,
            ContinueCharge,
            Adjust,
            Capture,
            Void,
            Close,
            Refund,
            Tokenise,
            QueryOperation,
            FetchStatement,
        }
    )
    lossy: ClassVar[Mapping[str, str]] = {
        "query": "only payment links can be asked about; the result of everything else comes by webhook or replay"
    }
    # Copies of the documentation speak of 7 days and of 31.
    replay_s = 6 * 24 * 3600.0
    card_numbers = True

    encode = staticmethod(encode_command)
    decode = staticmethod(decode_reply)

    document = "notification"
    taken = Reply(200, {"content-type": "text/plain"}, b"[accepted]")
    verify = staticmethod(verify)
    parse = staticmethod(parse)
    refuse = staticmethod(refuse)


CONNECTOR = Adyen()
