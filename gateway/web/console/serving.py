"""A view as a route: which browser is it, who is signed in, may they, and the page or where to go on."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import urlencode

from litestar import Request, Response, route
from litestar.datastructures import Cookie
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.types import Method

from gateway.errors import NotFound, Reason, Unauthentic
from gateway.flows.access.identity import Identity, Session, csrf_matches, csrf_token
from gateway.flows.access.rights import require
from gateway.flows.desk import properties, pulse
from gateway.flows.services import Services
from gateway.web import problems
from gateway.web.callers import SESSION_COOKIE, address_of, session_of
from gateway.web.console.fields import Fields
from gateway.web.console.live import Live
from gateway.web.console.rendering import render
from gateway.web.console.visits import Go, View, Visit, hotel_url
from gateway.web.problems import RequestFault
from gateway.web.texts import LANGUAGES, negotiate

BODY_BYTES_MAX = 128 * 1024
QUERY_LENGTH_MAX = 8_000
BROWSER_COOKIE = "gateway_browser"
LANGUAGE_COOKIE = "gateway_language"
FRAGMENT_HEADER = "x-fragment"
FORM = "application/x-www-form-urlencoded"
LANGUAGE_S = 365 * 86_400
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
    "vary": "Accept-Language, Cookie",
}
_OURS = re.compile(r"/(?!/)[\x21-\x5b\x5d-\x7e]{0,1000}")  # no backslash, which some browsers take for a slash


def routes_of(views: Sequence[View], services: Services, identity: Identity, live: Live) -> list[HTTPRouteHandler]:
    """One route for each path."""
    by_path: dict[str, dict[str, View]] = {}
    for view in views:
        by_path.setdefault(view.path, {})[view.method] = view
    return [_route(path, by_method, services, identity, live) for path, by_method in by_path.items()]


def _route(
    path: str, by_method: dict[str, View], services: Services, identity: Identity, live: Live
) -> HTTPRouteHandler:
    @route(
        path.replace("}", ":str}"),
        http_method=cast("list[Method]", list(by_method)),
        name=f"console {path}",
        request_max_body_size=BODY_BYTES_MAX,
        exception_handlers={Exception: failed},
        status_code=200,  # of nothing: every answer says its own
        include_in_schema=False,
    )
    async def handle(request: Request[Any, Any, Any]) -> Response[Any]:
        view = by_method[request.method]
        visit = await read_visit(request, services, identity, live)
        if visit.session is None and not view.is_open:
            return _sign_in_first(visit, request.method)
        if request.method == "POST":
            _check_form(visit)
        return await _respond(view, visit)

    return handle


async def _respond(view: View, visit: Visit) -> Response[Any]:
    if visit.session is not None and "property" in visit.path:
        if view.action is not None:
            require(visit.session.principal, view.action, visit.property_id)
        visit = await _at_hotel(visit)
    answer = await view.run(visit)
    if isinstance(answer, Go):
        return _gone(visit, answer)
    text = render(answer.template, visit.language, visit=visit, fmt=visit.formats, **answer.values)
    return _page(visit, text, answer.status)


async def _at_hotel(visit: Visit) -> Visit:
    """What every page of a property shows. The state comes first: what changes meanwhile is news then."""
    seen = await pulse.read(visit.services, [visit.property_id])
    page = await properties.find(visit.services, only=[visit.property_id], limit=1)
    if not page.items:
        raise NotFound(f"there is no property {visit.property_id!r}", Reason.HOTEL)
    return _with(visit, hotel=page.items[0], pulse=seen[visit.property_id])


def _with(visit: Visit, **more: Any) -> Visit:
    return Visit(**{**{name: getattr(visit, name) for name in Visit.__dataclass_fields__}, **more})


# --- reading ----------------------------------------------------------------------------------------------------------


async def read_visit(request: Request[Any, Any, Any], services: Services, identity: Identity, live: Live) -> Visit:
    """Raises for what cannot be read; a session that has ended is none."""
    raw_query: bytes = request.scope["query_string"]
    if len(raw_query) > QUERY_LENGTH_MAX:
        raise RequestFault(HTTPStatus.REQUEST_URI_TOO_LONG, f"a query has at most {QUERY_LENGTH_MAX} characters")
    if any("\0" in value for value in request.path_params.values()):
        raise NotFound("nothing here has U+0000 in its name")
    raw_path: bytes = request.scope["raw_path"].partition(b"?")[0]
    here = raw_path.decode("latin-1") + (f"?{raw_query.decode('latin-1')}" if raw_query else "")
    if request.method == "POST":  # what answers a form may not be there to be looked at, the page above it is
        here = here.rpartition("/")[0] or "/"
    return Visit(
        services,
        identity,
        live,
        session=await _session(identity, request),
        browser=request.cookies.get(BROWSER_COOKIE, "")[:100] or secrets.token_urlsafe(24),
        language=language_of(request),
        address=address_of(request),
        path=dict(request.path_params),
        query=Fields(raw_query),
        form=await _form(request),
        here=here,
        is_secure=_is_secure(request),
        is_fragment=FRAGMENT_HEADER in request.headers,
    )


async def _session(identity: Identity, request: Request[Any, Any, Any]) -> Session | None:
    try:
        return await session_of(identity, request)
    except Unauthentic:
        return None


async def _form(request: Request[Any, Any, Any]) -> Fields:
    if request.method != "POST":
        return Fields()
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != FORM:
        raise RequestFault(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"the body has to be one of {FORM}")
    return Fields(await request.body())


def _is_secure(request: Request[Any, Any, Any]) -> bool:
    """Whether the browser speaks TLS, be it with a proxy before us.

    This header is believed of anybody, not only of trusted proxies: it can only make the sender's own cookies stricter.
    """
    return request.url.scheme == "https" or request.headers.get("x-forwarded-proto", "").lower() == "https"


def language_of(request: Request[Any, Any, Any]) -> str:
    """The one that was chosen, else the one the browser asks for."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    return chosen if chosen in LANGUAGES else negotiate(request.headers.get("accept-language", ""))


def our_path(text: str) -> str:
    """The path if it is one of ours, else the beginning: nobody is sent elsewhere by a link."""
    return text if _OURS.fullmatch(text) else "/"


def _check_form(visit: Visit) -> None:
    """A form has to come from a page of ours that was sent to this browser."""
    given = visit.form.text("csrf")
    if visit.session is not None:
        is_ours = csrf_matches(visit.session, given)
    else:
        is_ours = hmac.compare_digest(csrf_token(visit.browser).encode(), given.encode())
    if not is_ours:
        raise Unauthentic("the page is out of date; load it again", Reason.AUTHORIZATION)


# --- answering --------------------------------------------------------------------------------------------------------


def _page(visit: Visit, text: str, status: int = 200, **headers: str) -> Response[str]:
    cookies = [] if visit.session else [_cookie(visit, BROWSER_COOKIE, visit.browser)]
    return Response(
        text,
        status_code=status,
        media_type="text/html",
        headers={**HEADERS, "content-language": visit.language, **headers},
        cookies=cookies,
    )


def _gone(visit: Visit, go: Go) -> Response[None]:
    return Response(
        None,
        status_code=HTTPStatus.SEE_OTHER,
        headers={**HEADERS, "location": go.to},
        cookies=[_cookie(visit, name, value) for name, value in go.cookies.items()],
    )


def _cookie(visit: Visit, name: str, value: str) -> Cookie:
    return Cookie(
        key=name,
        value=value,
        path="/",
        httponly=True,
        samesite="lax",
        secure=visit.is_secure,
        # A session ends on the server; without an age its cookie ends with the browser as well.
        max_age=0 if not value else LANGUAGE_S if name == LANGUAGE_COOKIE else None,
    )


def _sign_in_first(visit: Visit, method: str) -> Response[Any]:
    if visit.is_fragment:
        return Response(None, status_code=HTTPStatus.UNAUTHORIZED, headers=HEADERS)
    back = visit.here if method == "GET" and visit.here != "/" else ""
    go = Go(f"/sign-in?{urlencode({'next': back})}" if back else "/sign-in", {SESSION_COOKIE: ""})
    return _gone(visit, go)


def failed(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The exception handler of all views: the same statuses and sentences as the API's, as a page."""
    language = language_of(request)
    problem = problems.problem_of(error, request.url.path, language)
    if problem.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        problems.log.error("request_failed", method=request.method, path=request.url.path, exc_info=error)
    property_id = request.path_params.get("property", "") if not isinstance(error, HTTPException) else ""
    home = hotel_url(property_id, "calendar") if property_id and problem.status != HTTPStatus.NOT_FOUND else "/"
    text = render("error.html", language, problem=problem, home=home)
    return Response(
        text,
        status_code=problem.status,
        media_type="text/html",
        headers={**HEADERS, "content-language": language, **problems.headers_of(request, error, problem.status)},
    )
