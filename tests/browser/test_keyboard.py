"""The console without a pointer: every page from its beginning to its end, in both languages, and what is typed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Hotel
from tests.browser.test_console import PAGES, cell
from tests.e2e.town import ahead

FOCUS = (Path(__file__).parent / "focus.js").read_text(encoding="utf-8")
STOPS_MAX = 250
FIELD_PARTS = 8  # day, month, year, hour, minute, its button …: a date is one element with several stops


def walk(page: Any) -> list[str]:
    """By Tab from where the focus is to the end of the page; what is wrong on the way."""
    wrong: list[str] = []
    last, stays = -1, 0
    for _ in range(STOPS_MAX):
        page.keyboard.press("Tab")
        found = page.evaluate(FOCUS)
        if found is None:
            return wrong
        stays = stays + 1 if found["place"] == last else 0
        if stays > FIELD_PARTS:
            return [*wrong, f"{found['name']}: does not let go"]
        if found["place"] < last:
            wrong.append(f"{found['name']}: comes after what follows it")
        wrong += [f"{found['name']}: {each}" for each in found["wrong"]]
        last = found["place"]
    return [*wrong, "has no end"]


def numbers(page: Any, hotel: Hotel) -> dict[str, str]:
    """Of a booking and a message that are there."""
    found = {"day": ahead(3)}
    if not page.goto(f"{hotel.pages}/bookings") or not page.locator("#live tr[data-key]").count():
        hotel.book(26, 1)
    for name in ("booking", "message"):
        page.goto(f"{hotel.pages}/{name}s")
        page.wait_for_selector("#live tr[data-key]")
        found[name] = page.locator("#live tr[data-key]").first.get_attribute("data-key")
    return found


@pytest.mark.parametrize("language", ["en-GB", "zh-CN"])
def test_every_page_from_its_beginning_to_its_end(the_hotel: Hotel, visitor: Any, language: str) -> None:
    page = visitor(language)
    page.goto(f"{the_hotel.url}/sign-in")
    page.evaluate("document.activeElement.blur()")
    wrong = {"sign-in": walk(page)}
    the_hotel.sign_in(page)
    known = numbers(page, the_hotel)
    page.evaluate("document.activeElement.blur()")
    wrong["the head of a page"] = walk(page)
    for name, path in PAGES.items():
        page.goto(f"{the_hotel.pages}/{path.format(**known)}")
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")  # over the head
        assert page.evaluate("document.activeElement.id") == "main", name
        wrong[name] = walk(page)
    assert {name: found for name, found in wrong.items() if found} == {}


def test_what_is_wrong_takes_the_focus(the_hotel: Hotel, visitor: Any, complaints: list[str]) -> None:
    page = visitor()
    the_hotel.sign_in(page)
    page.goto(f"{the_hotel.pages}/calendar/edit?room=DBL&plan=BAR")
    page.focus("#price2")
    page.keyboard.type("nothing")
    page.keyboard.press("Enter")
    page.wait_for_selector(".notice[role=alert]")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "alert"
    assert page.input_value("#price2") == "nothing"
    assert len(complaints) == 1  # of the browser, that the answer is a 422
    complaints.clear()


def test_what_was_done_is_said(the_hotel: Hotel, visitor: Any) -> None:
    page = visitor()
    the_hotel.sign_in(page)
    page.goto(f"{the_hotel.pages}/held?done=discard")
    page.wait_for_function("() => document.getElementById('said').textContent.startsWith('Thrown away')")


def test_nights_are_chosen_and_let_go(the_hotel: Hotel, visitor: Any) -> None:
    page = visitor()
    the_hotel.sign_in(page)
    page.goto(f"{the_hotel.pages}/calendar?from={ahead(5)}")
    assert page.get_by_role("grid").count() == 1
    page.focus(cell("DBL", "BAR", ahead(5)))
    page.keyboard.press("Shift+ArrowRight")
    assert page.get_by_role("gridcell", selected=True).count() == 2
    page.keyboard.press("Escape")
    assert page.get_by_role("gridcell", selected=True).count() == 0
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**first={ahead(7)}&last={ahead(7)}*")


def test_what_is_too_wide_can_be_moved_by_keys(the_hotel: Hotel, visitor: Any) -> None:
    page = visitor(viewport={"width": 390, "height": 800})
    the_hotel.sign_in(page)
    page.goto(f"{the_hotel.pages}/channels")
    table = page.get_by_role("region", name="Channels")
    table.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.querySelector('.scroll').scrollLeft > 0")
    page.set_viewport_size({"width": 1600, "height": 800})
    page.wait_for_function("() => !document.querySelector('.scroll').hasAttribute('tabindex')")


def test_the_filters_fit_on_one_line(the_hotel: Hotel, visitor: Any) -> None:
    for language in ("en-GB", "zh-CN"):
        page = visitor(language)
        the_hotel.sign_in(page)
        for name in ("bookings", "messages", "payments"):
            page.goto(f"{the_hotel.pages}/{name}")
            tops = page.evaluate(
                "[...document.querySelectorAll('.filters > *')].filter(each => each.checkVisibility())"
                ".map(each => Math.round(each.getBoundingClientRect().bottom))"
            )
            assert max(tops) - min(tops) < 12, (language, name, tops)
