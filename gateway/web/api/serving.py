"""An endpoint as a route: who is asking, may they, what do they ask, and the answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any, cast

import msgspec
from litestar import Request, Response, route
from litestar.handlers import HTTPRouteHandler
from litestar.types import Method

from gateway.errors import NotFound, Reason, Refusal, Unauthentic
from gateway.flows.access.identity import Identity
from gateway.flows.access.rights import require
from gateway.flows.once import Answered, Once, UnderWay
from gateway.flows.services import Services
from gateway.model.access import Principal
from gateway.store.database import Transaction
from gateway.web.api import reading
from gateway.web.api.endpoints import JSON, Answer, Call, Endpoint, Repeat
from gateway.web.api.shapes import show
from gateway.web.callers import principal_of

PREFIX = "/v1"
_COMMON = {"x-content-type-options": "nosniff"}
_encode = msgspec.json.Encoder().encode


class Reply(msgspec.Struct, frozen=True):
    """An answer as it goes out, and as it is kept for a repetition."""

    status: int
    headers: dict[str, str]
    body: str

    def response(self, **more: str) -> Response[bytes]:
        return Response(
            self.body.encode(), status_code=self.status, media_type=JSON, headers={**_COMMON, **self.headers, **more}
        )


def routes_of(endpoints: Sequence[Endpoint], services: Services, identity: Identity) -> list[HTTPRouteHandler]:
    """The endpoints below :data:`PREFIX`: one route for each path, so that its OPTIONS names all its methods."""
    by_path: dict[str, dict[str, Endpoint]] = {}
    for endpoint in endpoints:
        by_path.setdefault(endpoint.path, {})[endpoint.method] = endpoint
    return [_route(path, by_method, services, identity) for path, by_method in by_path.items()]


def _route(path: str, by_method: dict[str, Endpoint], services: Services, identity: Identity) -> HTTPRouteHandler:
    @route(
        PREFIX + path.replace("}", ":str}"),
        http_method=cast("list[Method]", list(by_method)),
        name=path,
        request_max_body_size=max(endpoint.body_bytes_max for endpoint in by_method.values()),
        status_code=200,  # of nothing: every answer says its own
    )
    async def handle(request: Request[Any, Any, Any]) -> Response[bytes]:
        endpoint = by_method[request.method]
        principal = await principal_of(identity, request)
        names = _path(request)
        _check(endpoint, principal, names)
        return await _respond(endpoint, services, identity, principal, names, request)

    return handle


def _path(request: Request[Any, Any, Any]) -> dict[str, str]:
    if any("\0" in value for value in request.path_params.values()):
        raise NotFound("nothing here has U+0000 in its name")
    return dict(request.path_params)


def _check(endpoint: Endpoint, principal: Principal, path: dict[str, str]) -> None:
    """Endpoints without a property in their path look for themselves where the caller may do it."""
    if endpoint.action is None:
        return
    if "property" in path:
        require(principal, endpoint.action, path["property"])
    elif principal.where(endpoint.action) == frozenset():
        text = f"this takes a role that may {endpoint.action.value.replace('_', ' ')}"
        raise Unauthentic(text, Reason.AUTHORIZATION)


async def _respond(
    endpoint: Endpoint,
    services: Services,
    identity: Identity,
    principal: Principal,
    path: dict[str, str],
    request: Request[Any, Any, Any],
) -> Response[bytes]:
    raw_query: bytes = request.scope["query_string"]
    query = reading.read_query(endpoint, raw_query)
    if_match = reading.read_if_match(endpoint, request.headers)
    key = reading.read_idempotency_key(endpoint, request.headers)
    raw = b"" if endpoint.method == "GET" else await request.body()
    body, media_type = reading.read_body(endpoint, request.headers.get("content-type", ""), raw)
    call: Call[Any, Any] = Call(services, identity, principal, path, query, body, raw, media_type, if_match, None)
    if key is not None:
        digest = reading.request_digest(endpoint.method, request.url.path, raw_query, media_type, raw)
        return await _once(endpoint, call, Once(services, principal.id, key, digest))
    answer = await endpoint.run(call)
    if endpoint.method == "GET" and answer.etag is not None and reading.is_not_modified(request.headers, answer.etag):
        return Response(b"", status_code=HTTPStatus.NOT_MODIFIED, headers={**_COMMON, **_headers(endpoint, answer)})
    return _reply(endpoint, answer).response()


def _reply(endpoint: Endpoint, answer: Answer) -> Reply:
    body = "" if endpoint.answer is None else _encode(show(answer.value)).decode()
    return Reply(endpoint.status, _headers(endpoint, answer), body)


def _headers(endpoint: Endpoint, answer: Answer) -> dict[str, str]:
    # What is shown is somebody's own; with an ETag it may be kept, but has to be asked for again.
    headers = {"cache-control": "no-store" if answer.etag is None else "private, no-cache"}
    if answer.etag is not None:
        headers["etag"] = f'"{answer.etag}"'
    if answer.location is not None:
        headers["location"] = PREFIX + answer.location
    return headers


# --- once -------------------------------------------------------------------------------------------------------------


async def _once(endpoint: Endpoint, call: Call[Any, Any], once: Once) -> Response[bytes]:
    if (kept := await once.answer()) is None:
        try:
            return (await _RUN[endpoint.repeat](endpoint, call, once)).response()
        except Answered:
            kept = await once.answer()
    if kept is None:
        # Whoever was quicker has given it up meanwhile.
        raise UnderWay
    return msgspec.json.decode(kept, type=Reply).response(**{"idempotency-replayed": "true"})


async def _kept(endpoint: Endpoint, call: Call[Any, Any], once: Once) -> Reply:
    async def keep(tx: Transaction, answer: Answer) -> None:
        await once.keep(tx, _encode(_reply(endpoint, answer)))

    return _reply(endpoint, await endpoint.run(dataclasses.replace(call, keep=keep)))


async def _claimed(endpoint: Endpoint, call: Call[Any, Any], once: Once) -> Reply:
    await once.claim()
    try:
        reply = _reply(endpoint, await endpoint.run(call))
    except Refusal:
        await once.release()
        raise
    await once.settle(_encode(reply))
    return reply


_RUN: dict[Repeat, Callable[[Endpoint, Call[Any, Any], Once], Awaitable[Reply]]] = {
    Repeat.KEPT: _kept,
    Repeat.CLAIMED: _claimed,
}
