"""Signatures of Standard Webhooks 1.0 (standardwebhooks.com): symmetric, ``v1``, HMAC-SHA256 over id, time and body."""

from __future__ import annotations

import base64
import binascii

from gateway.wire.signatures import hmac_sha256

_PREFIX = "whsec_"
_KEY_BYTES = range(24, 65)


def signing_key(secret: str) -> bytes:
    """``whsec_`` and 24 to 64 bytes in Base64, as the standard has it; raises ValueError for anything else."""
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith(_PREFIX) or len(key) not in _KEY_BYTES:
        raise ValueError("the secret of a webhook is whsec_ and 24 to 64 bytes in Base64")
    return key


def signed_headers(keys: tuple[bytes, ...], number: str, at_s: int, body: bytes) -> dict[str, str]:
    """The headers of a message, signed with every key: while a secret is changed, the receiver may know either.

    The receiver knows a repetition by ``number``, and refuses what is long ago by ``at_s`` (seconds since 1970).
    """
    content = f"{number}.{at_s}.".encode() + body
    signatures = (f"v1,{base64.b64encode(hmac_sha256(key, content)).decode()}" for key in keys)
    return {
        "content-type": "application/json",
        "webhook-id": number,
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join(signatures),
    }
