"""What of a booking is charged to the card it came with: which plans, how much, from when, and for which room."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.card_charges import (
    CardDue,
    card_dues,
    card_schedules,
    days_ahead,
    is_refused,
    left_of,
)
from gateway.model.dates import Day, parse_day
from gateway.model.reservation import Content, RoomStay
from gateway.model.selling import Pays, PlanTerms, Schedule, Selling, Share
from tests.flows.house import hotel

VCC, EARLY = Schedule("VCC", Pays.VIRTUAL_CARD, days=1, account="desk"), Schedule("EARLY", Pays.VIRTUAL_CARD, days=9)
GUEST = Schedule("DEP", Pays.DEPOSIT, Share(percent_bp=3_000), balance_days=14, account="desk", charge_card=True)
NIGHT = Schedule("NIGHT", Pays.DEPOSIT, Share(nights=1), days=20, account="desk", charge_card=True)
SCHEDULES = (VCC, EARLY, GUEST, NIGHT, Schedule("DESK"), Schedule("LINK", Pays.FULL, account="desk"))
ARRIVAL, BOOKED = parse_day("2026-12-20"), parse_day("2026-11-01")


def of(schedule: str = "", **plans: str) -> dict[str, Schedule]:
    terms = tuple(PlanTerms(plan, schedule=code) for plan, code in plans.items())
    return card_schedules(hotel(selling=Selling(schedule=schedule, schedules=SCHEDULES, plans=terms)))


def stay(total: int | None = 10_000, ref: str = "1", nightly: tuple[int, ...] = (), units: int = 1) -> RoomStay:
    return RoomStay("r", "p", ARRIVAL, ARRIVAL + 2, units=units, nightly=nightly, total=total, ref=ref)


def dues(
    plans: Sequence[str], *stays: RoomStay, total: int | None = 20_000, rooms: tuple[str, ...] = ()
) -> list[tuple[Day, int | None, str]]:
    content = Content(total=total, stays=stays or tuple(stay(total) for _ in plans))
    known = {"BAR": VCC, "HB": EARLY, "CARD": GUEST, "NIGHT": NIGHT}
    return [(due.day - ARRIVAL, due.amount, due.room) for due in card_dues(known, plans, content, BOOKED, rooms)]


def test_the_plans_are_those_whose_own_or_common_schedule_says_so() -> None:
    assert of() == {}
    assert of(BAR="VCC", HB="DESK") == {"BAR": VCC}
    assert of(BAR="LINK", HB="DEP") == {"HB": GUEST}
    common = of("VCC", HB="DESK")
    assert (common["BAR"], "HB" in common) == (VCC, False)


def test_virtual_cards_of_several_plans_are_charged_when_the_last_of_them_may_be() -> None:
    assert dues(["BAR"]) == [(-1, 20_000, "")]
    assert dues(["HB"]) == [(-9, 20_000, "")]
    assert dues(["HB", "BAR"], stay(), stay()) == [(-1, 20_000, "")]
    assert dues(["BAR"], total=None) == [(-1, None, "")]
    assert dues(["other"]) == []


def test_the_guests_card_is_charged_for_each_part_when_it_comes_due() -> None:
    assert dues(["CARD"]) == [(BOOKED - ARRIVAL, 6_000, ""), (-14, 14_000, "")]
    assert dues(["NIGHT"], stay(None, nightly=(7_000, 3_000), units=2)) == [(-20, 14_000, "")]
    assert dues(["NIGHT"], stay(19_999), total=19_999) == [(-20, 9_999, "")]
    assert dues(["CARD"], total=None) == [(BOOKED - ARRIVAL, None, "")]


def test_rooms_with_cards_of_their_own_are_charged_for_themselves() -> None:
    both = stay(12_000), stay(6_000, "2")
    assert dues(["BAR", "BAR"], *both, rooms=("1", "2")) == [(-1, 14_000, "1"), (-1, 6_000, "2")]
    assert dues(["BAR", "BAR"], *both, rooms=("1",)) == [(-1, 20_000, "")]
    # What another plan's room costs is not charged to the card of this one.
    assert dues(["BAR", "other"], *both) == [(-1, 12_000, "")]
    assert dues(["BAR", "other"], stay(None), stay(6_000)) == [(-1, None, "")]


PLANS = st.lists(st.sampled_from(["BAR", "HB"]), min_size=1, max_size=4)


@given(plans=PLANS, totals=st.lists(st.integers(1, 10**6), min_size=4, max_size=4), split=st.booleans(), data=st.data())
def test_the_parts_add_up_to_the_total(plans: list[str], totals: list[int], split: bool, data: st.DataObject) -> None:
    known = of(BAR="VCC", HB="EARLY")
    stays = tuple(stay(total, str(n)) for n, total in enumerate(totals[: len(plans)]))
    total = sum(each.total or 0 for each in stays) + data.draw(st.integers(0, 999))
    rooms = [each.ref for each in stays] if split else []
    found = card_dues(known, plans, Content(total=total, stays=stays), BOOKED, rooms)
    assert sum(due.amount or 0 for due in found) == total
    assert left_of(found, {"0": total, "before": total} if split else {"": total}) == []


def test_money_covers_its_own_room_and_then_what_comes_first() -> None:
    found = [CardDue(1, 100, "desk", room="1"), CardDue(1, 50, "desk", room="2"), CardDue(2, 70, "desk", room="1")]

    def left(brought: dict[str, int]) -> list[tuple[int, int | None, str]]:
        return [(due.day, due.amount, due.room) for due in left_of(found, brought)]

    assert left({}) == [(1, 100, "1"), (1, 50, "2"), (2, 70, "1")]
    assert left({"2": 50}) == [(1, 100, "1"), (2, 70, "1")]
    assert left({"1": 120, "2": 10}) == [(1, 40, "2"), (2, 50, "1")]
    assert left({"": 120}) == [(1, 30, "2"), (2, 70, "1")]
    assert left({"": 500}) == []
    # What was paid for a room beyond what it costs is the booking's.
    assert left({"2": 80}) == [(1, 70, "1"), (2, 70, "1")]
    assert left_of([CardDue(1, None, "desk")], {"": 500}) == [CardDue(1, None, "desk")]


def test_what_is_due_early_is_looked_for_early() -> None:
    assert days_ahead([VCC], 30) == 30
    assert days_ahead([VCC, NIGHT], 5) == 20
    assert days_ahead([GUEST], 30) == 730


def test_what_never_reached_the_gateway_is_tried_again_for_a_while() -> None:
    away, declined = ("failed", "gateway_error"), ("failed", "declined")
    assert [is_refused([away] * count) for count in (0, 1, 5, 6)] == [False, False, False, True]
    assert is_refused([away, declined])
    assert not is_refused([declined, ("succeeded", "")])


@pytest.mark.parametrize("plans", [["CARD", "BAR"], ["BAR", "CARD"]])
def test_a_booking_of_two_kinds_is_charged_by_each(plans: list[str]) -> None:
    stays = stay(12_000), stay(8_000, "2")
    assert sum(amount or 0 for _, amount, _ in dues(plans, *stays)) == 20_000
