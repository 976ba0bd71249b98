"""A request in a SOAP envelope: opened, its message taken out, its credentials found."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from connectors.opentravel._shared.answers import Asked
from connectors.opentravel._shared.names import is_ours, value
from gateway.contract import Document, Head
from gateway.errors import Reason
from gateway.wire import body, soap, wsse, xml
from gateway.wire.redact import redact
from gateway.wire.soap import Envelope, EnvelopeFault


class SoapDocument(Document):
    """``root`` and ``asked`` are those of the message inside the envelope."""

    asked: Asked
    envelope: Envelope


def open_envelope(head: Head, chunks: Iterable[bytes], bytes_max: int, operations: Collection[str]) -> SoapDocument:
    """Raises :class:`gateway.errors.Refusal`, with the version to answer in as soon as it is known."""
    soap.check_media_type(head.headers)
    data = xml.utf8(body.collect(chunks, head.headers.get("content-encoding", ""), bytes_max))
    envelope = soap.unwrap(xml.read_tree(data, xml.Limits(bytes_max=bytes_max)))
    name = xml.name_of(envelope.payload)
    if name not in operations or not is_ours(envelope.payload):
        told = f"unknown operation {soap.quoted(envelope.payload)}"
        path = f"/{soap.quoted(envelope.payload)}"
        raise EnvelopeFault(told, envelope.version, reason=Reason.NOT_IMPLEMENTED, path=path)
    return SoapDocument(name, redact(data), asked_in(envelope), envelope)


def asked_in(envelope: Envelope) -> Asked:
    """What the answer repeats. The token is not trimmed, since it is to be echoed unchanged."""
    root = envelope.payload
    return Asked(xml.name_of(root), root.get("EchoToken") or "", value(root, "PrimaryLangID"))


def token_in(envelope: Envelope) -> wsse.UsernameToken | None:
    """The credentials in the Header, None where there are none; raises :class:`gateway.errors.Unauthentic`."""
    blocks = [] if envelope.header is None else list(envelope.header)
    ours = [block for block in blocks if block.tag == wsse.SECURITY and soap.is_for_us(block, envelope.version)]
    return wsse.read_token(ours)
