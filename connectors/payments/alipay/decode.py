"""Alipay's replies. The signature is over the characters of one node, which is read only once they are proven.

10000 says that a call was processed, not that it did anything; what it did stands in the fields of each method.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import msgspec

from connectors.payments._shared import answers
from connectors.payments._shared.profile import PaymentProfile, profile_of
from connectors.payments._shared.replies import asked, decode, demand_up, sent_at
from connectors.payments.alipay.bill import decode_bill, decode_location
from connectors.payments.alipay.encode import NAME
from connectors.payments.alipay.errors import NOT_EXECUTED, error_of
from connectors.payments.alipay.nodes import Node
from connectors.payments.alipay.outcomes import outcome_of
from connectors.payments.alipay.signing import node_in, verify_node
from gateway.contract import Decoded, Reply, Request, Site
from gateway.errors import Malformed, OutcomeUnknown, Unauthentic
from gateway.messages import Command
from gateway.messages_payment import FetchStatement, PaymentAnswered, PaymentCommand, QueryOperation
from gateway.model.dates import Instant
from gateway.model.payment import OperationOutcome
from gateway.model.payment_error import PaymentError, retry_of
from gateway.model.payment_error import Retry as RetryRule

_WAIT_S = 5.0


class _Envelope(msgspec.Struct, frozen=True):
    sign: str = ""
    alipay_cert_sn: str = ""


def decode_reply(command: Command, request: Request, reply: Reply, site: Site) -> Decoded:
    """Raises as :func:`connectors.payments._shared.replies.decode` does."""
    profile = profile_of(NAME, site.profile)
    return decode(
        "Alipay",
        command,
        reply,
        lambda asked_for: _statement(asked_for, request, reply, site, profile),
        lambda sent: _answer(sent, request, reply, site, profile),
    )


def _answer(
    command: PaymentCommand, request: Request, reply: Reply, site: Site, profile: PaymentProfile
) -> PaymentAnswered:
    if reply.status != 200:
        return answers.unknown(asked(command), PaymentError.GATEWAY_ERROR, f"status {reply.status}")
    node, proven = _node(request, reply, site, sent_at(command))
    raw = " ".join(part for part in (node.code, node.sub_code, node.sub_msg or node.msg) if part)
    if not proven:
        if node.code in NOT_EXECUTED and not isinstance(command, QueryOperation):
            return answers.failed(asked(command), error_of(node.code, node.sub_code), raw)
        return answers.unknown(asked(command), PaymentError.SIGNATURE_INVALID, raw)
    if node.code == "10000":
        return outcome_of(command, node, _method(request), profile)
    if node.code == "10003":
        return PaymentAnswered(
            operation=asked(command), outcome=OperationOutcome.PENDING, psp=node.trade_no or node.auth_no, error_raw=raw
        )
    return _refused(command, error_of(node.code, node.sub_code), raw)


def _refused(command: PaymentCommand, error: PaymentError, raw: str) -> PaymentAnswered:
    """That a question was refused, or that it has happened already, says nothing about the operation itself."""
    if error is PaymentError.RATE_LIMITED:
        waiting = answers.unknown(asked(command), error, raw, retry_after_s=_WAIT_S)
        return msgspec.structs.replace(waiting, outcome=OperationOutcome.PENDING)
    if isinstance(command, QueryOperation) or retry_of(error) is RetryRule.QUERY:
        return answers.unknown(asked(command), error, raw)
    return answers.failed(asked(command), error, raw)


def _node(request: Request, reply: Reply, site: Site, at_ms: Instant) -> tuple[Node, bool]:
    """The node of the method, and whether it is proven."""
    try:
        body = reply.body.decode("utf-8")
        envelope = msgspec.json.decode(reply.body, type=_Envelope)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Malformed("the reply is no JSON") from None
    try:
        text = node_in(body, f"{_method(request).replace('.', '_')}_response")
    except Malformed:
        text = node_in(body, "error_response")
    try:
        verify_node(text, envelope.sign, envelope.alipay_cert_sn, site, at_ms)
        proven = True
    except Unauthentic:
        proven = False
    try:
        return msgspec.json.decode(text.encode(), type=Node), proven
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        raise Malformed("the node of the reply cannot be read") from None


def _method(request: Request) -> str:
    return parse_qs(urlsplit(request.url).query).get("method", [""])[0]


def _statement(command: FetchStatement, request: Request, reply: Reply, site: Site, profile: PaymentProfile) -> Decoded:
    demand_up(reply)
    if command.location:
        return decode_bill(command, reply, profile.amounts)
    if reply.status != 200:
        raise OutcomeUnknown(f"the statement was answered with status {reply.status}")
    node, proven = _node(request, reply, site, sent_at(command))
    if not proven:
        raise OutcomeUnknown("the address of a statement, without a signature that proves it")
    return decode_location(command, node)
