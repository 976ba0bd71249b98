"""The PMS: takes reservations once, owns its figures, publishes them, and lets them cross bookings."""

from typing import Any

import pytest
from lxml import etree

from simulators.desk import Refusal
from simulators.endpoint import Reply
from simulators.ota import OtaSimulator
from simulators.outbox import Retry
from simulators.pms import PmsSimulator
from tests.simulators.support import (
    NS,
    FakeClock,
    accepted,
    assert_valid,
    book,
    day,
    left,
    loaded,
    ota,
    pms,
    post,
    send_all,
    succeeded,
    tags,
)

BOOKED = "2031-01-05T10:00:00Z"
LATER = "2031-01-05T10:00:01Z"


def reservation(
    version: str = BOOKED, status: str = "Commit", units: int = 1, last: str = "02-05", **more: str
) -> bytes:
    about = {"id": "B-1", "context": "", "room": "DBL", "plan": "FLEX", "hotel": "DEMO01"} | more
    context = f'ID_Context="{about["context"]}"' if about["context"] else ""
    return f"""<OTA_HotelResNotifRQ xmlns="{NS}" EchoToken="r" Version="1.0" ResStatus="Commit"><HotelReservations>
      <HotelReservation CreateDateTime="{BOOKED}" LastModifyDateTime="{version}" ResStatus="{status}">
      <UniqueID Type="14" ID="{about["id"]}" {context}/><RoomStays><RoomStay>
      <RoomTypes><RoomType RoomTypeCode="{about["room"]}" NumberOfUnits="{units}"/></RoomTypes>
      <RatePlans><RatePlan RatePlanCode="{about["plan"]}"/></RatePlans>
      <TimeSpan Start="2031-02-03" End="2031-{last}"/><BasicPropertyInfo HotelCode="{about["hotel"]}"/>
      </RoomStay></RoomStays></HotelReservation></HotelReservations></OTA_HotelResNotifRQ>""".encode()


def confirmation(root: etree._Element) -> str:
    ids = tags(root, "HotelReservationID")
    assert [one["ResID_Type"] for one in ids] == ["10"]
    return ids[0]["ResID_Value"]


def figures(body: bytes) -> list[tuple[str, str, str, int]]:
    """(room, first, last, rooms left) of a published message."""
    found = []
    for part in etree.fromstring(body).iter(f"{{{NS}}}AvailStatusMessage"):
        control = part.find(f"{{{NS}}}StatusApplicationControl")
        assert control is not None
        room, first, last = (control.get(key) or "" for key in ("InvTypeCode", "Start", "End"))
        found.append((room, first, last, int(part.get("BookingLimit") or "-1")))
    return found


def test_a_booking_is_taken_once_and_confirmed_with_the_same_number() -> None:
    house = pms()
    first = confirmation(post(house, reservation()))
    assert left(house, "02-02", "02-05") == [5, 4, 4, 5]
    assert confirmation(post(house, reservation())) == first
    assert left(house, "02-02", "02-05") == [5, 4, 4, 5]
    assert confirmation(post(house, reservation(id="B-2"))) != first
    # Two channels may use one booking id.
    assert confirmation(post(house, reservation(context="OTHER"))) not in (first, "PMS-2")
    assert left(house, "02-03", "02-03") == [2]


@pytest.mark.parametrize(
    "order",
    [
        ("new", "modify", "cancel"),
        ("cancel", "new", "modify"),
        ("modify", "cancel", "new"),
        ("modify", "modify", "new"),
    ],
)
def test_any_order_of_versions_ends_in_the_newest(order: tuple[str, ...]) -> None:
    messages = {
        "new": reservation(),
        "modify": reservation(LATER, "Modify", units=2, last="02-04"),
        "cancel": reservation("2031-01-05T10:00:02Z", "Cancel"),
    }
    house = pms()
    for kind in order:
        post(house, messages[kind])
    expected = [5, 5] if "cancel" in order else [3, 5]
    assert left(house, "02-03", "02-04") == expected


def test_at_one_version_new_comes_before_modify_before_cancel() -> None:
    house = pms()
    post(house, reservation(status="Cancelled"))
    post(house, reservation(status="Modify"))
    assert left(house, "02-03", "02-03") == [5]
    assert next(iter(house.house.reservations.values())).stale == 1
    other = pms()
    for status, expected in (("Commit", 4), ("Modify", 3), ("Cancel", 5)):
        post(other, reservation(status=status, units=2 if status == "Modify" else 1))
        assert left(other, "02-03", "02-03") == [expected]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"room": "XXX"}, "402"),
        ({"plan": "XXX"}, "249"),
        ({"hotel": "OTHER"}, "392"),
        ({"last": "02-03"}, "404"),
        ({"last": "02-31"}, "15"),
        ({"status": "Quote"}, "320"),
        ({"version": "yesterday"}, "320"),
        ({"id": ""}, "321"),
    ],
)
def test_what_it_cannot_take(more: dict[str, Any], code: str) -> None:
    house = pms()
    answer = post(house, reservation(**more))
    assert [error["Code"] for error in tags(answer, "Error")] == [code]
    assert house.house.reservations == {}


def test_overbooking_is_taken_unless_refused() -> None:
    house = pms()
    assert succeeded(post(house, reservation(units=7)))
    assert left(house, "02-03", "02-03") == [-2]
    assert house.house.left_ranges("DBL", day("02-03"), day("02-03")) == [(day("02-03"), day("02-03"), 0)]
    strict = pms(refuse_overbooking=True)
    assert tags(post(strict, reservation(units=6)), "Error")[0]["Code"] == "322"
    assert succeeded(post(strict, reservation(units=5)))
    assert succeeded(post(strict, reservation(LATER, "Modify", units=5))), "its own rooms are not in its way"


def test_acknowledged_now_applied_later() -> None:
    clock = FakeClock()
    house = pms(clock, apply_delay_s=5)
    assert succeeded(post(house, reservation()))
    assert left(house, "02-03", "02-03") == [5]
    clock.pass_s(5)
    house.advance(clock())
    assert left(house, "02-03", "02-03") == [4]
    post(house, reservation(LATER, "Cancel"))
    house.controls["apply"]({})
    assert left(house, "02-03", "02-03") == [5]


def test_echo_of_touched_nights_after_applying() -> None:
    house = pms(echo_after_apply=True)
    post(house, reservation())
    assert [figures(body) for body in accepted(house)] == [[("DBL", "2031-02-03", "2031-02-04", 4)]]
    post(house, reservation(LATER, "Modify", last="02-04"))
    touched = [("DBL", "2031-02-03", "2031-02-03", 4), ("DBL", "2031-02-04", "2031-02-04", 5)]
    assert [figures(body) for body in accepted(house)] == [touched]
    post(house, reservation(LATER, "Modify", last="02-04"))
    assert accepted(house) == [], "a duplicate changes nothing and echoes nothing"


def test_a_delayed_figure_crosses_the_booking() -> None:
    clock = FakeClock()
    house = pms(clock, echo_after_apply=True, figure_delay_s=10)
    post(house, reservation())
    post(house, reservation(id="B-2"))
    assert accepted(house) == []
    clock.pass_s(10)
    values = [figures(body)[0][3] for body in accepted(house)]
    assert values == [4, 3], "each figure is the one computed when its booking was applied"


def test_a_computed_figure_is_sent_as_it_was() -> None:
    house = pms()
    parked: Any = house.controls["compute_figure"]({"first": "2031-02-03", "last": "2031-02-03", "room": "DBL"})
    assert parked["values"] == {"DBL": [["2031-02-03", "2031-02-03", 5]]}
    post(house, reservation())
    assert accepted(house) == []
    house.controls["publish"]({"what": ["limits"], "first": "2031-02-03", "last": "2031-02-03", "room": "DBL"})
    assert figures(accepted(house)[0])[0][3] == 4
    house.controls["release_figure"]({"figure_id": parked["figure_id"]})
    assert figures(accepted(house)[0])[0][3] == 5, "stale on purpose"
    with pytest.raises(Refusal):
        house.controls["release_figure"]({"figure_id": parked["figure_id"]})


def test_only_the_first_attempt_carries_a_delayed_figure() -> None:
    clock = FakeClock()
    house = pms(clock, Retry(first_s=1, jitter=0), figure_delay_s=10)
    house.controls["publish"]({"what": ["limits"], "first": "2031-02-03", "last": "2031-02-03", "room": "DBL"})
    post(house, reservation())
    clock.pass_s(10)
    tried: list[int] = []
    send_all(house, lambda body: tried.append(figures(body)[0][3]))
    clock.pass_s(1)
    assert (tried, figures(accepted(house)[0])[0][3]) == ([5], 4)


def test_a_retried_figure_is_computed_afresh_but_a_released_one_is_not() -> None:
    clock = FakeClock()
    house = pms(clock, Retry(first_s=1, jitter=0))
    house.controls["publish"]({"what": ["limits"], "first": "2031-02-03", "last": "2031-02-03", "room": "DBL"})
    parked: Any = house.controls["compute_figure"]({"first": "2031-02-03", "last": "2031-02-03", "room": "DBL"})
    house.controls["release_figure"]({"figure_id": parked["figure_id"]})
    assert len(send_all(house, lambda _: None)) == 2
    post(house, reservation())
    clock.pass_s(1)
    assert sorted(figures(body)[0][3] for body in accepted(house)) == [4, 5]


def test_errors_end_a_publication_and_are_shown() -> None:
    house = pms()
    house.controls["block"]({"room": "DBL", "first": "2031-02-03", "last": "2031-02-03"})
    error = '<Errors><Error Type="3" Code="402">no</Error></Errors>'
    error = f'<OTA_HotelAvailNotifRS xmlns="{NS}">{error}</OTA_HotelAvailNotifRS>'
    send_all(house, lambda _: Reply(200, {}, error.encode()))
    assert house.outbox.waiting() == []
    shown: Any = house.views["published"]({})
    assert (shown[0]["acknowledged"], shown[0]["why"]) == (False, "Type 3 Code 402: no")


def test_blocks_lower_figures_and_give_back() -> None:
    house = pms()
    block: Any = house.controls["block"]({"room": "DBL", "first": "2031-02-03", "last": "2031-02-04", "units": 2})
    assert left(house, "02-03", "02-05") == [3, 3, 5]
    assert figures(accepted(house)[0]) == [("DBL", "2031-02-03", "2031-02-04", 3)]
    with pytest.raises(Refusal):
        house.controls["block"]({"room": "DBL", "first": "2031-02-04", "last": "2031-02-05", "units": 4})
    house.controls["unblock"]({"block_id": block["block_id"], "publish": False})
    assert left(house, "02-03", "02-04") == [5, 5]
    assert accepted(house) == []


def tell_everything(house: PmsSimulator, channel: OtaSimulator) -> list[bytes]:
    """Publish the whole house straight into a channel."""
    sent: list[bytes] = []

    def deliver(body: bytes) -> Reply:
        sent.append(body)
        reply = channel.handle(body, {"authorization": "Basic c2ltOnNlY3JldA=="})
        assert b"Success" in reply.body, reply.body
        return reply

    house.controls["publish"]({})
    send_all(house, deliver)
    return sent


def busy_house(**options: Any) -> PmsSimulator:
    """Prices by weekday, every kind of restriction, blocks."""
    house = pms(**options)
    quiet = {"publish": False}
    one = {"room": "DBL", "plan": "FLEX"}
    days = {"first": "2031-02-01", "last": "2031-02-20"}
    house.controls["price"](
        one | days | quiet | {"prices": {"2": "150.00"}, "days": ["Sat", "Sun"], "extra": {"8": 1500}}
    )
    rules = {"min_arrival": 2, "max_arrival": 14, "min_through": 1, "max_through": 21, "pattern": "YYN"}
    house.controls["restrict"](one | days | quiet | rules | {"min_offset": "PT6H", "max_offset": "P200D"})
    house.controls["restrict"](one | quiet | {"first": "2031-02-05", "last": "2031-02-06", "closed": True, "ctd": True})
    house.controls["restrict"](
        one | quiet | {"first": "2031-02-08", "last": "2031-02-08", "cta": True, "pattern": None}
    )
    house.controls["restrict"](quiet | {"room": "SGL", "first": "2031-02-05", "last": "2031-02-06", "closed": True})
    house.controls["block"]({"room": "DBL", "first": "2031-02-03", "last": "2031-02-07", "units": 2} | quiet)
    return house


@pytest.mark.parametrize("parts_max", [500, 7, 1])
def test_what_is_published_arrives_as_it_is(parts_max: int) -> None:
    house, channel = busy_house(parts_max=parts_max), ota()
    sent = tell_everything(house, channel)
    assert channel.cells.view()["products"] == house.cells.view()["products"]
    view: Any = house.views["state"]({})
    assert channel.cells.view()["limits"] == view["left"]
    for body in sent:
        assert_valid(body)
        assert len(list(etree.fromstring(body)[0])) <= parts_max


def test_ranges_are_compact() -> None:
    house = pms()
    house.controls["publish"]({"what": ["limits", "rates"]})
    assert [len(etree.fromstring(body)[0]) for body in accepted(house)] == [2, 2]


def test_a_published_clearing_clears() -> None:
    house, channel = busy_house(), ota()
    tell_everything(house, channel)
    cleared: dict[str, Any] = dict.fromkeys(["min_arrival", "max_arrival", "min_through", "max_through", "pattern"])
    cleared |= {"min_offset": None, "max_offset": None, "closed": False, "cta": False, "ctd": False}
    days = {"first": "2031-02-01", "last": "2031-02-28"}
    house.controls["restrict"]({"room": "DBL", "plan": "FLEX"} | days | cleared)
    house.controls["restrict"]({"room": "SGL", "closed": False} | days)
    sent = tell_everything(house, channel)
    assert any(b'MinMaxMessageType="RemoveMinLOS"' in body for body in sent)
    fields = {field for ranges in channel.cells.view()["products"].values() for *_, cell in ranges for field in cell}
    assert fields == {"base", "extra"}


def test_control_requests_that_make_no_sense() -> None:
    house = pms()
    days = {"first": "2031-02-01", "last": "2031-02-02"}
    with pytest.raises(Refusal):
        house.controls["price"]({"room": "XXX", "plan": "FLEX", "prices": {"2": 1}} | days)
    with pytest.raises(ValueError, match="weekdays"):
        house.controls["price"]({"room": "DBL", "plan": "FLEX", "prices": {"2": 1}, "days": ["Monday"]} | days)
    with pytest.raises(ValueError, match="no restriction"):
        house.controls["restrict"]({"room": "DBL"} | days)
    with pytest.raises(ValueError, match="published"):
        house.controls["publish"]({"what": ["weather"]})


def test_what_a_channel_sells_a_pms_takes() -> None:
    """The channel's documents read by the PMS: two codecs written from one sheet."""
    channel, house = loaded(ota()), pms()
    booking_id = book(channel, units=2, children=1)
    channel.controls["modify"]({"booking_id": booking_id, "departure": "2031-02-06", "units": 1})
    send_all(channel, lambda body: house.handle(body, {"authorization": "Basic c2ltOnNlY3JldA=="}))
    assert left(house, "02-03", "02-06") == [4, 4, 4, 5]
    taken = house.house.reservations[booking_id]
    assert taken.applied is not None
    assert taken.applied.stays == channel.sales.bookings.by_id[booking_id].latest.stays
    assert channel.sales.bookings.by_id[booking_id].history[0].ack.ids == {"10": taken.confirmation}
