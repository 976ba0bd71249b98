"""Templates are compiled before anybody asks for a page."""

from __future__ import annotations

import pytest
from jinja2 import Environment

from gateway.web.console import rendering
from gateway.web.problems import Problem
from gateway.web.texts import LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_after_warming_no_template_is_compiled_any_more(monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    rendering.warm()

    def compiled(*_: object, **__: object) -> None:
        raise AssertionError("a template was compiled")

    monkeypatch.setattr(Environment, "compile", compiled)
    page = rendering.render("error.html", language, problem=Problem("/", "Gone <away>", 404), home="/")
    assert "Gone &lt;away&gt;" in page
