"""A reservation that the PMS does not confirm reaches a person: each state of it once, and without any card."""

from __future__ import annotations

import msgspec
import pytest

from gateway.flows.delivering import mail_bookings
from gateway.flows.delivering.mail_bookings import BookingMails
from gateway.model.reservation import Content, Guest, Revision, RevisionKind
from gateway.settings import Settings
from gateway.store import delivering
from gateway.store.tables import MessageRow
from tests.flows.house import House, channel, down, hotel, modify, pms, rejecting, stay
from tests.flows.mailbox import Mailbox

WAIT_S = 1_800
CARD = "4111111111111111"


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Mailbox:
    return Mailbox(monkeypatch, mail_bookings)


@pytest.fixture
async def mailing(empty_house: House) -> House:
    await empty_house.apply(hotel(pms(), channel("ota"), mail_bookings_to=("desk@hotel.example",)))
    return empty_house


def mails(house: House, **more: object) -> BookingMails:
    return BookingMails(house.services, Settings(smtp_url="smtp://mail.example", **more))  # type: ignore[arg-type]


def booked(booking: str = "B1") -> Revision:
    said = Content(
        "EUR",
        24_000,
        stays=(stay(2, 5),),
        booker=Guest("Lovelace", "Ada"),
        comments=(f"my card is {CARD}", "late arrival"),
        card_mask="411111******1111",
    )
    return Revision(booking, RevisionKind.NEW, said, version=1)


async def waiting(house: House) -> str:
    """A booking that the PMS has not answered for longer than is good."""
    house.wire.answers["pms"] = [down] * 50
    number = await house.say(booked())
    await house.deliver()
    house.clock.pass_s(WAIT_S + 1)
    return number


async def test_what_is_not_confirmed_in_time_is_mailed_once(mailing: House, mailbox: Mailbox) -> None:
    number = await waiting(mailing)
    post = mails(mailing)
    assert [await post.round(), await post.round(), await mails(mailing).round()] == [1, 0, 0]
    ((to, subject, text),) = mailbox.taken
    assert to == "desk@hotel.example"
    assert number in subject
    for part in ("Ada Lovelace", "Double", "240.00 EUR", "late arrival", "connection refused", "B1"):
        assert part in text
    assert CARD not in text
    assert "411111******1111" not in text
    (logged,) = [row for row in await mailing.rows(MessageRow) if row.kind == "e-mail"]
    assert (logged.connection, logged.detail, logged.outcome) == ("pms", number, "confirmed")


async def test_nobody_is_bothered_before_its_time_or_when_it_is_confirmed(mailing: House, mailbox: Mailbox) -> None:
    await mailing.say(booked())
    assert await mails(mailing).round() == 0
    await mailing.deliver()
    mailing.clock.pass_s(WAIT_S + 1)
    assert await mails(mailing).round() == 0
    assert mailbox.taken == []


async def test_a_change_that_waits_is_mailed_too(mailing: House, mailbox: Mailbox) -> None:
    await waiting(mailing)
    post = mails(mailing)
    await post.round()
    await mailing.say(modify(stay(3, 6)))
    assert await post.round() == 0
    mailing.clock.pass_s(WAIT_S + 1)
    assert await post.round() == 1
    assert "Changed" in mailbox.taken[1][1]


async def test_a_refusal_is_mailed_with_its_reason(mailing: House, mailbox: Mailbox) -> None:
    mailing.wire.answers["pms"] = [rejecting]
    await mailing.say(booked())
    await mailing.deliver()
    mailing.clock.pass_s(WAIT_S + 1)
    assert await mails(mailing).round() == 1
    assert "refused as a whole" in mailbox.taken[0][2]


async def test_a_pms_that_fetches_is_watched_as_well(empty_house: House, mailbox: Mailbox) -> None:
    await empty_house.apply(hotel(pms(url=""), channel("ota"), mail_bookings_to=("desk@hotel.example",)))
    await empty_house.say(booked())
    empty_house.clock.pass_s(WAIT_S + 1)
    assert await mails(empty_house).round() == 1


async def test_a_mail_server_that_is_away_is_asked_again(mailing: House, mailbox: Mailbox) -> None:
    await waiting(mailing)
    mailbox.refuses = True
    post = mails(mailing)
    assert await post.round() == 0
    mailbox.refuses = False
    assert await post.round() == 1


async def test_it_is_written_in_chinese_where_the_house_reads_that(mailing: House, mailbox: Mailbox) -> None:
    await waiting(mailing)
    assert await mails(mailing, alert_language="zh").round() == 1
    assert "手工录入" in mailbox.taken[0][1]
    assert "入住" in mailbox.taken[0][2]


async def test_a_house_that_names_nobody_gets_none(house: House, mailbox: Mailbox) -> None:
    await waiting(house)
    assert await mails(house).round() == 0


async def test_a_parked_booking_reaches_a_person_too(mailing: House, mailbox: Mailbox) -> None:
    revision = booked()
    content = msgspec.structs.replace(revision.content, stays=(stay(2, 5, "penthouse"),))
    await mailing.say(msgspec.structs.replace(revision, content=content))
    mailing.clock.pass_s(WAIT_S + 1)
    assert await mails(mailing).round() == 1
    assert "penthouse" in mailbox.taken[0][2]


async def test_however_many_wait_each_is_mailed(
    mailing: House, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few at a time, the oldest first; what was told already takes nobody's place."""
    monkeypatch.setattr(delivering, "UNCONFIRMED_MAX", 2)
    monkeypatch.setattr(mail_bookings, "AT_ONCE", 2)
    mailing.wire.answers["pms"] = [down] * 100
    numbers = []
    for n in range(7):
        numbers.append(await mailing.say(booked(f"B{n}")))
        mailing.clock.pass_s(1)
    mailing.clock.pass_s(WAIT_S)
    post = mails(mailing)
    assert [await post.round() for _ in range(5)] == [2, 2, 2, 1, 0]
    assert [number for _, subject, _ in mailbox.taken for number in numbers if number in subject] == numbers


async def test_letters_that_are_not_taken_keep_no_other_back(
    mailing: House, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server takes any letter but those of three bookings, which come first."""
    monkeypatch.setattr(mail_bookings, "AT_ONCE", 3)
    bad = [await mailing.say(booked(f"B{n}")) for n in range(3)]
    mailing.clock.pass_s(1)
    good = await mailing.say(booked("B3"))
    mailing.clock.pass_s(WAIT_S + 1)
    mailbox.refused = tuple(bad)
    post = mails(mailing)
    assert [await post.round(), await post.round()] == [0, 1]
    assert good in mailbox.taken[0][1]
    mailbox.refused = ()
    assert await post.round() == 3
