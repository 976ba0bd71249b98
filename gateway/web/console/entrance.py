"""Signing in and out, the language, and choosing among several properties."""

from __future__ import annotations

from urllib.parse import urlencode

from gateway.errors import Malformed, Refusal, Unauthentic
from gateway.flows.access.attempts import TooMany
from gateway.flows.desk import properties
from gateway.model.access import Action
from gateway.web.callers import SESSION_COOKIE
from gateway.web.console.serving import LANGUAGE_COOKIE, our_path
from gateway.web.console.visits import Go, Page, Views, Visit, hotel_url
from gateway.web.problems import status_of
from gateway.web.texts import LANGUAGES

VIEWS = Views()


@VIEWS.add("GET", "/")
async def home(visit: Visit) -> Page | Go:
    """The calendar of the only property, or a list of them."""
    assert visit.session is not None
    allowed = visit.session.principal.where(Action.LOOK)
    cursor = visit.query.text("cursor")
    page = await properties.find(visit.services, only=allowed, cursor=cursor, limit=100)
    if len(page.items) == 1 and not page.next and not cursor:
        return Go(hotel_url(page.items[0].id, "calendar"))
    return Page("properties.html", {"page": page})


@VIEWS.add("GET", "/sign-in", is_open=True)
async def sign_in_page(visit: Visit) -> Page | Go:
    """The form; whoever is signed in already goes on."""
    if visit.session is not None:
        return Go(our_path(visit.query.text("next", "/")))
    return _form(visit, our_path(visit.query.text("next", "/")))


@VIEWS.add("POST", "/sign-in", is_open=True)
async def sign_in(visit: Visit) -> Page | Go:
    """A new session, and on to where somebody wanted to go."""
    back = our_path(visit.form.text("next", "/"))
    name, password = visit.form.text("name"), visit.form.text("password")
    try:
        if not name or not password:
            raise Malformed("name and password are needed")
        session = await visit.identity.sign_in(name, password, visit.address)
    except (TooMany, Unauthentic, Malformed) as refusal:
        return _form(visit, back, refusal)
    return Go(back, {SESSION_COOKIE: session.token})


def _form(visit: Visit, back: str, refusal: Refusal | None = None) -> Page:
    status = 200 if refusal is None else status_of(refusal).value
    return Page(
        "sign-in.html",
        {"back": back, "refusal": refusal, "name": visit.form.text("name")},
        # A browser would ask for a login of its own, or say that the page is not there.
        status=422 if status in (400, 401) else status,
    )


@VIEWS.add("POST", "/sign-out")
async def sign_out(visit: Visit) -> Go:
    """The session ends here at once."""
    assert visit.session is not None
    await visit.identity.sign_out(visit.session.token)
    return Go("/sign-in?" + urlencode({"bye": "1"}), {SESSION_COOKIE: ""})


@VIEWS.add("POST", "/language", is_open=True)
async def choose_language(visit: Visit) -> Go:
    """Kept in a cookie for a year."""
    language = visit.form.choice("language", LANGUAGES, visit.language)
    return Go(our_path(visit.form.text("next", "/")), {LANGUAGE_COOKIE: language})
