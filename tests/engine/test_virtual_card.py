"""Bookings that are paid by virtual cards: which, from when, and when a person has to see to them."""

from __future__ import annotations

import pytest

from gateway.engine.virtual_card import is_refused, starts_day, virtual_charge, virtual_schedules
from gateway.model.dates import parse_day
from gateway.model.selling import Pays, PlanTerms, Schedule, Selling
from tests.flows.house import hotel

VCC, EARLY = Schedule("VCC", Pays.VIRTUAL_CARD, days=1, account="desk"), Schedule("EARLY", Pays.VIRTUAL_CARD, days=9)
ARRIVAL = parse_day("2026-12-20")


def of(schedule: str = "", **plans: str) -> dict[str, Schedule]:
    terms = tuple(PlanTerms(plan, schedule=code) for plan, code in plans.items())
    schedules = (VCC, EARLY, Schedule("DESK"))
    return virtual_schedules(hotel(selling=Selling(schedule=schedule, schedules=schedules, plans=terms)))


def test_the_plans_are_those_whose_own_or_common_schedule_says_so() -> None:
    assert of() == {}
    assert of(BAR="VCC", HB="DESK") == {"BAR": VCC}
    common = of("VCC", HB="DESK")
    assert (common["BAR"], "HB" in common) == (VCC, False)


@pytest.mark.parametrize(
    ("plans", "starts", "day", "account"),
    [
        (["BAR"], "", "2026-12-19", "desk"),
        (["BAR"], "1126", "2026-12-19", "desk"),
        (["BAR"], "0127", "2027-01-01", "desk"),
        (["HB"], "", "2026-12-11", ""),
        (["other", "HB", "BAR"], "", "2026-12-19", ""),
    ],
)
def test_the_day_is_that_of_the_schedule_and_of_the_card(plans: list[str], starts: str, day: str, account: str) -> None:
    charge = virtual_charge(of(BAR="VCC", HB="EARLY"), plans, ARRIVAL, starts)
    assert charge is not None
    assert (charge.day, charge.account) == (parse_day(day), account)


def test_other_plans_are_none_of_it() -> None:
    assert virtual_charge(of(BAR="VCC"), ["HB"], ARRIVAL, "") is None
    assert starts_day("0228") == parse_day("2028-02-01")


def test_what_never_reached_the_gateway_is_tried_again_for_a_while() -> None:
    away, declined = ("failed", "gateway_error"), ("failed", "declined")
    assert [is_refused([away] * count) for count in (0, 1, 5, 6)] == [False, False, False, True]
    assert is_refused([away, declined])
    assert not is_refused([declined, ("succeeded", "")])
