"""Where a statement may be fetched from: an address in a reply is followed only to hosts we know."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

from gateway.contract import Site
from gateway.errors import Reason, Rejected


def known_location(location: str, site: Site, allowed: Iterable[str]) -> SplitResult:
    """The address in its parts; raises :class:`Rejected`.

    ``allowed`` are host names, with a point in front for all hosts below one. The account's own address is known too,
    with the scheme and port it has; everywhere else only HTTPS on its usual port is.
    """
    try:
        parts = urlsplit(location)
        port = parts.port
    except ValueError:
        raise Rejected("the address of the statement cannot be read", Reason.INVALID_VALUE) from None
    own = urlsplit(site.url)
    if site.url and (parts.scheme, parts.netloc) == (own.scheme, own.netloc):
        return parts
    host = parts.hostname or ""
    known = any(host == name or (name.startswith(".") and host.endswith(name)) for name in allowed)
    if not known or parts.scheme != "https" or port not in (None, 443) or parts.username is not None:
        raise Rejected("the address of the statement is not one of the gateway's hosts", Reason.INVALID_VALUE)
    return parts
