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
from gateway.engine.hotel import Hotel
from gateway.engine.stock import FIGURE, open_stock
from gateway.errors import OutcomeUnknown, Retryable
from gateway.flows.agreed import WISH_MS, site_called
from gateway.flows.apply_hotel import apply_hotel
from gateway.flows.desk import calendar
from gateway.flows.desk import connections as desk
from gateway.flows.desk.connections import ConnectionLine
from gateway.flows.fetch import Fetcher
from gateway.flows.push_ari import Pusher
from gateway.flows.push_work import AGREED_FOR_MS
from gateway.model.ari import AriUpdate
from gateway.model.dates import BLOCK_DAYS, format_day
from gateway.model.property import Connection, Credentials, Product, Property, Role
from gateway.store.tables import MessageRow, StockRow
from gateway.store.tables_connections import AgreedRow, SyncErrorRow
from gateway.web.app import create_app
from gateway.wire.http_auth import compose_basic
from gateway.wire.multipart_form import read_parts, write_parts
from tests.flows.house import HORIZON, PLANS, PRODUCTS, ROOMS, TODAY, VAULT, House, pms, sealed, update
from tests.simulation.plain import PlainConnector

OPTIONS = {"rate_basis": "room"}
DELTAS = "OTA_HotelInvCountNotif_accept_deltas"
SENT_MAX = 100


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
        self.asks_for = b""  # the Status of an advisory in its answers
        self.sent: list[tuple[str, str, str]] = []  # version, action, message

    async def call(self, request: Request, *, timeout_s: float) -> Reply:
        assert self.client is not None
        assert len(self.sent) < SENT_MAX, "it never stops"
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
        if fault == "refused":
            body = re.sub(rb"<Success/>.*(?=</\w+>$)", b'<Errors><Error Type="13">no</Error></Errors>', body)
        for name in self.hidden:
            pattern = rf',?"{name}"|{{"action":"{name}"[^}}]*}},?'
            body = re.sub(pattern.encode(), b"", body).replace(b"[,", b"[").replace(b",]", b"]")
        if self.asks_for and b"PingRS" not in body:
            asking = b'<Success/><Warnings><Warning Type="11" Status="%s"/></Warnings>' % self.asks_for
            body = body.replace(b"<Success/>", asking)
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


async def test_what_a_message_has_no_place_for_follows_at_once(pair: Pair) -> None:
    """Figures and rules are messages of their own here, though they close the same nights."""
    await pair.start()
    await pair.settle()
    pair.portal.sent.clear()
    await pair.house.ari(update("pDBL", "", 4, 5, figure=1), update("pDBL", "BAR", 4, 5, closed=1))
    await pair.house.push()
    assert pair.portal.actions() == ["FreeRooms", "RatePlans"]
    assert 'Status="Close"' in pair.portal.sent[-1][2]
    assert (await pair.line()).cells_pending == 0


async def test_what_no_message_has_carried_is_not_in_doubt(pair: Pair) -> None:
    await pair.start()
    await pair.settle()
    pair.portal.sent.clear()
    pair.portal.faults = ["unanswered"]
    await pair.house.ari(update("pDBL", "", 4, 5, figure=1), update("pDBL", "BAR", 4, 5, closed=1))
    await pair.house.push()
    pair.house.clock.pass_s(5)  # a pause, and much less than doubt lasts
    await pair.house.push()
    assert pair.portal.actions() == ["FreeRooms", "RatePlans"]


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


# --- what the agreement means for everything else -------------------------------------------------------------------


async def test_a_complete_set_opens_nothing_before_its_price_is_there(pair: Pair) -> None:
    pair.portal.hidden = (DELTAS,)
    await pair.start()
    await pair.house.ari(update("pFAM", "", 2, 2, figure=0))
    await pair.settle()
    pair.portal.sent.clear()
    higher = update("pFAM", "BAR", 2, 2, price1=50_000, price2=50_000)
    await pair.house.ari(update("pDBL", "", 4, 5, figure=0), update("pFAM", "", 2, 2, figure=2), higher)
    await pair.settle()
    assert pair.portal.actions() == ["FreeRooms", "RatePlans", "FreeRooms"]
    first, last = pair.portal.free_rooms()
    assert first.count("<InvCount ") == 4  # before and after each gap; the night to be opened is still one of them
    assert last.count("<InvCount ") == 5
    assert await pair.held("DBL") == [3] * 4 + [0] * 2 + [3] * (HORIZON - 6)
    assert await pair.held("FAM") == [3] * 2 + [2] + [3] * (HORIZON - 3)


async def test_cut_off_between_the_two_complete_sets_the_second_comes_later(pair: Pair) -> None:
    pair.portal.hidden = (DELTAS,)
    await pair.start()
    await pair.house.ari(update("pFAM", "", 2, 2, figure=0))
    await pair.settle()
    higher = update("pFAM", "BAR", 2, 2, price1=50_000, price2=50_000)
    await pair.house.ari(update("pDBL", "", 4, 5, figure=0), update("pFAM", "", 2, 2, figure=2), higher)
    pair.portal.faults = ["", "down"]
    await pair.house.push()
    assert (await pair.held("FAM"))[2] == 0
    await pair.settle()
    assert (await pair.held("FAM"))[2] == 2


async def test_refusals_of_what_is_not_taken_any_more_are_forgotten(pair: Pair) -> None:
    await pair.start()
    await pair.settle()
    pair.portal.faults = ["refused"]
    await pair.house.ari(update("pDBL", "BAR", 2, 2, price1=50_000, price2=50_000))
    await pair.house.push()
    assert {row.aspect for row in await pair.house.rows(SyncErrorRow)} == {"prices"}
    pair.portal.hidden = ("action_OTA_HotelRatePlanNotif_RatePlans",)
    pair.house.clock.pass_s(AGREED_FOR_MS / 1000)
    await pair.settle()
    assert await pair.house.rows(SyncErrorRow) == []


async def test_a_server_that_asks_for_free_rooms_gets_a_complete_set_once(pair: Pair) -> None:
    await pair.start()
    await pair.settle()
    pair.portal.sent.clear()
    pair.portal.asks_for = b"ALPINEBITS_SEND_FREEROOMS"
    await pair.house.ari(update("pDBL", "", 4, 5, figure=0))
    await pair.settle()
    assert [_is_complete(message) for message in pair.portal.free_rooms()] == [False, True]
    pair.house.clock.pass_s(WISH_MS / 1000)
    await pair.house.ari(update("pDBL", "", 6, 6, figure=0))
    await pair.settle()
    assert [_is_complete(message) for message in pair.portal.free_rooms()] == [False, True, False, True]


async def test_a_server_that_asks_for_rate_plans_gets_them_all_once(pair: Pair) -> None:
    await pair.start()
    await pair.settle()
    pair.portal.sent.clear()
    pair.portal.asks_for = b"ALPINEBITS_SEND_RATEPLANS"
    await pair.house.ari(update("pDBL", "", 4, 5, figure=0))
    await pair.settle()
    assert pair.portal.actions()[0] == "FreeRooms"
    assert set(pair.portal.actions()[1:]) == {"RatePlans"}
    told = "".join(message for _, _, message in pair.portal.sent)
    assert all(f'RatePlanCode="{plan.code.lower()}"' in told for plan in PLANS)


async def test_a_server_that_asks_for_a_handshake_gets_one_at_once(pair: Pair) -> None:
    await pair.start()
    await pair.settle()
    pair.portal.sent.clear()
    pair.portal.asks_for = b"ALPINEBITS_SEND_HANDSHAKE"
    await pair.house.ari(update("pDBL", "", 4, 5, figure=0))
    await pair.settle()
    assert pair.portal.actions() == ["FreeRooms", "Handshaking"]


async def test_guest_requests_are_asked_for_in_the_agreed_version_and_their_answers_heeded(pair: Pair) -> None:
    await pair.start(server="2020-10")
    await pair.settle()
    pair.portal.sent.clear()
    pair.portal.asks_for = b"ALPINEBITS_SEND_HANDSHAKE"
    fetcher = Fetcher(pair.house.services)
    await fetcher.round()
    await fetcher.errands.idle()
    ((version, action, _),) = pair.portal.sent
    assert (version, action) == ("2020-10", "OTA_Read:GuestRequests")
    await pair.settle()
    assert pair.portal.actions() == ["GuestRequests", "Handshaking"]


async def test_deliveries_know_the_agreement_of_this_account_and_of_no_other(pair: Pair) -> None:
    await pair.start(server="2020-10")
    await pair.settle()
    services = pair.house.services
    hotel = await services.directory.hotel_of("portal")
    assert isinstance(hotel, Hotel)
    capabilities = ALPINEBITS.capabilities("alpinebits-2024-10")
    known = await site_called(services, hotel, hotel.connections["portal"], capabilities)
    assert known.agreed is not None
    assert known.agreed.version == "2020-10"
    moved = msgspec.structs.replace(hotel.connections["portal"], url="http://other")
    assert (await site_called(services, hotel, moved, capabilities)).agreed is None
    plain = msgspec.structs.replace(capabilities, negotiates=False)
    assert (await site_called(services, hotel, hotel.connections["portal"], plain)).agreed is None


async def test_a_preview_shows_nothing_that_is_not_taken(pair: Pair) -> None:
    await pair.start()
    price = update("DBL", "BAR", 2, 2, price1=50_000, price2=50_000)
    assert await _previewed(pair, price)
    pair.portal.hidden = ("action_OTA_HotelRatePlanNotif_RatePlans",)
    await pair.settle()
    assert not await _previewed(pair, price)


async def _previewed(pair: Pair, change: AriUpdate) -> bool:
    shown = await calendar.preview(pair.house.services, "h", [change])
    return any(channel.updates for channel in shown.channels)


async def test_base_rates_say_what_was_pushed(pair: Pair) -> None:
    await pair.start()
    await pair.settle()
    assert pair.portal.client is not None
    first, last = format_day(TODAY + 2), format_day(TODAY + 3)
    asked = (
        '<OTA_HotelRatePlanRQ xmlns="http://www.opentravel.org/OTA/2003/05" Version="1.000"><RatePlans><RatePlan>'
        f'<DateRange Start="{first}" End="{last}"/><HotelRef HotelCode="DEMO01"/>'
        "</RatePlan></RatePlans></OTA_HotelRatePlanRQ>"
    )
    content_type, body = write_parts({"action": b"OTA_HotelRatePlan:BaseRates", "request": asked.encode()})
    headers = {
        "content-type": content_type,
        "authorization": compose_basic("them", "in"),
        "x-alpinebits-clientprotocolversion": "2024-10",
    }
    answer = await pair.portal.client.post("http://portal/alpinebits/theirs", content=body, headers=headers)
    plans = re.findall(r"<RatePlan .*?</RatePlan>", answer.text)
    assert [re.findall(r'RatePlanCode="(\w+)"', plan)[0] for plan in plans] == [plan.code.lower() for plan in PLANS]
    assert f'InvTypeCode="r1" Start="{first}" End="{last}"' in plans[0]
    assert 'AmountAfterTax="100.00"' in plans[0]
