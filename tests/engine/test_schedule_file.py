"""``selling.schedules`` of the hotel file: read, told apart, and written out again."""

from __future__ import annotations

from pathlib import Path

import pytest

import gateway
from gateway.engine.hotel_changes import plan
from gateway.engine.hotel_file import HotelFileError, read, read_tables
from gateway.engine.hotel_tables import tables_of
from gateway.engine.payment_file import AccountTable, KeyTable
from gateway.engine.schedule_file import ScheduleTable
from gateway.model.selling import Method, Pays, PlanTerms, Schedule, Share
from tests.engine.test_selling_file import HOTEL

ACCOUNT = """
[[payments]]
id = "desk"
gateway = "stripe"
profile = "stripe"
secret = "sk"
"""
FULL = """
[selling]
schedule = "LATER"
schedules = [
    { code = "LATER", pays = "at-hotel" },
    { code = "NOW", pays = "full", account = "desk", method = "qr", tries = 3 },
    { code = "DEP", pays = "deposit", percent = "30", balance_days = 14, account = "desk" },
    { code = "HOLD", pays = "deposit", nights = 1, amount = "5.00", days = 2, account = "desk", hold = true },
    { code = "VCC", pays = "virtual-card", days = 1 },
]
plans = [{ plan = "BAR", schedule = "DEP" }]
"""
READ = (
    Schedule("LATER"),
    Schedule("NOW", Pays.FULL, account="desk", method=Method.QR, tries=3),
    Schedule("DEP", Pays.DEPOSIT, Share(percent_bp=3_000), balance_days=14, account="desk"),
    Schedule("HOLD", Pays.DEPOSIT, Share(1, amount=500), 2, account="desk", hold=True),
    Schedule("VCC", Pays.VIRTUAL_CARD, days=1),
)


def test_everything_is_read_and_written_as_it_is_read() -> None:
    prop = read(HOTEL + ACCOUNT + FULL, {}).property
    assert prop.selling.schedules == READ
    assert (prop.selling.schedule, prop.selling.plans) == ("LATER", (PlanTerms("BAR", schedule="DEP"),))
    again = read_tables(tables_of(prop), {}, {("desk", "secret")}).property
    assert again.selling == prop.selling
    assert plan(prop, again) == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{ code = "A", pays = "full" }', "needs the account of [[payments]] that it is paid at"),
        ('{ code = "A", pays = "full", account = "dask" }', 'there is no payment account "dask"; did you mean "desk"?'),
        ('{ code = "A", pays = "deposit", account = "desk" }', "needs the nights, the percent or the amount"),
        ('{ code = "A", pays = "full", account = "desk", percent = "30" }', 'has no effect with pays = "full"'),
        ('{ code = "A", pays = "at-hotel", hold = true }', 'has no effect with pays = "at-hotel"'),
        ('{ code = "A", pays = "virtual-card", tries = 2 }', 'has no effect with pays = "virtual-card"'),
        (
            '{ code = "A", pays = "deposit", nights = 1, days = 7, balance_days = 14, account = "desk" }',
            "would be due before the deposit",
        ),
        (
            '{ code = "A", pays = "deposit", nights = 1, balance_days = 14, hold = true, account = "desk" }',
            "is a guarantee for what is paid at the hotel",
        ),
        ('{ code = "A", pays = "later" }', '"at-hotel", "deposit", "full" or "virtual-card"'),
        ('{ code = "A", pays = "at-hotel" }, { code = "A", pays = "at-hotel" }', "code"),
    ],
)
def test_what_makes_no_sense_is_told(line: str, told: str) -> None:
    with pytest.raises(HotelFileError) as found:
        read(f"{HOTEL}{ACCOUNT}\n[selling]\nschedules = [{line}]\n", {})
    assert any(told in problem for problem in found.value.problems), found.value.problems


def test_a_plan_names_a_schedule_that_is_there() -> None:
    with pytest.raises(HotelFileError) as found:
        read(f'{HOTEL}\n[selling]\nplans = [{{ plan = "BAR", schedule = "X" }}]\n', {})
    assert any('there is no schedule "X"' in problem for problem in found.value.problems)


def test_every_setting_is_described() -> None:
    docs = Path(gateway.__file__).parents[1] / "docs"
    for name, shapes in (("selling.md", (ScheduleTable,)), ("hotel-file.md", (AccountTable, KeyTable))):
        text = (docs / name).read_text(encoding="utf-8")
        settings = {setting for shape in shapes for setting in shape.__struct_fields__}
        assert not sorted(setting for setting in settings if f"`{setting}`" not in text)
