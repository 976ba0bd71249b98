"""The ASGI application."""

from __future__ import annotations

from litestar import Litestar, MediaType, Response, get

from gateway.flows.services import Services
from gateway.web.inbound.endpoint import endpoint

INBOUND_KINDS = ("opentravel",)


def create_app(services: Services) -> Litestar:
    """All routes over the given services."""

    @get("/health/live", media_type=MediaType.TEXT, sync_to_thread=False)
    def live() -> str:
        return "alive\n"

    @get("/health/ready", media_type=MediaType.TEXT)
    async def ready() -> Response[str]:
        """Ready once the database answers."""
        await services.database.read(lambda tx: tx.fetch("SELECT 1"))
        return Response("ready\n")

    return Litestar(
        route_handlers=[live, ready, *(endpoint(services, kind) for kind in INBOUND_KINDS)],
        openapi_config=None,
        logging_config=None,
    )
