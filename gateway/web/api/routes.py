"""All endpoints of the API, and where they are mounted."""

from __future__ import annotations

from functools import cache

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from gateway.flows.access.identity import Identity
from gateway.flows.services import Services
from gateway.web.api import (
    access,
    calendar,
    cards,
    connections,
    held,
    importing,
    mappings,
    messages,
    payment_steps,
    payments,
    properties,
    reservations,
    sale_payments,
    selling,
    statements,
)
from gateway.web.api.endpoints import JSON, Endpoint
from gateway.web.api.openapi import document
from gateway.web.api.serving import PREFIX, routes_of

SUBJECTS = (
    properties.ENDPOINTS,
    calendar.ENDPOINTS,
    held.ENDPOINTS,
    connections.ENDPOINTS,
    mappings.ENDPOINTS,
    reservations.ENDPOINTS,
    cards.ENDPOINTS,
    messages.ENDPOINTS,
    importing.ENDPOINTS,
    selling.ENDPOINTS,
    sale_payments.ENDPOINTS,
    statements.ENDPOINTS,
    payments.ENDPOINTS,
    payment_steps.ENDPOINTS,
    access.ENDPOINTS,
)


def all_endpoints() -> list[Endpoint]:
    return [endpoint for subject in SUBJECTS for endpoint in subject.all]


def api_routes(services: Services, identity: Identity) -> list[HTTPRouteHandler]:
    """The endpoints, and ``/schema``, the document that describes them."""
    return [*routes_of(all_endpoints(), services, identity), _schema]


@get("/schema", media_type=JSON, sync_to_thread=False)
def _schema() -> Response[bytes]:
    return Response(schema_json(), headers={"cache-control": "no-cache", "x-content-type-options": "nosniff"})


@cache
def schema_json() -> bytes:
    """The OpenAPI document."""
    return msgspec.json.encode(document(SUBJECTS, PREFIX))
