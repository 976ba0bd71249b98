"""The reference of the API as pages of our own: no script comes from elsewhere, and none is needed to read them.

A small script of ours lets every operation be tried, with a key or by the session of a signed-in browser.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from litestar import MediaType, Request, Response, get
from litestar.handlers import HTTPRouteHandler

from gateway.web.api.routes import schema_json
from gateway.web.problems import TITLES
from gateway.web.texts import negotiate, translations

# Nothing but what this server sends, and nobody frames it.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "vary": "Accept-Language",
}
_ASSETS = {"docs.css": "text/css", "docs.js": "text/javascript"}


def docs_routes() -> list[HTTPRouteHandler]:
    """``/docs``, its assets, and ``/docs/problems``, which problem documents point to."""
    return [_reference, _problems, _asset]


@get("/docs", media_type=MediaType.HTML, sync_to_thread=False)
def _reference(request: Request[Any, Any, Any]) -> Response[str]:
    return _page(request, "reference.html")


@get("/docs/problems", media_type=MediaType.HTML, sync_to_thread=False)
def _problems(request: Request[Any, Any, Any]) -> Response[str]:
    return _page(request, "problems.html")


@get("/docs/assets/{name:str}", sync_to_thread=False)
def _asset(request: Request[Any, Any, Any]) -> Response[bytes]:
    name = request.path_params["name"]
    if name not in _ASSETS:
        return Response(b"", status_code=404, media_type="text/plain")
    data = (resources.files("gateway.web") / "docs" / name).read_bytes()
    headers = {"cache-control": "max-age=3600", "x-content-type-options": "nosniff"}
    return Response(data, media_type=_ASSETS[name], headers=headers)


def _page(request: Request[Any, Any, Any], template: str) -> Response[str]:
    language = negotiate(request.headers.get("accept-language", ""))
    return Response(_rendered(template, language), headers={**HEADERS, "content-language": language})


@cache
def _rendered(template: str, language: str) -> str:
    """The same for everybody, so it is made once."""
    document = msgspec.json.decode(schema_json())
    by_tag: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            by_tag[operation["tags"][0]].append({**operation, "method": method.upper(), "path": path})
    environment = _environment(language)
    return environment.get_template(template).render(
        language=language, document=document, by_tag=by_tag, titles=TITLES, example=_example(document)
    )


def _environment(language: str) -> Environment:
    environment = Environment(
        loader=PackageLoader("gateway.web", "docs"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    return environment


def _example(document: dict[str, Any]) -> Any:
    """Makes a body to start from, from its schema."""
    schemas: dict[str, Any] = document["components"]["schemas"]

    def value(schema: dict[str, Any], depth: int = 0) -> Any:
        if "$ref" in schema:
            return value(schemas[schema["$ref"].rpartition("/")[2]], depth)
        if "enum" in schema:
            return schema["enum"][0]
        if "anyOf" in schema:
            return value(schema["anyOf"][0], depth)
        kind = schema.get("type")
        if kind == "object":
            shown = schema.get("required") or list(schema.get("properties", {}))[:1]
            return {name: value(schema["properties"][name], depth + 1) for name in shown} if depth < 6 else {}
        if kind == "array":
            return [value(schema["items"], depth + 1)] if depth < 6 and "items" in schema else []
        if schema.get("format") == "date":
            return "2031-05-12"
        return {"string": "", "integer": schema.get("minimum", 0), "boolean": False}.get(str(kind))

    return lambda schema: msgspec.json.format(msgspec.json.encode(value(schema)), indent=2).decode()
