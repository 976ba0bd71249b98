"""HTTP Basic credentials (RFC 7617), UTF-8."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode

from gateway.errors import Unauthentic

CHALLENGE = 'Basic realm="gateway", charset="UTF-8"'


def compose_basic(username: str, password: str) -> str:
    """The value of an Authorization header."""
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode("ascii")


def parse_basic(header: str) -> tuple[str, str]:
    """Username and password of an Authorization header; raises :class:`Unauthentic` if it cannot be read."""
    scheme, _, credentials = header.strip().partition(" ")
    if scheme.lower() != "basic":
        raise Unauthentic(f"the authorization scheme {scheme[:20]!r} is not taken here")
    try:
        username, colon, password = b64decode(credentials.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise Unauthentic("the credentials are not readable") from None
    if not colon:
        raise Unauthentic("the credentials are not readable")
    return username, password
