"""A real Chromium at the demo hotel, as somebody sees it who has just run it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.demo import DEMO_NAME, DEMO_PASSWORD
from tests.e2e.test_demo import Demo, demo
from tests.e2e.town import ahead, free_port

# On a busy machine an answer may come late, and what is in doubt then is settled after a while.
PATIENCE_MS = 90_000
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chromium-headless-shell")
# Where the container of a build runs as root, Chromium refuses to start with its sandbox.
ARGUMENTS = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """GATEWAY_TEST_CHROMIUM, else one of this system, else playwright's own; else the tests skip and say so."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install playwright)")
    named = os.environ.get("GATEWAY_TEST_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    with sync_api.sync_playwright() as playwright:
        try:
            found = playwright.chromium.launch(executable_path=named, args=ARGUMENTS)
        except sync_api.Error as error:
            pytest.skip(f"no Chromium: install one, name one in GATEWAY_TEST_CHROMIUM, or run "
                        f"`playwright install chromium` ({str(error).splitlines()[0]})")  # fmt: skip
        yield found
        found.close()


class Hotel:
    """The demo, and what a channel of it can be made to do."""

    def __init__(self, run: Demo) -> None:
        self.run = run
        self.url = f"http://127.0.0.1:{run.port}"
        self.pages = f"{self.url}/hotels/demo"

    def sunbeds(self, view: str, **query: str) -> Any:
        return httpx.get(f"{self.run.url('sunbeds')}/{view}", params=query, trust_env=False).json()

    def book(self, first: int, nights: int) -> None:
        stay = {"room": "10", "plan": "STD", "arrival": ahead(first), "departure": ahead(first + nights)}
        reply = httpx.post(f"{self.run.url('sunbeds')}/control/book", json={"stays": [stay]}, trust_env=False)
        assert reply.status_code == 200, reply.text

    def sign_in(self, page: Any) -> None:
        page.goto(f"{self.url}/")
        page.fill("#name", DEMO_NAME)
        page.fill("#password", DEMO_PASSWORD)
        page.press("#password", "Enter")
        page.wait_for_url("**/calendar")


@pytest.fixture(scope="session")
def the_hotel(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hotel]:
    """One demo for all tests that leave it running; both channels are in sync."""
    with demo(tmp_path_factory.mktemp("demo"), free_port()) as run:
        run.wait_until_open()
        yield Hotel(run)


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """What browsers have complained about: scripts that fail, and what the content security policy forbids."""
    found: list[str] = []
    yield found
    assert found == []


@pytest.fixture
def visitor(browser: Any, complaints: list[str]) -> Iterator[Any]:
    """Opens pages with a browser of its own each; they are closed afterwards."""
    opened: list[Any] = []

    def visit(language: str = "en-GB", **options: Any) -> Any:
        context = browser.new_context(locale=language, **{"viewport": {"width": 1280, "height": 800}, **options})
        opened.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda said: complaints.append(said.text) if said.type == "error" and "401" not in said.text else None,
        )
        return page

    yield visit
    for context in opened:
        context.close()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where screenshots go; GATEWAY_SCREENSHOTS keeps them, for the documents."""
    folder = Path(os.environ.get("GATEWAY_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
