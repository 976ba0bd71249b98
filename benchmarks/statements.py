"""Ours: how many SQL statements a batch of bookings takes, a repetition of one, and a change for three channels.

On SQLite the rows of a table are written by one prepared statement that steps through all of them, which counts as one.
"""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from benchmarks import conditions, templates
from benchmarks.datasets.bookings import BookingSet, booking_document
from benchmarks.harness import Bench, Figures, Metric, register
from benchmarks.house import House, figures_document, hotel_toml
from benchmarks.processes import durable_directory
from gateway.contract import Reply, Request
from gateway.flows.push_ari import Pusher

BATCH_MAX = 12
DUPLICATE_MAX = 3
FAN_OUT_MAX = 24
SUCCESS = '<{root} xmlns="http://www.opentravel.org/OTA/2003/05" Version="1.0"><Success/></{root}>'


class Agreeing:
    """Counterparts that confirm everything at once."""

    async def call(self, request: Request, *, timeout_s: float) -> Reply:
        root = (
            "OTA_HotelAvailNotifRS" if b"OTA_HotelAvailNotifRQ" in request.body[:200] else "OTA_HotelRateAmountNotifRS"
        )
        return Reply(200, {"content-type": "text/xml"}, SUCCESS.format(root=root).encode())


def statements() -> Figures:
    """Counted once: they don't vary."""
    wanted = BookingSet()
    with (
        durable_directory() as directory,
        House(directory, hotel_toml(wanted.room_codes, wanted.plan_codes, 3)) as house,
    ):
        house.post("bench-pms", figures_document(wanted.room_codes, 410))
        return {
            "one_booking": _batch(house, range(1)),
            "same_booking_again": _batch(house, range(1)),
            "hundred_bookings": _batch(house, range(100, 200)),
            "fan_out_of_two_nights": _fan_out(house, wanted),
        }


def _batch(house: House, numbers: range) -> float:
    """Statements of the one batch that takes all the bookings."""
    counter = house.ours.services.database.counter
    documents = [booking_document(BookingSet(), number) for number in numbers]

    async def post_all() -> None:
        await asyncio.gather(*(house.receive("channel0", document) for document in documents))

    house.post("channel0", booking_document(BookingSet(), 10_000))  # so that the connection is known
    before, transactions = counter.statements, counter.transactions
    house.run(post_all())
    assert counter.transactions == transactions + 1
    return counter.statements - before


def _fan_out(house: House, wanted: BookingSet) -> float:
    """Two nights of one room type change; from the PMS's message until three channels have confirmed."""
    pusher = Pusher(replace(house.ours.services, caller=Agreeing()))

    async def push() -> None:
        await pusher.round("bench")
        await pusher.errands.idle()

    house.run(push())
    counter = house.ours.services.database.counter
    before = counter.statements
    night = datetime.now(UTC).date() + timedelta(days=30)
    control = templates.room_control(night.isoformat(), (night + timedelta(days=1)).isoformat(), wanted.room_codes[0])
    house.post("bench-pms", templates.avail_document(conditions.HOTEL_CODE, [templates.limit_message(1, control, 7)]))
    house.run(push())
    return counter.statements - before


register(
    Bench(
        "statements",
        "SQL statements",
        (
            Metric("one_booking", value_max=BATCH_MAX),
            Metric("same_booking_again", value_max=DUPLICATE_MAX),
            Metric("hundred_bookings", value_max=BATCH_MAX),
            Metric("fan_out_of_two_nights", value_max=FAN_OUT_MAX),
        ),
        ours=statements,
        rounds=1,
    )
)
