"""Notices to a program of the operator's, signed as Standard Webhooks 1.0 says (standardwebhooks.com)."""

from __future__ import annotations

import base64
import binascii

from gateway.contract import Reply, Request
from gateway.wire.signatures import hmac_sha256

_PREFIX = "whsec_"
_KEY_BYTES = range(24, 65)


def webhook(url: str, secret: str, number: str, at_s: int, body: bytes) -> Request:
    """The request; the receiver knows a repetition by ``number``. Raises ValueError for a secret that is none."""
    signature = base64.b64encode(hmac_sha256(signing_key(secret), f"{number}.{at_s}.".encode() + body)).decode()
    headers = {
        "content-type": "application/json",
        "webhook-id": number,
        "webhook-timestamp": str(at_s),
        "webhook-signature": f"v1,{signature}",
    }
    return Request("POST", url, headers, body)


def signing_key(secret: str) -> bytes:
    """``whsec_`` and 24 to 64 bytes in Base64, as the standard has it."""
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith(_PREFIX) or len(key) not in _KEY_BYTES:
        raise ValueError("the secret of a webhook is whsec_ and 24 to 64 bytes in Base64")
    return key


def is_taken(reply: Reply) -> bool:
    """Whether the receiver has the notice; any 2xx says so."""
    return 200 <= reply.status < 300
