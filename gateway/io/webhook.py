"""Notices to a program of the operator's, signed as Standard Webhooks 1.0 says (standardwebhooks.com)."""

from __future__ import annotations

from gateway.contract import Reply, Request
from gateway.wire.standard_webhooks import signed_headers, signing_key


def webhook(url: str, secret: str, number: str, at_s: int, body: bytes) -> Request:
    """The request; the receiver knows a repetition by ``number``. Raises ValueError for a secret that is none."""
    return Request("POST", url, signed_headers((signing_key(secret),), number, at_s, body), body)


def is_taken(reply: Reply) -> bool:
    """Whether the receiver has the notice; any 2xx says so."""
    return 200 <= reply.status < 300
