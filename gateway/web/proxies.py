"""Proxies in front of us: which of them may say where a request comes from and whether it came over TLS.

Only a request whose socket ends at a proxy that is named is looked at. Of ``X-Forwarded-For`` the right-most address
that is no such proxy counts: whatever stands to the left of it was written by the sender. From then on that is the
address of the request everywhere: for the networks of keys, for counting failures, and in the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware


def behind(app: Any, proxies: Sequence[str]) -> Any:
    """The ASGI application behind these networks (CIDR); itself where none is named."""
    return ProxyHeadersMiddleware(app, list(proxies)) if proxies else app
