"""Every page: what it shows, to whom, and that nothing anybody writes gets out of its place."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from babel.messages.extract import extract_python
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract
from msgspec.structs import replace

import gateway.web
from gateway.flows.record import Record
from gateway.messages import ReservationReceived
from gateway.model.access import PERMISSIONS, AccessRole
from gateway.model.reservation import Guest
from gateway.store.tables import MessageRow
from gateway.store.tables_paying import PaymentRow
from gateway.web.console.routes import all_views
from gateway.web.console.visits import View
from gateway.web.console.words import WORDS
from tests.flows.house import PLANS, ROOMS, channel, hotel, new, pms, stay, update
from tests.web.conftest import Web
from tests.web.console.conftest import Person, signed_in

HERE = Path(gateway.web.__file__).parent
KEYWORDS: dict[str, None] = dict.fromkeys(("_", "ngettext"))
EVIL = "<script>alert(1)</script>"
NAMES = {
    "property": "h",
    "connection": "ota",
    "day": "2026-11-25",
    "reservation": "NOBODY",
    "sale": "NOBODY",
    "payment": "NOBODY",
    "message": "1",
}


def path_of(view: View) -> str:
    return re.sub(r"\{(\w+)\}", lambda name: NAMES[name[1]], view.path)


async def ask(person: Person, view: View) -> httpx.Response:
    return await (person.get(path_of(view)) if view.method == "GET" else person.post(path_of(view)))


async def pages(web: Web, person: Person) -> dict[str, httpx.Response]:
    """All that can be looked at, with a booking and a message."""
    number = await web.house.say(new(stay(1, 3), booking="B1"))
    message = (await web.house.rows(MessageRow))[-1].message_id
    paid = PaymentRow("h", "01EVIL", "desk", number, "purchase", 10_000, "EUR", 0, EVIL, EVIL)
    await web.house.services.batcher.submit(Record([paid]))
    NAMES.update(reservation=number, message=str(message), payment=paid.payment_id)
    return {view.path: await ask(person, view) for view in all_views() if view.method == "GET" and not view.is_open}


async def test_every_page_is_there_and_guarded(web: Web, ada: Person) -> None:
    forms: list[str] = []
    for path, page in (await pages(web, ada)).items():
        if path == "/":
            continue
        assert page.status_code == 200, path
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert page.headers["cache-control"] == "no-store"
        assert '<html lang="en">' in page.text
        # What the policy would forbid.
        assert not re.search(r"<[^>]+\s(style|on\w+)=", page.text), path
        assert not re.search(r"<script(?! src=)|<style|javascript:", page.text), path
        forms += re.findall(r'<form\b[^>]*method="post".*?</form>', page.text, re.DOTALL)
    assert any('class="inline"' in form for form in forms)
    assert all('name="csrf"' in form for form in forms)


async def test_every_page_in_chinese(web: Web, ada: Person) -> None:
    ada.client.headers["accept-language"] = "zh-CN"
    for path, page in (await pages(web, ada)).items():
        if path != "/":
            assert '<html lang="zh-Hans">' in page.text, path
            assert "退出" in page.text


@pytest.mark.parametrize("role", AccessRole)
async def test_each_view_asks_for_its_action(web: Web, role: AccessRole) -> None:
    person = await signed_in(web, role)
    wrong = []
    for view in all_views():
        if view.path == "/sign-out":
            continue
        status = (await ask(person, view)).status_code
        allowed = view.action is None or view.action in PERMISSIONS[role]
        if (status == 403) is allowed or status == 401 or status >= 500:
            wrong.append((view.method, view.path, status))
    assert wrong == []


async def test_other_properties_do_not_exist(web: Web) -> None:
    person = await signed_in(web)
    for place in ("other", "ritz", "%00", "%F0%9F%A6%84"):
        for view in all_views():
            if "{property}" in view.path:
                path = re.sub(r"^/hotels/h/", f"/hotels/{place}/", path_of(view))
                answer = await (person.get(path) if view.method == "GET" else person.post(path))
                assert answer.status_code == 404, path
        assert (await person.get(f"/hotels/{place}/live")).status_code == 404


async def test_what_others_write_stays_text(web: Web) -> None:
    rooms = (replace(ROOMS[0], name=EVIL), ROOMS[1])
    plans = (replace(PLANS[0], name=f"'\"{EVIL}"), *PLANS[1:])
    evil = replace(hotel(pms(), channel("ota")), name=EVIL, room_types=rooms, rate_plans=plans)
    await web.house.apply(evil)
    await web.house.open_for_sale()
    person = await signed_in(web, name=EVIL)
    booked = replace(stay(1, 3), guests=(Guest(surname=EVIL, given=EVIL),), comments=(EVIL,))
    await web.house.post("ota", ReservationReceived("OTA", new(booked, booking=EVIL)))
    await web.house.ari(update(EVIL, "", 0, 1, figure=1))
    for path, page in (await pages(web, person)).items():
        assert EVIL not in page.text, path
        assert "<script>" not in page.text, path
    for query in (f"text={EVIL}", f"connection={EVIL}", f"kind={EVIL}&text='\"{EVIL}"):
        for section in ("bookings", "messages"):
            assert EVIL not in (await person.get(f"/hotels/h/{section}?{query}")).text


BAD = [
    "calendar?from=2026-02-30",
    "calendar?from=yesterday",
    "calendar?from=9999-12-31",
    "calendar?from=2199-12-31",
    "calendar?adults=0",
    "calendar?adults=%C2%B2",
    "calendar/night/2026-13-01",
    "calendar/night/x",
    "bookings?arrival_first=x",
    "bookings?cursor=%25%25",
    "bookings?text=%00",
    "messages?first=2026-01-01T25:00",
    "messages?cursor=AAAA",
    "messages?kind=" + "x" * 300,
    "messages/99999999999999999999",
    "messages/%C2%B2",
    "messages?" + "&".join(f"a{n}=1" for n in range(600)),
    "channels/nobody",
    "channels/nobody/audit",
    "channels/pms/audit",
    "mappings/nobody",
    "bookings/nobody",
    "bookings?text=" + "x" * 9_000,
]


async def test_bad_input_is_told_in_a_page(web: Web) -> None:
    person = await signed_in(web)
    for path in BAD:
        answer = await person.get(f"/hotels/h/{path}")
        assert 400 <= answer.status_code < 500, path
        assert answer.headers["content-type"].startswith("text/html")
        assert "content-security-policy" in answer.headers
        assert f"Status {answer.status_code}" in answer.text


async def test_a_choice_that_is_none_is_the_usual_one(web: Web) -> None:
    person = await signed_in(web)
    for path in ("bookings?status=nonsense", "calendar?days=15", "messages?outcome=x", "bookings?x=1"):
        assert (await person.get(f"/hotels/h/{path}")).status_code == 200, path


async def test_a_failure_of_ours_tells_nothing(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("gateway.flows.desk.connections.state", broken)
    answer = await (await signed_in(web)).get("/hotels/h/channels")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert "Status 500" in answer.text


async def test_a_fragment_is_the_live_part_only(web: Web, ada: Person) -> None:
    whole, part = await ada.get("/hotels/h/calendar"), await ada.get("/hotels/h/calendar", **{"x-fragment": "1"})
    assert "<table" in part.text
    assert "<html" not in part.text
    assert "<form" not in part.text
    assert part.text.strip() in whole.text


async def test_first_views_ask_little(web: Web, ada: Person) -> None:
    counter = web.house.services.database.counter
    for path in ("calendar", "bookings", "channels", "messages", "alerts", "mappings/ota"):
        await ada.get(f"/hotels/h/{path}")
        await web.settle()
        before = counter.statements
        assert (await ada.get(f"/hotels/h/{path}")).status_code == 200
        assert counter.statements - before <= 18, path


# --- the catalogue ----------------------------------------------------------------------------------------------------


def first(text: object) -> str:
    """The singular, of a text that has a plural."""
    return str(text[0]) if isinstance(text, tuple | list) else str(text or "")


def said() -> set[str]:
    """What templates and views say, and the words of the model."""
    found = set(WORDS.values())
    options = {"trim_blocks": "true", "lstrip_blocks": "true", "extensions": "jinja2.ext.do"}
    for file in (HERE / "console" / "templates").glob("*.html"):
        with file.open("rb") as text:
            found |= {first(message) for _, _, message, _ in babel_extract(text, list(KEYWORDS), [], options)}
    for file in (HERE / "console").glob("*.py"):
        with file.open("rb") as text:
            found |= {first(message) for _, _, message, _ in extract_python(text, KEYWORDS, [], {})}
    return found


def test_everything_is_translated() -> None:
    with (HERE / "locales" / "zh_Hans" / "messages.po").open("rb") as file:
        known = {first(entry.id): first(entry.string) for entry in read_po(file)}
    places = re.compile(r"%\(\w+\)s")
    assert len(said()) > 250
    assert sorted(text for text in said() if not known.get(text)) == []
    assert [text for text in said() if set(places.findall(text)) != set(places.findall(known[text]))] == []
