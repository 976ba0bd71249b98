"""Every fault without a wire: what the sender gets, and what the simulator then holds."""

from typing import Any

import pytest

from simulators.endpoint import NoAnswer
from simulators.ota import OtaSimulator
from tests.simulators.support import HEADERS, FakeClock, avail, limit, limits, ota, rate, rates


def told(channel: OtaSimulator, count: int = 4) -> Any:
    """Send a limit; (status, headers, body) or the wire's silence as text."""
    try:
        return channel.handle(avail(limit("02-01", "02-01", count)), HEADERS)
    except NoAnswer as silence:
        return silence.wire


def stored(channel: OtaSimulator) -> int | None:
    return limits(channel, "02-01", "02-01")[0]


def outcome(channel: OtaSimulator) -> str:
    return channel.endpoint.audit.entries()[-1].outcome


def test_too_many_requests() -> None:
    channel = ota()
    channel.endpoint.faults.add("429", retry_after_s=7)
    status, headers, body = told(channel)
    assert (status, headers["retry-after"], body) == (429, "7", b"")
    assert stored(channel) is None
    assert told(channel)[0] == 200, "a fault strikes as often as it was told, here once"


@pytest.mark.parametrize(("kind", "options", "status"), [("5xx", {"status": 502}, 502), ("down", {}, 503)])
def test_http_errors_apply_nothing(kind: Any, options: dict[str, Any], status: int) -> None:
    channel = ota()
    channel.endpoint.faults.add(kind, **options)
    assert told(channel)[0] == status
    assert stored(channel) is None
    assert outcome(channel) == f"fault:{kind}"


def test_errors_apply_nothing() -> None:
    channel = ota()
    channel.endpoint.faults.add("errors", code="448", type="13")
    status, _, body = told(channel)
    assert status == 200
    assert b"OTA_HotelAvailNotifRS" in body
    assert b'Code="448"' in body
    assert b"Success" not in body
    assert stored(channel) is None


@pytest.mark.parametrize(("applied", "expected"), [(True, 4), (False, None)])
def test_garbage(applied: bool, expected: int | None) -> None:
    channel = ota()
    channel.endpoint.faults.add("garbage", applied=applied)
    assert told(channel)[0] == 200
    assert stored(channel) == expected


@pytest.mark.parametrize(("hold_s", "wire"), [(5.0, "hold"), (0.0, "close")])
def test_applied_without_an_answer(hold_s: float, wire: str) -> None:
    channel = ota()
    channel.endpoint.faults.add("applied_timeout", hold_s=hold_s)
    assert told(channel) == wire
    assert stored(channel) == 4
    assert outcome(channel) == "fault:applied_timeout then applied"


def test_late_is_applied_after_its_delay() -> None:
    clock = FakeClock()
    channel = ota(clock)
    channel.endpoint.faults.add("late", delay_s=5)
    assert told(channel) == "hold"
    assert told(channel, 9)[0] == 200
    clock.pass_s(4.9)
    channel.advance(clock())
    assert stored(channel) == 9
    clock.pass_s(0.2)
    channel.advance(clock())
    assert stored(channel) == 4, "the old request lands last"
    assert [entry.outcome for entry in channel.endpoint.audit.entries()] == ["fault:late then applied", "applied"]


def test_late_without_delay_waits_for_release() -> None:
    clock = FakeClock()
    channel = ota(clock)
    channel.endpoint.faults.add("late")
    assert told(channel) == "hold"
    clock.pass_s(1e6)
    channel.advance(clock())
    assert stored(channel) is None
    assert channel.controls["release"]({}) == {"released": 1}
    assert stored(channel) == 4
    assert channel.endpoint.held() == 0


@pytest.mark.parametrize("when", ["before", "after"])
def test_reset_applies_nothing(when: str) -> None:
    channel = ota()
    channel.endpoint.faults.add("reset", when=when)
    assert told(channel) == "reset"
    assert stored(channel) is None


def test_down_may_reset() -> None:
    channel = ota()
    channel.endpoint.faults.add("down", mode="reset", count=None)
    assert told(channel) == "reset"
    assert told(channel) == "reset"


def test_reorder_applies_the_held_after_the_next() -> None:
    channel = ota()
    channel.endpoint.faults.add("reorder", count=2)
    assert told(channel, 4) == "hold"
    assert stored(channel) is None
    assert told(channel, 9)[0] == 200, "the next one passes, though the fault has a strike left"
    assert stored(channel) == 4
    assert told(channel, 7) == "hold"


def test_slow_applies_at_once_and_answers_late() -> None:
    channel = ota()
    channel.endpoint.faults.add("slow", delay_s=3)
    found = channel.endpoint.receive(avail(limit("02-01", "02-01", 4)), HEADERS)
    assert (found.wire, found.delay_s) == ("answer", 3)
    assert found.reply is not None
    assert found.reply.status == 200
    assert stored(channel) == 4


def test_a_fault_can_be_bound_to_a_message() -> None:
    channel = ota()
    channel.endpoint.faults.add("5xx", match="OTA_HotelRateAmountNotifRQ")
    assert told(channel)[0] == 200
    assert channel.handle(rates(rate("02-01", "02-01", {2: "9"})), HEADERS).status == 503


def test_faults_do_not_let_strangers_in() -> None:
    for kind in ("applied_timeout", "late", "reorder", "slow", "garbage"):
        channel = ota()
        channel.controls["faults"]({"kind": kind})
        assert channel.handle(avail(limit("02-01", "02-01", 4)), {}).status == 401
        channel.endpoint.release()
        assert stored(channel) is None


def struck(seed: int) -> str:
    channel = ota()
    channel.controls["faults"]({"seed": seed, "faults": [{"kind": "5xx", "count": None, "probability": 0.3}]})
    return "".join("x" if told(channel)[0] == 503 else "." for _ in range(60))


def test_probability_is_seeded() -> None:
    assert struck(1) == struck(1)
    assert struck(1) != struck(2)
    assert 5 < struck(1).count("x") < 35


def test_control_shows_counters_and_resets() -> None:
    channel = ota()
    channel.controls["faults"]({"kind": "5xx", "count": 2})
    told(channel)
    view: Any = channel.views["control/faults"]({})
    assert (view["fired"], view["active"][0]["fired"], view["asked"]) == ({"5xx": 1}, 1, 1)
    channel.controls["faults"]({"reset": True})
    assert told(channel)[0] == 200
