"""A request taken apart: headers, the two parts of its form, and the message (protocol sheet, section 1.1)."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.opentravel._shared.sender import Credentials
from connectors.opentravel.alpinebits.actions import ACTIONS, HANDSHAKE, HOUSEKEEPING
from connectors.opentravel.alpinebits.profile import BODY_BYTES_MAX
from connectors.opentravel.alpinebits.terms import VERSIONS
from gateway.contract import Document, Head
from gateway.errors import Malformed, Reason, Refusal, Unsupported
from gateway.wire import body, xml
from gateway.wire.http_auth import parse_basic
from gateway.wire.multipart_form import read_parts
from gateway.wire.redact import redact

VERSION_HEADER = "x-alpinebits-clientprotocolversion"
ACCEPTS_HEADER = "x-alpinebits-server-accept-encoding"
_LIMITS = xml.Limits(bytes_max=BODY_BYTES_MAX)
_ACTION_BYTES_MAX = 200


class AlpineBitsDocument(Document):
    """``version`` is the client's, as its header says; ``tree`` is None for housekeeping, which sends no message.

    ``unreadable`` keeps what is wrong with credentials until they are asked for, and ``notes`` what the sender is to
    hear although the message was taken.
    """

    action: str
    version: str
    credentials: Credentials | None
    unreadable: Refusal | None
    tree: xml.Node | None
    notes: list[str]

    @property
    def message(self) -> xml.Node:
        """The root of the message."""
        if self.tree is None:
            raise Malformed(f"the action {self.action} has no message")
        return self.tree


def read(head: Head, chunks: Iterable[bytes]) -> AlpineBitsDocument:
    """Raises :class:`gateway.errors.Refusal`; credentials are only taken down, not checked."""
    data = body.collect(chunks, head.headers.get("content-encoding", ""), BODY_BYTES_MAX)
    parts = read_parts(head.headers.get("content-type", ""), data)
    version = head.headers.get(VERSION_HEADER, "").strip()
    if not version:
        raise Malformed("X-AlpineBits-ClientProtocolVersion is missing", Reason.REQUIRED_MISSING)
    action = _action(parts.get("action", b""), version)
    tree = None if action in HOUSEKEEPING else _message(parts.get("request"), action, version)
    credentials, unreadable = _credentials(head.headers.get("authorization", ""))
    return AlpineBitsDocument(
        root=xml.name_of(tree) if tree is not None else action,
        archive=redact(parts["request"]) if tree is not None else action.encode(),
        action=action,
        version=version,
        credentials=credentials,
        unreadable=unreadable,
        tree=tree,
        notes=[],
    )


def _action(text: bytes, version: str) -> str:
    action = text[:_ACTION_BYTES_MAX].decode("utf-8", "replace").strip()
    if action in HOUSEKEEPING:
        return action
    known = ACTIONS.get(action)
    if known is None:
        raise Unsupported("unknown or missing action")
    if action != HANDSHAKE and (version not in VERSIONS or not known.is_in(version)):
        raise Unsupported(f"the action {action} is not taken in version {version[:20]!r}")
    return action


def _message(request: bytes | None, action: str, version: str) -> xml.Node:
    if request is None:
        raise Malformed("the part 'request' is missing", Reason.REQUIRED_MISSING)
    root = xml.read_tree(request, _LIMITS)
    if xml.name_of(root) != ACTIONS[action].request:
        name = xml.name_of(root)
        raise Unsupported(f"{name} is not the request of {action}", path=f"/{name}", line=1)
    return root


def _credentials(header: str) -> tuple[Credentials | None, Refusal | None]:
    if not header:
        return None, None
    try:
        return parse_basic(header), None
    except Refusal as refusal:
        return None, refusal
