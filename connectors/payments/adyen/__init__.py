"""Adyen: Checkout API, standard webhooks, settlement detail reports."""

from __future__ import annotations

from connectors.payments._shared.profile import profile_of, with_limits
from connectors.payments.adyen.decode import decode_reply
from connectors.payments.adyen.encode import NAME, encode_command
from connectors.payments.adyen.webhook import answer, locate, open_document, parse, refuse, verify
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

# Copies of the documentation speak of 7 days and of 31.
_REPLAY_S = 6 * 24 * 3600.0

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
    lossy={"query": "only payment links can be asked about; the result of everything else comes by webhook or replay"},
    replay_s=_REPLAY_S,
)


class Adyen:
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


CONNECTOR = Adyen()
