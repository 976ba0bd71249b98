"""UnionPay of mainland China (ACP 5.1.0): pages, apps, QR codes, pre-authorisations, callbacks, clearing files."""

from __future__ import annotations

from connectors.payments._shared.profile import profile_of, with_limits
from connectors.payments.unionpay.decode import decode_reply
from connectors.payments.unionpay.encode import NAME, encode_command, hand_over
from connectors.payments.unionpay.webhook import answer, locate, open_document, parse, refuse, verify
from gateway.contract import Capabilities
from gateway.messages_payment import (
    Authorise,
    Capture,
    FetchStatement,
    PaymentAnswered,
    PaymentNotified,
    Purchase,
    QueryOperation,
    Refund,
    StatementReceived,
    Void,
)

# A repetition is refused as a duplicate, without saying what became of the first: nothing is ever replayed.
CAPABILITIES = Capabilities(
    commands=frozenset({Authorise, Purchase, Capture, Void, Refund, QueryOperation, FetchStatement}),
    events=frozenset({PaymentAnswered, PaymentNotified, StatementReceived}),
    lossy={"close": "an unpaid order ends by its deadline only; whoever pays after all has paid"},
)


class UnionPay:
    """Both directions, and the forms that browsers carry."""

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


CONNECTOR = UnionPay()
