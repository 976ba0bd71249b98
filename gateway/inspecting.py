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

from gateway.contract import Inspected, Inspection, Inspector
from gateway.errors import Malformed, Reason, Refusal
from gateway.wire import body, xml

# No profile takes larger messages; what lies behind is not even read.
BYTES_MAX = 64 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024
_GZIP = b"\x1f\x8b"


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
        return Verdict(str(path), False, _message(data, error), _fault(error, ota_code(error.reason)))
    except OSError:
        raise
    except Exception as error:  # A fault of one connector must not keep the other files from being read.
        traceback.print_exc(file=sys.stderr)
        text = f"the connector failed: {type(error).__name__}"
        broken = Fault("failure", Reason.UNAVAILABLE.value, text, None, None)
        raise Broken(Verdict(str(path), False, None, broken)) from error
    return _accepted(path, found)


def _accepted(path: Path, found: Inspected) -> Verdict:
    encoded = None if found.encoded is None else found.encoded.decode()
    return Verdict(str(path), True, found.root, None, found.warnings, encoded)


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


def _message(data: bytes, error: Refusal) -> str | None:
    """The name of the message: where the fault lies, or what the document begins with."""
    if error.path:
        return error.path.split("/")[1].partition("[")[0]
    try:
        return xml.name_of(xml.peek(xml.utf8(data), frozenset()))
    except Malformed:
        return None


def _fault(error: Refusal, ota_code: str) -> Fault:
    """Whatever a room of ours has made of a kind of refusal, it is told as that kind."""
    kind = next(kind.__name__.lower() for kind in type(error).__mro__ if Refusal in kind.__bases__)
    return Fault(kind, error.reason.value, error.text, error.path, error.line, ota_code)
