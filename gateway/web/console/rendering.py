"""Pages from templates, in the language of whoever reads them."""

from __future__ import annotations

import json
from functools import cache, partial
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from lxml import etree

from gateway.errors import Malformed
from gateway.web.console import formats
from gateway.web.console.words import WORDS, word_in
from gateway.web.texts import LANGUAGES, translate, translations
from gateway.wire.xml import read_tree
from mappings import Unmapped, look_up

PRETTY_MAX = 400_000  # characters; more is shown as it is
SHOWN_MAX = 400_000


def render(template: str, language: str, **values: Any) -> str:
    """Raises for a name that a template uses and nobody gives."""
    return _environment(language).get_template(template).render(language=language, languages=LANGUAGES, **values)


def warm() -> None:
    """Compiles every template, and the like, so that nobody's first page waits for it.

    Takes about a second on one core.
    """
    formats.warm()
    for language in LANGUAGES:
        environment = _environment(language)
        for name in environment.list_templates():
            environment.get_template(name)


@cache
def _environment(language: str) -> Environment:
    environment = Environment(
        loader=PackageLoader("gateway.web.console"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    catalogue = translations(language)
    environment.install_gettext_translations(catalogue, newstyle=True)  # type: ignore[attr-defined]
    environment.filters["said"] = lambda text: translate(language, str(text))
    environment.filters["word"] = partial(word_in, catalogue)
    environment.filters["pretty"] = pretty
    environment.filters["card_brand"] = card_brand
    environment.globals["is_known"] = lambda value: str(value) in WORDS
    return environment


def card_brand(code: str) -> str:
    """The name behind a card's code, the code itself where nobody knows one."""
    try:
        return look_up("pcc", code)
    except Unmapped:
        return code


def pretty(text: str) -> str:
    """XML and JSON with line breaks and indents; what is neither, or too long, as it is."""
    start = text.lstrip()[:1]
    if len(text) > PRETTY_MAX or start not in ("<", "{", "["):
        return text[:SHOWN_MAX]
    if start == "<":
        try:
            tree = read_tree(text.encode())
        except Malformed:
            return text
        etree.indent(tree)
        return etree.tostring(tree, encoding="unicode")
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
