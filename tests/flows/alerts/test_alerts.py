"""What needs a person is told once, again after hours, and once more when it is over."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from structlog.testing import capture_logs

from gateway.contract import Reply, Request
from gateway.errors import OutcomeUnknown
from gateway.flows.alerts import notices
from gateway.flows.alerts.notices import Alert
from gateway.flows.alerts.texts import AlertKind, sentence, title
from gateway.flows.alerts.watch import LOOK_S, SALES_NEGLECTED_MS, SETTLE_MS, Alerts, current
from gateway.flows.work import Workers
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.tables import AlertRow
from gateway.store.tables_connections import LeaseRow
from tests.flows.house import House, down, hotel, new, rejecting, stay, update
from tests.flows.selling.test_sell import spoilt

HOUR_S = 3_600
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Watch:
    """Looks when it is told to, and remembers what the channels were given."""

    def __init__(self, house: House, **settings: object) -> None:
        self.house = house
        self.settings = Settings(
            data_dir=".", alert_disk_free_percent=0, alert_webhook="https://ops/hook", alert_webhook_secret=SECRET
        )
        self.settings = msgspec.structs.replace(self.settings, **settings)
        self.workers = SimpleNamespace(looked_ms=0)
        self.notices: list[dict[str, Any]] = []
        self.refusing = 0
        self.price = 9_000
        services = msgspec_replace(house.services, caller=self)
        self.alerts = Alerts(services, self.settings, cast(Workers, self.workers))

    async def call(self, request: Request, *, timeout_s: float) -> Reply:
        if self.refusing:
            self.refusing -= 1
            raise OutcomeUnknown("no answer")
        self.notices.append(json.loads(request.body)["data"])
        return Reply(204, {}, b"")

    async def look(self, after_s: float = LOOK_S) -> dict[str, list[str]]:
        """What was told: kinds with subjects, under raised, repeated and cleared."""
        self.house.clock.pass_s(after_s)
        self.workers.looked_ms = self.house.clock.now_ms()
        self.notices.clear()
        await self.alerts.round()
        told: dict[str, list[str]] = {}
        for notice in self.notices:
            for name, found in notice.items():
                if found:
                    told[name] = [f"{alert['kind']} {alert['subject']}" for alert in found]
        return told


def msgspec_replace(services: Any, **changes: Any) -> Any:
    import dataclasses

    return dataclasses.replace(services, **changes)


@pytest.fixture
async def watch(house: House) -> Watch:
    await house.open_for_sale()
    await house.push()
    return Watch(house)


async def test_where_all_is_well_nothing_is_told(watch: Watch) -> None:
    assert await watch.look(HOUR_S) == {}
    assert await current(watch.house.services, "h") == ()


async def fail(watch: Watch, times: int) -> None:
    watch.house.wire.answers["ota"] = [down] * times
    watch.price += 1
    await watch.house.ari(update("pDBL", "BAR", 1, 1, price2=watch.price))
    for _ in range(times):
        await watch.house.push()
        watch.house.clock.pass_s(120)


async def test_a_channel_that_cannot_be_reached_is_told_once_and_when_it_is_over(watch: Watch) -> None:
    await fail(watch, 6)
    assert await watch.look() == {"raised": ["lag ota", "failing ota"]}
    found = await current(watch.house.services, "h")
    assert {alert.kind for alert in found} == {AlertKind.LAG, AlertKind.FAILING}
    assert "connection refused" in found[0].text["en"] + found[1].text["en"]
    assert await watch.look() == {}
    watch.house.clock.pass_s(120)
    await watch.house.push()
    assert await watch.look() == {}
    assert await current(watch.house.services, "h") == ()
    assert await watch.look(SETTLE_MS / 1000) == {"cleared": ["failing ota", "lag ota"]}
    assert await watch.look(SETTLE_MS / 1000) == {}
    assert await watch.house.rows(AlertRow, "1 = 1") == []


async def test_what_comes_and_goes_does_not_flap(watch: Watch) -> None:
    await fail(watch, 6)
    assert "raised" in await watch.look()
    for _ in range(3):
        await watch.house.push()  # confirmed
        assert await watch.look() == {}
        await fail(watch, 6)
        assert await watch.look() == {}


async def test_what_stands_is_told_again_after_hours(watch: Watch) -> None:
    await fail(watch, 6)
    await watch.look()
    assert await watch.look(11 * HOUR_S) == {}
    assert await watch.look(HOUR_S) == {"repeated": ["lag ota", "failing ota"]}
    assert await watch.look() == {}


async def test_the_age_of_a_lag_is_that_of_the_oldest_change(watch: Watch) -> None:
    await fail(watch, 1)
    changed_ms = watch.house.clock.now_ms() - 120_000
    await watch.house.ari(update("pDBL", "BAR", 1, 1, price2=9_500))
    watch.house.wire.answers["ota"] = [down]
    await watch.house.push()
    await watch.look(HOUR_S)
    (lag,) = await current(watch.house.services, "h")
    assert (lag.kind, lag.since_ms) == (AlertKind.LAG, changed_ms)


async def test_a_change_that_nobody_has_looked_at_is_a_lag_too(watch: Watch) -> None:
    changed_ms = watch.house.clock.now_ms()
    await watch.house.ari(update("pDBL", "BAR", 1, 1, price2=9_000))
    assert await watch.look(200) == {}
    assert await watch.look(200) == {"raised": ["lag ota"]}
    (lag,) = await current(watch.house.services, "h")
    assert lag.since_ms == changed_ms


async def test_bookings_in_trouble_are_told_one_by_one(watch: Watch) -> None:
    first = await watch.house.say(new(stay(1, 3, units=4)))
    parked = await watch.house.say(new(stay(1, 3, room="attic"), booking="B2"))
    await watch.house.push()
    await watch.house.deliver()
    told = await watch.look()
    assert sorted(told["raised"]) == sorted([f"oversold {first}", f"parked {parked}"])
    second = await watch.house.say(new(stay(1, 3), booking="B3"))
    await watch.house.push()
    await watch.house.deliver()
    assert await watch.look() == {"raised": [f"oversold {second}"]}
    # When the guests have left, nothing is left to do about it.
    assert f"oversold {first}" not in str(await watch.look(5 * 86_400))
    assert not {f"oversold {first}", f"parked {parked}"} - set((await watch.look(SETTLE_MS / 1000))["cleared"])


async def test_a_delivery_that_is_not_confirmed_is_told(watch: Watch) -> None:
    watch.house.wire.answers["pms"] = [down] * 30
    await watch.house.say(new(stay(1, 3)))
    await watch.house.push()
    await watch.house.deliver()
    assert await watch.look(600) == {}
    assert await watch.look(400) == {"raised": ["unacknowledged pms"]}


async def test_what_a_channel_refuses_is_told(watch: Watch) -> None:
    watch.house.wire.answers["ota"] = [rejecting]
    await watch.house.ari(update("pDBL", "BAR", 1, 1, price2=9_000))
    await watch.house.push()
    assert await watch.look() == {"raised": ["refusing ota"]}


async def test_a_property_has_thresholds_of_its_own(watch: Watch) -> None:
    await watch.house.apply(hotel(alert_lag_s=60, alert_failures=0))
    await watch.house.push()
    await fail(watch, 6)
    assert await watch.look() == {"raised": ["lag ota"]}


async def test_clocks_that_differ_are_told(watch: Watch) -> None:
    metrics, now_ms = watch.house.services.metrics, watch.house.clock.now_ms()
    metrics.clock_of("ota", "Sat, 21 Nov 2026 09:10:00 GMT", now_ms)
    metrics.clock_of("pms", "Sat, 21 Nov 2026 09:00:30 GMT", now_ms)
    metrics.clock_of("odd", "yesterday", now_ms)
    assert await watch.look() == {"raised": ["clock ota"]}


async def test_a_disk_nearly_full_is_told(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch(watch.house, alert_disk_free_percent=10)
    usage: Callable[[str], SimpleNamespace] = lambda path: SimpleNamespace(free=9, total=100)  # noqa: E731
    monkeypatch.setattr(shutil, "disk_usage", usage)
    assert await watch.look() == {"raised": ["disk ."]}
    (alert,) = await current(watch.house.services, "")
    assert "9" in alert.text["en"]
    assert "9%" in alert.text["zh"]


async def test_loops_that_stand_still_are_told(watch: Watch) -> None:
    watch.house.clock.pass_s(90)
    await watch.alerts.round()
    assert [alert.kind for alert in await current(watch.house.services, "")] == [AlertKind.WORKERS]


async def test_a_web_process_tells_that_nobody_works(house: House, database: Database) -> None:
    web = Alerts(house.services, Settings(data_dir="."), None)
    house.clock.pass_s(90)
    await web.round()
    found = await current(house.services, "")
    assert [alert.kind for alert in found] == ([AlertKind.WORKERS] if database.dialect == "postgresql" else [])
    await database.write(lambda tx: tx.upsert(LeaseRow, [LeaseRow(0, "w", house.clock.now_ms() + 60_000)]))
    await web.round()
    assert await current(house.services, "") == ()


async def test_one_process_looks(watch: Watch) -> None:
    await fail(watch, 6)
    watch.alerts._services.leases.owns = lambda connection, for_s: False  # type: ignore[method-assign]
    assert await watch.look() == {}


# --- the channels -----------------------------------------------------------------------------------------------------


async def test_a_receiver_that_is_away_gets_the_notice_a_little_later(watch: Watch) -> None:
    await fail(watch, 6)
    watch.refusing = 2
    assert await watch.look() == {"raised": ["lag ota", "failing ota"]}
    assert len(watch.notices) == 1


async def test_a_receiver_that_stays_away_is_logged_and_holds_nothing_up(watch: Watch) -> None:
    await fail(watch, 6)
    watch.refusing = notices.ATTEMPTS
    with capture_logs() as lines:
        assert await watch.look() == {}
    assert [line["event"] for line in lines] == ["alert_raised", "alert_raised", "alert_not_sent"]
    assert len(await current(watch.house.services, "h")) == 2


def test_settings_that_make_no_sense_are_refused_at_once() -> None:
    services = cast(Any, None)
    for wrong in (
        {"alert_webhook": "https://x", "alert_webhook_secret": "short"},
        {"alert_mail_to": ("a@b",), "alert_mail_from": "g@b", "smtp_url": "http://x"},
        {"alert_mail_to": ("a@b",), "smtp_url": "smtp://x"},
    ):
        with pytest.raises(ValueError, match=r"whsec_|GATEWAY_"):
            notices.Teller(services, msgspec.structs.replace(Settings(), **wrong))


NAMED = {
    "subject": "S",
    "minutes": 5,
    "error": "E" * 500,
    "failures": 5,
    "targets": 2,
    "deliveries": 3,
    "state": "sent",
    "nights": 1,
    "arrival": "2026-01-01",
    "seconds": 300,
    "percent": 9,
    "count": 4,
    "reservation": "R1",
}


@pytest.mark.parametrize("kind", AlertKind)
def test_every_alert_has_its_words_in_both_languages(kind: AlertKind) -> None:
    for language in ("en", "zh"):
        text = sentence(kind, language, NAMED)
        assert text
        assert len(text) < 400
        assert title(kind, language)
    assert sentence(kind, "en", NAMED) != sentence(kind, "zh", NAMED)


def test_the_state_of_a_delivery_is_told_in_words() -> None:
    assert "(sent, not answered)" in sentence(AlertKind.UNACKNOWLEDGED, "en", NAMED)
    assert "（已发送，未答复）" in sentence(AlertKind.UNACKNOWLEDGED, "zh", NAMED)


def alert(kind: AlertKind, subject: str) -> Alert:
    row = AlertRow("h", kind.value, subject, 1_000, 0, 0, msgspec.msgpack.encode(NAMED))
    return Alert.of(row)


def test_a_letter_says_what_is_new_and_what_is_over() -> None:
    found = {"raised": [alert(AlertKind.LAG, "ota")] * 60, "repeated": [], "cleared": [alert(AlertKind.DISK, "d")]}
    subject, text = notices.letter(found, "en")
    assert subject == "New: channel behind · h (and 60 more)"
    assert text.count("\n- ") == 52
    assert "and 10 more" in text
    assert "Over" in text
    subject, text = notices.letter(found, "zh")
    assert "渠道同步滞后" in subject
    assert "已恢复" in text


async def test_sales_nobody_can_look_after_are_an_alert(watch: Watch) -> None:
    await spoilt(watch.house, "SPOILT")
    assert await watch.look() == {}
    assert await watch.look(SALES_NEGLECTED_MS / 1000) == {"raised": ["sales sales"]}
