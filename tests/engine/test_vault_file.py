"""What a hotel file says about cards, and how long they are kept."""

from __future__ import annotations

from importlib import resources

import pytest

from gateway.engine.card_policy import DAY_MS, ends_ms, look_ms
from gateway.engine.hotel_file import HotelFileError, read, read_tables
from gateway.engine.hotel_tables import tables_of
from gateway.model.dates import day_start_ms, parse_day

DEMO = (resources.files("mappings") / "hotels" / "demo.toml").read_text(encoding="utf-8")
DEPARTURE = parse_day("2031-03-28")


def with_lines(**lines: str) -> str:
    """The demo hotel with a line more behind the id of the property, or of its first connection of a role."""
    text = DEMO
    for role, line in lines.items():
        head = "[property]" if role == "property" else f'role = "{role}"'
        text = text.replace(head, f"{head}\n{line}", 1)
    return text


class AnySecret(dict[str, str]):
    def get(self, name: str, default: object = None) -> str:
        return "secret"


def test_cards_pass_only_where_it_is_said() -> None:
    usual = read(DEMO, AnySecret()).property
    assert (usual.card_days, {known.cards for known in usual.connections}) == (7, {False})
    said = read(with_lines(property="card_days = 0", channel="cards = true", pms="cards = true"), AnySecret()).property
    assert said.card_days == 0
    assert sorted(known.role.value for known in said.connections if known.cards) == ["channel", "pms"]
    # The passwords are of no matter here, and never in the tables.
    tables = {name: table for name, table in tables_of(said).items() if name != "payments"}
    kept = {(known.id, side) for known in said.connections for side in ("inbound", "outbound")}
    again = read_tables(tables, {}, kept).property
    assert again.card_days == 0
    assert [known.cards for known in again.connections] == [known.cards for known in said.connections]


@pytest.mark.parametrize(
    "lines", [{"property": "card_days = 61"}, {"property": "card_days = -1"}, {"pms": "cards = 1"}]
)
def test_a_limit_that_is_none_is_refused(lines: dict[str, str]) -> None:
    with pytest.raises(HotelFileError, match="card"):
        read(with_lines(**lines), AnySecret())


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/Los_Angeles", "Europe/Madrid"])
def test_the_last_day_is_whole_where_the_hotel_is(zone: str) -> None:
    assert ends_ms(DEPARTURE, None, 2, zone) == day_start_ms(parse_day("2031-03-31"), zone)


def test_a_cancellation_counts_only_if_it_is_earlier() -> None:
    left = ends_ms(DEPARTURE, None, 7, "UTC")
    assert ends_ms(DEPARTURE, left - 9 * DAY_MS, 7, "UTC") == left - 2 * DAY_MS
    assert ends_ms(DEPARTURE, left, 7, "UTC") == left


def test_nothing_waits_longer_than_a_day_for_a_look() -> None:
    assert look_ms(10 * DAY_MS, DAY_MS) == 2 * DAY_MS
    assert look_ms(DAY_MS + 5, DAY_MS) == DAY_MS + 5
