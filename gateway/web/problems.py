"""Problem details (RFC 9457): every error of the API, and the one table from what was refused to the status.

``errors`` lists what is wrong with the request, each with a JSON Pointer into its body (RFC 6901, as a fragment), or
the name of a parameter or header.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.routes import HTTPRoute

from gateway.engine.hotel_file import HotelFileError
from gateway.errors import (
    CallFailed,
    Malformed,
    NotFound,
    OutcomeUnknown,
    Reason,
    Refusal,
    Rejected,
    Stale,
    Unauthentic,
    Unmapped,
    Unsupported,
)
from gateway.flows.access.attempts import TooMany
from gateway.flows.once import KeyReused, UnderWay
from gateway.store.database import Unavailable
from gateway.web.texts import negotiate, translate

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5
_POINTED = re.compile(r"(.*?) - at `(\$.*)`", re.DOTALL)
_NAME = re.compile(r"\{[^}]*\}")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\[\.\.\.\]")


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong, and where: exactly one of the places is given, or none for the request as a whole."""

    detail: str
    pointer: str = ""
    parameter: str = ""
    header: str = ""


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """RFC 9457, section 3.1. ``type`` leads to a description; ``errors`` is our extension member."""

    type: str
    title: str
    status: int
    detail: str = ""
    instance: str = ""
    errors: tuple[Fault, ...] = ()


class RequestFault(Refusal):
    """The request itself is wrong, in a way only the web knows of."""

    def __init__(self, status: HTTPStatus, text: str, *faults: Fault, headers: dict[str, str] | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.faults = faults
        self.headers = headers or {}


# --- which status -----------------------------------------------------------------------------------------------------

_BY_REASON: dict[Reason, HTTPStatus] = {
    Reason.SYNTAX: HTTPStatus.BAD_REQUEST,
    Reason.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Reason.AUTHENTICATION: HTTPStatus.UNAUTHORIZED,
    Reason.AUTHORIZATION: HTTPStatus.FORBIDDEN,
    Reason.NO_AVAILABILITY: HTTPStatus.CONFLICT,
    Reason.PRICE: HTTPStatus.CONFLICT,
    Reason.BUSINESS_RULE: HTTPStatus.CONFLICT,
    Reason.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}
_BY_KIND: tuple[tuple[type[Exception], HTTPStatus | None], ...] = (
    # None: the reason says more. The first that fits counts.
    (TooMany, HTTPStatus.TOO_MANY_REQUESTS),
    (KeyReused, HTTPStatus.UNPROCESSABLE_ENTITY),
    (UnderWay, HTTPStatus.CONFLICT),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Stale, HTTPStatus.PRECONDITION_FAILED),
    (Unmapped, HTTPStatus.UNPROCESSABLE_ENTITY),
    (Unsupported, HTTPStatus.UNPROCESSABLE_ENTITY),
    (Malformed, None),
    (Unauthentic, None),
    (Rejected, None),
    (Refusal, None),
    (OutcomeUnknown, HTTPStatus.GATEWAY_TIMEOUT),
    (CallFailed, HTTPStatus.BAD_GATEWAY),
    (Unavailable, HTTPStatus.SERVICE_UNAVAILABLE),
)
TITLES: dict[HTTPStatus, str] = {
    HTTPStatus.BAD_REQUEST: "The request cannot be read",
    HTTPStatus.UNAUTHORIZED: "Who is asking is not known",
    HTTPStatus.FORBIDDEN: "Not allowed",
    HTTPStatus.NOT_FOUND: "Not found",
    HTTPStatus.METHOD_NOT_ALLOWED: "This cannot be done here",
    HTTPStatus.CONFLICT: "A rule says no",
    HTTPStatus.PRECONDITION_FAILED: "It has changed since",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The request is too large",
    HTTPStatus.REQUEST_URI_TOO_LONG: "The address is too long",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "Not in this format",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Something in the request is wrong",
    HTTPStatus.PRECONDITION_REQUIRED: "Say what you have seen",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many attempts",
    HTTPStatus.INTERNAL_SERVER_ERROR: "A failure of ours",
    HTTPStatus.BAD_GATEWAY: "A counterpart did not answer as it should",
    HTTPStatus.SERVICE_UNAVAILABLE: "Not now",
    HTTPStatus.GATEWAY_TIMEOUT: "A counterpart did not answer",
}


def status_of(error: Exception) -> HTTPStatus:
    """The status of an answer to a request that ended with this error."""
    if isinstance(error, RequestFault):
        return error.status
    if isinstance(error, HTTPException):
        return HTTPStatus(error.status_code)
    for kind, status in _BY_KIND:
        if isinstance(error, kind):
            if status is None:
                assert isinstance(error, Refusal)
                return _BY_REASON.get(error.reason, HTTPStatus.UNPROCESSABLE_ENTITY)
            return status
    return HTTPStatus.INTERNAL_SERVER_ERROR


# --- saying it --------------------------------------------------------------------------------------------------------


def problem_of(error: Exception, instance: str, language: str) -> Problem:
    """The document; nothing of a failure of ours is told but that there was one."""
    status = status_of(error)
    return Problem(
        type=f"/docs/problems#{status.value}",
        title=translate(language, TITLES.get(status, status.phrase)),
        status=status.value,
        detail=translate(language, _detail(error)),
        instance=instance,
        errors=tuple(
            msgspec.structs.replace(fault, detail=translate(language, fault.detail)) for fault in faults_of(error)
        ),
    )


def _detail(error: Exception) -> str:
    if isinstance(error, HotelFileError):
        return "the configuration cannot be applied"
    if isinstance(error, Refusal):
        return error.text
    if isinstance(error, Unavailable):
        return "the database does not answer; nothing is wrong with the request, send it again later"
    if isinstance(error, CallFailed):
        return str(error)
    return ""


def faults_of(error: Exception) -> tuple[Fault, ...]:
    """Where the error is, as far as it says so."""
    if isinstance(error, RequestFault):
        return error.faults
    if isinstance(error, HotelFileError):
        return tuple(Fault(line) for line in error.problems)
    if isinstance(error, Refusal) and error.path:
        return (Fault(error.text, pointer=f"#{error.path}" if error.path.startswith("/") else error.path),)
    return ()


def answer(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The exception handler: logs what is our fault, and tells the caller the rest."""
    language = negotiate(request.headers.get("accept-language", ""))
    problem = problem_of(error, request.url.path, language)
    if problem.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("request_failed", method=request.method, path=request.url.path, exc_info=error)
    return Response(
        msgspec.json.encode(problem),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers={"content-language": language, "vary": "Accept-Language", **headers_of(request, error, problem.status)},
    )


def headers_of(request: Request[Any, Any, Any], error: Exception, status: int) -> dict[str, str]:
    """Headers that belong to the status (RFC 9110)."""
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return {"allow": ", ".join(sorted(_methods(request)))}
    if isinstance(error, RequestFault):
        return error.headers
    if isinstance(error, TooMany):
        return {"retry-after": str(error.after_s)}
    if status == HTTPStatus.UNAUTHORIZED:
        return {"www-authenticate": 'Bearer realm="gateway"'}
    if status == HTTPStatus.SERVICE_UNAVAILABLE or isinstance(error, UnderWay):
        return {"retry-after": str(RETRY_AFTER_S)}
    return {}


def _methods(request: Request[Any, Any, Any]) -> set[str]:
    """What can be done at this address (RFC 9110, 15.5.6)."""
    found: set[str] = set()
    for each in request.app.routes:
        if re.fullmatch(_NAME.sub("[^/]+", each.path_format), request.url.path) and isinstance(each, HTTPRoute):
            found |= set(each.methods)
    return found


def body_fault(error: msgspec.ValidationError) -> Fault:
    """msgspec's own words, with its path (``$.updates[0].first``) as a JSON Pointer."""
    text = str(error)
    match = _POINTED.fullmatch(text)
    if match is None:
        return Fault(text, pointer="#")
    return Fault(match[1], pointer=json_pointer(match[2]))


def json_pointer(path: str) -> str:
    """``$.updates[0].first`` as ``#/updates/0/first``. Which key of a mapping is meant, msgspec does not say."""
    steps = (name.replace("~", "~0").replace("/", "~1") or place or "-" for name, place in _STEP.findall(path))
    return "#" + "".join(f"/{step}" for step in steps)
