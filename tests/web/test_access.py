"""Keys and people: what they are shown, what they may give, and that nothing of them lasts after it was taken."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway.errors import Refusal, Unauthentic
from gateway.flows.access import rights
from gateway.flows.access.identity import FRESH_MS, SESSION_IDLE_MS, SESSION_MS, Identity
from gateway.flows.access.rights import Wanted
from gateway.model.access import AccessRole, Grant
from gateway.store.tables_access import PrincipalRow, PrincipalUseRow, SessionRow
from tests.web.conftest import Web, problem

OWNER = {"role": "owner", "property": "h"}
PASSWORD = "correct horse"


async def create(client: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    reply = await client.post("/v1/keys", json={"name": "tool", "grants": [OWNER]} | more)
    assert reply.status_code == 201, reply.text
    found: dict[str, Any] = reply.json()
    return found | {"etag": reply.headers["etag"], "location": reply.headers["location"]}


# --- keys -------------------------------------------------------------------------------------------------------------


async def test_a_key_is_told_once_and_kept_as_a_digest(web: Web, owner: httpx.AsyncClient) -> None:
    made = await create(owner)
    assert made["location"] == f"/v1/principals/{made['principal']['id']}"
    me = (await web.client(made["secret"]).get("/v1/me")).json()
    assert (me["kind"], me["name"], me["grants"]) == ("key", "tool", [OWNER])
    secret = made["secret"].split("_", 2)[2]  # may have underscores itself
    for row in await web.house.rows(PrincipalRow, "1 = 1"):
        assert secret not in repr(row)
    assert made["secret"] not in (await owner.get(made["location"])).text


@pytest.mark.parametrize(
    "wrong",
    ["", "Bearer", "Bearer x", "Bearer gwk_", "Bearer gwk_0_0", "Bearer gwk__x", "Basic eDp5", "Bearer gwk_\xff_\xff"],
)
async def test_whoever_is_unknown_learns_nothing(web: Web, owner: httpx.AsyncClient, wrong: str) -> None:
    made = await create(owner)
    stranger = web.client()
    right = made["secret"]
    replies = [
        await stranger.get("/v1/me", headers={b"authorization": value.encode("latin-1")})
        for value in (wrong, f"Bearer {right[:-1]}{'A' if right[-1] != 'A' else 'B'}")
    ]
    found = [problem(reply, 401) for reply in replies]
    assert all(reply.headers["www-authenticate"].startswith("Bearer") for reply in replies)
    if wrong.startswith("Bearer gwk_"):
        assert found[0] == found[1]


async def test_a_revoked_key_is_of_no_use_at_once(web: Web, owner: httpx.AsyncClient) -> None:
    made = await create(owner)
    tool = web.client(made["secret"])
    assert (await tool.get("/v1/me")).status_code == 200
    assert (await owner.post(f"{made['location']}/revoke")).json()["revoked_at"]
    problem(await tool.get("/v1/me"), 401)
    assert (await owner.post(f"{made['location']}/revoke")).status_code == 200
    assert (await owner.get(made["location"])).json()["revoked_at"]


async def test_what_another_process_revokes_ends_within_a_second(web: Web, owner: httpx.AsyncClient) -> None:
    made = await create(owner)
    tool = web.client(made["secret"])
    assert (await tool.get("/v1/me")).status_code == 200
    await rights.revoke(web.house.services, None, made["principal"]["id"])
    web.house.clock.pass_s(FRESH_MS / 1000)
    problem(await tool.get("/v1/me"), 401)


async def test_what_another_process_revokes_ends_though_the_clock_was_set_back(
    web: Web, owner: httpx.AsyncClient
) -> None:
    made = await create(owner)
    tool = web.client(made["secret"])
    web.house.clock.pass_s(3_600)
    assert (await tool.get("/v1/me")).status_code == 200
    web.house.clock.pass_s(-3_600)
    await rights.revoke(web.house.services, None, made["principal"]["id"])
    problem(await tool.get("/v1/me"), 401)


async def test_a_session_ended_elsewhere_ends_here_though_the_clock_was_set_back(web: Web) -> None:
    await person(web)
    here, elsewhere = Identity(web.house.services), Identity(web.house.services)
    session = await here.sign_in("ada", PASSWORD, "")
    web.house.clock.pass_s(3_600)
    await here.by_session(session.token, "")
    await here.by_session(session.token, "")
    web.house.clock.pass_s(-3_600)
    await elsewhere.sign_out(session.token)
    with pytest.raises(Exception, match="ended"):
        await here.by_session(session.token, "")
    await here.idle()


async def test_a_key_expires(web: Web, owner: httpx.AsyncClient) -> None:
    made = await create(owner, expires_at="2026-11-21T10:00:00Z")
    tool = web.client(made["secret"])
    assert (await tool.get("/v1/me")).status_code == 200
    web.house.clock.pass_s(3599)
    assert (await tool.get("/v1/me")).status_code == 200
    web.house.clock.pass_s(1)
    problem(await tool.get("/v1/me"), 401)


@pytest.mark.parametrize(
    ("address", "is_allowed"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("10.2.0.1", False),
        ("2001:db8::7", True),
        ("2001:db9::7", False),
        ("unix", False),
    ],
)
async def test_a_key_is_of_use_from_its_networks_only(
    web: Web, owner: httpx.AsyncClient, address: str, is_allowed: bool
) -> None:
    made = await create(owner, allow=["10.1.0.0/16", "2001:db8::/32"])
    reply = await web.client(made["secret"], address).get("/v1/me")
    assert reply.status_code == (200 if is_allowed else 401)


async def test_the_last_use_is_written_once_a_minute(web: Web, owner: httpx.AsyncClient) -> None:
    made = await create(owner)
    tool = web.client(made["secret"], "10.9.9.9")
    seen = []
    for seconds in (0, 59, 1):
        web.house.clock.pass_s(seconds)
        await tool.get("/v1/me")
        await web.settle()
        row = next(row for row in await web.house.rows(PrincipalUseRow, "address = '10.9.9.9'"))
        seen.append(row.used_ms)
    assert (seen[1] - seen[0], seen[2] - seen[0]) == (0, 60_000)
    shown = (await owner.get(made["location"])).json()
    assert (shown["used_at"], shown["used_from"]) == ("2026-11-21T09:01:00Z", "10.9.9.9")


async def test_attempts_are_limited_by_address(web: Web, owner: httpx.AsyncClient) -> None:
    made = await create(owner)
    nearby, far = web.client(address="2001:db8::1"), web.client(address="2001:db8:0:1::1")
    wrong = {"authorization": "Bearer gwk_0_0"}
    for _ in range(20):
        problem(await nearby.get("/v1/me", headers=wrong), 401)
    reply = await nearby.get("/v1/me", headers=wrong)
    problem(reply, 429)
    assert reply.headers["retry-after"] == "300"
    problem(await web.client(address="2001:db8::2").get("/v1/me", headers=wrong), 429)
    problem(await far.get("/v1/me", headers=wrong), 401)
    assert (await web.client(made["secret"], "2001:db8::1").get("/v1/me")).status_code == 200
    web.house.clock.pass_s(300)
    problem(await nearby.get("/v1/me", headers=wrong), 401)


# --- giving rights ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("grants", "status"),
    [
        ([{"role": "revenue", "property": "h"}], 201),
        ([{"role": "owner", "property": "h"}], 201),
        ([{"role": "read_only", "property": "other"}], 404),
        ([{"role": "read_only", "property": "*"}], 403),
        ([{"role": "revenue", "property": "h"}, {"role": "revenue", "property": "h"}], 422),
        ([], 422),
        ([{"role": "king", "property": "h"}], 422),
    ],
)
async def test_nobody_gives_what_they_do_not_have(web: Web, grants: list[dict[str, str]], status: int) -> None:
    reply = await (await web.as_role(AccessRole.OWNER)).post("/v1/keys", json={"name": "x", "grants": grants})
    assert reply.status_code == status, reply.text


async def test_a_property_that_is_not_there_gets_no_rights(owner: httpx.AsyncClient) -> None:
    reply = await owner.post("/v1/keys", json={"name": "x", "grants": [{"role": "owner", "property": "ritz"}]})
    assert problem(reply, 422)["errors"][0]["pointer"] == "#/grants"


async def test_an_owner_sees_and_changes_only_whom_they_could_have_made(web: Web, owner: httpx.AsyncClient) -> None:
    both = await create(owner, grants=[OWNER, {"role": "read_only", "property": "other"}])
    mine = await create(owner, name="mine")
    local = await web.as_role(AccessRole.OWNER)
    names = {each["name"] for each in (await local.get("/v1/principals")).json()["items"]}
    assert names == {"mine", "owner at h"}
    problem(await local.get(both["location"]), 404)
    problem(await local.post(f"{both['location']}/revoke"), 404)
    assert (await local.post(f"{mine['location']}/revoke")).status_code == 200


@pytest.mark.parametrize("role", [role for role in AccessRole if role is not AccessRole.OWNER])
async def test_only_owners_manage_access(web: Web, role: AccessRole) -> None:
    problem(await (await web.as_role(role, "*")).get("/v1/principals"), 403)


async def test_nobody_locks_themselves_out(web: Web) -> None:
    local = await web.as_role(AccessRole.OWNER)
    place = f"/v1/principals/{(await local.get('/v1/me')).json()['id']}"
    problem(await local.post(f"{place}/revoke"), 409)
    problem(await local.patch(place, json={"name": "x"}, headers={"if-match": "*"}), 409)
    assert (await local.get(place)).status_code == 200


async def test_a_change_names_what_it_has_seen(web: Web, owner: httpx.AsyncClient) -> None:
    made = await create(owner)
    place = made["location"]
    problem(await owner.patch(place, json={"name": "other"}), 428)
    problem(await owner.patch(place, json={"name": "other"}, headers={"if-match": '"0"'}), 412)
    first = await owner.patch(place, json={"name": "renamed"}, headers={"if-match": made["etag"]})
    assert (first.status_code, first.json()["name"]) == (200, "renamed")
    problem(await owner.patch(place, json={"name": "late"}, headers={"if-match": made["etag"]}), 412)
    again = await owner.patch(place, json={"allow": ["10.0.0.0/8"]}, headers={"if-match": first.headers["etag"]})
    assert (again.json()["name"], again.json()["allow"]) == ("renamed", ["10.0.0.0/8"])
    unchanged = await owner.get(place, headers={"if-none-match": again.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")


async def test_taken_rights_are_gone_at_once(web: Web, owner: httpx.AsyncClient) -> None:
    made = await create(owner)
    tool = web.client(made["secret"])
    assert (await tool.get("/v1/principals")).status_code == 200
    grants = [{"role": "read_only", "property": "h"}]
    reply = await owner.patch(made["location"], json={"grants": grants}, headers={"if-match": "*"})
    assert reply.status_code == 200
    problem(await tool.get("/v1/principals"), 403)


async def test_pages_stay_in_order_while_keys_are_made(web: Web, owner: httpx.AsyncClient) -> None:
    names = [f"k{n}" for n in range(7)]
    for name in names:
        web.house.clock.pass_s(1)
        await create(owner, name=name)
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await owner.get("/v1/principals", params={"limit": 3, "cursor": cursor})).json()
        seen += [each["name"] for each in page["items"]]
        assert len(page["items"]) <= 3
        if not (cursor := page["next"]):
            break
        web.house.clock.pass_s(1)
        if len(seen) < 7:
            await create(owner, name="late")
    assert [name for name in seen if name.startswith("k")] == names
    assert len(seen) == len(set(seen)) + seen.count("late") - bool(seen.count("late"))


# --- people -----------------------------------------------------------------------------------------------------------


async def person(web: Web, name: str = "Ada", password: str | None = PASSWORD) -> rights.Given:
    wanted = Wanted(name=name, grants=(Grant(AccessRole.REVENUE, "h"),))
    return await rights.create_person(web.house.services, None, wanted, password)


async def test_a_person_signs_in_and_out(web: Web) -> None:
    given = await person(web)
    assert given.secret == ""
    identity = Identity(web.house.services)
    session = await identity.sign_in("  aDA ", PASSWORD, "10.0.0.1")
    assert session.principal.author == "person:ada"
    assert (await identity.by_session(session.token, "10.0.0.1")).csrf == session.csrf
    assert session.token not in repr(await web.house.rows(SessionRow, "1 = 1"))
    await identity.sign_out(session.token)
    with pytest.raises(Exception, match="ended"):
        await identity.by_session(session.token, "10.0.0.1")
    await identity.idle()


async def test_wrong_names_and_wrong_passwords_are_refused_alike(web: Web) -> None:
    await person(web)
    identity = Identity(web.house.services)
    said = []
    for name, password in (("ada", "wrong"), ("nobody", PASSWORD), ("ada\0", PASSWORD), ("", "")):
        with pytest.raises(Unauthentic) as refused:
            await identity.sign_in(name, password, "10.0.0.1")
        said.append(str(refused.value))
    assert len(set(said)) == 1


async def test_passwords_are_not_looked_at_after_too_many(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    await person(web)
    identity = Identity(web.house.services)
    looked: list[str] = []
    vault = web.house.services.vault

    def check(self: object, password: str, digest: str) -> bool:
        looked.append(password)
        return False

    monkeypatch.setattr(type(vault), "check", check)
    said = []
    for n in range(25):
        with pytest.raises(Refusal) as refused:
            await identity.sign_in("ada", f"guess {n}", "10.0.0.1")
        said.append(type(refused.value).__name__)
    assert said == ["Unauthentic"] * 20 + ["TooMany"] * 5
    assert len(looked) == 20


@pytest.mark.parametrize("ending", ["idle", "age", "revoked", "password"])
async def test_a_session_ends(web: Web, ending: str) -> None:
    given = await person(web)
    identity = Identity(web.house.services)
    session = await identity.sign_in("ada", PASSWORD, "10.0.0.1")
    if ending == "idle":
        web.house.clock.pass_s(SESSION_IDLE_MS / 1000 - 1)
        await identity.by_session(session.token, "10.0.0.1")
        web.house.clock.pass_s(SESSION_IDLE_MS / 1000)
    elif ending == "age":
        for _ in range(SESSION_MS // (SESSION_IDLE_MS // 2)):
            await identity.by_session(session.token, "10.0.0.1")
            web.house.clock.pass_s(SESSION_IDLE_MS / 2000)
    elif ending == "revoked":
        await rights.revoke(web.house.services, None, given.principal.id)
        identity.forget(given.principal.id)
    else:
        await rights.set_password(web.house.services, None, given.principal.id, "another password")
        identity.forget(given.principal.id)
    with pytest.raises(Exception, match="ended"):
        await identity.by_session(session.token, "10.0.0.1")
    await identity.idle()


async def test_a_signed_in_browser_may_ask_but_changes_need_its_page(web: Web) -> None:
    wanted = Wanted(name="Ada", grants=(Grant(AccessRole.OWNER),))
    await rights.create_person(web.house.services, None, wanted, PASSWORD)
    session = await Identity(web.house.services).sign_in("ada", PASSWORD, "127.0.0.1")
    browser = web.client()
    browser.cookies.set("gateway_session", session.token)
    assert (await browser.get("/v1/me")).json()["kind"] == "person"
    body = {"name": "x", "grants": [OWNER]}
    problem(await browser.post("/v1/keys", json=body), 403)
    problem(await browser.post("/v1/keys", json=body, headers={"x-csrf-token": "guess"}), 403)
    reply = await browser.post("/v1/keys", json=body, headers={"x-csrf-token": session.csrf})
    assert reply.json()["principal"]["created_by"] == "person:ada"


@pytest.mark.parametrize(
    ("name", "password", "pointer"),
    [
        ("ada", PASSWORD, "#/name"),
        ("ADA ", PASSWORD, "#/name"),
        ("b\x07b", PASSWORD, "#/name"),
        ("bob", "short", "#/password"),
        ("grace hopper", "Grace Hopper", "#/password"),
    ],
)
async def test_people_who_cannot_be(web: Web, owner: httpx.AsyncClient, name: str, password: str, pointer: str) -> None:
    await person(web)
    reply = await owner.post("/v1/people", json={"name": name, "grants": [OWNER], "password": password})
    assert problem(reply, 422)["errors"][0]["pointer"] == pointer


async def test_a_name_is_free_again_after_its_person_has_gone(web: Web, owner: httpx.AsyncClient) -> None:
    await rights.revoke(web.house.services, None, (await person(web)).principal.id)
    reply = await owner.post("/v1/people", json={"name": "ada", "grants": [OWNER]})
    assert reply.status_code == 201
    assert len(reply.json()["secret"]) >= 20
    place = reply.headers["location"]
    assert (await owner.put(f"{place}/password", json={"password": "another password"})).status_code == 204
    assert (await Identity(web.house.services).sign_in("ada", "another password", "")).principal.name == "ada"
