"""AlpineBits messages travel in a form; the fixtures are the messages, and this puts them into one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from connectors.opentravel.alpinebits import AlpineBits
from connectors.opentravel.alpinebits.actions import ACTIONS
from gateway.contract import Document, Head

_BOUNDARY = "fixture-boundary"
_BY_ROOT = {action.request: action for action in reversed(ACTIONS.values())}
_FILE = (
    f'--{_BOUNDARY}\r\ncontent-disposition: form-data; name="Request"; filename="request.xml"\r\n'
    "Content-Type: text/xml\r\n\r\n"
)


class InForm(AlpineBits):
    """A body that is no form becomes the part ``request`` of one, with the action that the root belongs to."""

    def __init__(self, version: str) -> None:
        self._version = version

    def open(self, head: Head, chunks: Iterable[bytes]) -> Document:
        if head.headers.get("content-type", "").startswith("multipart/"):
            return super().open(head, chunks)
        headers = {
            **head.headers,
            "content-type": f"multipart/form-data; boundary={_BOUNDARY}",
            "x-alpinebits-clientprotocolversion": self._version,
        }
        return super().open(Head(head.method, head.path, headers), self._form(chunks))

    def _form(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The action stands behind the message, so that the message can pass through."""
        seen = b""
        yield _FILE.encode()
        for chunk in chunks:
            seen = (seen + chunk)[:500]
            yield chunk
        action = next(
            (one for root, one in _BY_ROOT.items() if f"<{root} ".encode() in seen), ACTIONS["OTA_Ping:Handshaking"]
        )
        yield f'\r\n--{_BOUNDARY}\r\nContent-Disposition: form-data; name="ACTION"\r\n\r\n{action.name}\r\n'.encode()
        yield f"--{_BOUNDARY}--\r\n".encode()
