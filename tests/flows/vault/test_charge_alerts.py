"""Cards to charge at a hotel without any payment account: somebody is told, and told when it is over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import cast

import msgspec
import pytest

from gateway.flows.alerts.notices import Alert
from gateway.flows.alerts.texts import AlertKind
from gateway.flows.alerts.watch import Alerts, current
from gateway.flows.vault.charger import charged_at_terminal
from gateway.flows.work import Workers
from gateway.model.selling import Pays, Schedule, Selling
from gateway.settings import Settings
from gateway.store.database import Database
from tests.flows.vault.charging import ChargingHouse
from tests.flows.vault.house import booking, with_cards

NIGHTS = ("2026-11-27", "2026-11-29")
VCC = Schedule("VCC", Pays.VIRTUAL_CARD, days=1)


@pytest.fixture
async def house(database: Database) -> AsyncIterator[ChargingHouse]:
    house = ChargingHouse(database)
    house.start()
    yield house
    await house.stop()


async def test_the_house_is_alerted_until_the_card_is_charged(house: ChargingHouse) -> None:
    await house.apply(msgspec.structs.replace(with_cards(), selling=Selling(schedule="VCC", schedules=(VCC,))))
    workers = SimpleNamespace(looked_ms=house.clock.now_ms())
    alerts = Alerts(house.services, Settings(data_dir=".", alert_disk_free_percent=0), cast(Workers, workers))

    async def told(hours: float) -> list[Alert]:
        house.clock.pass_s(hours * 3_600)
        workers.looked_ms = house.clock.now_ms()
        await alerts.round()
        return [each for each in await current(house.services, "h") if each.kind is AlertKind.CARDS]

    await house.book(booking(nights=NIGHTS))
    assert await told(1) == []
    (alert,) = await told(6 * 24)
    (card,) = await house.open_cards()
    assert (alert.subject, alert.since_ms) == ("h", card.due_ms)
    said = f"Cards that came with bookings and are due: 1, that of {card.reservation_id} first"
    assert alert.text["en"].startswith(said)
    assert "没有支付账户" in alert.text["zh"]
    assert await told(0.01) == [alert]  # without looking again
    await charged_at_terminal(house.services, "h", card.reservation_id, card.card_id, "person:ada")
    assert await told(1) == []


async def test_a_hotel_with_an_account_is_told_there(house: ChargingHouse) -> None:
    await house.open(VCC)
    await house.book(booking(nights=NIGHTS))
    await house.look(hours=6 * 24)
    workers = SimpleNamespace(looked_ms=house.clock.now_ms())
    settings = Settings(data_dir=".", alert_disk_free_percent=0)
    await Alerts(house.services, settings, cast(Workers, workers)).round()
    kinds = [each.kind for each in await current(house.services, "h")]
    assert (AlertKind.PAYMENT_PARKED in kinds, AlertKind.CARDS in kinds) == (True, False)
