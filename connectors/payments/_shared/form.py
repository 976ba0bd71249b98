"""Form-encoded messages (``application/x-www-form-urlencoded``) read by hand.

Signatures are over the decoded values, so each is decoded exactly once, no value is dropped and none comes twice.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from urllib.parse import quote_plus, unquote_plus, unquote_to_bytes

from gateway.errors import Malformed
from gateway.wire.redact import mask_text

Fields = Mapping[str, str]

FIELDS_MAX = 200
SIGNATURE_BYTES_MIN = 256
_DIGITS_MIN = 13


def read_form(raw: bytes) -> dict[str, str]:
    """Name to value, in UTF-8; raises :class:`Malformed`, also for a name that comes twice."""
    parts = raw.split(b"&")
    if len(parts) > FIELDS_MAX:
        raise Malformed(f"more than {FIELDS_MAX} fields")
    found: dict[str, str] = {}
    for part in parts:
        name, equals, value = part.partition(b"=")
        if not equals or not name:
            raise Malformed("a field without name or value")
        key = _decoded(name)
        if key in found:
            raise Malformed(f"the field {key[:40]!r} comes twice")
        found[key] = _decoded(value)
    return found


def signed_text(fields: Fields, without: tuple[str, ...]) -> str:
    """``name=value`` sorted by name and joined with ``&``, values as they are; empty ones and ``without`` left out."""
    names = sorted(name for name, value in fields.items() if value and name not in without)
    return "&".join(f"{name}={fields[name]}" for name in names)


def demand_signature(fields: Fields, name: str) -> None:
    """Raises :class:`Malformed` where there is no signature at all, so that no cut-off message is ever half read."""
    try:
        found = b64decode(fields.get(name, ""), validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if len(found) < SIGNATURE_BYTES_MIN:
        raise Malformed("the message has no signature, or a part of one")


def redact_form(raw: bytes) -> bytes:
    """The form with card numbers masked, also where their groups are parted by encoded spaces."""
    return b"&".join(_redacted(part) for part in raw.split(b"&"))


def _redacted(part: bytes) -> bytes:
    if len(part) < _DIGITS_MIN:
        return part  # Too short for a card number, as most parts are.
    name, equals, value = part.partition(b"=")
    text = value.decode("utf-8", "replace")
    if b"%" in value or b"+" in value:
        text = unquote_plus(text, errors="replace")
    masked = mask_text(text)
    kept = mask_text(name.decode("utf-8", "replace")).encode() + equals
    return kept + (value if masked == text else quote_plus(masked).encode())


def _decoded(part: bytes) -> str:
    part = part.replace(b"+", b" ")
    try:
        return (unquote_to_bytes(part) if b"%" in part else part).decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("a field is not UTF-8") from None
