"""A callback as it came: signatures are over its exact bytes, so nothing is read before they are checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from gateway.contract import Document, Head
from gateway.errors import Malformed
from gateway.wire.body import collect

BODY_BYTES_MAX = 256 * 1024


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


def as_callback(document: Document) -> PaymentDocument:
    """The document as :func:`open_callback` made it."""
    if not isinstance(document, PaymentDocument):
        raise TypeError("a document is handed back to the connector that opened it")
    return document
