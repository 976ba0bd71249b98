"""Our AlpineBits client against our AlpineBits server, over HTTP: they agree first, and end up holding the same.

Two properties of one house: ``h`` sells through the portal, and ``p`` is the portal's own, which has the other side of
that connection as its PMS.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import msgspec
import pytest

from connectors.opentravel.alpinebits import CONNECTOR as ALPINEBITS
from gateway.contract import Capabilities, Reply, Request
from gateway.engine.stock import FIGURE, open_stock
from gateway.errors import OutcomeUnknown, Retryable
from gateway.flows.apply_hotel import apply_hotel
from gateway.flows.desk import connections as desk
from gateway.flows.desk.connections import ConnectionLine
from gateway.flows.push_ari import Pusher
from gateway.flows.push_work import AGREED_FOR_MS
from gateway.model.dates import BLOCK_DAYS
from gateway.model.property import Connection, Credentials, Product, Property, Role
from gateway.store.tables import AgreedRow, MessageRow, StockRow
from gateway.web.app import create_app
from gateway.wire.multipart_form import read_parts
from tests.flows.house import HORIZON, PLANS, PRODUCTS, ROOMS, TODAY, VAULT, House, pms, sealed, update
from tests.simulation.plain import PlainConnector

OPTIONS = {"rate_basis": "room"}
DELTAS = "OTA_HotelInvCountNotif_accept_deltas"


class Both:
    """A registry with the plain connector and AlpineBits."""

    def inbound_names(self) -> tuple[str, ...]:
        return ("plain", "alpinebits")

    def get(self, name: str) -> PlainConnector:
        return ALPINEBITS if name == "alpinebits" else PlainConnector()  # type: ignore[return-value]

    def capabilities(self, name: str, profile: str) -> Capabilities:
        return self.get(name).capabilities(profile)

    inbound = outbound = get


class Portal:
    """The way to the server. ``hidden`` capabilities are missing in its handshakes; ``faults`` happen in order."""

    def __init__(self) -> None:
        self.client: httpx.AsyncClient | None = None
        self.hidden: tuple[str, ...] = ()
        self.faults: list[str] = []
        self.sent: list[tuple[str, str, str]] = []  # version, action, message

    async def call(self, request: Request, *, timeout_s: float) -> Reply:
        assert self.client is not None
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "down":
            raise Retryable("connection refused")
        parts = read_parts(request.headers["content-type"], request.body)
        version = request.headers["x-alpinebits-clientprotocolversion"]
        self.sent.append((version, parts["action"].decode(), parts["request"].decode()))
        if fault == "lost":
            raise OutcomeUnknown("no answer")
        if fault == "unknown action":
            return Reply(400, {}, b"ERROR:unknown or missing action")
        answer = await self.client.post(request.url, content=request.body, headers=dict(request.headers))
        if fault == "unanswered":
            raise OutcomeUnknown("no answer")
        body = answer.content
        for name in self.hidden:
            pattern = rf',?"{name}"|{{"action":"{name}"[^}}]*}},?'
            body = re.sub(pattern.encode(), b"", body).replace(b"[,", b"[").replace(b",]", b"]")
        return Reply(answer.status_code, dict(answer.headers), body)

    def free_rooms(self) -> list[str]:
        return [message for _, action, message in self.sent if action.endswith(":FreeRooms")]

    def actions(self) -> list[str]:
        return [action.partition(":")[2] for _, action, _ in self.sent]


def _client(version: str = "2024-10", rooms: tuple[str, ...] = ("r1", "r2"), url: str = "http://portal") -> Property:
    """The hotel that is sold through the portal."""
    products = tuple(one for one in PRODUCTS if one.their_room in rooms)
    portal = Connection(
        "portal",
        "alpinebits",
        f"alpinebits-{version}",
        Role.CHANNEL,
        "DEMO01",
        url=f"{url}/alpinebits/theirs",
        products=products,
        days_ahead=HORIZON,
        options=OPTIONS,
    )
    prop = sealed(Property("h", "Hotel", "EUR", "UTC", ROOMS, PLANS, (pms(), portal)))
    seen = msgspec.structs.replace(prop.connections[1], outbound=Credentials("them", VAULT.seal("in")))
    return msgspec.structs.replace(prop, connections=(prop.connections[0], seen))


def _server(version: str = "2024-10") -> Property:
    """The portal's own hotel, fed by ours."""
    products = tuple(Product(one.room, one.plan, one.their_room, one.their_plan) for one in PRODUCTS)
    theirs = Connection(
        "theirs", "alpinebits", f"alpinebits-{version}", Role.PMS, "DEMO01", products=products, options=OPTIONS
    )
    plans = tuple(msgspec.structs.replace(plan, parent="") for plan in PLANS)
    return sealed(Property("p", "Portal", "EUR", "UTC", ROOMS, plans, (theirs,)))


class Pair:
    """Both ends in one process."""

    def __init__(self, house: House) -> None:
        self.portal = Portal()
        self.house = house
        house.services = replace(house.services, connectors=Both(), caller=self.portal)
        house.pusher = Pusher(house.services)

    async def start(self, *, client: str = "2024-10", server: str = "2024-10") -> None:
        transport = httpx.ASGITransport(app=create_app(self.house.services))  # type: ignore[arg-type]
        self.portal.client = httpx.AsyncClient(transport=transport, base_url="http://portal")
        await self.apply(_server(server))
        await self.apply(_client(client))
        await self.house.open_for_sale(3)

    async def apply(self, prop: Property) -> None:
        await apply_hotel(self.house.services, prop, "test")

    async def settle(self) -> None:
        """Looks again and again, as the worker does, until nothing is left to do."""
        for _ in range(30):
            await self.house.push()
            line = await self.line()
            if not (line.lag or line.cells_pending or line.failures):
                return
            self.house.clock.pass_s(120)
        pytest.fail(f"it never settles: {await self.line()}")

    async def line(self) -> ConnectionLine:
        state = await desk.state(self.house.services, "h")
        return next(line for line in state.connections if line.id == "portal")

    async def held(self, room: str) -> list[int]:
        """The server's figures of the room, night by night."""
        rows = {row.block: row.body for row in await self.house.rows(StockRow, "scope_id = 'p'") if row.room == room}
        days = range(TODAY, TODAY + HORIZON)
        return [open_stock(rows.get(day // BLOCK_DAYS))[FIGURE + day % BLOCK_DAYS] for day in days]


@pytest.fixture
def database_url(tmp_path: Path, migrated_sqlite: Path) -> str:
    """What is looked at is the talk between the two, so one kind of database will do."""
    path = tmp_path / "gateway.sqlite3"
    shutil.copyfile(migrated_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture
async def pair(empty_house: House) -> AsyncIterator[Pair]:
    pair = Pair(empty_house)
    yield pair
    if pair.portal.client is not None:
        await pair.portal.client.aclose()


def _is_complete(message: str) -> bool:
    return 'Instance="CompleteSet"' in message


async def test_a_handshake_and_a_complete_set_come_first_and_then_deltas(pair: Pair) -> None:
    await pair.start()
    await pair.settle()
    assert pair.portal.actions()[0] == "Handshaking"
    assert [_is_complete(message) for message in pair.portal.free_rooms()] == [True]
    assert await pair.held("DBL") == [3] * HORIZON
    line = await pair.line()
    assert (line.agreed_version, line.not_taken) == ("2024-10", ())
    assert DELTAS in line.agreed
    pair.portal.sent.clear()
    await pair.house.ari(update("pDBL", "", 4, 5, figure=1))
    await pair.settle()
    (delta,) = pair.portal.free_rooms()
    assert not _is_complete(delta)
    assert pair.portal.actions() == ["FreeRooms"]
    assert await pair.held("DBL") == [3] * 4 + [1] * 2 + [3] * (HORIZON - 6)


async def test_a_server_without_deltas_is_always_told_everything(pair: Pair) -> None:
    pair.portal.hidden = (DELTAS,)
    await pair.start()
    await pair.settle()
    await pair.house.ari(update("pDBL", "", 4, 5, figure=0))
    await pair.settle()
    assert await pair.held("FAM") == [3] * HORIZON
    await pair.apply(_client(rooms=("r1",)))  # r2 has left, so it is closed by being left out
    await pair.settle()
    assert all(map(_is_complete, pair.portal.free_rooms()))
    assert await pair.held("DBL") == [3] * 4 + [0] * 2 + [3] * (HORIZON - 6)
    assert await pair.held("FAM") == [0] * HORIZON


async def test_a_complete_set_closes_what_the_server_held_before(pair: Pair) -> None:
    """Nobody here ever told it of the second room."""
    await pair.start()
    await pair.settle()
    await pair.apply(_client(rooms=("r1",), url="http://other"))  # another account, as far as we know
    assert await pair.held("FAM") == [3] * HORIZON
    pair.portal.sent.clear()
    await pair.settle()
    assert pair.portal.actions()[0] == "Handshaking"
    assert _is_complete(pair.portal.free_rooms()[0])
    assert await pair.held("FAM") == [0] * HORIZON


async def test_no_rooms_at_all_are_a_reset(pair: Pair) -> None:
    pair.portal.hidden = (DELTAS,)
    await pair.start()
    await pair.settle()
    await pair.house.ari(update("pDBL", "", 0, HORIZON, figure=0), update("pFAM", "", 0, HORIZON, figure=0))
    await pair.settle()
    assert "<Inventory/>" in pair.portal.free_rooms()[-1]
    assert await pair.held("DBL") == await pair.held("FAM") == [0] * HORIZON


@pytest.mark.parametrize("hidden", [(), (DELTAS,)], ids=["deltas", "complete sets"])
@pytest.mark.parametrize("fault", ["down", "lost", "unanswered", "unknown action"])
async def test_unplugged_in_the_middle_it_converges(pair: Pair, hidden: tuple[str, ...], fault: str) -> None:
    pair.portal.hidden = hidden
    pair.portal.faults = ["down", "", fault]
    await pair.start()
    await pair.settle()
    await pair.house.ari(update("pDBL", "", 4, 5, figure=0), update("pFAM", "", 7, 9, figure=2))
    pair.portal.faults = [fault, fault]
    await pair.settle()
    assert await pair.held("DBL") == [3] * 4 + [0] * 2 + [3] * (HORIZON - 6)
    assert await pair.held("FAM") == [3] * 7 + [2] * 3 + [3] * (HORIZON - 10)


@pytest.mark.parametrize(("client", "server"), [("2024-10", "2020-10"), ("2020-10", "2024-10"), ("2024-10", "2018-10")])
async def test_the_highest_common_version_is_spoken(pair: Pair, client: str, server: str) -> None:
    await pair.start(client=client, server=server)
    await pair.settle()
    common = min(client, server)
    assert (await pair.line()).agreed_version == common
    assert {version for version, action, _ in pair.portal.sent if "Ping" not in action} == {common}
    assert await pair.held("DBL") == [3] * HORIZON


@pytest.mark.parametrize(
    ("hidden", "problem"),
    [
        (("action_OTA_HotelInvCountNotif",), "no FreeRooms in 2024-10"),
        (("OTA_HotelInvCountNotif_accept_categories",), "single rooms"),
    ],
)
async def test_a_server_that_takes_no_free_rooms_is_asked_again(
    pair: Pair, hidden: tuple[str, ...], problem: str
) -> None:
    pair.portal.hidden = hidden
    await pair.start()
    await pair.house.push()
    line = await pair.line()
    assert problem in line.error
    assert line.failures == 1
    assert line.paused_until_ms > pair.house.clock.now_ms()
    assert pair.portal.actions() == ["Handshaking"]
    pair.portal.hidden = ()
    pair.house.clock.pass_s(60)
    await pair.settle()
    assert await pair.held("DBL") == [3] * HORIZON
    assert (await pair.line()).error == ""


async def test_what_it_does_not_take_is_not_sent_until_it_does(pair: Pair) -> None:
    pair.portal.hidden = ("action_OTA_HotelRatePlanNotif_RatePlans",)
    await pair.start()
    await pair.settle()
    assert "RatePlans" not in pair.portal.actions()
    assert "price" in (await pair.line()).not_taken
    pair.portal.hidden = ()
    pair.portal.faults = ["unknown action"]
    await pair.house.ari(update("pDBL", "", 4, 5, figure=0))
    await pair.settle()
    assert "RatePlans" in pair.portal.actions()
    assert (await pair.line()).not_taken == ()


async def test_an_agreement_holds_on_while_nobody_answers(pair: Pair) -> None:
    await pair.start()
    await pair.settle()
    pair.house.clock.pass_s(AGREED_FOR_MS / 1000)
    await pair.house.ari(update("pDBL", "", 4, 5, figure=0))
    pair.portal.faults = ["lost"]
    await pair.house.push()
    assert (await pair.held("DBL"))[4:6] == [0, 0]
    asked = [row for row in await pair.house.rows(MessageRow, "scope_id = 'h'") if row.kind == "Ping"]
    assert [row.outcome for row in asked] == ["confirmed", "refused"]


async def test_an_answer_that_knows_no_such_action_makes_us_ask_again(pair: Pair) -> None:
    await pair.start()
    await pair.settle()
    pair.portal.sent.clear()
    pair.portal.faults = ["unknown action"]
    await pair.house.ari(update("pDBL", "", 4, 5, figure=0))
    await pair.house.push()
    (agreed,) = await pair.house.rows(AgreedRow, "scope_id = 'h'")
    assert agreed.at_ms == 0
    pair.house.clock.pass_s(60)
    await pair.house.ari(update("pDBL", "", 6, 6, figure=0))
    await pair.house.push()
    assert pair.portal.actions()[:2] == ["FreeRooms", "Handshaking"]
