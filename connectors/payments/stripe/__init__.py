"""Stripe: payment intents, refunds, Checkout pages, webhooks with snapshot events, balance transactions."""

from __future__ import annotations

from connectors.payments._shared.connector import PaymentConnector
from connectors.payments.stripe.decode import decode_reply
from connectors.payments.stripe.encode import NAME, encode_command
from connectors.payments.stripe.webhook import parse, refuse, verify, without_secrets
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


class Stripe(PaymentConnector):
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
    # Keys are kept for 24 hours at least; the last one is left as a margin.
    replay_s = 23 * 3600.0
    card_numbers = True

    encode = staticmethod(encode_command)
    decode = staticmethod(decode_reply)

    document = "event"
    taken = Reply(200, {}, b"")
    redact = staticmethod(without_secrets)
    verify = staticmethod(verify)
    parse = staticmethod(parse)
    refuse = staticmethod(refuse)


CONNECTOR = Stripe()
