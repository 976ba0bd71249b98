"""``GET /metrics`` in Prometheus' text format.

Open to this machine only, unless a token is set. A proxy on the same machine would make everybody look like it, so a
request that was handed on by one needs the token as well.
"""

from __future__ import annotations

import hmac
import ipaddress
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from gateway.flows.services import Services
from gateway.flows.standing import Standing
from gateway.io.metrics import CONTENT_TYPE

_HANDED_ON = ("x-forwarded-for", "forwarded", "x-real-ip", "via")


def metrics_route(services: Services) -> HTTPRouteHandler:
    """The route; what the database says is read at most every few seconds."""
    standing = Standing(services)

    @get("/metrics", include_in_schema=False)
    async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
        if not _may_read(request, services.metrics_token):
            text = b"figures are for this machine, or for the bearer of GATEWAY_METRICS_TOKEN\n"
            return Response(text, status_code=403, media_type="text/plain")
        return Response(services.metrics.render(await standing.families()), media_type=CONTENT_TYPE)

    return metrics


def _may_read(request: Request[Any, Any, Any], token: str) -> bool:
    if token:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())
    if any(name in request.headers for name in _HANDED_ON):
        return False
    client = request.client
    return client is not None and _is_loopback(client.host)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
