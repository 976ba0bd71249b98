"""Templates are compiled before anybody asks for a page."""

from __future__ import annotations

import pytest
from jinja2 import Environment

from gateway.web.console import rendering
from gateway.web.console.formats import Formats
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


def test_after_warming_no_language_is_loaded_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    rendering.warm()
    monkeypatch.setattr("babel.localedata.pickle", None)
    for language in LANGUAGES:
        fmt = Formats(language, currency="EUR")
        assert fmt.number(1_001) == "1,001"
        assert fmt.long_day(739_941)
        assert fmt.days(739_941, 739_990)
        assert fmt.instant(1_795_332_464_783)
