"""Signing in and out, the language, and what every page carries."""

from __future__ import annotations

import httpx
import pytest

from gateway.flows.access import rights
from gateway.flows.access.rights import Wanted
from gateway.model.access import AccessRole, Grant
from gateway.web.callers import SESSION_COOKIE
from gateway.web.console.serving import LANGUAGE_COOKIE, our_path
from tests.web.conftest import Web
from tests.web.console.conftest import Person, hidden, signed_in

PASSWORD = "correct horse battery"


async def make_ada(web: Web) -> None:
    wanted = Wanted(name="Ada", grants=(Grant(AccessRole.OWNER, "h"),))
    await rights.create_person(web.house.services, None, wanted, PASSWORD)


async def sign_in(client: httpx.AsyncClient, password: str = PASSWORD, **more: str) -> httpx.Response:
    page = await client.get("/sign-in")
    return await client.post("/sign-in", data={**hidden(page), "name": "ada", "password": password, **more})


async def test_nobody_sees_anything_before_signing_in(web: Web) -> None:
    answer = await web.client().get("/hotels/h/bookings?text=x")
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/sign-in?next=%2Fhotels%2Fh%2Fbookings%3Ftext%3Dx",
    )
    assert (await web.client().get("/")).headers["location"] == "/sign-in"
    assert (await web.client().get("/hotels/h/calendar", headers={"x-fragment": "1"})).status_code == 401
    assert (await web.client().get("/hotels/h/live")).status_code == 401


async def test_signing_in_and_out(web: Web) -> None:
    await make_ada(web)
    client = web.client()
    answer = await sign_in(client, next="/hotels/h/channels")
    assert (answer.status_code, answer.headers["location"]) == (303, "/hotels/h/channels")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie
    assert (await client.get("/")).headers["location"] == "/hotels/h/calendar"
    token = client.cookies[SESSION_COOKIE]
    page = await client.get("/hotels/h/calendar")
    answer = await client.post("/sign-out", data={"csrf": hidden(page)["csrf"]})
    assert answer.status_code == 303
    client.cookies.set(SESSION_COOKIE, token)
    assert (await client.get("/hotels/h/calendar")).status_code == 303


async def test_over_tls_cookies_are_secure(web: Web) -> None:
    answer = await web.client().get("/sign-in", headers={"x-forwarded-proto": "https"})
    assert "Secure" in answer.headers["set-cookie"]


async def test_a_wrong_password_is_told_kindly_and_counted(web: Web) -> None:
    client = web.client()
    page = await client.get("/sign-in")
    form = {**hidden(page), "name": '<b>"ada"', "password": "wrong"}
    answer = await client.post("/sign-in", data=form)
    assert answer.status_code == 422
    assert "name and password do not match" in answer.text
    assert "&lt;b&gt;&#34;ada&#34;" in answer.text
    for _ in range(19):
        web.app.state.identity._by_address.failed("127.0.0.1")
    assert (await client.post("/sign-in", data=form)).status_code == 429


async def test_a_form_from_elsewhere_signs_nobody_in(web: Web) -> None:
    client = web.client()
    answer = await client.post("/sign-in", data={"name": "ada", "password": PASSWORD, "csrf": "x"})
    assert answer.status_code == 403
    assert SESSION_COOKIE not in answer.headers.get("set-cookie", "")


@pytest.mark.parametrize(
    "text", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/a\nb", ""]
)
def test_nobody_is_sent_elsewhere(text: str) -> None:
    assert our_path(text) == "/"


async def test_the_language_is_asked_for_or_chosen(web: Web) -> None:
    client = web.client()
    page = await client.get("/sign-in", headers={"accept-language": "zh-CN"})
    assert '<html lang="zh-Hans">' in page.text
    assert "登录" in page.text
    answer = await client.post("/language", data={"csrf": hidden(page)["csrf"], "language": "en", "next": "/sign-in"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert client.cookies[LANGUAGE_COOKIE] == "en"
    page = await client.get("/sign-in", headers={"accept-language": "zh-CN"})
    assert '<html lang="en">' in page.text


async def test_several_properties_are_chosen_from(web: Web) -> None:
    person = await signed_in(web, scope_id="*")
    page = await person.get("/")
    assert page.status_code == 200
    assert 'href="/hotels/h/calendar"' in page.text
    assert 'href="/hotels/other/calendar"' in page.text


async def test_assets(web: Web) -> None:
    for name, kind in (("console.css", "text/css"), ("console.js", "text/javascript"), ("icon.svg", "image/svg+xml")):
        answer = await web.client().get(f"/console/{name}")
        assert answer.headers["content-type"].startswith(kind)
    assert (await web.client().get("/console/..%2Froutes.py")).status_code == 404


async def test_forms_without_their_token_do_nothing(web: Web, ada: Person) -> None:
    for path in ("/sign-out", "/hotels/h/calendar/save", "/hotels/h/channels/ota/order", "/hotels/h/mappings/ota"):
        for csrf in ("", "x", "é"):
            answer = await ada.post(path, csrf=csrf, order="pause", first="2026-12-01")
            assert answer.status_code == 403, path
            assert "the page is out of date" in answer.text
    answer = await ada.client.post("/hotels/h/calendar/save", content=b"{}", headers={"content-type": "text/plain"})
    assert answer.status_code == 415
