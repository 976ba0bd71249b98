"""What the channel stores after availability and rate messages, and what it refuses."""

import pytest

from tests.simulators.support import (
    HEADERS,
    NS,
    FakeClock,
    avail,
    day,
    limit,
    limits,
    los,
    ota,
    post,
    rate,
    rates,
    rule,
    status,
    succeeded,
    tags,
)


def test_limits_cover_both_ends_and_nothing_else() -> None:
    channel = ota()
    assert succeeded(post(channel, avail(limit("02-01", "02-03", 4))))
    assert limits(channel, "01-31", "02-04") == [None, 4, 4, 4, None]
    assert channel.cells.limit("SGL", day("02-01")) is None


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        # 2031-02-01 is a Saturday.
        ("", "1111111"),
        ('Sat="true" Sun="true"', "1100000"),
        ('Sat="1" Sun="0"', "1000000"),
        ('Sat="false"', "0111111"),
        ('Mon="true" Tue="true" Weds="true" Thur="true" Fri="true" Sat="false" Sun="false"', "0011111"),
    ],
)
def test_weekday_attributes_choose_days(attributes: str, expected: str) -> None:
    channel = ota()
    post(channel, avail(limit("02-01", "02-07", 3, days=attributes)))
    assert "".join("1" if found == 3 else "0" for found in limits(channel, "02-01", "02-07")) == expected


def test_later_messages_overwrite_and_limits_need_no_plan() -> None:
    channel = ota()
    post(channel, avail(limit("02-01", "02-05", 4), limit("02-03", "02-03", 0)))
    part = limit("02-04", "02-04", 2).replace("InvTypeCode", 'RatePlanCode="FLEX" InvTypeCode')
    post(channel, avail(part))
    assert limits(channel, "02-01", "02-05") == [4, 4, 0, 2, 4]


def test_adjusted_and_removed_limits() -> None:
    channel = ota()
    post(channel, avail(limit("02-01", "02-03", 4)))
    post(channel, avail(limit("02-01", "02-01", 3).replace("SetLimit", "AdjustLimit").replace('"3"', '"-3"', 1)))
    post(channel, avail(limit("02-02", "02-02", 1).replace("SetLimit", "RemoveLimit")))
    assert limits(channel, "02-01", "02-03") == [1, None, 4]


def test_each_flag_is_set_alone() -> None:
    channel = ota()
    post(channel, avail(rule("02-01", "02-01", status("Master"))))
    post(channel, avail(rule("02-01", "02-01", status("Arrival"))))
    post(channel, avail(rule("02-01", "02-01", '<RestrictionStatus Status="Open"/>')))
    cell = channel.cells.cell("DBL", "FLEX", day("02-01"))
    assert (cell.closed, cell.cta, cell.ctd) == (False, True, False)
    post(channel, avail(rule("02-01", "02-01", status("Departure") + status("Arrival", "Open"))))
    cell = channel.cells.cell("DBL", "FLEX", day("02-01"))
    assert (cell.closed, cell.cta, cell.ctd) == (False, False, True)


@pytest.mark.parametrize(
    ("bare", "inner", "expected"),
    [
        ("arrival", los("SetMinLOS", "2"), {"min_arrival": 2}),
        ("through", los("SetMinLOS", "2"), {"min_through": 2}),
        ("through", los("SetMaxLOS", "9", "true"), {"max_arrival": 9}),
        ("arrival", los("SetMaxLOS", "9", "0"), {"max_through": 9}),
        ("arrival", los("SetForwardMinStay", "3"), {"min_through": 3}),
        ("arrival", los("SetForwardMaxStay", "7", "true"), {"max_through": 7}),
        ("arrival", '<LenghtsOfStay><LenghtOfStay MinLOS="4"/></LenghtsOfStay>', {"min_arrival": 4}),
    ],
)
def test_length_of_stay_kinds(bare: str, inner: str, expected: dict[str, int]) -> None:
    channel = ota(los=bare)
    assert succeeded(post(channel, avail(rule("02-01", "02-01", inner))))
    cell = channel.cells.cell("DBL", "FLEX", day("02-01"))
    found = {name: getattr(cell, name) for name in ("min_arrival", "max_arrival", "min_through", "max_through")}
    assert {name: value for name, value in found.items() if value is not None} == expected


@pytest.mark.parametrize("clearing", [los("RemoveMinLOS", "2"), los("SetMinLOS"), los("SetMinLOS", "0")])
def test_a_minimum_is_cleared(clearing: str) -> None:
    channel = ota()
    post(channel, avail(rule("02-01", "02-01", los("SetMinLOS", "2"))))
    post(channel, avail(rule("02-01", "02-01", clearing)))
    assert channel.cells.cell("DBL", "FLEX", day("02-01")).min_arrival is None


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ('<LengthOfStay MinMaxMessageType="FullPatternLOS"><LOS_Pattern FullPatternLOS="NYY"/></LengthOfStay>', "NYY"),
        ('<LengthOfStay MinMaxMessageType="FullPatternLOS"><LOS_Pattern FullPatternLOS="011"/></LengthOfStay>', "NYY"),
        ('<LengthOfStay Time="1" OpenStatusIndicator="0"/><LengthOfStay Time="3" OpenStatusIndicator="1"/>', "NYY"),
        ('<LengthOfStay MinMaxMessageType="FullPatternLOS"/>', None),
    ],
)
def test_patterns_in_both_shapes(inner: str, expected: str | None) -> None:
    channel = ota()
    assert succeeded(post(channel, avail(rule("02-01", "02-01", f"<LengthsOfStay>{inner}</LengthsOfStay>"))))
    assert channel.cells.cell("DBL", "FLEX", day("02-01")).pattern == expected


def test_offsets_as_durations_days_and_cleared() -> None:
    channel = ota()
    inner = '<RestrictionStatus MinAdvancedBookingOffset="PT6H" MaxAdvancedBookingOffset="30"/>'
    post(channel, avail(rule("02-01", "02-01", inner)))
    cell = channel.cells.cell("DBL", "FLEX", day("02-01"))
    assert (cell.min_offset_s, cell.max_offset_s) == (6 * 3600, 30 * 86_400)
    post(channel, avail(rule("02-01", "02-01", '<RestrictionStatus MinAdvancedBookingOffset="P0D"/>')))
    cell = channel.cells.cell("DBL", "FLEX", day("02-01"))
    assert (cell.min_offset_s, cell.max_offset_s) == (None, 30 * 86_400)


def test_prices_are_minor_units_and_merge_by_occupancy() -> None:
    channel = ota()
    extra = (
        "<AdditionalGuestAmounts><AdditionalGuestAmount AgeQualifyingCode='8' Amount='25'/></AdditionalGuestAmounts>"
    )
    post(channel, rates(rate("02-01", "02-03", {1: "90.00", 2: "120.50"}, rest=extra)))
    post(channel, rates(rate("02-02", "02-02", {2: "130"}), notif_type="Overlay"))
    assert channel.cells.cell("DBL", "FLEX", day("02-01")).base == {1: 9_000, 2: 12_050}
    assert channel.cells.cell("DBL", "FLEX", day("02-02")).base == {1: 9_000, 2: 13_000}
    assert channel.cells.cell("DBL", "FLEX", day("02-02")).extra == {"8": 2_500}


def test_overlay_replaces_where_the_peer_reads_it_so() -> None:
    channel = ota(overlay_replaces=True)
    post(channel, rates(rate("02-01", "02-01", {1: "90.00", 2: "120.00"})))
    post(channel, rates(rate("02-01", "02-01", {2: "130.00"}), notif_type="Overlay"))
    assert channel.cells.cell("DBL", "FLEX", day("02-01")).base == {2: 13_000}


@pytest.mark.parametrize(
    ("amount", "minor"),
    [
        ('"20000" DecimalPlaces="2"', 20_000),
        ('"200.00" DecimalPlaces="0"', 20_000),
        ('"200.00" DecimalPlaces="2"', 20_000),
    ],
)
def test_a_literal_point_wins_over_decimal_places(amount: str, minor: int) -> None:
    channel = ota()
    body = rates(rate("02-01", "02-01", {2: "1"})).replace(b'AmountAfterTax="1"', f"AmountAfterTax={amount}".encode())
    assert succeeded(post(channel, body))
    assert channel.cells.cell("DBL", "FLEX", day("02-01")).base == {2: minor}


def test_dates_on_the_rate_win() -> None:
    channel = ota()
    body = rates(rate("02-01", "02-09", {2: "99"})).replace(b"<Rate>", b'<Rate Start="2031-02-04" End="2031-02-04">')
    post(channel, body)
    priced = [one for one in range(day("02-01"), day("02-10")) if channel.cells.cell("DBL", "FLEX", one).base]
    assert priced == [day("02-04")]


BAD_PARTS = [
    (limit("02-01", "02-01", 1, room="XXX"), "402"),
    (rule("02-01", "02-01", status("Master"), plan="GONE"), "249"),
    (rule("02-01", "02-01", status("Master"), room="SGL", plan="NRF"), "436"),
    (limit("02-02", "02-01", 1), "404"),
    (limit("01-01", "01-09", 1), "15"),
    (limit("02-30", "02-30", 1), "15"),
    (limit("02-01", "02-01", 1).replace("2031-02-01", "2039-02-01"), "15"),
    (limit("02-01", "02-01", 1).replace('BookingLimit="1"', 'BookingLimit="-1"'), "320"),
    (limit("02-01", "02-01", 1).replace('InvTypeCode="DBL"', 'InvTypeCode=""'), "321"),
    (rule("02-01", "02-01", status("NonGuarantee")), "320"),
    (rule("02-01", "02-01", los("SetMinLOS", "two")), "320"),
    (rule("02-01", "02-01", los("FixedLOS", "2")), "320"),
    (rule("02-01", "02-01", ""), "321"),
    ("<AvailStatusMessage/>", "321"),
]


@pytest.mark.parametrize(("part", "code"), BAD_PARTS)
def test_one_bad_part_refuses_the_whole_message(part: str, code: str) -> None:
    channel = ota()
    answer = post(channel, avail(limit("02-01", "02-01", 9, locator=5), part.replace('LocatorID="1"', 'LocatorID="7"')))
    assert not succeeded(answer)
    errors = tags(answer, "Error")
    assert [error["Code"] for error in errors] == [code]
    assert errors[0]["RecordID"] == ("2" if "LocatorID" not in part else "7")
    assert channel.cells.view() == {"limits": {}, "products": {}}


@pytest.mark.parametrize(("part", "code"), BAD_PARTS)
def test_partial_takes_the_rest_with_a_warning(part: str, code: str) -> None:
    channel = ota(partial=True)
    answer = post(channel, avail(limit("02-01", "02-01", 9, locator=5), part))
    assert succeeded(answer)
    assert [warning["Code"] for warning in tags(answer, "Warning")] == [code]
    assert limits(channel, "02-01", "02-01") == [9]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ((b'AmountAfterTax="1"', b'AmountAfterTax="1,50"'), "320"),
        ((b'AmountAfterTax="1"', b'AmountAfterTax="1.005"'), "320"),
        ((b'AmountAfterTax="1"', b'AmountBeforeTax="1"'), "321"),
        ((b'CurrencyCode="EUR"', b'CurrencyCode="USD"'), "61"),
        ((b'RatePlanCode="FLEX"', b""), "321"),
        ((b"<Rate>", b'<Rate MinLOS="2">'), "320"),
    ],
)
def test_bad_rates_are_refused(change: tuple[bytes, bytes], code: str) -> None:
    channel = ota()
    answer = post(channel, rates(rate("02-01", "02-01", {2: "1"})).replace(*change))
    assert [error["Code"] for error in tags(answer, "Error")] == [code]
    assert channel.cells.view()["products"] == {}


def test_products_set_to_be_refused() -> None:
    channel = ota(partial=True)
    channel.controls["refuse"]({"products": [["DBL", "NRF"]]})
    both = [rule("02-01", "02-01", status("Master"), plan=plan, locator=n) for n, plan in enumerate(("FLEX", "NRF"), 1)]
    answer = post(channel, avail(*both))
    assert [warning["RecordID"] for warning in tags(answer, "Warning")] == ["2"]
    assert list(channel.cells.view()["products"]) == ["DBL/FLEX"]


def test_wrong_hotel_unknown_message_and_unreadable_bytes() -> None:
    channel = ota()
    assert tags(post(channel, avail(limit("02-01", "02-01", 1), hotel="OTHER")), "Error")[0]["Code"] == "392"
    unknown = post(channel, f'<OTA_HotelInvCountNotifRQ xmlns="{NS}" EchoToken="x" Version="1"/>'.encode())
    assert unknown.tag == f"{{{NS}}}OTA_HotelInvCountNotifRS"
    assert (tags(unknown, "Error")[0]["Type"], tags(unknown, "Error")[0]["Code"]) == ("2", "459")
    assert unknown.get("EchoToken") == "x"
    for body in (b"<a>", b"", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"):
        assert post(channel, body).get("ErrorCode") == "Malformed"
    assert [entry.outcome for entry in channel.endpoint.audit.entries()][-1] == "unreadable"


def test_a_message_without_namespace_is_read() -> None:
    channel = ota()
    assert succeeded(post(channel, avail(limit("02-01", "02-01", 2)).replace(f' xmlns="{NS}"'.encode(), b"")))
    assert limits(channel, "02-01", "02-01") == [2]


def test_wrong_credentials_change_nothing() -> None:
    channel = ota()
    for headers in ({}, {"authorization": "Basic c2ltOndyb25n"}):
        assert channel.handle(avail(limit("02-01", "02-01", 1)), headers).status == 401
    assert channel.cells.view()["limits"] == {}
    assert channel.handle(avail(limit("02-01", "02-01", 1)), HEADERS).status == 200


def test_digest_and_view_depend_on_the_state_alone() -> None:
    one, other = ota(), ota(FakeClock())
    post(one, avail(limit("02-01", "02-05", 4)))
    for number in range(1, 6):
        post(other, avail(limit(f"02-0{number}", f"02-0{number}", 4)))
    assert one.cells.digest() == other.cells.digest()
    assert one.cells.view()["limits"] == {"DBL": [["2031-02-01", "2031-02-05", 4]]}
    post(other, avail(limit("02-05", "02-05", 3)))
    assert one.cells.digest() != other.cells.digest()
    assert one.cells.digest(day("02-01"), day("02-04")) == other.cells.digest(day("02-01"), day("02-04"))


def test_state_view_and_audit() -> None:
    channel = ota()
    post(channel, avail(limit("02-01", "02-05", 4), limit("02-01", "02-05", 4, "SGL")))
    state = channel.views["state"]({"from": "2031-02-02", "to": "2031-02-03"})
    assert isinstance(state, dict)
    assert state["limits"]["DBL"] == [["2031-02-02", "2031-02-03", 4]]
    totals = channel.endpoint.audit.totals()["OTA_HotelAvailNotifRQ"]
    assert (totals["messages"], totals["parts"]) == (1, 2)
    entry = channel.endpoint.audit.entries()[0]
    assert (entry.parts, entry.status, entry.outcome, entry.echo) == (2, 200, "applied", "e-1")
