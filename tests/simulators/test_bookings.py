"""The channel's bookings: made from its own state, sent until acknowledged."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from lxml import etree

from simulators.config import Hotel, OtaConfig, SellPlan
from simulators.courier import SendFailed, deliver_due, deliver_forever
from simulators.desk import Refusal
from simulators.endpoint import Reply
from simulators.http import SimulatorApp
from simulators.opentravel.days import parse_stamp
from simulators.ota import OtaSimulator
from simulators.outbox import Retry
from simulators.serving import running
from tests.simulators.support import (
    LOGIN,
    NS,
    ROOMS,
    FakeClock,
    FakeGateway,
    accepted,
    assert_valid,
    avail,
    book,
    gateway_at,
    limit,
    limits,
    loaded,
    ok,
    ota,
    post,
    rule,
    send_all,
    status,
    tags,
)


def ack(channel: OtaSimulator, booking_id: str, index: int = -1) -> Any:
    return channel.sales.bookings.by_id[booking_id].history[index].ack


def test_sells_only_what_its_state_allows() -> None:
    channel = loaded(ota(), count=1)
    post(channel, avail(rule("02-10", "02-10", status("Arrival"))))
    with pytest.raises(Refusal, match="cta"):
        book(channel, "02-10", "02-11")
    with pytest.raises(Refusal, match="limit"):
        book(channel, units=2)
    with pytest.raises(Refusal, match="limit"):
        book(channel, "02-27", "03-03")
    assert channel.sales.bookings.by_id == {}
    book(channel, "02-10", "02-11", force=True)
    assert len(channel.outbox.waiting()) == 1


def test_the_document_carries_stay_prices_and_version() -> None:
    channel = loaded(ota())
    post(channel, avail(limit("02-04", "02-04", 5)))
    booking_id = book(channel, units=2, card=True, booking_id="WEB-7")
    body = channel.build(channel.outbox.waiting()[0], channel.clock())
    assert_valid(body)
    root = etree.fromstring(body)
    assert (root.get("ResStatus"), tags(root, "UniqueID")[0]["ID"]) == ("Commit", booking_id)
    assert tags(root, "TimeSpan") == [{"Start": "2031-02-03", "End": "2031-02-05"}]
    assert tags(root, "Rate")[0]["UnitMultiplier"] == "2"
    assert [total["AmountAfterTax"] for total in tags(root, "Total")] == ["480.00", "480.00"]
    assert tags(root, "HotelReservation")[0]["LastModifyDateTime"] == "2031-01-05T10:00:00.000Z"
    assert root.findtext(f".//{{{NS}}}PlainText") == "4111111111111111"


def test_several_stays_and_the_older_card_shape() -> None:
    channel = loaded(ota())
    stay = {"room": "DBL", "plan": "FLEX", "arrival": "2031-02-03", "departure": "2031-02-05"}
    single = stay | {"room": "SGL", "guests": 1, "children": 1, "price": 5_000}
    with pytest.raises(Refusal, match="limit"):
        channel.controls["book"]({"stays": [stay | {"units": 3}, stay | {"units": 3}]})
    channel.controls["book"]({"stays": [stay, single], "card": {"shape": "2011B"}, "comment": "late arrival"})
    root = etree.fromstring(channel.build(channel.outbox.waiting()[0], channel.clock()))
    assert [total["AmountAfterTax"] for total in tags(root, "Total")] == ["240.00", "100.00", "340.00"]
    assert tags(root, "PaymentCard")[0]["CardNumber"] == "4111111111111111"
    assert [count["AgeQualifyingCode"] for count in tags(root, "GuestCount")] == ["10", "10", "8"]


def test_versions_rise_within_one_millisecond() -> None:
    channel = loaded(ota())
    booking_id = book(channel)
    channel.controls["modify"]({"booking_id": booking_id, "departure": "2031-02-06"})
    channel.controls["cancel"]({"booking_id": booking_id})
    history = channel.sales.bookings.by_id[booking_id].history
    versions = [parse_stamp(sent.revision.version) for sent in history]
    assert versions == sorted(set(versions))
    assert [sent.revision.kind for sent in history] == ["new", "modify", "cancel"]
    assert len({sent.revision.created for sent in history}) == 1
    with pytest.raises(Refusal, match="cancelled"):
        channel.controls["cancel"]({"booking_id": booking_id})


def test_counting_down_own_limits() -> None:
    channel = loaded(ota(counts_down=True))
    booking_id = book(channel, "02-03", "02-05", units=2)
    assert limits(channel, "02-02", "02-05") == [5, 3, 3, 5]
    channel.controls["modify"]({"booking_id": booking_id, "arrival": "2031-02-04", "departure": "2031-02-06"})
    assert limits(channel, "02-02", "02-06") == [5, 5, 3, 3, 5]
    channel.controls["cancel"]({"booking_id": booking_id})
    assert limits(channel, "02-02", "02-06") == [5, 5, 5, 5, 5]


def test_a_change_needs_only_what_it_takes_more() -> None:
    channel = loaded(ota(counts_down=True), count=2)
    booking_id = book(channel, units=2)
    channel.controls["modify"]({"booking_id": booking_id, "guests": 1})
    with pytest.raises(Refusal, match="limit"):
        channel.controls["modify"]({"booking_id": booking_id, "units": 3})


def test_a_booking_on_nights_never_loaded_can_still_be_changed() -> None:
    channel = loaded(ota())
    booking_id = book(channel, "03-03", "03-05", force=True, price=5_000)
    channel.controls["modify"]({"booking_id": booking_id, "departure": "2031-03-04", "price": 5_000})
    with pytest.raises(Refusal, match="limit"):
        channel.controls["modify"]({"booking_id": booking_id, "departure": "2031-03-06", "price": 5_000})


def test_without_counting_down_limits_stay() -> None:
    channel = loaded(ota())
    book(channel)
    assert limits(channel, "02-03", "02-04") == [5, 5]


def test_retries_until_acknowledged_with_growing_waits() -> None:
    clock = FakeClock()
    channel = loaded(ota(clock, Retry(first_s=1, factor=2, jitter=0)))
    booking_id = book(channel)
    silent = [None, Reply(503, {}, b""), Reply(200, {}, b"<nonsense"), Reply(429, {"retry-after": "60"}, b"")]
    waits = []
    for reply in silent:
        assert len(send_all(channel, silent_with(reply))) == 1
        assert ack(channel, booking_id).state == "pending"
        waits.append(channel.outbox.waiting()[0].not_before - clock())
        clock.now = channel.outbox.waiting()[0].not_before
    assert waits == [1, 2, 4, 60]
    send_all(channel, ok)
    assert (ack(channel, booking_id).state, ack(channel, booking_id).attempts) == ("acknowledged", 5)
    assert ack(channel, booking_id).ids == {"10": "GW-1"}
    assert channel.outbox.waiting() == []


def silent_with(reply: Reply | None) -> Callable[[bytes], Reply | None]:
    return lambda _: reply


def test_success_together_with_errors_is_no_acknowledgement() -> None:
    channel = loaded(ota())
    booking_id = book(channel)
    both = (
        f'<OTA_HotelResNotifRS xmlns="{NS}"><Success/><Errors><Error Type="3" Code="1"/></Errors></OTA_HotelResNotifRS>'
    )
    send_all(channel, lambda _: Reply(200, {}, both.encode()))
    assert ack(channel, booking_id).state == "pending"


@pytest.mark.parametrize("retry", [Retry(enabled=False), Retry(attempts_max=1)])
def test_retrying_can_be_switched_off(retry: Retry) -> None:
    channel = loaded(ota(retry=retry))
    booking_id = book(channel)
    send_all(channel, lambda _: None)
    assert (ack(channel, booking_id).state, channel.outbox.waiting()) == ("gave_up", [])


def test_revisions_wait_for_each_other_unless_told_otherwise() -> None:
    for in_order, expected in ((True, 1), (False, 2)):
        channel = loaded(ota(in_order=in_order))
        booking_id = book(channel)
        channel.controls["cancel"]({"booking_id": booking_id})
        assert len(channel.outbox.due(channel.clock())) == expected


def test_held_back_and_resent_in_any_order() -> None:
    channel = loaded(ota())
    booking_id = book(channel, deliver=False)
    channel.controls["cancel"]({"booking_id": booking_id, "deliver": False})
    assert channel.outbox.waiting() == []
    for index in (1, 0, 0):
        channel.controls["resend"]({"booking_id": booking_id, "index": index})
    sent = accepted(channel)
    assert [etree.fromstring(body).get("ResStatus") for body in sent] == ["Cancel", "Commit", "Commit"]
    assert len({etree.fromstring(body).get("EchoToken") for body in sent}) == 3


async def test_async_delivery_over_any_callable() -> None:
    clock = FakeClock()
    channel = loaded(ota(clock))
    booking_id = book(channel)

    async def fails(_: bytes) -> Reply:
        raise SendFailed("refused")

    async def works(body: bytes) -> Reply:
        return ok(body)

    assert await deliver_due(channel, fails) == 1
    assert ack(channel, booking_id).why == "refused"
    assert await deliver_due(channel, works) == 0, "not before its time"
    clock.pass_s(10)
    assert await deliver_due(channel, works) == 1
    assert ack(channel, booking_id).state == "acknowledged"


async def test_booking_retry_and_acknowledgement_over_http() -> None:
    fake = FakeGateway(503, "errors", 500)
    config = OtaConfig(Hotel("DEMO01", days_ahead=5000), ROOMS, login=LOGIN, retry=Retry(first_s=0.01, max_s=0.02))
    async with AsyncExitStack() as stack:
        channel = OtaSimulator(config, FakeClock())
        app = SimulatorApp(loaded(channel), gateway_at(await stack.enter_async_context(running(fake))))
        # The fake clock stands still, so retries are due at once only if their wait has passed on it.
        clock = channel.clock
        assert isinstance(clock, FakeClock)
        await stack.enter_async_context(running(app))
        booking_id = book(channel)
        async with asyncio.timeout(30):
            while ack(channel, booking_id).state != "acknowledged":
                clock.pass_s(0.05)
                await asyncio.sleep(0.01)
    assert (ack(channel, booking_id).attempts, ack(channel, booking_id).ids["10"]) == (4, "GW-1")
    assert set(fake.paths) == {"/opentravel/conn-1"}
    assert fake.logins[0].startswith("Basic ")
    assert len({tags(etree.fromstring(body), "UniqueID")[0]["ID"] for body in fake.bodies}) == 1


async def test_what_was_out_when_the_courier_stopped_is_sent_again() -> None:
    channel = loaded(ota())
    booking_id = book(channel)
    out = asyncio.Event()

    async def hangs(_: bytes) -> Reply:
        out.set()
        await asyncio.sleep(60)
        raise AssertionError("nobody waits that long")

    async def works(body: bytes) -> Reply:
        return ok(body)

    courier = asyncio.create_task(deliver_forever(channel, hangs))
    await out.wait()
    assert await deliver_due(channel, works) == 0, "it is out already"
    courier.cancel()
    with pytest.raises(asyncio.CancelledError):
        await courier
    assert await deliver_due(channel, works) == 1
    assert ack(channel, booking_id).state == "acknowledged"


def sold(seed: int) -> list[bytes]:
    clock = FakeClock()
    channel = ota(clock)
    post(channel, avail(limit("02-01", "02-28", 5)))
    plan = SellPlan(rate_per_s=10, count=40, seed=seed, force=True, cancel_share=0.2, modify_share=0.2)
    channel.seller.start(plan, clock())
    while channel.seller.view()["running"]:
        clock.pass_s(0.25)
        channel.advance(clock())
    sent = accepted(channel)
    assert channel.seller.acts == 40
    return sent


def test_selling_at_random_repeats_with_its_seed() -> None:
    first = sold(7)
    assert first == sold(7)
    assert first != sold(8)
    assert {etree.fromstring(body).get("ResStatus") for body in first} == {"Commit", "Modify", "Cancel"}


def test_selling_keeps_its_rate_and_its_state() -> None:
    clock = FakeClock()
    channel = loaded(ota(clock))
    channel.controls["sell"]({"rate_per_s": 2, "seed": 3})
    clock.pass_s(5)
    channel.advance(clock())
    assert channel.seller.acts == 11
    for booking in channel.sales.bookings.by_id.values():
        assert all(stay.room == "DBL" and stay.plan == "FLEX" for stay in booking.latest.stays)
    channel.controls["sell"]({"rate_per_s": 0})
    clock.pass_s(5)
    channel.advance(clock())
    assert channel.seller.acts == 0
