"""The pages in a real browser: a first tour, by keyboard, without scripts, in both languages and colour schemes."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Hotel
from tests.e2e.test_demo import demo
from tests.e2e.town import ahead, eventually, free_port

LOOK = (Path(__file__).parent / "look.js").read_text(encoding="utf-8")
PAGES = {
    "calendar": "calendar?days=31",
    "edit": "calendar/edit?room=DBL&plan=BAR",
    "night": "calendar/night/{day}",
    "bookings": "bookings",
    "booking": "bookings/{booking}",
    "payments": "payments",
    "channels": "channels",
    "channel": "channels/sunbeds",
    "audit": "channels/sunbeds/audit",
    "mappings": "mappings",
    "mapping": "mappings/farfare",
    "messages": "messages",
    "message": "messages/{message}",
    "alerts": "alerts",
    "held": "held",
}


def cell(room: str, plan: str, day: str) -> str:
    return f'tr[data-room="{room}"][data-plan="{plan}"] td[data-day="{day}"]'


def price_at_sunbeds(hotel: Hotel, day: str) -> list[Any]:
    found: list[Any] = hotel.sunbeds("state", **{"from": day, "to": day})["products"]["10/STD"]
    return found


def test_a_first_tour(the_hotel: Hotel, visitor: Any, pictures: Path) -> None:
    """Two channels in sync, a price that is changed arrives there, and a booking appears by itself."""
    page = visitor()
    the_hotel.sign_in(page)
    page.click("nav >> text=Channels")
    for name in ("sunbeds", "farfare"):
        # On a busy machine an answer may come too late; what is in doubt then is settled after a while.
        page.wait_for_selector(f'tr[data-key="{name}"] >> text=in sync')
    first, last = ahead(10), ahead(12)
    before = price_at_sunbeds(the_hotel, first)
    page.goto(f"{the_hotel.pages}/calendar?from={first}")
    page.click("text=Set a range")
    page.select_option("#room", "DBL")
    page.select_option("#plan", "BAR")
    page.fill("#first", first)
    page.fill("#last", last)
    page.fill("#price1", "101")
    page.fill("#price2", "131.50")
    page.click("button:has-text('Preview')")
    page.wait_for_selector("section:has(h3:text('sunbeds')) >> text=€147.30")  # 12 % more, in tens of cents
    assert price_at_sunbeds(the_hotel, first) == before
    page.screenshot(path=pictures / "preview.png")
    page.click("text=Save and send")
    page.wait_for_selector(f"{cell('DBL', 'BAR', first)} >> text=131.50")

    def arrived() -> None:
        assert "14730" in str(price_at_sunbeds(the_hotel, first))

    eventually(arrived)
    page.goto(f"{the_hotel.pages}/bookings")
    shown = page.locator("#live tr[data-key]").count()
    the_hotel.book(20, 2)
    # In one look, since the next news of it, that the PMS has it, takes the mark of the first one away.
    page.wait_for_function(
        "many => document.querySelectorAll('#live tr[data-key]').length > many && document.querySelector('tr.fresh')",
        arg=shown,
    )
    assert page.inner_text("#said") == "The page was brought up to date."
    page.goto(f"{the_hotel.pages}/calendar?from={ahead(9)}")
    page.hover(cell("DBL", "BAR", first))
    page.screenshot(path=pictures / "calendar.png")


def test_the_calendar_follows_by_itself(the_hotel: Hotel, visitor: Any) -> None:
    page = visitor()
    the_hotel.sign_in(page)
    day = ahead(40)
    page.goto(f"{the_hotel.pages}/calendar?from={day}")
    free = int(page.inner_text(f"{cell('DBL', '', day)} .n"))
    page.focus(cell("DBL", "", day))
    the_hotel.book(40, 1)
    page.wait_for_selector(f"{cell('DBL', '', day)} .n >> text='{free - 1}'")
    # Whoever was there with the keyboard still is.
    assert page.evaluate("document.activeElement.dataset.day") == day


def test_by_keyboard(the_hotel: Hotel, visitor: Any) -> None:
    page = visitor()
    the_hotel.sign_in(page)
    page.goto(f"{the_hotel.pages}/calendar?from={ahead(5)}")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.focus(cell("DBL", "", ahead(5)))
    assert "sellable" in page.inner_text(".bubble")
    for key in ("ArrowDown", "ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight"):
        page.keyboard.press(key)
    assert page.locator("td.chosen").count() == 3
    page.keyboard.press("Enter")
    page.wait_for_url("**/calendar/edit?*")
    found = {name: page.input_value(f"#{name}") for name in ("room", "plan", "first", "last")}
    assert found == {"room": "DBL", "plan": "BAR", "first": ahead(6), "last": ahead(8)}


def test_by_pointer(the_hotel: Hotel, visitor: Any) -> None:
    page = visitor()
    the_hotel.sign_in(page)
    page.goto(f"{the_hotel.pages}/calendar?from={ahead(5)}")
    page.drag_and_drop(cell("FAM", "HB", ahead(6)), cell("FAM", "HB", ahead(9)))
    page.wait_for_url("**/calendar/edit?*")
    assert re.search(rf"room=FAM&plan=HB&first={ahead(6)}&last={ahead(9)}", page.url)


def test_a_slip_waits_until_it_is_confirmed(the_hotel: Hotel, visitor: Any, pictures: Path) -> None:
    """By keyboard alone, from the calendar to the price that is set."""
    page = visitor()
    the_hotel.sign_in(page)
    day = ahead(70)
    page.goto(f"{the_hotel.pages}/calendar/edit?room=FAM&plan=BAR&first={day}&last={day}")
    page.fill("#price2", "99000")
    page.click("button:has-text('Preview')")
    page.click("text=Save and send")
    page.click("text=Look at it")
    page.wait_for_selector("td:has-text('€99,000.00')")
    page.screenshot(path=pictures / "held.png")
    page.goto(f"{the_hotel.pages}/alerts")
    page.click("text=Look at it")
    page.locator("button:has-text('Set these values')").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/held?done=confirm")
    assert "Nothing waits" in page.inner_text("#live")
    page.goto(f"{the_hotel.pages}/calendar?from={day}")
    page.wait_for_selector(f"{cell('FAM', 'BAR', day)} >> text=99,000")


def test_a_booking_is_handed_over_again(the_hotel: Hotel, visitor: Any, pictures: Path) -> None:
    page = visitor("zh-CN")
    the_hotel.sign_in(page)
    the_hotel.book(75, 1)
    page.goto(f"{the_hotel.pages}/bookings?order=arrival&arrival_first={ahead(75)}&arrival_last={ahead(75)}")
    page.wait_for_selector("#live tr[data-key] a")
    page.click("#live tr[data-key] a")
    page.wait_for_selector("tr[data-key='demo-pms'] >> text=已确认")
    page.screenshot(path=pictures / "hand-over.png")
    page.locator("#resend-demo-pms").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**?done=resend")
    page.wait_for_selector("text=正在重新交付。")
    page.wait_for_selector("tr[data-key='demo-pms'] >> text=已确认")


def test_without_scripts(the_hotel: Hotel, visitor: Any) -> None:
    page = visitor(java_script_enabled=False)
    the_hotel.sign_in(page)
    page.goto(f"{the_hotel.pages}/calendar?from={ahead(60)}")
    page.click('tr[data-room="FAM"][data-plan="BAR"] a.edit')
    page.fill("#last", ahead(61))
    page.select_option("#closed", "on")
    page.click("button:has-text('Preview')")
    page.click("text=Save and send")
    assert "closed" in str(page.get_attribute(cell("FAM", "BAR", ahead(60)), "class"))
    page.click("text=简体中文")
    assert page.get_attribute("html", "lang") == "zh-Hans"
    page.click("text=退出")
    assert page.url.endswith("/sign-in?bye=1")


@pytest.mark.parametrize(("language", "scheme"), [("en-GB", "light"), ("zh-CN", "dark"), ("zh-CN", "light")])
def test_every_page_is_for_everybody(
    the_hotel: Hotel, visitor: Any, pictures: Path, language: str, scheme: str
) -> None:
    page = visitor(language, color_scheme=scheme)
    page.goto(f"{the_hotel.url}/sign-in")
    wrong = {"sign-in": page.evaluate(LOOK)}
    page.screenshot(path=pictures / f"sign-in-{language}-{scheme}.png")
    the_hotel.sign_in(page)
    if not page.goto(f"{the_hotel.pages}/bookings") or not page.locator("#live tr[data-key]").count():
        the_hotel.book(25, 1)
        page.wait_for_selector("#live tr[data-key]")
    booking = page.locator("#live tr[data-key]").first.get_attribute("data-key")
    page.goto(f"{the_hotel.pages}/messages")
    message = page.locator("#live tr[data-key]").first.get_attribute("data-key")
    for name, path in PAGES.items():
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 800})
            page.goto(f"{the_hotel.pages}/{path.format(day=ahead(3), booking=booking, message=message)}")
            wrong[f"{name} {width}"] = page.evaluate(LOOK)
            page.screenshot(path=pictures / f"{name}-{language}-{scheme}-{width}.png")
    assert {name: found for name, found in wrong.items() if found} == {}


def test_an_open_page_does_not_hold_up_the_end(
    browser: Any, tmp_path: Path, visitor: Any, complaints: list[str]
) -> None:
    with demo(tmp_path, free_port()) as run:
        run.wait_until_open()
        page = visitor()
        with page.expect_response("**/live?*"):
            Hotel(run).sign_in(page)
        assert run.end(signal.SIGINT) == 0
        # What uvicorn says once its patience with open answers is over.
        assert "graceful shutdown exceeded" not in run.said()
        page.close()
    # The page may have asked once more before it was closed.
    complaints[:] = [each for each in complaints if "ERR_CONNECTION_REFUSED" not in each]
