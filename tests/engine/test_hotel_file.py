"""The hotel file: what it is read to, what is wrong with one, and what applying it would change."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.engine.hotel_changes import Change, Severity, plan, render
from gateway.engine.hotel_file import HotelFile, HotelFileError, read, read_tables, with_urls
from gateway.engine.hotel_tables import tables_of
from gateway.engine.products_file import LINEAGE_MAX
from gateway.engine.rates import lineage
from gateway.errors import Malformed, Rejected
from gateway.model.payment_account import PaymentAccount
from gateway.model.property import (
    Adjustment,
    Allotment,
    Connection,
    Credentials,
    FigureKind,
    Product,
    Property,
    RatePlan,
    Role,
    RoomType,
    Rounding,
    StandingBookings,
)
from gateway.model.selling import Selling

DEMO = Path(__file__).parents[2] / "mappings" / "hotels" / "demo.toml"
DEMO_TEXT = DEMO.read_text(encoding="utf-8")

SMALL: dict[str, Any] = {
    "property": {"id": "house", "name": "House", "currency": "EUR", "timezone": "Europe/Vienna"},
    "room_types": [
        {"code": "DBL", "name": "Double", "units": 12},
        {"code": "SGL", "name": "Single", "units": 3, "adults_max": 1},
    ],
    "rate_plans": [
        {"code": "BAR", "name": "Best"},
        {"code": "NR", "derived_from": "BAR", "percent": "-10", "amount": "-1.50", "round_to": "1.00"},
    ],
    "connections": [
        {
            "id": "booking",
            "connector": "opentravel",
            "profile": "ota-through",
            "role": "channel",
            "hotel": "4711",
            "outbound": {"username": "house", "password": "s3cret-word"},
            "rooms": {"DBL": "their-1", "SGL": "their-2"},
            "plans": {"BAR": "std", "NR": "nonref"},
        }
    ],
}


def toml(value: Any) -> str:
    """The value as TOML: a document at the top, inline below."""
    return "\n".join(f"{json.dumps(key)} = {inline(inner)}" for key, inner in value.items())


def inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(key)} = {inline(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    return quoted(value) if isinstance(value, str) else str(value).lower()


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def edited(*edits: tuple[str, Any]) -> str:
    """The small hotel with the values at some dotted paths replaced, or removed where the value is None."""
    document = deepcopy(SMALL)
    for path, value in edits:
        *parents, last = (int(step) if step.isdigit() else step for step in path.split("."))
        place: Any = document
        for step in parents:
            place = place[step]
        if value is None:
            del place[last]
        elif isinstance(place, list) and last == len(place):
            place.append(value)
        else:
            place[last] = value
    return toml(document)


def problems(text: str, secrets: dict[str, str] | None = None) -> tuple[str, ...]:
    with pytest.raises(HotelFileError) as caught:
        read(text, secrets or {})
    return caught.value.problems


# --- reading ----------------------------------------------------------------------------------------------------------


def test_the_demo_hotel() -> None:
    hotel, secrets = (file := read(DEMO_TEXT, {})).property, file.secrets
    assert (hotel.id, hotel.name, hotel.currency, hotel.timezone) == ("demo", "Hotel Miramar", "EUR", "Europe/Madrid")
    assert not hotel.net
    assert [(room.code, room.units, room.adults_max) for room in hotel.room_types] == [("DBL", 10, 2), ("FAM", 4, 4)]
    bar, nr, hb = hotel.rate_plans
    assert (bar.parent, nr.parent, hb.parent) == ("", "BAR", "")
    assert nr.adjust == Adjustment(percent_bp=-1000, step=100)
    pms, sunbeds, farfare = hotel.connections
    assert (pms.id, pms.connector, pms.profile, pms.role) == ("demo-pms", "opentravel", "ota-2015a", Role.PMS)
    assert (pms.figures, pms.echoes, pms.figure_delay_s) == (FigureKind.ROOMS_LEFT, True, 5)
    assert (sunbeds.profile, sunbeds.currency, sunbeds.markup.percent_bp) == ("ota-through", "EUR", 1200)
    assert sunbeds.allotment == Allotment(cap=6)
    assert (farfare.profile, farfare.currency, farfare.rate_ppm) == ("ota-arrival", "USD", 1_083_200)
    assert farfare.allotment == Allotment(keep_back=1)
    assert [len(connection.products) for connection in hotel.connections] == [6, 6, 3]
    assert len(secrets) == 6
    assert all(c.inbound.secret == c.outbound.secret == "" and c.inbound.username for c in hotel.connections)


def test_codes_make_a_cross_product_in_our_order_with_the_lines_written_out_among_it() -> None:
    text = edited(
        ("room_types", SMALL["room_types"][::-1]),
        ("connections.0.rooms", {"SGL": "their-2"}),
        ("connections.0.plans", {"NR": "nonref", "BAR": "std"}),
        ("connections.0.products", [{"room": "DBL", "plan": "NR", "their_room": "their-1", "their_plan": "dnr"}]),
    )
    assert read(text, {}).property.connections[0].products == (
        Product("SGL", "BAR", "their-2", "std"),
        Product("SGL", "NR", "their-2", "nonref"),
        Product("DBL", "NR", "their-1", "dnr"),
    )


def test_amounts_are_exact_in_the_currency_they_are_meant_in() -> None:
    text = edited(
        ("rate_plans.1.percent", -12.35),
        ("connections.0.currency", "JPY"),
        ("connections.0.exchange_rate", "171.000001"),
        ("connections.0.markup_percent", 0.07),
        ("connections.0.markup_amount", "150"),
        ("connections.0.round_to", "100.00"),
        ("connections.0.rounding", "up"),
    )
    hotel = read(text, {}).property
    assert hotel.rate_plans[1].adjust == Adjustment(-1235, -150, 100)
    assert hotel.connections[0].markup == Adjustment(7, 150, 100, Rounding.UP)
    assert hotel.connections[0].rate_ppm == 171_000_001


def test_a_connection_without_currency_counts_in_the_property_s() -> None:
    assert read(toml(SMALL), {}).property.connections[0].currency == "EUR"


def test_net_prices_names_and_a_byte_order_mark() -> None:
    hotel = read("\ufeff" + edited(("property.prices", "net"), ("room_types.0.name", None)), {}).property
    assert hotel.net
    assert hotel.room_types[0].name == "DBL"


def test_passwords_leave_apart_from_the_property() -> None:
    text = edited(("connections.0.inbound", {"username": "them", "password_env": "BOOKING_IN"}))
    file = read(text, {"BOOKING_IN": "from-env", "OTHER": "x"})
    assert file.secrets == {("booking", "inbound"): "from-env", ("booking", "outbound"): "s3cret-word"}
    assert file.property.connections[0].inbound == Credentials("them")
    assert "s3cret-word" not in repr(file)
    assert b"s3cret-word" not in msgspec.json.encode(file.property)


def test_options_survive_the_store() -> None:
    options = {"deep": {"list": [1, 2.5, True, "x"]}, "float": 1.0}
    hotel = read(edited(("connections.0.options", options)), {}).property
    assert hotel.connections[0].options == options
    back = msgspec.json.decode(msgspec.json.encode(hotel), type=Property)
    assert back == hotel
    assert plan(hotel, back) == []


@pytest.mark.parametrize("long", [LINEAGE_MAX, LINEAGE_MAX + 1])
def test_a_derived_plan_goes_as_deep_as_rates_follow_it(long: int) -> None:
    chain = [{"code": "P0"}, *({"code": f"P{n}", "derived_from": f"P{n - 1}"} for n in range(1, long))]
    text = edited(("rate_plans", chain), ("connections.0.plans", {"P0": "std"}))
    if long == LINEAGE_MAX:
        assert len(lineage(read(text, {}).property, f"P{long - 1}")) == long
        return
    assert problems(text) == ("rate_plans[8].derived_from: P8 is derived over more than 8 rate plans",)
    plans = tuple(RatePlan(p["code"], "", p.get("derived_from", "")) for p in chain)
    with pytest.raises(Rejected):
        lineage(Property("x", "x", "EUR", "UTC", (), plans), "P8")


# --- what is wrong ----------------------------------------------------------------------------------------------------

PRODUCT = {"room": "DBL", "plan": "BAR", "their_room": "d", "their_plan": "b"}
HERE = "connections.0"
NO_ADDRESS = "is not an address such as https://host.example/path"
NO_CODE = "is not a code in quotes, 1 to 64 characters without spaces around it"
NO_ID = "is not an id: 1 to 64 of A-Z a-z 0-9 . _ -"
NO_OPTION = "is not a text, a number, or true or false; put dates and long numbers in quotes"
NO_ROOMS = "is not a number of rooms from 1 to 9999"
NO_ZONE = "is not a time zone (Europe/Madrid)"

# Where one value is put, and what is said of it there.
FAULTS: list[tuple[str, Any, str]] = [
    ("room_types.0.unit", 1, 'there is no such setting; did you mean "units"?'),
    ("wine_list", [], "there is no such setting"),
    ("property", None, "is missing"),
    ("property.id", "my house", f'"my house" {NO_ID}'),
    ("property.name", "a\x1b[2Jb", '"a\\x1b[2Jb" is not a text in quotes, 1 to 255 characters'),
    ("property.currency", "eur", '"eur" is not an ISO 4217 currency code; did you mean "EUR"?'),
    ("property.currency", "EUX", '"EUX" is not an ISO 4217 currency code; did you mean "EUR"?'),
    ("property.timezone", "Europe/Wien", f'"Europe/Wien" {NO_ZONE}; did you mean "Europe/Vienna"?'),
    ("property.timezone", "../etc/passwd", f'"../etc/passwd" {NO_ZONE}'),
    ("property.prices", "brutto", '"brutto" is not "gross" or "net"'),
    ("room_types.0.units", None, "is missing"),
    ("room_types.0.units", "ten", f'"ten" {NO_ROOMS}'),
    ("room_types.0.units", 2.5, f"2.5 {NO_ROOMS}"),
    ("room_types.0.units", True, f"true {NO_ROOMS}"),
    ("rate_plans.1.derived_from", "bar", 'there is no rate plan "bar"; did you mean "BAR"?'),
    ("rate_plans.1.derived_from", "NR", "NR -> NR goes round in a circle"),
    ("rate_plans.0.derived_from", "NR", "BAR -> NR -> BAR goes round in a circle"),
    ("rate_plans.0.percent", 5, "is for derived rate plans; add derived_from, or leave it out"),
    ("rate_plans.1.percent", "-10.005", '"-10.005" is not a percentage with at most 2 decimals'),
    ("rate_plans.1.percent", -100, "is not between -100 and 1000"),
    ("rate_plans.1.amount", "1,50", '"1,50" is not an amount of EUR with at most 2 decimals'),
    ("rate_plans.1.amount", "9" * 5000, f'"{"9" * 59}…" is not an amount of EUR with at most 2 decimals'),
    ("rate_plans.1.amount", 2**9999, "a number this long is not an amount of EUR with at most 2 decimals"),
    ("rate_plans.1.round_to", 0, "must be more than 0"),
    ("rate_plans.1.rounding", "even", '"even" is not "nearest", "up" or "down"'),
    (f"{HERE}.id", "a\n", f'"a\\n" {NO_ID}'),
    (f"{HERE}.role", "ota", '"ota" is not "pms", "channel", "receiver", "seller" or "direct"'),
    (f"{HERE}.enabled", 1, "1 is not true or false"),
    (f"{HERE}.currency", "usd", '"usd" is not an ISO 4217 currency code; did you mean "USD"?'),
    (f"{HERE}.exchange_rate", "1.1", "must be left out, since prices are in EUR on both sides"),
    (f"{HERE}.rooms", {}, "an empty table is not a table with at least one line"),
    (f"{HERE}.rooms.DBX", "their-3", 'there is no room type "DBX"; did you mean "DBL"?'),
    (f"{HERE}.plans.XXXX", "x", 'there is no rate plan "XXXX"'),
    (f"{HERE}.plans", None, "is missing, rooms and plans go together"),
    (f"{HERE}.rooms.DBL", 4711, f"4711 {NO_CODE}"),
    (f"{HERE}.rooms.DBL", "x ", f'"x " {NO_CODE}'),
    (f"{HERE}.rooms.DBL", "x" * 65, f'"{"x" * 59}…" {NO_CODE}'),
    (f"{HERE}.rooms.SGL", "their-1", '"their-1" is already their code for DBL'),
    (f"{HERE}.plans.NR", "std", '"std" is already their code for BAR'),
    (f"{HERE}.products", [], "an empty list is not one or more [[connections.products]]"),
    (f"{HERE}.echoes", True, 'has no effect on a connection with role = "channel"'),
    (f"{HERE}.url", "ftp://host/", NO_ADDRESS),
    (f"{HERE}.url", "https://host:99999/", NO_ADDRESS),
    (f"{HERE}.url", "https://", NO_ADDRESS),
    (
        f"{HERE}.inbound",
        {"username": "x"},
        "needs a password or the name of its variable as password_env, and not both",
    ),
]

# What takes several values to get wrong, or is told at another place than where it was put.
TANGLES: list[tuple[list[tuple[str, Any]], str]] = [
    (
        [("room_types.2", {"code": "R" * 17, "units": 1})],
        f'room_types[2].code: "{"R" * 17}" is not a code: 1 to 16 of A-Z a-z 0-9 . _ -',
    ),
    (
        [("rate_plans.2", {"code": "p" * 65})],
        f'rate_plans[2].code: "{"p" * 59}…" is not a code: 1 to 64 of A-Z a-z 0-9 . _ -',
    ),
    ([("room_types.2", {"code": "DBL", "units": 1})], 'room_types[2].code: "DBL" is already room_types[0]'),
    ([("rate_plans.2", {"code": "BAR"})], 'rate_plans[2].code: "BAR" is already rate_plans[0]'),
    ([("connections.1", SMALL["connections"][0])], 'connections[1].id: "booking" is already connections[0]'),
    (
        [("room_types", []), ("connections", None)],
        "room_types: an empty list is not one or more [[room_types]]",
    ),
    (
        [("rate_plans", []), ("connections", None)],
        "rate_plans: an empty list is not one or more [[rate_plans]]",
    ),
    ([(f"{HERE}.currency", "USD")], "connections[0].exchange_rate: is missing: how many USD are 1 EUR?"),
    (
        [(f"{HERE}.exchange_rate", 0), (f"{HERE}.currency", "USD")],
        "connections[0].exchange_rate: must be more than 0",
    ),
    (
        [(f"{HERE}.currency", "JPY"), (f"{HERE}.exchange_rate", 171), (f"{HERE}.markup_amount", "0.5")],
        'connections[0].markup_amount: "0.5" is not an amount of JPY without decimals',
    ),
    (
        [(f"{HERE}.rooms.D B", "their-3")],
        'connections[0].rooms."D B": there is no room type "D B"; did you mean "DBL"?',
    ),
    ([(f"{HERE}.products", [PRODUCT])], "connections[0].products[0]: DBL with BAR is mapped twice"),
    (
        [
            (f"{HERE}.plans", {"BAR": "std"}),
            (f"{HERE}.products", [PRODUCT | {"plan": "NR", "their_room": "their-1", "their_plan": "std"}]),
        ],
        'connections[0].products[0]: their "their-1" with "std" is already DBL with BAR',
    ),
    (
        [
            (f"{HERE}.rooms", None),
            (f"{HERE}.plans", None),
            (f"{HERE}.products", [PRODUCT, PRODUCT | {"room": "SGL", "their_plan": "c"}]),
        ],
        'connections[0].products[1]: their room "d" is already DBL, and cannot be SGL as well',
    ),
    (
        [(f"{HERE}.products", [PRODUCT | {"room": "DBLE"}])],
        'connections[0].products[0].room: there is no room type "DBLE"; did you mean "DBL"?',
    ),
    (
        [(f"{HERE}.products", [PRODUCT | {"room": "\U000e0001", "their_room": "their-1"}])],
        'connections[0].products[0].room: there is no room type "\\U000e0001"',
    ),
    (
        [(f"{HERE}.products", [PRODUCT | {"plan": "ZZ"}])],
        'connections[0].products[0].plan: there is no rate plan "ZZ"',
    ),
    (
        [(f"{HERE}.plans", None), (f"{HERE}.rooms", None)],
        "connections[0]: maps no room; add rooms and plans, or say enabled = false until you do",
    ),
    (
        [(f"{HERE}.role", "pms"), (f"{HERE}.markup_percent", 5)],
        'connections[0].markup_percent: has no effect on a connection with role = "pms"',
    ),
    (
        [(f"{HERE}.allotment", {"cap": -1})],
        "connections[0].allotment.cap: -1 is not a number of rooms from 0 to 9999",
    ),
    (
        [(f"{HERE}.inbound", {"password_env": "NOT_SET"})],
        "connections[0].inbound.password_env: the environment variable NOT_SET is not set",
    ),
    ([(f"{HERE}.options", {"a": [2**60]})], f"connections[0].options.a[0]: {NO_OPTION}"),
    ([(f"{HERE}.options", {"a": float("inf")})], f"connections[0].options.a: {NO_OPTION}"),
]


@pytest.mark.parametrize(("path", "value", "text"), FAULTS)
def test_a_faulty_value_is_told_once_where_it_stands(path: str, value: Any, text: str) -> None:
    place = path.replace(".0", "[0]").replace(".1", "[1]")
    assert problems(edited((path, value))) == (f"{place}: {text}",)


@pytest.mark.parametrize(("edits", "problem"), TANGLES)
def test_values_that_do_not_go_together_are_told_once(edits: list[tuple[str, Any]], problem: str) -> None:
    assert problems(edited(*edits)) == (problem,)


def test_a_connection_need_not_be_mapped_while_it_is_off() -> None:
    read(edited((f"{HERE}.rooms", None), (f"{HERE}.plans", None), (f"{HERE}.enabled", False)), {})


def test_a_small_hotel_has_no_fault() -> None:
    read(toml(SMALL), {})


def test_every_fault_of_a_file_is_told() -> None:
    told = problems(
        edited(
            ("property.currency", "EUX"),
            ("room_types.0.units", 0),
            ("rate_plans.1.derived_from", "RACK"),
            (f"{HERE}.hotel", None),
            (f"{HERE}.rooms.XXXXX", "x"),
            (f"{HERE}.products", [PRODUCT | {"plan": "ZZ"}]),
        )
    )
    assert [line.partition(":")[0] for line in told] == [
        "property.currency",
        "room_types[0].units",
        "rate_plans[1].derived_from",
        "connections[0].hotel",
        "connections[0].rooms.XXXXX",
        "connections[0].products[0].plan",
    ]


def test_it_is_a_refusal_with_all_lines_as_its_text() -> None:
    with pytest.raises(Malformed, match=r"(?s)currency.*\n.*timezone") as caught:
        read(edited(("property.currency", "EUX"), ("property.timezone", "Nowhere")), {})
    assert isinstance(caught.value, HotelFileError)
    assert caught.value.text == "\n".join(caught.value.problems)


@pytest.mark.parametrize(
    ("text", "problem", "line"),
    [
        ("[property]\nid = x\n", "hotel file: Invalid value", 2),
        ('rooms = { A = "1", A = "2" }', "hotel file: Duplicate inline table key 'A'", 1),
        ("a = " + "[" * 100_000, "hotel file: is nested too deeply", None),
        ("a = " + "9" * 5000, "hotel file: Exceeds the limit", None),
        ("#" * 1_000_001, "hotel file: is longer than 1000000 characters", None),
    ],
    ids=["syntax", "key twice", "nested", "digits", "long"],
)
def test_what_is_no_toml(text: str, problem: str, line: int | None) -> None:
    with pytest.raises(HotelFileError) as caught:
        read(text, {})
    assert caught.value.problems[0].startswith(problem)
    assert caught.value.line == line


def test_a_faulty_code_of_ours_is_shown_harmless_wherever_it_comes_up() -> None:
    rooms = [{"code": "\x1b[2J", "units": 1}, {"code": "DBL", "units": 1}]
    codes = {"\x1b[2J": "same", "DBL": "same"}
    assert problems(edited(("room_types", rooms), (f"{HERE}.rooms", codes))) == (
        'room_types[0].code: "\\x1b[2J" is not a code: 1 to 16 of A-Z a-z 0-9 . _ -',
        'connections[0].rooms.DBL: "same" is already their code for \\x1b[2J',
    )


def test_a_number_too_long_to_be_written_in_decimals() -> None:
    text = DEMO_TEXT.replace("percent = -10.0", f"percent = 0x{'f' * 5000}")
    assert problems(text) == ("rate_plans[1].percent: a number this long is not a percentage with at most 2 decimals",)


def test_options_nested_by_dotted_keys_do_not_exhaust_the_stack() -> None:
    text = DEMO_TEXT + "options." + ".".join("a" * 5000) + " = 1\n"
    assert problems(text) == (f"connections[2].options{'.a' * 9}: is nested too deeply",)


@pytest.mark.parametrize(
    "edits",
    [
        [(f"{HERE}.outbound", {"password": "hush-hush\n"})],
        [(f"{HERE}.outbound", {"pasword": "hush-hush"})],
        [(f"{HERE}.outbound", "hush-hush")],
        [(f"{HERE}.inbound", {"password": "hush-hush", "password_env": "BOOKING"})],
        [(f"{HERE}.url", "https://house:hush-hush@host.example/")],
        [(f"{HERE}.outbound.password", "hush-hush"), ("property.currency", "EUX")],
        [(f"{HERE}.options", {"key": ["hush-hush", float("nan")]})],
    ],
)
def test_no_problem_gives_a_password_away(edits: list[tuple[str, Any]]) -> None:
    assert "hush-hush" not in "\n".join(problems(edited(*edits), {"BOOKING": "hush-hush"}))


JUNK = st.one_of(
    st.text(max_size=20),
    st.integers(-(2**70), 2**70),
    st.booleans(),
    st.floats(),
    st.lists(st.text(max_size=3), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(0, 3), max_size=2),
)


def leaves(value: Any) -> list[tuple[Any, Any]]:
    """Every place of a document: its container and key."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    return [place for key in keys for place in ((value, key), *leaves(value[key]))]


@settings(deadline=None)
@given(st.data())
def test_junk_anywhere_is_refused_or_read_but_never_breaks(data: st.DataObject) -> None:
    document = tomllib.loads(DEMO_TEXT)
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(leaves(document)))
        container[key] = data.draw(JUNK)
    outcome = read_or_refuse(toml(document))
    if isinstance(outcome, HotelFileError):
        assert outcome.problems
        assert all(": " in line and line.isprintable() for line in outcome.problems)
    else:
        hotel = outcome.property
        assert msgspec.json.decode(msgspec.json.encode(hotel), type=Property) == hotel


def read_or_refuse(text: str) -> HotelFile | HotelFileError:
    try:
        return read(text, {})
    except HotelFileError as error:
        return error


# --- the plan of changes ----------------------------------------------------------------------------------------------


def hotel_of(*edits: tuple[str, Any]) -> Property:
    return read(edited(*edits), {}).property


CHANGES: list[tuple[list[tuple[str, Any]], list[str]]] = [
    ([("property.name", "Haus")], ['~ property house: name "House" → "Haus"']),
    ([("property.prices", "net")], ["!~ property house: prices gross → net"]),
    ([("room_types.2", {"code": "FAM", "units": 2, "adults_max": 4})], ['+ room type FAM "FAM" 2 units, 4 adults']),
    ([("room_types.0.units", 10)], ["!~ room type DBL: units 12 → 10"]),
    ([("room_types.0.units", 14)], ["~ room type DBL: units 12 → 14"]),
    (
        [("room_types.1", None), (f"{HERE}.rooms", {"DBL": "their-1"})],
        [
            '!- room type SGL "Single" 3 units, 1 adults',
            '- connection booking: SGL BAR as "their-2" / "std"',
            '- connection booking: SGL NR as "their-2" / "nonref"',
        ],
    ),
    ([("room_types", SMALL["room_types"][::-1])], ["~ room types: their order is now SGL, DBL"]),
    (
        [("rate_plans.1", {"code": "NR", "derived_from": "BAR", "percent": 12.5, "round_to": 5, "rounding": "up"})],
        [
            "~ rate plan NR: price -10 % -1.50 rounded nearest to 1.00 → 12.5 % rounded up to 5.00",
        ],
    ),
    (
        [("rate_plans.1", {"code": "NR"})],
        [
            "~ rate plan NR: derived from BAR → none",
            "~ rate plan NR: price -10 % -1.50 rounded nearest to 1.00 → 0 %",
        ],
    ),
    (
        [("rate_plans.1", None), (f"{HERE}.plans", {"BAR": "std"}), (f"{HERE}.rooms", {"DBL": "their-1", "SGL": "2"})],
        [
            '!- rate plan NR "NR" BAR -10 % -1.50 rounded nearest to 1.00',
            '- connection booking: DBL NR as "their-1" / "nonref"',
            '- connection booking: SGL BAR as "their-2" / "std"',
            '- connection booking: SGL NR as "their-2" / "nonref"',
            '+ connection booking: SGL BAR as "2" / "std"',
        ],
    ),
    ([("connections", None)], ['!- connection booking (channel, opentravel/ota-through) hotel "4711", 4 products']),
    ([(f"{HERE}.markup_percent", 10)], ["~ connection booking: markup 0 % → 10 %"]),
    (
        [(f"{HERE}.currency", "USD"), (f"{HERE}.exchange_rate", "1.0832")],
        ["~ connection booking: currency EUR → USD", "~ connection booking: exchange rate 1 → 1.0832"],
    ),
    (
        [(f"{HERE}.allotment", {"cap": 5, "keep_back": 1})],
        ["~ connection booking: allotment (no cap, keep back 0, close at 0) → (cap 5, keep back 1, close at 0)"],
    ),
    ([(f"{HERE}.enabled", False)], ["~ connection booking: enabled yes → no"]),
    ([(f"{HERE}.url", "https://host.example/")], ["~ connection booking: url none → https://host.example/"]),
    ([(f"{HERE}.outbound.username", "haus")], ["~ connection booking: outbound user house → haus"]),
    ([(f"{HERE}.options", {"api_key": "hush-hush"})], ["~ connection booking: options api_key"]),
]


def marked(changes: list[Change]) -> list[str]:
    return [("!" if change.severity is Severity.DESTRUCTIVE else "") + change.line for change in changes]


@pytest.mark.parametrize(("edits", "lines"), CHANGES)
def test_each_change_is_a_line(edits: list[tuple[str, Any]], lines: list[str]) -> None:
    assert marked(plan(hotel_of(), hotel_of(*edits))) == lines


def test_a_new_property_is_all_additions() -> None:
    assert marked(plan(None, hotel_of())) == [
        '+ property house "House" EUR Europe/Vienna gross',
        '+ room type DBL "Double" 12 units, 2 adults',
        '+ room type SGL "Single" 3 units, 1 adults',
        '+ rate plan BAR "Best" own prices',
        '+ rate plan NR "NR" BAR -10 % -1.50 rounded nearest to 1.00',
        '+ connection booking (channel, opentravel/ota-through) hotel "4711", 4 products',
    ]


def test_a_source_of_its_own_has_no_counterpart_to_tell_of() -> None:
    site = Connection(id="site", role=Role.DIRECT, connector="", profile="", hotel="")
    with_site = msgspec.structs.replace(hotel_of(), connections=(*hotel_of().connections, site))
    assert marked(plan(hotel_of(), with_site)) == ["+ connection site (direct)"]


def test_a_mark_up_is_told_in_the_currency_of_its_connection() -> None:
    yen = ((f"{HERE}.currency", "JPY"), (f"{HERE}.exchange_rate", "171"))
    assert marked(plan(hotel_of(*yen), hotel_of(*yen, (f"{HERE}.markup_amount", "150")))) == [
        "~ connection booking: markup 0 % → 0 % +150"
    ]


def test_another_currency_is_destructive() -> None:
    new = hotel_of(("property.currency", "USD"))
    assert marked(plan(hotel_of(), new))[0] == "!~ property house: currency EUR → USD"


def test_sealed_secrets_are_not_compared_and_replaced_ones_are_told() -> None:
    old = hotel_of()
    sealed = msgspec.structs.replace(old.connections[0], outbound=Credentials("house", "sealed:abc"))
    stored = msgspec.structs.replace(old, connections=(sealed,))
    assert plan(stored, old) == []
    assert marked(plan(stored, old, {("booking", "outbound")})) == [
        "~ connection booking: outbound password is replaced"
    ]
    assert len(plan(None, old, {("booking", "outbound")})) == len(plan(None, old))


def test_options_that_python_calls_equal_are_told_apart() -> None:
    old, new = (hotel_of((f"{HERE}.options", {"flag": value})) for value in (1, True))
    assert marked(plan(old, new)) == ["~ connection booking: options flag"]


def test_two_properties_have_no_plan() -> None:
    with pytest.raises(ValueError, match="two properties"):
        plan(hotel_of(), hotel_of(("property.id", "other")))


def test_rendering() -> None:
    old = hotel_of()
    assert render(plan(old, old)) == "Nothing changes."
    assert render(plan(old, hotel_of(("room_types.0.units", 10), (f"{HERE}.enabled", False)))) == (
        "! ~ room type DBL: units 12 → 10\n"
        "  ~ connection booking: enabled yes → no\n"
        "\n"
        "2 changes, 1 destructive (marked !)"
    )
    assert render(plan(old, hotel_of((f"{HERE}.enabled", False)))).endswith("\n1 change")


def test_a_stored_name_cannot_steer_the_terminal() -> None:
    old = hotel_of()
    new = msgspec.structs.replace(old, timezone="\x1b[2J\n- connection booking")
    assert all(change.line.isprintable() for change in plan(old, new))


def test_urls_are_replaced_for_the_demo() -> None:
    hotel = read(DEMO_TEXT, {}).property
    moved = with_urls(hotel, {"sunbeds": "http://127.0.0.1:4000/"})
    assert [a.url == b.url for a, b in zip(hotel.connections, moved.connections, strict=True)] == [True, False, True]
    assert marked(plan(hotel, moved)) == [
        "~ connection sunbeds: url http://127.0.0.1:8472/ota → http://127.0.0.1:4000/"
    ]
    with pytest.raises(KeyError, match="moonbeds"):
        with_urls(hotel, {"moonbeds": "http://127.0.0.1:4000/"})


CODES = st.sampled_from(["A", "B", "C"])
ADJUSTMENTS = st.builds(
    Adjustment, st.sampled_from([0, 5]), st.sampled_from([0, 5]), st.sampled_from([1, 5]), st.sampled_from(Rounding)
)
ROOMS = st.lists(st.builds(RoomType, CODES, CODES, st.integers(1, 2), st.integers(1, 2)), unique_by=lambda r: r.code)
PLANS = st.lists(st.builds(RatePlan, CODES, CODES, st.sampled_from(["", "A"]), ADJUSTMENTS), unique_by=lambda p: p.code)
USERS = st.builds(Credentials, CODES)
PRODUCTS = st.builds(Product, CODES, CODES, CODES, CODES)
CONNECTIONS = st.lists(
    st.builds(
        Connection,
        id=CODES,
        connector=CODES,
        profile=CODES,
        role=st.sampled_from(Role),
        hotel=CODES,
        url=CODES,
        inbound=USERS,
        outbound=USERS,
        products=st.lists(PRODUCTS, max_size=2, unique=True).map(lambda it: tuple(sorted(it, key=repr))),
        currency=st.sampled_from(["", "EUR", "JPY"]),
        rate_ppm=st.integers(1, 2),
        markup=ADJUSTMENTS,
        allotment=st.builds(Allotment, st.sampled_from([None, 1]), st.integers(0, 1), st.integers(0, 1)),
        days_ahead=st.integers(1, 2),
        figures=st.sampled_from(FigureKind),
        figure_delay_s=st.integers(1, 2),
        echoes=st.booleans(),
        standing=st.sampled_from(StandingBookings),
        enabled=st.booleans(),
        options=st.dictionaries(CODES, st.integers(0, 1), max_size=1),
    ),
    unique_by=lambda c: c.id,
    max_size=2,
)
HOTELS = st.builds(
    Property,
    st.just("x"),
    CODES,
    st.sampled_from(["EUR", "JPY"]),
    st.sampled_from(["UTC", "Asia/Tokyo"]),
    ROOMS.map(tuple),
    PLANS.map(tuple),
    CONNECTIONS.map(tuple),
    st.booleans(),
)


@settings(deadline=None)
@given(HOTELS, HOTELS)
def test_a_plan_is_empty_exactly_when_nothing_changes(old: Property, new: Property) -> None:
    assert plan(old, old) == []
    assert (plan(old, new) == []) == (old == new)


@settings(deadline=None)
@given(HOTELS)
@example(read(DEMO_TEXT, {}).property)
def test_a_property_read_back_from_the_store_needs_no_change(hotel: Property) -> None:
    assert plan(hotel, msgspec.json.decode(msgspec.json.encode(hotel), type=Property)) == []


def test_a_hotel_has_one_pms() -> None:
    pms = {"id": "p", "connector": "x", "profile": "x", "role": "pms", "hotel": "H", "enabled": True}
    pms |= {"rooms": {"DBL": "d"}, "plans": {"BAR": "b"}}
    two = edited(("connections.1", pms), ("connections.2", pms | {"id": "q"}))
    (told,) = problems(two)
    assert told.startswith("connections[2].role: connections[1] is the PMS already: a hotel has one; set enabled")
    read(edited(("connections.1", pms), ("connections.2", pms | {"id": "q", "enabled": False})), {})


def test_what_bookings_fall_back_to_is_ours() -> None:
    (told,) = problems(edited((f"{HERE}.fallback_room", "DBLE")))
    assert told == 'connections[0].fallback_room: there is no room type "DBLE"; did you mean "DBL"?'
    (told,) = problems(edited((f"{HERE}.booking_currencies", ["USD", "EURO"])))
    assert told.startswith('connections[0].booking_currencies[1]: "EURO" is not an ISO 4217 currency code')
    file = read(edited((f"{HERE}.fallback_room", "DBL"), (f"{HERE}.booking_currencies", ["USD"])), {})
    (known,) = file.property.connections
    assert (known.fallback_room, known.booking_currencies) == ("DBL", ("USD",))
    assert plan(file.property, read_tables(tables_of(file.property), {}, {("booking", "outbound")}).property) == []


RECEIVER = {"id": "crm", "connector": "webhook", "profile": "webhook", "role": "receiver", "hotel": "H"}
SELLER = {"id": "agency", "connector": "opentravel", "profile": "ota-seller", "role": "seller", "hotel": "A"}


def test_receivers_and_sellers_may_speak_our_codes() -> None:
    file = read(edited(("connections.1", RECEIVER), ("connections.2", SELLER | {"allotment": {"keep_back": 1}})), {})
    _, receiver, seller = file.property.connections
    assert (receiver.role, receiver.products) == (Role.RECEIVER, ())
    assert (seller.role, seller.allotment.keep_back) == (Role.SELLER, 1)
    back = read_tables(tables_of(file.property), {}, {("booking", "outbound")}).property
    assert plan(file.property, back) == []


@pytest.mark.parametrize(
    ("table", "key", "value"),
    [
        (RECEIVER, "allotment", {"cap": 1}),
        (RECEIVER, "figures", "allocation"),
        (RECEIVER, "days_ahead", 30),
        (SELLER, "url", "https://agency.example"),
        (SELLER, "fallback_room", "DBL"),
        (SELLER, "echoes", True),
        (SELLER, "pms_number", True),
    ],
)
def test_what_has_no_effect_on_them_is_said(table: dict[str, Any], key: str, value: Any) -> None:
    (told,) = problems(edited(("connections.1", table | {key: value})))
    assert told.startswith(f"connections[1].{key}: has no effect on a connection with role")


def test_bookings_are_mailed_to_addresses() -> None:
    file = read(
        edited(("property.mail_bookings_to", ["desk@hotel.example"]), ("property.mail_bookings_after_s", 60)), {}
    )
    assert (file.property.mail_bookings_to, file.property.mail_bookings_after_s) == (("desk@hotel.example",), 60)
    back = read_tables(tables_of(file.property), {}, {("booking", "outbound")}).property
    assert back == file.property
    for bad in ("desk", "Desk <desk@hotel.example>", "a@b@c", "a@b,c@d"):
        (told,) = problems(edited(("property.mail_bookings_to", [bad])))
        assert told.startswith("property.mail_bookings_to")


OTHER: dict[type, Callable[[Any], Any]] = {
    str: lambda value: f"{value}x",
    int: lambda value: value + 1,
    bool: lambda value: not value,
    Role: lambda value: Role.PMS,
    FigureKind: lambda value: FigureKind.ALLOCATION,
    StandingBookings: lambda value: StandingBookings.SKIP,
    Adjustment: lambda value: Adjustment(percent_bp=1),
    Allotment: lambda value: Allotment(cap=1),
    Credentials: lambda value: Credentials(f"{value.username}x"),
    dict: lambda value: {"new": 1},
    tuple: lambda value: value[1:] if value else ("USD",),
    type(None): lambda value: 60,
    Selling: lambda value: Selling(quote_s=60),
}


@pytest.mark.parametrize("part", ["property", "room_types", "rate_plans", "connections"])
def test_no_field_of_the_model_is_forgotten(part: str) -> None:
    """A setting that a later version adds to the model shows up in the plan, or this test says that it does not."""
    file: HotelFile = read(toml(SMALL), {})
    hotel = file.property
    owner: Any = hotel if part == "property" else getattr(hotel, part)[0]
    for field in owner.__struct_fields__:
        value = getattr(owner, field)
        if field == "id" and part == "property":
            continue
        changed = (PaymentAccount("desk", "stripe", "stripe"),) if field == "payments" else OTHER[type(value)](value)
        other = msgspec.structs.replace(owner, **{field: changed})
        new = (
            other
            if part == "property"
            else msgspec.structs.replace(hotel, **{part: (other, *getattr(hotel, part)[1:])})
        )
        assert plan(hotel, new), field
