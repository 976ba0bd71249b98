"""A guest books, pays and cancels over real HTTP: the gateway is a process, and payment gateways have pages."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from simulators.psp.__main__ import settle_at
from simulators.psp.accounts import make
from simulators.psp.courier import Courier
from simulators.psp.server import PspApp
from simulators.serving import running_in_thread
from tests.e2e.town import Town, ahead, eventually

FIRST, LAST = 30, 32
TOTAL = 2 * 12_000
GATEWAYS = ("stripe", "adyen")
HOTEL = """
[property]
id = "paid"
name = "Hotel Pagado"
currency = "EUR"
timezone = "UTC"

[[room_types]]
code = "stripe"
units = 1

[[room_types]]
code = "adyen"
units = 1

[[rate_plans]]
code = "at-stripe"

[[rate_plans]]
code = "at-adyen"

[[connections]]
id = "site"
role = "direct"

[selling]
policies = [{ code = "NR", cancel = [{ nights = 1 }] }]
policy = "NR"
schedules = [
    { code = "S", pays = "full", account = "stripe" },
    { code = "A", pays = "full", account = "adyen" },
]
plans = [{ plan = "at-stripe", schedule = "S" }, { plan = "at-adyen", schedule = "A" }]
"""


def as_toml(value: Any) -> str:
    """Strings, lists and tables as TOML writes them inline."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {as_toml(each)}" for name, each in value.items()) + " }"
    return f"[{', '.join(map(as_toml, value))}]" if isinstance(value, list) else json.dumps(value)


class Guest:
    """The hotel's site, and the browser of its guest; ``pages`` are the addresses of the payment gateways."""

    def __init__(self, site: httpx.Client, pages: dict[str, str]) -> None:
        self._site = site
        self.pages = pages

    def say(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        body = {} if method == "POST" and body is None else body
        reply = self._site.request(method, path, json=body, params=query)
        assert reply.status_code < 300, reply.text
        return reply.json()

    def offers(self, room: str) -> list[dict[str, Any]]:
        stay = {"arrival": ahead(FIRST), "departure": ahead(LAST), "rooms": room, "plans": f"at-{room}"}
        found: list[dict[str, Any]] = self.say("GET", "/offers", **stay)["offers"]
        return found

    def has(self, sale_id: str) -> tuple[str, int, int]:
        """The state of the sale, and what was taken and given back."""
        money = self.say("GET", f"/sales/{sale_id}/money")
        return money["state"], money["taken"], money["refunded"]


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    folder = tmp_path_factory.mktemp("paid")
    built = Town(folder, hurried=False)
    with ExitStack() as stack:
        pages, lines = {}, [HOTEL]
        for name in GATEWAYS:
            psp, account = make(name, lambda: int(time.time()), name)
            app = PspApp(psp, Courier(psp, f"{built.gateway.url}/payments/{name}/{name}"), account)
            pages[name] = stack.enter_context(running_in_thread(app))
            settle_at(app, pages[name])
            lines += ["[[payments]]", *(f"{key} = {as_toml(value)}" for key, value in account.items())]
        (folder / "hotel.toml").write_text("\n".join(lines))
        applied = built.command("apply", str(folder / "hotel.toml"))
        assert applied.returncode == 0, applied.stderr
        key = json.loads(built.command("key", "create", "site", "--role", "owner", "--json").stdout)["secret"]
        stack.callback(built.gateway.stop)
        built.gateway.start()
        built.gateway.wait_until_ready()
        base, login = f"{built.gateway.url}/v1/properties/paid", {"authorization": f"Bearer {key}"}
        site = stack.enter_context(httpx.Client(base_url=base, headers=login, timeout=30, trust_env=False))
        yield Guest(site, pages)


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_a_guest_searches_pays_and_cancels(guest: Guest, gateway: str) -> None:
    nights = {"first": ahead(FIRST), "last": ahead(LAST), "room": gateway}
    price = {**nights, "plan": f"at-{gateway}", "set": {"prices": [{"guests": 2, "amount": 12_000}]}}
    guest.say("PATCH", "/calendar", {"updates": [{**nights, "set": {"figure": 1}}, price]})
    (offer,) = guest.offers(gateway)
    assert (offer["total"], offer["due"]) == (TOTAL, TOTAL)
    room = {"room": gateway, "plan": f"at-{gateway}"}
    stay = {"arrival": ahead(FIRST), "departure": ahead(LAST), "rooms": [room]}
    sale_id = guest.say("POST", "/quotes", stay)["sale_id"]
    link = guest.say("POST", f"/sales/{sale_id}/pay", {"customer": {"booker": {"surname": "Lovelace"}}})
    assert (link["outcome"], link["state"], link["amount"]) == ("action_required", "held", TOTAL)
    assert link["action"]["url"].startswith(guest.pages[gateway])
    assert guest.offers(gateway) == []
    page = f"{guest.pages[gateway]}/guest/{link['operation_id']}"
    assert httpx.post(page, data={"succeeds": "yes"}, trust_env=False).status_code in (200, 303)

    def booked() -> None:
        assert guest.has(sale_id) == ("booked", TOTAL, 0)

    eventually(booked)
    assert guest.say("GET", "/reservations", text=sale_id)["items"][0]["status"] == "booked"
    assert guest.offers(gateway) == []
    assert guest.say("POST", f"/sales/{sale_id}/cancel")["penalty"] == TOTAL // 2

    def given_back() -> None:
        assert guest.has(sale_id) == ("cancelled", TOTAL // 2, TOTAL // 2)

    eventually(given_back)
    state = httpx.get(f"{guest.pages[gateway]}/state", trust_env=False).json()
    assert (state["taken"], state["given"]) == (TOTAL, TOTAL // 2)
    assert len(guest.offers(gateway)) == 1
