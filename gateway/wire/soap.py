"""SOAP 1.1 and 1.2 envelopes: recognised, opened, written, and their faults (W3C notes SOAP 1.1 and SOAP 1.2 part 1).

A message is known by the qualified name of the one child of Body. SOAPAction is not looked at: it is often empty or
wrong, and an intermediary's business. The answer goes out in the version of the envelope that came in.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from gateway.errors import Malformed, Reason, Refusal, Unsupported
from gateway.wire.wsse import SECURITY
from gateway.wire.xml import Node, name_of
from gateway.wire.xmlwrite import attribute, text

_QUOTED_CHARS_MAX = 100
_MEDIA_TYPES = frozenset(("text/xml", "application/xml", "application/soap+xml"))
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NEXT = frozenset(
    (
        "http://schemas.xmlsoap.org/soap/actor/next",
        "http://www.w3.org/2003/05/soap-envelope/role/next",
        "http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver",
    )
)


class Version(StrEnum):
    """The version of an envelope, which is told by its namespace."""

    V11 = "1.1"
    V12 = "1.2"

    @property
    def namespace(self) -> str:
        return _NAMESPACES[self]

    @property
    def content_type(self) -> str:
        media_type = "text/xml" if self is Version.V11 else "application/soap+xml"
        return f"{media_type}; charset=utf-8"

    def headers(self, action: str) -> dict[str, str]:
        """The headers of a request: SOAPAction, quoted, in 1.1; a parameter of the media type in 1.2."""
        if self is Version.V11:
            return {"content-type": self.content_type, "soapaction": f'"{action}"'}
        return {"content-type": f'{self.content_type}; action="{action}"'}


_NAMESPACES = {
    Version.V11: "http://schemas.xmlsoap.org/soap/envelope/",
    Version.V12: "http://www.w3.org/2003/05/soap-envelope",
}
_VERSIONS = {f"{{{namespace}}}Envelope": version for version, namespace in _NAMESPACES.items()}


class FaultCode(StrEnum):
    """Whose fault it is, in the words of 1.2; :func:`write_fault` translates for 1.1."""

    SENDER = "Sender"
    RECEIVER = "Receiver"
    MUST_UNDERSTAND = "MustUnderstand"
    VERSION_MISMATCH = "VersionMismatch"


_CODES_11 = {FaultCode.SENDER: "Client", FaultCode.RECEIVER: "Server"}
_CODES = {word: code for code, word in _CODES_11.items()} | {code.value: code for code in FaultCode}


class EnvelopeFault(Malformed):
    """The envelope keeps its message from being read; ``code`` and ``version`` are for the fault that says so."""

    def __init__(
        self,
        told: str,
        version: Version = Version.V11,
        code: FaultCode = FaultCode.SENDER,
        reason: Reason = Reason.SYNTAX,
        *,
        path: str | None = None,
        line: int | None = None,
    ) -> None:
        super().__init__(told, reason, path=path, line=line)
        self.version = version
        self.code = code


class Envelope(msgspec.Struct, frozen=True):
    """An opened envelope: its Header, where there is one, and the message in its Body."""

    version: Version
    header: Node | None
    payload: Node


class Fault(msgspec.Struct, frozen=True):
    """A fault of theirs; ``code`` is None where it is none of the standard's."""

    code: FaultCode | None
    text: str


# --- reading ----------------------------------------------------------------------------------------------------------


def check_media_type(headers: Mapping[str, str]) -> None:
    """Raises :class:`Unsupported` for what cannot be an envelope alone, such as one with attachments (MTOM)."""
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type and media_type not in _MEDIA_TYPES:
        raise Unsupported(f"the content type {media_type[:_QUOTED_CHARS_MAX]!r} is not taken")


def version_of(root: Node) -> Version | None:
    """The version of the envelope that ``root`` is; None where it is none."""
    tag: Any = root.tag
    return _VERSIONS.get(tag)


def unwrap(root: Node) -> Envelope:
    """Opens the envelope; raises :class:`EnvelopeFault` unless there is exactly one message in it."""
    version = version_of(root)
    if version is None:
        wrong = name_of(root) == "Envelope"
        code = FaultCode.VERSION_MISMATCH if wrong else FaultCode.SENDER
        what = "an envelope of no known version" if wrong else f"{quoted(root)}, not a SOAP envelope"
        raise EnvelopeFault(f"the document is {what}", code=code, path=f"/{name_of(root)[:_QUOTED_CHARS_MAX]}", line=1)
    headers = [node for node in root if node.tag == f"{{{version.namespace}}}Header"]
    bodies = [node for node in root if node.tag == f"{{{version.namespace}}}Body"]
    if len(bodies) != 1 or len(headers) > 1:
        told = f"an envelope has one Body and at most one Header, not {len(bodies)} and {len(headers)}"
        raise EnvelopeFault(told, version, path="/Envelope", line=_line(root))
    if len(bodies[0]) != 1:
        told = f"Body holds one message, not {len(bodies[0])}"
        raise EnvelopeFault(told, version, path="/Envelope/Body", line=_line(bodies[0]))
    header = headers[0] if headers else None
    for block in header if header is not None else ():
        _check_understood(block, version)
    return Envelope(version, header, bodies[0][0])


def _check_understood(block: Node, version: Version) -> None:
    """WS-Security is the one header that is understood here."""
    must = block.get(f"{{{version.namespace}}}mustUnderstand", "").strip() in ("1", "true")
    if must and block.tag != SECURITY and is_for_us(block, version):
        told = f"the header {quoted(block)} is not understood here"
        path = f"/Envelope/Header/{name_of(block)[:_QUOTED_CHARS_MAX]}"
        raise EnvelopeFault(told, version, FaultCode.MUST_UNDERSTAND, path=path, line=_line(block))


def is_for_us(block: Node, version: Version) -> bool:
    """Whether a header block is addressed to whoever reads it last, or to nobody in particular."""
    name = "actor" if version is Version.V11 else "role"
    receiver = block.get(f"{{{version.namespace}}}{name}", "").strip()
    return not receiver or receiver in _NEXT


def quoted(node: Node) -> str:
    """The qualified name, short enough for an error's text."""
    return str(node.tag)[:_QUOTED_CHARS_MAX]


def _line(node: Node) -> int | None:
    return int(node.sourceline or 0) or None


def read_fault(envelope: Envelope) -> Fault | None:
    """The fault in an envelope; None where it carries a message."""
    payload, space = envelope.payload, envelope.version.namespace
    if payload.tag != f"{{{space}}}Fault":
        return None
    if envelope.version is Version.V11:
        # Its children are in no namespace; some senders qualify them all the same.
        code, told = payload.findtext("{*}faultcode"), payload.findtext("{*}faultstring")
    else:
        code = payload.findtext(f"{{{space}}}Code/{{{space}}}Value")
        told = payload.findtext(f"{{{space}}}Reason/{{{space}}}Text")
    word = (code or "").strip().rpartition(":")[2].partition(".")[0]
    return Fault(_CODES.get(word), (told or word or "a fault without a word").strip())


# --- writing ----------------------------------------------------------------------------------------------------------


def wrap(content: bytes, version: Version, header: str = "") -> bytes:
    """An envelope around a document of ours, whose XML declaration is taken off; ``header`` is XML already."""
    inner = content.removeprefix(_DECLARATION.encode()).decode()
    head = f"<soap:Header>{header}</soap:Header>" if header else "<soap:Header/>"
    return _envelope(version, f"{head}<soap:Body>{inner}</soap:Body>")


def write_fault(version: Version, code: FaultCode, told: str, detail: bytes = b"") -> bytes:
    """A fault; ``detail`` is a document of ours. ``told`` may not hold what XML cannot."""
    inner = detail.removeprefix(_DECLARATION.encode()).decode()
    if version is Version.V11:
        word = _CODES_11.get(code, code.value)
        said = f"<faultcode>soap:{word}</faultcode><faultstring>{text(told)}</faultstring>"
        said += f"<detail>{inner}</detail>" if inner else ""
    else:
        said = f"<soap:Code><soap:Value>soap:{code.value}</soap:Value></soap:Code>"
        said += f'<soap:Reason><soap:Text xml:lang="en">{text(told)}</soap:Text></soap:Reason>'
        said += f"<soap:Detail>{inner}</soap:Detail>" if inner else ""
    return _envelope(version, f"<soap:Body><soap:Fault>{said}</soap:Fault></soap:Body>")


def fault_status(version: Version, code: FaultCode) -> int:
    """The HTTP status of a fault: always 500 in 1.1; in 1.2 400 where the sender has to change something."""
    return 400 if version is Version.V12 and code is FaultCode.SENDER else 500


def fault_of(error: Refusal) -> tuple[Version, FaultCode]:
    """Version and code of the fault for an error of a message whose envelope may never have been read."""
    if isinstance(error, EnvelopeFault):
        return error.version, error.code
    return Version.V11, FaultCode.RECEIVER if error.reason is Reason.UNAVAILABLE else FaultCode.SENDER


def _envelope(version: Version, content: str) -> bytes:
    opening = f'<soap:Envelope xmlns:soap="{attribute(version.namespace)}">'
    return f"{_DECLARATION}{opening}{content}</soap:Envelope>".encode()
