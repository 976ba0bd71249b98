"""The ASGI application."""

from __future__ import annotations

from litestar import Litestar, MediaType, Response, get
from litestar.datastructures import State

from gateway.flows.access.identity import Identity
from gateway.flows.services import Services
from gateway.web import problems
from gateway.web.api.routes import api_routes
from gateway.web.console.live import Live
from gateway.web.console.routes import console_routes
from gateway.web.inbound.endpoint import endpoint
from gateway.web.inbound.payments import payments_endpoint
from gateway.web.metrics import metrics_route
from gateway.web.reference import docs_routes

# First parts of paths that are taken; messages for a connector of such a name go to any other kind's address.
_TAKEN = frozenset({"console", "docs", "health", "metrics", "payments", "schema", "v1"})


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

    identity = Identity(services)
    pages = Live(services, identity)
    return Litestar(
        route_handlers=[
            live,
            ready,
            metrics_route(services),
            *(endpoint(services, kind) for kind in services.connectors.inbound_names() if kind not in _TAKEN),
            payments_endpoint(services),
            *api_routes(services, identity),
            *docs_routes(),
            *console_routes(services, identity, pages),
        ],
        exception_handlers={Exception: problems.answer},
        on_shutdown=[pages.close, identity.idle],
        state=State({"identity": identity, "pages": pages}),
        openapi_config=None,
        logging_config=None,
    )
