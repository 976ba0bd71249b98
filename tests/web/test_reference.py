"""The pages that describe the API: they load nothing from elsewhere, and say what there is."""

from __future__ import annotations

import re

import pytest

from gateway.web.api.routes import all_endpoints
from gateway.web.problems import TITLES
from tests.web.api_reference import PAGE, page
from tests.web.conftest import Web


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def test_the_generated_part_is_current() -> None:
    """``python -m tests.web.api_reference`` writes it."""
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(text)


@pytest.mark.parametrize(("language", "title"), [("en", "API reference"), ("zh-CN", "API 参考")])
async def test_every_operation_can_be_tried(web: Web, language: str, title: str) -> None:
    reply = await web.client().get("/docs", headers={"accept-language": language})
    assert (reply.status_code, f"<title>{title}</title>" in reply.text) == (200, True)
    assert len(re.findall(r"<form data-method", reply.text)) == len(all_endpoints())
    assert not re.findall(r'(?:src|href)="(?!/|#)', reply.text)
    assert not re.search(r"<script>|<style|\son\w+=|\sstyle=", reply.text)
    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


async def test_every_status_is_described(web: Web) -> None:
    text = (await web.client().get("/docs/problems")).text
    assert all(f'id="{status.value}"' in text for status in TITLES)


async def test_assets_are_served_by_name_only(web: Web) -> None:
    client = web.client()
    for name, kind in (("docs.js", "text/javascript"), ("docs.css", "text/css")):
        reply = await client.get(f"/docs/assets/{name}")
        assert (reply.status_code, reply.headers["content-type"].split(";")[0]) == (200, kind)
    for name in ("reference.html", "..%2Fapp.py", "x"):
        assert (await client.get(f"/docs/assets/{name}")).status_code == 404
