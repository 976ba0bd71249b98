"""Codes in messages are told in words, from the tables, and the tables hold what they say they do."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.opentravel import alpinebits, bookingcom, ota, pmsxchange, siteconnect
from connectors.opentravel._shared.code_lists import numbers
from connectors.opentravel._shared.explain import MEANINGS_MAX, explain
from gateway.contract import Explains
from gateway.model import card
from mappings import CodeTable, load, names

FIXTURES = Path(__file__).parents[3] / "fixtures" / "opentravel"
MEANINGS = load("codes", "ota_meanings", CodeTable).entries


def test_each_code_is_told_once() -> None:
    message = b"""<OTA_HotelResRS xmlns="http://www.opentravel.org/OTA/2003/05">
        <UniqueID Type="14" ID="1"/><UniqueID Type="14" ID="2"/><Room RoomAmenityCode="2 999 1.ABR"/>
        <Error Type="12" Code="402">DBL</Error><MealsIncluded MealPlanCodes="12 14"/>
        <Type Type="14"/></OTA_HotelResRS>"""
    assert explain(message) == (
        "UniqueID/@Type 14: reservation",
        "Room/@RoomAmenityCode 2: air conditioning",
        "Error/@Type 12: Processing exception",
        "Error/@Code 402: Invalid room type",
        "MealsIncluded/@MealPlanCodes 12: half board",
        "MealsIncluded/@MealPlanCodes 14: room only",
    )


def test_there_is_an_end_to_it() -> None:
    cards = "".join(f'<a AgeQualifyingCode="{number}" CardCode="VI"/>' for number in range(1, 19))
    rooms = "".join(f'<b RoomAmenityCode="{number}"/>' for number in range(1, 200))
    assert len(explain(f"<a>{cards}{rooms}</a>".encode())) == MEANINGS_MAX


@pytest.mark.parametrize("text", [b"", b"{}", b"OK:2024-10", b"<a", b'<!DOCTYPE a><a CardCode="VI"/>'])
def test_what_is_no_message_means_nothing(text: bytes) -> None:
    assert explain(text) == ()


@pytest.mark.parametrize("connector", [ota, alpinebits, pmsxchange, siteconnect, bookingcom])
def test_every_dialect_with_such_codes_explains_them(connector: object) -> None:
    found = connector.CONNECTOR  # type: ignore[attr-defined]
    assert isinstance(found, Explains)
    assert "Error/@Type 12: Processing exception" in found.explain(b'<a><Error Type="12"/></a>')


@pytest.mark.parametrize("table", sorted(set(MEANINGS.values())))
def test_a_table_is_there_with_its_source(table: str) -> None:
    assert table in names("codes")
    found = load("codes", table, CodeTable)
    assert "OpenTravel" in found.source
    assert all(meaning.strip() == meaning != "" for meaning in found.entries.values())


@pytest.mark.parametrize(("table", "name"), [("aqc_names", "AQC"), ("aqc", "AQC"), ("mpt", "MPT"), ("rma", "RMA")])
def test_a_table_stays_within_its_list(table: str, name: str) -> None:
    assert {int(code) for code in load("codes", table, CodeTable).entries} <= set(numbers(name))


def test_every_age_has_a_name_and_a_price() -> None:
    assert load("codes", "aqc", CodeTable).entries.keys() == load("codes", "aqc_names", CodeTable).entries.keys()


def test_every_brand_we_tell_from_a_number_has_a_name() -> None:
    assert card._BRANDS.keys() <= load("codes", "pcc", CodeTable).entries.keys()
