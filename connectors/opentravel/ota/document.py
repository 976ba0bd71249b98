"""A request read as far as it must be before its sender is known.

Small documents are parsed at once. Of long ones only the head is read: who sends what. The rest is streamed by
``parse``, when the sender has proved who they are, so that a stranger cannot make us read 20 MB. A SOAP envelope shows
by its root, and then the message is what stands in its Body; an envelope is always read whole.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from connectors.opentravel._shared.answers import Asked
from connectors.opentravel._shared.names import PROFILE_FOUND, READ, is_ours, value
from connectors.opentravel._shared.sender import Credentials, claimed
from connectors.opentravel._shared.soap_document import token_in
from connectors.opentravel.ota.profiles import asks_for_profiles
from gateway.contract import Document, Head
from gateway.errors import Unauthentic, Unsupported
from gateway.wire import body, xml
from gateway.wire.redact import redact
from gateway.wire.soap import Envelope, unwrap, version_of

SMALL_BYTES = 64 * 1024
_HEAD_ELEMENTS = frozenset(("POS",))


class OtaDocument(Document):
    """``tree`` is None for a long document, whose text is in ``data`` (UTF-8); ``envelope`` where it came in one.

    ``test`` says that its sender takes us for a test system, ``notes`` are what the answer has to tell them besides.
    """

    asked: Asked
    credentials: Credentials | Unauthentic | None
    data: bytes
    tree: xml.Node | None
    limits: xml.Limits
    envelope: Envelope | None = None
    test: bool = False
    notes: list[str] = msgspec.field(default_factory=list)


def read(head: Head, chunks: Iterable[bytes], bytes_max: int) -> OtaDocument:
    """Raises :class:`gateway.errors.Refusal`; credentials are only taken down, not checked."""
    limits = xml.Limits(bytes_max=bytes_max)
    data = xml.utf8(body.collect(chunks, head.headers.get("content-encoding", ""), bytes_max))
    tree = xml.read_tree(data, limits, is_utf8=True) if len(data) <= SMALL_BYTES else None
    root = tree if tree is not None else xml.peek(data, _HEAD_ELEMENTS, limits)
    envelope = None
    if version_of(root) is not None:
        envelope = unwrap(tree if tree is not None else xml.read_tree(data, limits, is_utf8=True))
        root = tree = envelope.payload
    name = xml.name_of(root)
    if not is_ours(root):
        raise Unsupported(f"{name} is not in the OpenTravel namespace", path=f"/{name}", line=1)
    # Trimming would change what has to be echoed unchanged.
    asked = Asked(name, root.get("EchoToken") or "", value(root, "PrimaryLangID"), _answer_to(name, root))
    return OtaDocument(
        root=name,
        archive=redact(data),
        asked=asked,
        credentials=_shown(head, root, envelope),
        data=data,
        tree=tree,
        limits=limits,
        envelope=envelope,
        test=value(root, "Target") == "Test",
    )


def _answer_to(name: str, root: xml.Node) -> str:
    """A profile is read like a reservation, and answered by a message of its own."""
    return PROFILE_FOUND if name == READ and asks_for_profiles(root) else ""


def _shown(head: Head, root: xml.Node, envelope: Envelope | None) -> Credentials | Unauthentic | None:
    """A UsernameToken comes first; a bad one waits for ``verify``, when it can be refused in an envelope."""
    if envelope is None:
        return claimed(head.headers, root)
    try:
        return token_in(envelope) or claimed(head.headers, root)
    except Unauthentic as error:
        return error
