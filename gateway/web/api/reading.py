"""From bytes to what an endpoint takes: the query, the body and the headers, each refused with its place."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from typing import Any, get_origin, get_type_hints
from urllib.parse import parse_qsl

import msgspec

from gateway.web.api.endpoints import JSON, Endpoint, Match, Nothing, Repeat
from gateway.web.problems import Fault, RequestFault, body_fault

QUERY_LENGTH_MAX = 8_000
_ETAG = re.compile(r'"([\x21\x23-\x7e\x80-\xff]*)"')
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_MESSAGE = re.compile(r"(.*?)(?: - at `\$\.?([^`\[]*)(?:\[.*\])?`)?", re.DOTALL)


def read_query(endpoint: Endpoint, query: bytes) -> Any:
    """The parameters as the endpoint declares them; others, and one that is given twice, are refused."""
    if len(query) > QUERY_LENGTH_MAX:
        raise RequestFault(HTTPStatus.REQUEST_URI_TOO_LONG, f"a query has at most {QUERY_LENGTH_MAX} characters")
    known = _parameters(endpoint.query)
    given: dict[str, Any] = {}
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name not in known:
            raise _bad_parameter(name, "there is no such parameter")
        if "\0" in value:
            # It can be read, and no schema says it, but no text that is stored has it.
            raise _bad_parameter(name, "U+0000 is not taken", HTTPStatus.UNPROCESSABLE_ENTITY)
        if value.lower() == "null" and not _takes_text(endpoint.query, name):
            # Or it would be read as one that is left out.
            raise _bad_parameter(name, "leave it out instead")
        if known[name]:
            given.setdefault(name, []).append(value)
        elif name in given:
            raise _bad_parameter(name, "it is given twice")
        else:
            given[name] = value
    try:
        return msgspec.convert(given, endpoint.query, strict=False)
    except msgspec.ValidationError as error:
        match = _MESSAGE.fullmatch(str(error))
        assert match is not None
        missing = re.fullmatch(r"Object missing required field `(.*)`", match[1])
        raise _bad_parameter(missing[1] if missing else match[2] or "", match[1]) from None


@cache
def _parameters(kind: Any) -> Mapping[str, bool]:
    """The names, and whether each may be given more than once."""
    hints = get_type_hints(kind)
    return {field.encode_name: get_origin(hints[field.name]) is tuple for field in msgspec.structs.fields(kind)}


@cache
def _takes_text(kind: Any, name: str) -> bool:
    field = next(field for field in msgspec.structs.fields(kind) if field.encode_name == name)
    return get_type_hints(kind)[field.name] in (str, str | None, tuple[str, ...])


def _bad_parameter(name: str, text: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> RequestFault:
    return RequestFault(status, "a parameter of the query is wrong", Fault(text, parameter=name[:60]))


def read_body(endpoint: Endpoint, content_type: str, body: bytes) -> tuple[Any, str]:
    """The body as declared (None where it is no JSON of ours), and its media type."""
    media_type = content_type.partition(";")[0].strip().lower()
    if endpoint.formats:
        if media_type not in endpoint.formats:
            raise _unsupported(endpoint.formats)
        return None, media_type
    if endpoint.body is Nothing:
        if body.strip() not in (b"", b"{}"):
            raise RequestFault(HTTPStatus.BAD_REQUEST, "this takes no body")
        return Nothing(), media_type
    if media_type != JSON:
        raise _unsupported((JSON,))
    return decode_json(body, endpoint.body), media_type


def decode_json(body: bytes, kind: Any) -> Any:
    """JSON as it is declared: a number in quotes is not a number."""
    if rb"\u0000" in body:
        raise RequestFault(HTTPStatus.UNPROCESSABLE_ENTITY, "U+0000 is not taken", Fault("U+0000", pointer="#"))
    try:
        return _decoder(kind).decode(body)
    except msgspec.ValidationError as error:
        fault = body_fault(error)
        text = "the body is not as it should be"
        raise RequestFault(HTTPStatus.UNPROCESSABLE_ENTITY, text, fault) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        fault = Fault(str(error), pointer="#")
        raise RequestFault(HTTPStatus.BAD_REQUEST, "the body is not JSON", fault) from None


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def _unsupported(formats: tuple[str, ...]) -> RequestFault:
    text = f"the body has to be {' or '.join(formats)}"
    fault = Fault(text, header="Content-Type")
    return RequestFault(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, text, fault, headers={"accept": ", ".join(formats)})


# --- headers ----------------------------------------------------------------------------------------------------------


def read_if_match(endpoint: Endpoint, headers: Mapping[str, str]) -> str | None:
    """The version the caller has seen, None if any will do (RFC 9110, 13.1.1)."""
    if endpoint.match is Match.NONE:
        return None
    given = headers.get("if-match", "").strip()
    if not given:
        if endpoint.match is Match.OPTIONAL:
            return None
        text = "send If-Match with the ETag of what you have read"
        raise RequestFault(HTTPStatus.PRECONDITION_REQUIRED, text, Fault(text, header="If-Match"))
    if given == "*":
        return None
    match = _ETAG.fullmatch(given)
    if match is None:
        text = 'If-Match is one strong ETag ("…") or *'
        raise RequestFault(HTTPStatus.BAD_REQUEST, text, Fault(text, header="If-Match"))
    return match[1]


def is_not_modified(headers: Mapping[str, str], etag: str) -> bool:
    """Whether the caller holds it already (RFC 9110, 13.1.2: weak comparison)."""
    given = headers.get("if-none-match", "")
    return given.strip() == "*" or etag in _ETAG.findall(given)


def read_idempotency_key(endpoint: Endpoint, headers: Mapping[str, str]) -> str | None:
    if endpoint.repeat is Repeat.NONE or (given := headers.get("idempotency-key")) is None:
        return None
    if not _KEY.fullmatch(given):
        text = "an Idempotency-Key has 1 to 255 visible ASCII characters"
        raise RequestFault(HTTPStatus.BAD_REQUEST, text, Fault(text, header="Idempotency-Key"))
    return given


def request_digest(method: str, path: str, query: bytes, media_type: str, body: bytes) -> bytes:
    """Of everything a request asks for."""
    digest = hashlib.sha256()
    for part in (method.encode(), path.encode(), query, media_type.encode(), body):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()
