"""The OpenAPI 3.1 document, from the declared endpoints and the structs they speak of."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from gateway.model.access import PERMISSIONS, Action
from gateway.web import problems
from gateway.web.api.endpoints import JSON, Endpoint, Endpoints, Match, Nothing, Repeat

_REF = "#/components/schemas/{name}"
_PATH_NAME = re.compile(r"\{(\w+)\}")
_ROLE = re.compile(r":(?:mod|class|func|meth|data|attr):`~?([^`]+)`")
_ETAG = r'^(\*|"[!#-~]+")$'
_SEGMENT = r"^[^\x00-\x1f/]{1,100}$"
_MESSAGE = r"^[0-9]{1,18}$"
_PATHS = {
    "property": "the property's id",
    "connection": "the connection's id",
    "room": "the room type's code",
    "plan": "the rate plan's code",
    "reservation": "our reservation number",
    "card": "the id of a card that came with a reservation",
    "sale": "the number of a quote, which stays that of its hold and its reservation",
    "payment": "our number of a payment",
    "message": "the message's number",
    "principal": "the id of a key or person",
}
_ABOUT = """\
Rates, availability and restrictions, connections and mappings, reservations and messages of your properties.

**Who you are.** Send `Authorization: Bearer gwk_…`. A key is made by `gateway key create` or by `POST /v1/keys`.
What each role may do is listed by `GET /v1/me`.

**Values.** Stay dates are `YYYY-MM-DD` and mean the night that begins on that day; ranges include both ends. Instants
are RFC 3339 in UTC. Amounts are integers in minor units of the currency beside them.

**Pages.** Lists give `items` and `next`; ask again with `cursor` set to `next`, until it is empty.

**Edits.** What has an `ETag` is edited with `If-Match`: 428 without it, 412 if somebody was quicker.

**Repeating.** A POST with an `Idempotency-Key` has one effect however often it is sent; repetitions within 48 hours get
the first answer, with `Idempotency-Replayed: true`.

**Errors** are problem details (RFC 9457), in the language of `Accept-Language` (English or Simplified Chinese).
"""


def document(subjects: Sequence[Endpoints], prefix: str) -> dict[str, Any]:
    """The whole document, ready for JSON."""
    endpoints = [endpoint for subject in subjects for endpoint in subject.all]
    kinds = [kind for endpoint in endpoints for kind in _kinds(endpoint)]
    schemas, components = msgspec.json.schema_components([*kinds, problems.Problem], ref_template=_REF)
    by_kind = {_key(kind): schema for kind, schema in zip([*kinds, problems.Problem], schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(prefix + endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, by_kind)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Hotel gateway", "version": "1", "description": _ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": subject.tag, "description": subject.about} for subject in subjects],
        "paths": paths,
        "components": {
            "schemas": {name: _described(schema) for name, schema in components.items()},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "A key: `gwk_…`"}},
        },
        "security": [{"key": []}],
    }


def _kinds(endpoint: Endpoint) -> list[Any]:
    found = [kind for kind in (endpoint.body, endpoint.answer) if kind is not Nothing and kind is not None]
    return found + [field.type for field in msgspec.structs.fields(endpoint.query)]


def _key(kind: Any) -> str:
    return repr(kind)


def _operation(endpoint: Endpoint, schemas: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "tags": [endpoint.tag],
        "summary": endpoint.summary,
        "description": f"{endpoint.description}\n\n{_rights(endpoint.action)}".strip(),
        "parameters": [*_path_parameters(endpoint), *_query_parameters(endpoint, schemas), *_headers(endpoint)],
        "responses": {str(endpoint.status.value): _success(endpoint, schemas), **_failures(endpoint)},
    }
    if endpoint.formats:
        files = {media_type: {"schema": {"type": "string", "minLength": 1}} for media_type in endpoint.formats}
        operation["requestBody"] = {"required": True, "content": files}
    elif endpoint.body is not Nothing:
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": schemas[_key(endpoint.body)]}}}
    return operation


def _rights(action: Action | None) -> str:
    if action is None:
        return "For everybody with a key."
    roles = ", ".join(f"`{role.value}`" for role, actions in PERMISSIONS.items() if action in actions)
    return f"Roles: {roles}."


# --- parameters -------------------------------------------------------------------------------------------------------


def _path_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _PATHS[name],
            "schema": {"type": "string", "pattern": _MESSAGE if name == "message" else _SEGMENT},
        }
        for name in _PATH_NAME.findall(endpoint.path)
    ]


def _query_parameters(endpoint: Endpoint, schemas: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for field in msgspec.structs.fields(endpoint.query):
        schema = dict(schemas[_key(field.type)])
        described = {"description": text} if (text := schema.pop("description", "")) else {}
        schema = _without_null(schema)
        found.append(
            {"name": field.encode_name, "in": "query", "required": field.required, **described, "schema": schema}
        )
    return found


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is left out rather than null."""
    choices = [choice for choice in schema.get("anyOf", ()) if choice.get("type") != "null"]
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    return {**rest, **choices[0]} if len(choices) == 1 else schema


def _headers(endpoint: Endpoint) -> list[dict[str, Any]]:
    found = []
    if endpoint.match is not Match.NONE:
        seen = _header("If-Match", "the ETag of what you have read, or *", endpoint.match is Match.REQUIRED)
        seen["schema"] |= {"pattern": _ETAG}
        found.append(seen)
    elif endpoint.shows_etag and endpoint.method == "GET":
        found.append(_header("If-None-Match", "the ETag you hold: 304 if it is still so", required=False))
    if endpoint.repeat is not Repeat.NONE:
        key = _header("Idempotency-Key", "makes it safe to send the request again", required=False)
        key["schema"] |= {"minLength": 1, "maxLength": 255, "pattern": r"^[\x21-\x7e]+$"}
        found.append(key)
    return found


def _header(name: str, text: str, required: bool) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": required, "description": text, "schema": {"type": "string"}}


# --- answers ----------------------------------------------------------------------------------------------------------


def _success(endpoint: Endpoint, schemas: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": endpoint.status.phrase}
    if endpoint.answer is not None:
        answer["content"] = {JSON: {"schema": schemas[_key(endpoint.answer)]}}
    if endpoint.shows_etag:
        answer["headers"] = {"ETag": {"description": "the version of what is shown", "schema": {"type": "string"}}}
    return answer


def _failures(endpoint: Endpoint) -> dict[str, Any]:
    found = {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS}
    found |= {HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.UNPROCESSABLE_ENTITY}
    if endpoint.action is not None:
        found |= {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}
    found.add(HTTPStatus.CONFLICT)
    if endpoint.body is not Nothing or endpoint.formats:
        found |= {HTTPStatus.UNSUPPORTED_MEDIA_TYPE}
    if endpoint.method != "GET":
        found |= {HTTPStatus.REQUEST_ENTITY_TOO_LARGE}
    if endpoint.match is not Match.NONE or endpoint.shows_etag:
        found |= {HTTPStatus.PRECONDITION_FAILED, HTTPStatus.PRECONDITION_REQUIRED}
    answers: dict[str, Any] = {str(status.value): _problem(status) for status in sorted(found)}
    if endpoint.shows_etag and endpoint.method == "GET":
        answers["304"] = {"description": "You hold it already"}
    return answers


def _problem(status: HTTPStatus) -> dict[str, Any]:
    schema = {"$ref": _REF.format(name="Problem")}
    return {"description": problems.TITLES[status], "content": {problems.MEDIA_TYPE: {"schema": schema}}}


# --- words ------------------------------------------------------------------------------------------------------------


def _described(schema: dict[str, Any]) -> dict[str, Any]:
    """Docstrings as Markdown: no roles of Sphinx, single backticks, and one line for each paragraph."""
    if "description" not in schema:
        return schema
    text = _ROLE.sub(lambda match: f"`{match[1].rpartition('.')[2]}`", inspect.cleandoc(schema["description"]))
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.replace("``", "`").split("\n\n")]
    return {**schema, "description": "\n\n".join(paragraphs)}
