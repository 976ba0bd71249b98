"""WS-Security UsernameToken with a PasswordText (OASIS WSS UsernameToken Profile 1.0), which is safe over TLS only.

A PasswordDigest is refused: checking one needs the password itself, and here only a digest of it is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gateway.errors import Unauthentic
from gateway.wire.xml import Node
from gateway.wire.xmlwrite import text

_OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
NAMESPACE = f"{_OASIS}wssecurity-secext-1.0.xsd"
PASSWORD_TEXT = f"{_OASIS}username-token-profile-1.0#PasswordText"
SECURITY = f"{{{NAMESPACE}}}Security"


class UsernameToken(NamedTuple):
    """What a sender shows, verbatim; nobody has checked it."""

    username: str
    password: str


def read_token(blocks: Sequence[Node]) -> UsernameToken | None:
    """The token in the Security headers that are addressed to us; None where there is no such header.

    Raises :class:`Unauthentic` unless there is exactly one of each part, and the password is in clear.
    """
    if not blocks:
        return None
    tokens = [node for block in blocks for node in block if node.tag == f"{{{NAMESPACE}}}UsernameToken"]
    if len(blocks) != 1 or len(tokens) != 1:
        raise Unauthentic("one Security header with one UsernameToken is needed")
    names, passwords = (tokens[0].findall(f"{{{NAMESPACE}}}{name}") for name in ("Username", "Password"))
    if len(names) != 1 or len(passwords) != 1:
        raise Unauthentic("a UsernameToken has one Username and one Password")
    # Without a type it is in clear (section 3.1 of the profile).
    if passwords[0].get("Type", PASSWORD_TEXT).strip() != PASSWORD_TEXT:
        raise Unauthentic("the password is taken as PasswordText, not as a digest")
    return UsernameToken(names[0].text or "", passwords[0].text or "")


def write_token(username: str, password: str) -> str:
    """The Security header, to go into an envelope's Header."""
    return (
        f'<wsse:Security xmlns:wsse="{NAMESPACE}"><wsse:UsernameToken>'
        f"<wsse:Username>{text(username)}</wsse:Username>"
        f'<wsse:Password Type="{PASSWORD_TEXT}">{text(password)}</wsse:Password>'
        "</wsse:UsernameToken></wsse:Security>"
    )
