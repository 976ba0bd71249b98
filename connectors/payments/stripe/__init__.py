"""Stripe: payment intents, refunds, Checkout pages, webhooks with snapshot events, balance transactions."""

from __future__ import annotations

from connectors.payments._shared.profile import profile_of, with_limits
from connectors.payments.stripe.decode import decode_reply
from connectors.payments.stripe.encode import NAME, encode_command
from connectors.payments.stripe.webhook import answer, locate, open_document, parse, refuse, verify
from gateway.contract import Capabilities
from gateway.messages_payment import (
    Adjust,
    Authorise,
    Capture,
    Close,
    ContinueCharge,
    FetchStatement,
    PaymentAnswered,
    PaymentNotified,
    Purchase,
    QueryOperation,
    Refund,
    StatementReceived,
    Tokenise,
    Void,
)

# Keys are kept for 24 hours at least; the last one is left as a margin.
_REPLAY_S = 23 * 3600.0

CAPABILITIES = Capabilities(
    commands=frozenset(
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
    ),
    events=frozenset({PaymentAnswered, PaymentNotified, StatementReceived}),
    replay_s=_REPLAY_S,
)


class Stripe:
    """Both directions."""

    name = NAME

    def capabilities(self, profile: str) -> Capabilities:
        return with_limits(CAPABILITIES, profile_of(NAME, profile))

    encode = staticmethod(encode_command)
    decode = staticmethod(decode_reply)

    open = staticmethod(open_document)
    locate = staticmethod(locate)
    verify = staticmethod(verify)
    parse = staticmethod(parse)
    answer = staticmethod(answer)
    refuse = staticmethod(refuse)


CONNECTOR = Stripe()
