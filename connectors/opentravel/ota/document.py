"""A request read as far as it must be before its sender is known.

Small documents are parsed at once. Of long ones only the head is read: who sends what. The rest is streamed by
``parse``, when the sender has proved who they are, so that a stranger cannot make us read 20 MB.
"""

from __future__ import annotations

from collections.abc import Iterable

from connectors.opentravel._shared.answers import Asked
from connectors.opentravel._shared.names import is_ours, value
from connectors.opentravel._shared.sender import Credentials, claimed
from gateway.contract import Document, Head
from gateway.errors import Unsupported
from gateway.wire import body, xml
from gateway.wire.redact import redact

SMALL_BYTES = 64 * 1024
_HEAD_ELEMENTS = frozenset(("POS",))


class OtaDocument(Document):
    """``tree`` is None for a long document, whose text is in ``data`` (UTF-8)."""

    asked: Asked
    credentials: Credentials | None
    data: bytes
    tree: xml.Node | None
    limits: xml.Limits


def read(head: Head, chunks: Iterable[bytes], bytes_max: int) -> OtaDocument:
    """Raises :class:`gateway.errors.Refusal`; credentials are only taken down, not checked."""
    limits = xml.Limits(bytes_max=bytes_max)
    data = xml.utf8(body.collect(chunks, head.headers.get("content-encoding", ""), bytes_max))
    tree = xml.read_tree(data, limits) if len(data) <= SMALL_BYTES else None
    root = tree if tree is not None else xml.peek(data, _HEAD_ELEMENTS, limits)
    name = xml.name_of(root)
    if not is_ours(root):
        raise Unsupported(f"{name} is not in the OpenTravel namespace", path=f"/{name}", line=1)
    # Trimming would change what has to be echoed unchanged.
    asked = Asked(name, root.get("EchoToken") or "", value(root, "PrimaryLangID"))
    return OtaDocument(
        root=name,
        archive=redact(data),
        asked=asked,
        credentials=claimed(head.headers, root),
        data=data,
        tree=tree,
        limits=limits,
    )
