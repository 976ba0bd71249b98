"""Who sends: HTTP Basic, or RequestorID with MessagePassword where there is no header (sheet, section 1)."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from connectors.opentravel._shared.names import every, value
from gateway.contract import Site
from gateway.errors import Unauthentic
from gateway.wire.http_auth import parse_basic
from gateway.wire.xml import Node

Credentials = tuple[str, str]


def claimed(headers: Mapping[str, str], root: Node) -> Credentials | None:
    """Username and password as shown, None when none are; raises :class:`Unauthentic` for an unreadable header."""
    header = headers.get("authorization", "")
    if header:
        return parse_basic(header)
    for source in every(root, "POS", "Source"):
        for requestor in every(source, "RequestorID"):
            if password := value(requestor, "MessagePassword"):
                return value(requestor, "ID"), password
    return None


def verify(credentials: Credentials | None, site: Site) -> None:
    """Raises :class:`Unauthentic`. Takes the same time whichever of the two is wrong."""
    if credentials is None:
        raise Unauthentic("credentials are needed")
    if site.check_inbound is None or not site.inbound_username:
        raise Unauthentic("this connection takes no messages")
    username, password = credentials
    known = hmac.compare_digest(username.encode(), site.inbound_username.encode())
    if not (site.check_inbound(password) and known):
        raise Unauthentic("the credentials are wrong")
