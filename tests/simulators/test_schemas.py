"""Everything the simulators emit is valid against the OpenTravel 2015A schemas (skipped where those are absent)."""

from lxml import etree

from simulators.endpoint import Reply
from tests.simulators.support import (
    HEADERS,
    NS,
    accepted,
    assert_valid,
    avail,
    book,
    limit,
    loaded,
    ok,
    ota,
    pms,
    post,
    rate,
    rates,
    send_all,
)


def test_schemas_do_refuse() -> None:
    body = ok(avail(limit("02-01", "02-01", 1))).body
    assert_valid(body)
    broken = body.replace(b"<Success/>", b"<Success/><Nonsense/>")
    try:
        assert_valid(broken)
    except AssertionError:
        return
    raise AssertionError("an invalid message passed")


def test_every_reservation_message() -> None:
    channel = loaded(ota())
    booking_id = book(channel, card=True, children=2, comment="A & B < C")
    channel.controls["modify"]({"booking_id": booking_id, "guests": 1})
    channel.controls["cancel"]({"booking_id": booking_id})
    forced = {"room": "SGL", "plan": "FLEX", "arrival": "2031-02-03", "departure": "2031-02-06", "force": True}
    channel.controls["book"](forced)
    sent = accepted(channel)
    assert len(sent) == 4
    for body in sent:
        assert_valid(body)


def test_every_answer_of_the_channel() -> None:
    channel = ota(partial=True)
    good = limit("02-01", "02-01", 1)
    bad = limit("02-01", "02-01", 1, room="XXX", locator=2)
    ping = f'<OTA_PingRQ xmlns="{NS}" Version="1.0"><EchoData>hello</EchoData></OTA_PingRQ>'.encode()
    for body in (
        avail(good),
        avail(good, bad),
        avail(),
        rates(rate("02-01", "02-01", {2: "1"})),
        ping,
        b"<",
        b"<Foo/>",
    ):
        assert_valid(channel.handle(body, HEADERS).body)
    unsupported = f'<OTA_HotelInvCountNotifRQ xmlns="{NS}" Version="1.0"/>'.encode()
    assert_valid(channel.handle(unsupported, HEADERS).body)


def test_many_errors_are_cut_to_what_the_schema_allows() -> None:
    parts = [limit("02-01", "02-01", 1, room="XXX", locator=number) for number in range(1, 150)]
    reply: Reply = ota().handle(avail(*parts), HEADERS)
    assert len(etree.fromstring(reply.body)[0]) == 99
    assert_valid(reply.body)


def test_every_answer_of_the_pms() -> None:
    channel, house = loaded(ota()), pms()
    booking_id = book(channel)
    channel.controls["cancel"]({"booking_id": booking_id})

    def taken(body: bytes) -> Reply:
        reply = house.handle(body, HEADERS)
        assert_valid(reply.body)
        return reply

    assert len(send_all(channel, taken)) == 2
    empty = f'<OTA_HotelResNotifRQ xmlns="{NS}" Version="1.0"/>'.encode()
    assert_valid(etree.tostring(post(house, empty)))
