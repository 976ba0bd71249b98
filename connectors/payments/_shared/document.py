"""A callback as it came: signatures are over its exact bytes, so nothing is read before they are checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from gateway.contract import Document, Head
from gateway.errors import Malformed, Reason, Refusal
from gateway.messages_payment import Inquiry, PaymentNotified
from gateway.model.payment import Fact
from gateway.wire.body import collect

BODY_BYTES_MAX = 256 * 1024
_STATUS = {Reason.TOO_LARGE: 413, Reason.UNAVAILABLE: 500}
_APART = {Reason.AUTHENTICATION: 401, Reason.AUTHORIZATION: 403}

Read = tuple[tuple[Fact, ...], tuple[Inquiry, ...], str]
"""What a callback says: facts, what to ask before concluding anything, and why a person has to look at it."""


class PaymentDocument(Document):
    """``raw`` are the bytes that were signed; ``verified_with`` is the id of the key that proved them, once one has."""

    raw: bytes
    headers: Mapping[str, str]
    path: str
    verified_with: str = ""


def open_callback(head: Head, chunks: Iterable[bytes], root: str, redact: Callable[[bytes], bytes]) -> PaymentDocument:
    """Collected, capped, nothing parsed. ``redact`` makes the copy to keep."""
    raw = collect(chunks, head.headers.get("content-encoding", ""), BODY_BYTES_MAX)
    if not raw.strip():
        raise Malformed("the body is empty")
    return PaymentDocument(root, redact(raw), raw, head.headers, head.path)


def one_event(account: str, dedupe: str, name: str, read: Callable[[], Read]) -> tuple[PaymentNotified]:
    """The event a callback tells of; what cannot be understood of a genuine one is left to a person."""
    try:
        facts, inquiries, park = read()
    except Refusal as refusal:
        facts, inquiries, park = (), (), refusal.text
    return (PaymentNotified(account=account, dedupe=dedupe, name=name, facts=facts, inquiries=inquiries, park=park),)


def status_of(error: Refusal, *, apart: bool = False) -> int:
    """The HTTP status of a refusal; ``apart`` tells those who do not prove who they are from those who may not."""
    return (_STATUS | _APART if apart else _STATUS).get(error.reason, 400)


def as_callback(document: Document) -> PaymentDocument:
    """The document as :func:`open_callback` made it."""
    if not isinstance(document, PaymentDocument):
        raise TypeError("a document is handed back to the connector that opened it")
    return document
