"""What can be done on the pages: setting ranges, orders to channels, mapping, taking messages again."""

from __future__ import annotations

import html
import re

from gateway.model.access import AccessRole
from gateway.store.tables import MessageRow
from tests.flows.house import TODAY, new, stay, update
from tests.web.conftest import Web
from tests.web.console.conftest import Person, signed_in

FIRST, LAST = "2026-11-23", "2026-11-25"
EDIT = "/hotels/h/calendar/preview"
SAVE = "/hotels/h/calendar/save"


async def test_the_calendar_tells_what_the_pms_says_and_what_is_on_its_way(web: Web, ada: Person) -> None:
    await web.house.say(new(stay(1, 2), booking="B1"))
    page = await ada.get("/hotels/h/calendar")
    cell = re.search(rf'data-key="DBL\|\|{TODAY + 1}".*?</td>', page.text, re.DOTALL)
    assert cell is not None
    assert "pms says 3, 1 on its way, 2 sellable" in cell[0]
    cell = re.search(rf'data-key="DBL\|BAR\|{TODAY + 1}".*?</td>', page.text, re.DOTALL)
    assert cell is not None
    assert '<span class="n">120</span>' in cell[0]
    assert "1 adult €100.00, 2 adults €120.00" in cell[0]


async def test_a_preview_shows_each_channel_and_changes_nothing(web: Web, ada: Person) -> None:
    await web.house.push()
    form = {"room": "DBL", "plan": "BAR", "first": FIRST, "last": LAST, "price2": "111.50", "cta": "on"}
    page = await ada.post(EDIT, **form)
    assert page.status_code == 200
    for text in ("€120.00", "€111.50", "r1 · bar", "r1 · nr", "no arrival"):
        assert text in page.text
    assert await web.house.cell("DBL", "BAR", 1, "cta") == 0
    again = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text))
    # Whoever changes the language now comes back to a page that is there.
    assert again.pop("next") == "/hotels/h/calendar"
    assert {name: html.unescape(value) for name, value in again.items()} == {"csrf": ada.csrf, **form}
    assert 'value="111.50"' in (await ada.post("/hotels/h/calendar/edit", **form)).text


async def test_a_range_is_saved_and_sent(web: Web, ada: Person) -> None:
    await web.house.push()
    sent = len(web.house.wire.pushes("ota"))
    form = {"room": "DBL", "plan": "BAR", "first": FIRST, "last": LAST, "price2": "111.50", "min_arrival": "2"}
    answer = await ada.post(SAVE, **form, weekday=["0", "2"])
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"/hotels/h/calendar?from={FIRST}&saved=applied&change=")
    assert [await web.house.cell("DBL", "BAR", day, "min_arrival") for day in (2, 3, 4)] == [2, 0, 2]
    row = (await web.house.rows(MessageRow, "author = 'person:ada'"))[0]
    assert row.kind == "calendar"
    await web.house.push()
    assert len(web.house.wire.pushes("ota")) > sent
    assert (await ada.post(SAVE, **form, weekday=["0", "2"])).headers["location"].endswith("saved=unchanged")
    assert "Saved. The channels are being told." in (await ada.get("/hotels/h/calendar?saved=applied")).text


async def test_an_edit_is_taken_back_and_that_again(web: Web, ada: Person) -> None:
    form = {"room": "DBL", "plan": "BAR", "first": FIRST, "last": LAST, "min_arrival": "2"}
    saved = await ada.get((await ada.post(SAVE, **form)).headers["location"])
    undo = _undo(saved.text)
    assert "Take it back" in saved.text
    answer = await ada.post(undo, back=FIRST)
    assert answer.headers["location"].startswith(f"/hotels/h/calendar?from={FIRST}&saved=undone&change=")
    assert await web.house.cell("DBL", "BAR", 2, "min_arrival") == 0
    page = await ada.get(answer.headers["location"])
    assert "Taken back. The channels are being told." in page.text
    assert (await ada.post(_undo(page.text))).status_code == 303
    assert await web.house.cell("DBL", "BAR", 2, "min_arrival") == 2
    # The log offers it too, and what has changed since is said instead of done.
    number = undo.rpartition("/")[2]
    assert _undo((await ada.get(f"/hotels/h/messages/{number}")).text) == undo
    await ada.post(SAVE, **{**form, "min_arrival": "3"})
    refused = await ada.post(undo)
    assert refused.status_code == 412
    assert "some of it has been changed again since" in refused.text
    assert await web.house.cell("DBL", "BAR", 2, "min_arrival") == 3
    assert (await ada.post("/hotels/h/calendar/undo/x")).status_code == 422


async def test_who_may_not_set_prices_takes_none_back(web: Web, ada: Person) -> None:
    form = {"room": "DBL", "plan": "BAR", "first": FIRST, "last": LAST, "min_arrival": "2"}
    undo = _undo((await ada.get((await ada.post(SAVE, **form)).headers["location"])).text)
    desk = await signed_in(web, AccessRole.FRONT_DESK, name="desk")
    assert (await desk.post(undo)).status_code == 403
    assert await web.house.cell("DBL", "BAR", 2, "min_arrival") == 2


def _undo(page: str) -> str:
    (path,) = re.findall(r'action="(/hotels/h/calendar/undo/\d+)"', page)
    return str(path)


async def test_a_figure_of_the_pms_is_only_overruled_on_purpose(web: Web, ada: Person) -> None:
    form = {"room": "DBL", "plan": "BAR", "first": FIRST, "last": LAST, "figure": "1"}
    page = await ada.post(EDIT, **form)
    assert page.status_code == 403
    assert "the figures of this hotel come from pms" in page.text
    assert 'value="1"' in page.text
    assert (await ada.post(SAVE, **form, over_pms="1")).status_code == 303
    assert await web.house.free("DBL", 2) == 1


async def test_what_cannot_be_set_is_told_beside_the_form(web: Web, ada: Person) -> None:
    good = {"room": "DBL", "plan": "BAR", "first": FIRST, "last": LAST}
    wrong: list[tuple[dict[str, str], str]] = [
        ({}, "nothing is set"),
        ({"first": ""}, "say from which night"),
        ({"last": "2026-11-01", "closed": "on"}, "the last night is before the first"),
        ({"last": "2026-11-31"}, "is not a date"),
        ({"plan": "", "price2": "1"}, "a price needs a rate plan"),
        ({"room": "", "figure": "1"}, "a number of rooms needs a room type"),
        ({"price2": "1,50"}, "is not an amount of EUR"),
        ({"price2": "-5"}, "is not a price"),
        ({"price2": "9" * 12}, "is not a price"),
        ({"price2": "9" * 60}, "is too large"),
        ({"figure": "-1"}, "is not a number from 0 to 9999"),
        ({"min_arrival": "1000"}, "is not a number from 0 to 999"),
        ({"plan": "NR", "price2": "5"}, "BAR"),
        ({"room": "<b>", "closed": "on"}, "&lt;b&gt;"),
        ({"last": "2199-12-31", "closed": "on"}, "That cannot be done"),
    ]
    for change, text in wrong:
        for path in (EDIT, SAVE):
            page = await ada.post(path, **(good | change))
            assert 400 <= page.status_code < 500, change
            assert text in html.unescape(page.text) or text in page.text, change
            assert 'action="/hotels/h/calendar/preview"' in page.text
            assert "<b>" not in re.sub(r"<b>(?=[\w ]*</b>)", "", page.text)


async def test_the_front_desk_sets_rooms_and_closing_only(web: Web) -> None:
    desk = await signed_in(web, AccessRole.FRONT_DESK)
    page = await desk.get("/hotels/h/calendar/edit")
    assert 'name="figure"' in page.text
    assert 'name="price1"' not in page.text
    good = {"room": "DBL", "first": FIRST, "last": LAST}
    assert (await desk.post(SAVE, **good, closed="on")).status_code == 303
    assert await web.house.cell("DBL", "", 2, "closed") == 1
    refused = await desk.post(SAVE, **good, cta="on")
    assert refused.status_code == 403
    assert "this takes a role that may set rates" in refused.text
    assert await web.house.cell("DBL", "", 2, "cta") == 0
    assert (
        "Set a range"
        not in (await (await signed_in(web, AccessRole.READ_ONLY, name="eve")).get("/hotels/h/calendar")).text
    )


# --- channels ---------------------------------------------------------------------------------------------------------


async def test_a_channel_is_paused_and_resumed(web: Web, ada: Person) -> None:
    await web.house.push()
    page = await ada.get("/hotels/h/channels")
    assert "in sync" in page.text
    one = "/hotels/h/channels/ota"
    answer = await ada.post(f"{one}/order", order="pause")
    assert answer.headers["location"] == f"{one}?done=pause"
    page = await ada.get(f"{one}?done=pause")
    assert "Paused: it is sent nothing" in page.text
    assert 'value="resume"' in page.text
    await ada.post(SAVE, room="DBL", plan="BAR", first=FIRST, last=LAST, price2="77")
    sent = len(web.house.wire.pushes("ota"))
    await web.house.push()
    assert len(web.house.wire.pushes("ota")) == sent
    await ada.post(f"{one}/order", order="resume")
    await web.house.push()
    assert len(web.house.wire.pushes("ota")) > sent
    assert (await ada.post(f"{one}/order", order="full-sync")).status_code == 303
    assert "everything is to be sent" in (await ada.get(one)).text
    assert (await ada.post(f"{one}/order", order="explode")).status_code == 404


async def test_the_audit_offers_a_repair(web: Web, ada: Person) -> None:
    page = await ada.get("/hotels/h/channels/ota/audit")
    assert "never sent" in page.text
    assert 'value="repair"' in page.text
    await web.house.push()
    page = await ada.get("/hotels/h/channels/ota/audit")
    assert "none differs" in page.text
    answer = await ada.post("/hotels/h/channels/ota/order", order="repair")
    assert answer.headers["location"].endswith("done=nothing")


# --- bookings, mappings, messages -------------------------------------------------------------------------------------


async def test_an_unmapped_booking_is_parked_mapped_and_finds_its_room(web: Web, ada: Person) -> None:
    number = await web.house.say(new(stay(1, 2, room="suite"), booking="B9"))
    page = await ada.get(f"/hotels/h/bookings/{number}")
    assert "Parked:" in page.text
    assert number in (await ada.get("/hotels/h/bookings?parked=1")).text
    assert "suite" in (await ada.get("/hotels/h/alerts")).text
    mapping = await ada.get("/hotels/h/mappings/ota")
    assert "<code>suite</code>" in mapping.text
    version = re.search(r'name="version" value="(\d+)"', mapping.text)
    assert version is not None
    gone = await ada.post("/hotels/h/mappings/ota", version=version[1], do="remove", product="FAM|BAR")
    assert gone.headers["location"] == "/hotels/h/mappings/ota?saved=1"
    stale = await ada.post("/hotels/h/mappings/ota", version=version[1], do="remove", product="FAM|HB")
    assert stale.status_code == 412
    put = {"do": "put", "product": "FAM|BAR", "their_room": "suite", "their_plan": "bar"}
    assert (await ada.post("/hotels/h/mappings/ota", **put)).status_code == 303
    assert "Parked:" not in (await ada.get(f"/hotels/h/bookings/{number}")).text
    for wrong in ({"product": "FAM"}, {"their_room": ""}, {"their_plan": "x" * 65}, {"product": "NOPE|BAR"}):
        page = await ada.post("/hotels/h/mappings/ota", **(put | wrong))
        assert 400 <= page.status_code < 500, wrong
        assert "That cannot be done." in page.text


async def test_a_message_is_taken_again_after_a_look(web: Web, ada: Person) -> None:
    await web.house.ari(update("pDBL", "", 0, 0, figure=2))
    row = next(row for row in await web.house.rows(MessageRow, "connection = 'pms'") if b'"figure",2' in row.raw)
    await ada.post(SAVE, room="DBL", first="2026-11-21", last="2026-11-21", figure="1", over_pms="1")
    path = f"/hotels/h/messages/{row.message_id}"
    page = await ada.get(path)
    assert "figure" in page.text
    assert "Take it again" in page.text
    dry = await ada.post(f"{path}/replay")
    assert "Nothing has been done yet" in dry.text
    assert await web.house.free("DBL", 0) == 1
    assert 'value="it"' in dry.text
    assert "Done." in (await ada.post(f"{path}/replay", do="it")).text
    assert await web.house.free("DBL", 0) == 2


async def test_a_range_is_set_on_several_rooms_and_plans_at_once(web: Web, ada: Person) -> None:
    form = {"room": "DBL", "plan": "BAR", "first": FIRST, "last": FIRST, "price2": "111.50"}
    rooms, plans = ["DBL", "FAM"], ["HB"]
    page = await ada.post("/hotels/h/calendar/edit", **form, also_room=rooms, also_plan=plans)
    assert len(re.findall(r'name="also_\w+" value="\w+" checked', page.text)) == 3
    assert (await ada.post(EDIT, **form, also_room=rooms, also_plan=plans)).text.count("€111.50") >= 4
    assert (await ada.post(SAVE, **form, also_room=rooms, also_plan=plans)).status_code == 303
    for room in ("DBL", "FAM"):
        for plan in ("BAR", "HB"):
            prices = await web.house.cell(room, plan, 2, "price")
            assert isinstance(prices, list)
            assert prices[1] == 11_150
