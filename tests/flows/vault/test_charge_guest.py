"""Guests' cards of channels' bookings: charged as their terms say, each room to its own card, and never a wrong one."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import msgspec
import pytest

from gateway.flows.vault.charge import CardCharge, charge_card
from gateway.flows.vault.charger import charged_at_terminal
from gateway.model.selling import Pays, Schedule, Share
from gateway.store.database import Database
from gateway.store.tables_cards import CardUseRow
from gateway.store.tables_paying import PaymentRow
from tests.flows.vault.charging import VCC, ChargingHouse
from tests.flows.vault.house import AMEX, MASTERCARD, VISA, booking

DECLINED = "4000000000000002"
NIGHTS = ("2026-12-10", "2026-12-12")  # the clock begins on 21 November at nine
GUEST = Schedule("DEP", Pays.DEPOSIT, Share(percent_bp=2_500), balance_days=14, account="desk", charge_card=True)
_STARTS = b' EffectiveDate="1126"'


@pytest.fixture
async def house(database: Database) -> AsyncIterator[ChargingHouse]:
    house = ChargingHouse(database)
    house.start()
    yield house
    await house.stop()


def guests(body: bytes) -> bytes:
    """Its card is no virtual one."""
    return body.replace(_STARTS, b"")


def card(number: str, starts: str = "") -> str:
    begins = f' EffectiveDate="{starts}"' if starts else ""
    return (
        "<Guarantee><GuaranteesAccepted><GuaranteeAccepted>"
        f'<PaymentCard CardCode="VI" CardNumber="{number}" ExpireDate="0931"{begins}/>'
        "</GuaranteeAccepted></GuaranteesAccepted></Guarantee>"
    )


def two_rooms(first: str, second: str, whole: str = "", modified: str = "2026-11-21T08:00:00Z") -> bytes:
    """For 150.00 and 50.00, each room with what guarantees it."""
    plain = booking("", nights=NIGHTS, modified=modified, more=whole).decode()
    stay = re.search(r"<RoomStay>.*?</RoomStay>", plain, re.DOTALL)
    assert stay is not None
    rooms = [
        stay[0].replace('"200.00"', f'"{total}"').replace("<BasicPropertyInfo", f"{guarantee}<BasicPropertyInfo")
        for total, guarantee in (("150.00", first), ("50.00", second))
    ]
    return plain.replace(stay[0], "".join(rooms)).encode()


async def charged(house: ChargingHouse) -> list[tuple[str, str]]:
    """Which card, how much and why."""
    return [(row.mask[-4:], row.reason.replace(" EUR at desk", "")) for row in await house.rows(CardUseRow)]


async def test_each_part_is_charged_when_it_comes_due(house: ChargingHouse) -> None:
    await house.open(GUEST)
    await house.book(guests(booking(nights=NIGHTS)))
    await house.look()
    assert await charged(house) == [("1111", "5000 (only card)")]
    (waiting,) = await house.open_cards()
    assert (waiting.amount, waiting.standing.value, waiting.virtual, waiting.why.value) == (
        *(15_000, "waiting", False),
        "only_card",
    )
    await house.look(hours=4 * 24)
    assert await house.taken() == [5_000]
    await house.look(hours=24, rounds=2)
    assert (await house.taken(), await house.open_cards(), await house.told()) == ([5_000, 15_000], [], [])


async def test_a_stay_that_becomes_dearer_is_charged_as_the_terms_say(house: ChargingHouse) -> None:
    await house.open(msgspec.structs.replace(GUEST, pays=Pays.FULL, deposit=Share(), balance_days=None))
    await house.book(guests(booking(nights=NIGHTS)))
    await house.look()
    dearer = booking(nights=NIGHTS, modified="2026-11-21T09:00:00Z").replace(b'"200.00"', b'"230.00"')
    await house.book(guests(dearer))
    await house.look(rounds=2)
    assert await house.taken() == [20_000, 3_000]


async def test_the_newest_card_is_charged_and_no_virtual_one(house: ChargingHouse) -> None:
    await house.open(GUEST)
    cards = "".join(card(number, starts) for number, starts in ((VISA, ""), (MASTERCARD, ""), (AMEX, "1126")))
    await house.book(booking("", nights=NIGHTS, more=cards))
    await house.look()
    assert await charged(house) == [("4444", "5000 (newest valid)")]


async def test_what_the_guest_owes_is_not_charged_to_the_channels_card(house: ChargingHouse) -> None:
    await house.open(GUEST)
    await house.book(booking(nights=NIGHTS))
    await house.look()
    (open_card,) = await house.open_cards()
    assert (open_card.standing.value, open_card.why.value, house.charged) == ("terminal", "only_virtual", [])
    (told,) = await house.told()
    assert "only virtual" in told


async def test_a_card_that_has_expired_goes_to_a_person(house: ChargingHouse) -> None:
    await house.open(GUEST)
    await house.book(guests(booking(nights=NIGHTS)).replace(b'"0931"', b'"1126"'))
    await house.look()
    assert await charged(house) == [("1111", "5000 (only card)")]
    await house.look(hours=10 * 24)
    (open_card,) = await house.open_cards()
    assert (open_card.amount, open_card.standing.value, open_card.why.value) == (15_000, "terminal", "none_valid")
    assert await house.taken() == [5_000]


async def test_each_room_is_charged_to_the_card_it_came_with(house: ChargingHouse) -> None:
    await house.open(VCC)
    await house.book(two_rooms(card(VISA, "1126"), card(MASTERCARD, "1126")))
    assert [(each.room, each.amount, each.mask[-4:]) for each in await house.open_cards()] == [
        *(("1", 15_000, "1111"), ("2", 5_000, "4444"))
    ]
    await house.look(hours=19 * 24)
    assert await charged(house) == [("1111", "15000 (of the room)"), ("4444", "5000 (of the room)")]
    assert {(row.room, row.amount) for row in await house.rows(PaymentRow)} == {("1", 15_000), ("2", 5_000)}
    assert await house.open_cards() == []


async def test_a_room_that_is_refused_is_not_paid_with_the_other_ones_money(house: ChargingHouse) -> None:
    await house.open(VCC)
    await house.book(two_rooms(card(DECLINED, "1126"), card(MASTERCARD, "1126")))
    await house.look(hours=19 * 24)
    # The channel says the same again: other rows of the same cards, and nothing is charged twice.
    again = two_rooms(card(DECLINED, "1126"), card(MASTERCARD, "1126"), modified="2026-11-22T08:00:00Z")
    await house.book(again)
    await house.look(rounds=3)
    (open_card,) = await house.open_cards()
    assert (open_card.room, open_card.amount, open_card.standing.value) == ("1", 15_000, "refused")
    assert [amount for amount in await house.taken() if amount] == [5_000]


async def test_what_was_charged_at_the_terminal_stays_so_when_the_channel_says_the_booking_again(
    house: ChargingHouse,
) -> None:
    """Its cards are other rows then, and perhaps others altogether."""
    await house.open(VCC)
    await house.book(two_rooms(card(VISA, "1126"), card(MASTERCARD, "1126")))
    first, second = await house.open_cards()
    await charged_at_terminal(house.services, "h", second.reservation_id, second.card_id, "person:ada")
    await house.book(two_rooms(card(VISA, "1126"), card(MASTERCARD, "1126"), modified="2026-11-22T08:00:00Z"))
    assert [(each.room, each.amount) for each in await house.open_cards()] == [("1", first.amount)]
    await house.look(hours=19 * 24)
    assert await house.taken() == [15_000]
    await house.book(two_rooms(card(AMEX, "1126"), "", modified="2026-11-23T08:00:00Z"))
    await house.look(rounds=2)
    assert (await house.taken(), await house.open_cards()) == ([15_000], [])


async def test_what_the_desk_charges_to_a_rooms_card_is_for_that_room(house: ChargingHouse) -> None:
    await house.open(VCC)
    await house.book(two_rooms(card(DECLINED, "1126"), card(MASTERCARD, "1126")))
    second = next(kept for kept in await house.cards() if kept.last4 == "4444")
    house.clock.pass_s(18 * 86_400)
    wanted = CardCharge("desk", 5_000, "EUR")
    await charge_card(house.services, "h", second.reservation_id, second.card_id, wanted, "person:ada")
    await house.look(hours=24)
    assert [(each.room, each.amount) for each in await house.open_cards()] == [("1", 15_000)]


async def test_a_booking_that_was_paid_is_not_paid_again_when_its_rooms_get_cards(house: ChargingHouse) -> None:
    await house.open(VCC)
    await house.book(two_rooms(card(VISA, "1126"), ""))
    await house.look(hours=19 * 24)
    assert await house.taken() == [20_000]
    await house.book(two_rooms(card(VISA, "1126"), card(MASTERCARD, "1126"), modified="2026-11-22T08:00:00Z"))
    await house.look(rounds=3)
    assert (await house.taken(), await house.open_cards()) == ([20_000], [])


async def test_one_card_pays_for_all_rooms(house: ChargingHouse) -> None:
    await house.open(VCC)
    await house.book(two_rooms(card(VISA, "1126"), ""))
    await house.look(hours=19 * 24)
    assert await charged(house) == [("1111", "20000 (only card)")]


async def test_of_several_virtual_cards_the_one_that_is_active_is_charged(house: ChargingHouse) -> None:
    await house.open(msgspec.structs.replace(VCC, days=15))
    await house.book(booking("", nights=NIGHTS, more=card(VISA, "1226") + card(MASTERCARD, "1126")))
    await house.look()
    (waiting,) = await house.open_cards()
    assert (waiting.mask[-4:], waiting.why.value) == ("4444", "in_its_window")
    await house.look(hours=5 * 24)
    assert await charged(house) == [("4444", "20000 (in its window)")]


async def test_what_people_have_charged_is_not_charged_for_the_part_it_covers(house: ChargingHouse) -> None:
    await house.open(GUEST)
    await house.book(guests(booking(nights=NIGHTS)))
    (kept,) = await house.cards()
    wanted = CardCharge("desk", 12_000, "EUR")
    await charge_card(house.services, "h", kept.reservation_id, kept.card_id, wanted, "person:ada")
    await house.look()
    assert await house.taken() == [12_000]
    await house.look(hours=5 * 24)
    assert await house.taken() == [12_000, 8_000]


async def test_an_account_that_takes_no_numbers_leaves_it_to_the_desk(house: ChargingHouse) -> None:
    await house.open(GUEST, {})
    await house.book(guests(booking(nights=NIGHTS)))
    await house.look(rounds=2)
    (open_card,) = await house.open_cards()
    assert (open_card.standing.value, open_card.account, house.charged) == ("terminal", "", [])
    assert len(await house.told()) == 1
