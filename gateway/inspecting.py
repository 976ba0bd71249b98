"""Reads messages from files as the server would read them, and says which it would take.

Nothing is stored and nobody is asked; :mod:`gateway.cli.inspect` is the command.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import msgspec

from gateway.contract_inspecting import Inspected, Inspection, Inspector
from gateway.errors import Malformed, Reason, Refusal
from gateway.wire import body, xml, xml_streams

# No profile takes larger messages; what lies behind is not even read.
BYTES_MAX = 64 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024
_GZIP = b"\x1f\x8b"
# Names and values are the sender's, as long as they like.
_TEXT_MAX, _PATH_MAX, _NAME_MAX = 500, 1000, 100


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a message is refused. ``kind`` is the class of the refusal, ``code`` its reason in the gateway's own words.

    ``ota`` is the error code of the OpenTravel list ERR that the reason is answered with.
    """

    kind: str
    code: str
    text: str
    path: str | None
    line: int | None
    ota: str = ""


class Verdict(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one file. ``message`` is the root's local name; None where nothing could be read."""

    file: str
    accepted: bool
    message: str | None
    error: Fault | None
    warnings: tuple[str, ...] = ()
    encoded: str | None = None


class Broken(Exception):
    """A connector raised what it must not raise: a fault of ours, told with its verdict."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.error.text if verdict.error else "")
        self.verdict = verdict


def inspect_file(
    path: Path, inspector: Inspector, inspection: Inspection, ota_code: Callable[[Reason], str]
) -> Verdict:
    """Raises OSError for a file that cannot be opened, and :class:`Broken`."""
    data = b""
    try:
        with path.open("rb") as file:
            data = _read(file)
        found = inspector.inspect(data, inspection)
    except Refusal as error:
        return _refused(path, data, error, ota_code(error.reason))
    except OSError:
        raise
    except Exception as error:  # A fault of one connector must not keep the other files from being read.
        traceback.print_exc(file=sys.stderr)
        text = f"the connector failed: {type(error).__name__}"
        broken = Fault("failure", Reason.UNAVAILABLE.value, text, None, None)
        raise Broken(Verdict(_name(path), False, None, broken)) from error
    return _accepted(path, found)


def unread(path: Path, error: OSError) -> Verdict:
    """For a file that cannot be opened; nothing is said of a message."""
    text = _cut(error.strerror or type(error).__name__, _TEXT_MAX)
    return Verdict(_name(path), False, None, Fault("failure", Reason.UNAVAILABLE.value, text, None, None))


def _name(path: Path) -> str:
    """As it was given; bytes that are no text become escapes."""
    return str(path).encode("utf-8", "backslashreplace").decode()


def _accepted(path: Path, found: Inspected) -> Verdict:
    encoded = None if found.encoded is None else found.encoded.decode()
    return Verdict(_name(path), True, found.root, None, found.warnings, encoded)


def _read(file: BinaryIO) -> bytes:
    """What the sender sent; a file that is packed is one with Content-Encoding gzip."""
    head = file.read(_CHUNK_BYTES)
    if head[:2] == _GZIP:
        return body.collect(_chunks(head, file), "gzip", BYTES_MAX)
    rest = file.read(BYTES_MAX + 1 - len(head)) if len(head) == _CHUNK_BYTES else b""
    if len(head) + len(rest) > BYTES_MAX:
        raise Malformed(f"the document is larger than {BYTES_MAX} bytes", Reason.TOO_LARGE)
    return head + rest if rest else head


def _chunks(head: bytes, file: BinaryIO) -> list[bytes]:
    return [head, file.read(BYTES_MAX)]


def _refused(path: Path, data: bytes, error: Refusal, ota_code: str) -> Verdict:
    """Whatever a room of ours has made of a kind of refusal, it is told as that kind."""
    kind = next(kind.__name__.lower() for kind in type(error).__mro__ if Refusal in kind.__bases__)
    where = error.path or "/" + "/".join(_open(data, error.reason))
    fault = Fault(kind, error.reason.value, _cut(error.text, _TEXT_MAX), _cut(where, _PATH_MAX), error.line, ota_code)
    message = where.split("/")[1].partition("[")[0]
    return Verdict(_name(path), False, _cut(message, _NAME_MAX) or None, fault)


def _open(data: bytes, reason: Reason) -> list[str]:
    """The elements that are open where a document stops being one; the root alone where that is not the fault.

    Of what is too large, or forbidden, only the beginning is looked at.
    """
    try:
        data = xml.utf8(data)
    except Malformed:
        return []
    if reason is not Reason.SYNTAX:
        return xml_streams.names_at_end(data[: xml.PEEK_BYTES])[:1]
    names = xml_streams.names_at_end(data)
    return names[2:] if len(names) > 2 and names[:2] == ["Envelope", "Body"] else names


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
