"""Reservations as webhooks: signed so that others can check it, again and again for three days, and then shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from connectors.pms.webhook import CONNECTOR
from connectors.pms.webhook.payload import Payload
from gateway.contract import Capabilities, Connector
from gateway.flows.alerts.watch import Alerts, current
from gateway.flows.apply_hotel import apply_hotel
from gateway.flows.delivering.deliver import Deliverer
from gateway.flows.desk import connections, deliveries
from gateway.flows.work import Workers
from gateway.io.http import HttpCaller
from gateway.io.network import NetworkPolicy
from gateway.io.wakes import LocalWakes
from gateway.model.dates import format_day
from gateway.model.property import Connection, Credentials, Product, Role
from gateway.settings import Settings
from gateway.store.tables import DeliveryRow
from tests.flows.delivering.webhook_receiver import Endpoint
from tests.flows.house import TODAY, VAULT, House, cancel, channel, hotel, modify, new, pms, sealed, stay
from tests.simulation.plain import PlainConnector

OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEW = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


class Both:
    """The two connectors of these tests."""

    def __init__(self) -> None:
        self._plain = PlainConnector()

    def inbound_names(self) -> tuple[str, ...]:
        return (self._plain.name,)

    def get(self, name: str) -> Connector:
        return CONNECTOR if name == "webhook" else self._plain

    def capabilities(self, name: str, profile: str) -> Capabilities:
        return self.get(name).capabilities(profile)

    def inbound(self, name: str) -> PlainConnector:
        return self._plain

    outbound = get


class WithHook(House):
    """The usual hotel without a PMS, and a program at ``hook``."""

    endpoint: Endpoint

    async def tell(self) -> int | None:
        self.endpoint.now_s = self.clock.now_ms() // 1000
        return await self.deliver()

    async def row(self) -> DeliveryRow:
        (row,) = await self.rows(DeliveryRow, "connection = 'hook'")
        assert isinstance(row, DeliveryRow)
        return row


def hook(secret: str = OLD, **more: object) -> Connection:
    credentials = Credentials("", VAULT.seal(secret))
    given: dict[str, object] = {"url": "https://hook.example/", "outbound": credentials, **more}
    return Connection("hook", "webhook", "webhook", Role.RECEIVER, "MIRAMAR", **given)  # type: ignore[arg-type]


async def apply(house: House, *receivers: Connection) -> None:
    others = sealed(hotel(channel("ota"))).connections
    await apply_hotel(house.services, hotel(*others, *receivers), "test")


@pytest.fixture
async def hooked(empty_house: House) -> WithHook:
    house = empty_house
    house.__class__ = WithHook
    assert isinstance(house, WithHook)
    house.endpoint = Endpoint(OLD)
    house.services = replace(house.services, connectors=Both(), caller=house.endpoint)  # type: ignore[arg-type]
    house.deliverer = Deliverer(house.services)
    await apply(house, hook())
    return house


async def test_a_program_gets_every_state_of_a_booking_in_our_codes(hooked: WithHook) -> None:
    number = await hooked.say(new(stay(2, 5), stay(2, 3, "r2", "nr", units=2)))
    await hooked.tell()
    await hooked.say(modify(stay(3, 6)))
    await hooked.tell()
    await hooked.say(cancel())
    await hooked.tell()
    told = [body for _, body in hooked.endpoint.taken]
    assert [body["type"] for body in told] == [
        "reservation.created",
        "reservation.modified",
        "reservation.cancelled",
    ]
    assert [body["data"]["revision"] for body in told] == [1, 2, 3]
    first = msgspec.convert(told[0], Payload).data
    assert first is not None
    assert (first.property, first.reservation_id, first.source, first.currency) == ("MIRAMAR", number, "ota", "EUR")
    assert [(room.room, room.plan, room.units) for room in first.rooms] == [("DBL", "BAR", 1), ("FAM", "NR", 2)]
    assert len(set(hooked.endpoint.seen)) == 3
    assert (await hooked.row()).state == "confirmed"


async def test_codes_of_its_own_are_used_where_it_has_some(hooked: WithHook) -> None:
    await apply(hooked, hook(products=(Product("DBL", "BAR", "double", "best"),)))
    await hooked.say(new(stay(2, 5)))
    await hooked.tell()
    room = hooked.endpoint.taken[0][1]["data"]["rooms"][0]
    assert (room["room"], room["plan"]) == ("double", "best")


async def test_a_hotel_keeps_its_pms_beside_it(hooked: WithHook) -> None:
    receivers = sealed(hotel(pms(), channel("ota"))).connections
    await apply_hotel(hooked.services, hotel(*receivers, hook()), "test")
    await hooked.say(new(stay(2, 5)))
    assert {row.connection for row in await hooked.rows(DeliveryRow)} == {"pms", "hook"}
    assert await hooked.free("DBL", 2) <= 0  # its figures are the PMS's, and it has sent none


async def test_a_repetition_has_the_same_id_and_a_time_of_its_own(hooked: WithHook) -> None:
    await hooked.say(new(stay(2, 5)))
    hooked.endpoint.statuses = [500, 302, 404]
    for _ in range(4):
        due_ms = (await hooked.row()).due_ms
        hooked.clock.pass_s(max(0, (due_ms or 0) - hooked.clock.now_ms()) / 1000)
        await hooked.tell()
    assert len(hooked.endpoint.seen) == 4
    assert len(set(hooked.endpoint.seen)) == 1
    assert (await hooked.row()).state == "confirmed"


async def test_the_waits_grow_to_three_days_and_then_it_is_shown_as_refused(hooked: WithHook) -> None:
    number = await hooked.say(new(stay(2, 5)))
    began_ms, waits = hooked.clock.now_ms(), []
    hooked.endpoint.statuses = [500] * 10
    while (row := await hooked.row()).due_ms is not None:
        wait_s = max(0, row.due_ms - hooked.clock.now_ms()) / 1000
        waits.append(wait_s)
        hooked.clock.pass_s(wait_s)
        await hooked.tell()
    assert waits == sorted(waits)
    assert 65 * 3600 < (hooked.clock.now_ms() - began_ms) / 1000 < 85 * 3600
    assert (row.state, row.attempts) == ("refused", 10)
    assert "given up after 10 attempts" in row.error
    assert len(set(hooked.endpoint.seen)) == 1
    await deliveries.resend(hooked.services, "h", number, "hook", "person:Ann")
    await hooked.tell()
    assert (await hooked.row()).state == "confirmed"
    assert len(set(hooked.endpoint.seen)) == 1


async def test_a_receiver_that_asks_for_time_gets_it(hooked: WithHook) -> None:
    await hooked.say(new(stay(2, 5)))
    hooked.endpoint.statuses = [429]
    began_ms = hooked.clock.now_ms()
    await hooked.tell()
    due_ms = (await hooked.row()).due_ms
    assert due_ms is not None
    assert due_ms >= began_ms + 400_000


async def test_both_secrets_sign_while_one_follows_the_other(hooked: WithHook) -> None:
    await apply(hooked, hook(f"{NEW} {OLD}"))
    for place, secret in enumerate((OLD, NEW)):
        hooked.endpoint.secret = secret
        await hooked.say(new(stay(2, 5), booking=f"B{place}"))
        await hooked.tell()
    assert len(hooked.endpoint.taken) == 2


async def test_a_secret_that_is_none_is_refused_with_its_reason(hooked: WithHook) -> None:
    await apply(hooked, hook("not a secret"))
    await hooked.say(new(stay(2, 5)))
    await hooked.tell()
    assert (await hooked.row()).state == "refused"
    assert "whsec_" in (await hooked.row()).error
    assert not hooked.endpoint.seen


async def test_one_that_is_gone_is_paused_until_somebody_resumes_it(hooked: WithHook) -> None:
    await hooked.say(new(stay(2, 5)))
    hooked.endpoint.statuses = [410]
    await hooked.tell()
    hooked.clock.pass_s(86_400)
    await hooked.say(new(stay(2, 5), booking="B2"))
    await hooked.tell()
    assert len(hooked.endpoint.seen) == 1
    line = next(it for it in (await connections.state(hooked.services, "h")).connections if it.id == "hook")
    assert (line.paused, line.failures) == (True, 1)
    assert "410" in line.error
    await connections.pause(hooked.services, "h", "hook", "person:Ann", paused=False)
    await hooked.tell()
    assert len(hooked.endpoint.taken) == 2
    line = next(it for it in (await connections.state(hooked.services, "h")).connections if it.id == "hook")
    assert (line.paused, line.failures, line.error) == (False, 0, "")


async def test_another_address_ends_a_pause_of_the_gateways_own(hooked: WithHook) -> None:
    await hooked.say(new(stay(2, 5)))
    hooked.endpoint.statuses = [410]
    await hooked.tell()
    await apply(hooked, hook(url="https://elsewhere.example/"))
    hooked.clock.pass_s(86_400)
    await hooked.tell()
    assert len(hooked.endpoint.taken) == 1


async def test_failures_in_a_row_and_a_pause_raise_alerts(hooked: WithHook, tmp_path: Path) -> None:
    settings = Settings(alert_failures=2, alert_unacknowledged_s=0, data_dir=str(tmp_path))
    alerts = Alerts(hooked.services, settings, Workers(hooked.services, LocalWakes()))
    hooked.endpoint.statuses = [500, 500, 410]
    await hooked.say(new(stay(2, 5)))
    for _ in range(3):
        await hooked.tell()
        await alerts.round()
        hooked.clock.pass_s(((await hooked.row()).due_ms or 0) / 1000 - hooked.clock.now_ms() / 1000)
    kinds = {alert.kind.value for alert in await current(hooked.services, "h")}
    assert {"failing", "receiver_paused"} <= kinds


async def test_another_arrival_is_told_in_order_though_the_first_waits(hooked: WithHook) -> None:
    """The newest state goes out, never an older one after it."""
    await hooked.say(new(stay(2, 5)))
    hooked.endpoint.statuses = [500]
    await hooked.tell()
    await hooked.say(modify(stay(3, 6)))
    await hooked.tell()
    (told,) = [body["data"] for _, body in hooked.endpoint.taken]
    assert told["rooms"][0]["arrival"] == format_day(TODAY + 3)
    assert told["revision"] == 2


async def test_an_address_inside_the_house_is_never_called(hooked: WithHook) -> None:
    """The check of outgoing calls stands before this one as before every other."""
    async with HttpCaller(NetworkPolicy()) as caller:
        hooked.deliverer = Deliverer(replace(hooked.services, caller=caller))
        await apply(hooked, hook(url="http://169.254.169.254/latest/meta-data"))
        await hooked.say(new(stay(2, 5)))
        await hooked.deliver()
    row = await hooked.row()
    assert row.state == "refused"
    assert "not a public address" in row.error
