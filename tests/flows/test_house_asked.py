"""In plain OpenTravel: profiles that are kept here, statistics, and what rooms, plans and prices there are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from connectors.opentravel._shared.names import NAMESPACE
from connectors.opentravel.ota import CONNECTOR as OTA
from gateway.contract import Capabilities, Head
from gateway.flows.receive import receive
from gateway.model.dates import format_day
from gateway.model.property import Connection, Product, Role
from gateway.store.tables import MessageRow
from gateway.store.tables_connections import ProfileRow
from gateway.wire.http_auth import compose_basic
from tests.flows.house import PLANS, ROOMS, TODAY, House, hotel, pms, sealed, update
from tests.simulation.plain import PlainConnector

FIXTURES = Path(__file__).parents[2] / "fixtures" / "opentravel" / "ota"
OURS = f'xmlns="{NAMESPACE}" Version="1.0"'


class Both:
    """A registry with the plain connector and OpenTravel."""

    def inbound_names(self) -> tuple[str, ...]:
        return ("plain", "opentravel")

    def get(self, name: str) -> PlainConnector:
        return OTA if name == "opentravel" else PlainConnector()  # type: ignore[return-value]

    def capabilities(self, name: str, profile: str) -> Capabilities:
        return self.get(name).capabilities(profile)

    inbound = outbound = get


def _front(name: str) -> Connection:
    products = tuple(Product(room.code, plan.code, f"o{room.code}", plan.code) for room in ROOMS for plan in PLANS[:2])
    return Connection(name, "opentravel", "ota", Role.RECEIVER, "DEMO01", products=products)


@pytest.fixture
async def front(empty_house: House) -> House:
    """A house with two receivers in plain OpenTravel, beside its PMS."""
    empty_house.services = replace(empty_house.services, connectors=Both())
    await empty_house.apply(sealed(hotel(pms(), _front("crm"), _front("other"))))
    await empty_house.open_for_sale(3)
    return empty_house


async def _post(house: House, message: bytes | str, connection: str = "crm") -> etree._Element:
    data = message.encode() if isinstance(message, str) else message
    headers = {"content-type": "text/xml", "authorization": compose_basic("them", "in")}
    head = Head("POST", f"/opentravel/{connection}", headers)
    reply = await receive(house.services, "opentravel", connection, head, [data])
    assert reply.status in (200, 413), reply.body
    return etree.fromstring(reply.body)


def _fixture(name: str) -> bytes:
    return (FIXTURES / f"{name}.xml").read_bytes()


def _errors(root: etree._Element) -> list[str]:
    return [error.get("Code") or "" for error in root.iter(f"{{{NAMESPACE}}}Error")]


def _surnames(root: etree._Element) -> list[str]:
    return [one.text or "" for one in root.iter(f"{{{NAMESPACE}}}Surname")]


async def test_a_profile_is_made_changed_and_read_back(front: House) -> None:
    assert _errors(await _post(front, _fixture("profile/read"))) == ["450"]
    assert _errors(await _post(front, _fixture("profile/modify"))) == ["450"]  # nothing is there to be changed
    made = await _post(front, _fixture("profile/create"))
    assert [one.get("ID") for one in made.iter(f"{{{NAMESPACE}}}UniqueID")] == ["P-4711"]
    changed = _fixture("profile/modify").replace(b"Muster", b"Changed")
    assert _errors(await _post(front, changed)) == []
    for question in ("profile/read", "profile/read-by-number-on-top"):
        found = await _post(front, _fixture(question))
        assert etree.QName(found).localname == "OTA_ProfileReadRS"
        assert _surnames(found) == ["O'Neil & Changed"]
    (row,) = await front.rows(ProfileRow)
    assert row.made_ms <= row.changed_ms
    assert b"quiet room" not in row.body  # a change is a full overlay


async def test_the_same_profile_again_has_no_second_effect_and_another_is_refused(front: House) -> None:
    first = await _post(front, _fixture("profile/create"))
    again = await _post(front, _fixture("profile/create"))
    assert (_errors(first), _errors(again)) == ([], [])
    assert _errors(await _post(front, _fixture("profile/create").replace(b"Ada", b"Eva"))) == ["450"]
    (row,) = await front.rows(ProfileRow)
    assert b"Ada" in row.body


async def test_a_profile_belongs_to_who_sent_it(front: House) -> None:
    await _post(front, _fixture("profile/create"))
    assert _errors(await _post(front, _fixture("profile/read"), "other")) == ["450"]


async def test_a_profile_that_is_too_long_is_refused(front: House) -> None:
    comment = b"<Comment><Text>Prefers a quiet room</Text></Comment>"
    long = _fixture("profile/create").replace(comment, comment * 2_000)
    assert len(_errors(await _post(front, long))) == 1
    assert await front.rows(ProfileRow) == []


async def test_statistics_are_found_in_the_log(front: House) -> None:
    assert _errors(await _post(front, _fixture("statistics/night-audit"))) == []
    whole, *kept = [row for row in await front.rows(MessageRow) if row.kind == "OTA_HotelStatsNotifRQ"]
    assert sorted(row.detail for row in kept) == [
        "statistics DAILY of 2031-01-04: 4 figures; Group of 20 arrived late",
        "statistics of 2031-01-05: 0 figures",
    ]
    assert {row.outcome for row in kept} == {"applied"}
    assert {row.cause for row in kept} == {whole.message_id}
    assert b"12500.50" in whole.raw


def _plans(span: str = "", plan: str = "") -> str:
    candidates = f'<RatePlanCandidates><RatePlanCandidate RatePlanCode="{plan}"/></RatePlanCandidates>' if plan else ""
    return (
        f"<OTA_HotelRatePlanRQ {OURS}><RatePlans><RatePlan>{span}{candidates}"
        '<HotelRef HotelCode="DEMO01"/></RatePlan></RatePlans></OTA_HotelRatePlanRQ>'
    )


def _span(first: int, last: int) -> str:
    return f'<DateRange Start="{format_day(TODAY + first)}" End="{format_day(TODAY + last)}"/>'


async def test_prices_and_rules_are_told_in_the_codes_of_whoever_asks(front: House) -> None:
    await front.ari(update("pDBL", "BAR", 2, 2, closed=1), update("pDBL", "BAR", 3, 4, price1=9_000, price2=9_500))
    told = await _post(front, _plans(_span(1, 4), "BAR"))
    assert _errors(told) == []
    rates = [
        (
            rate.get("InvTypeCode"),
            rate.get("Start"),
            rate.get("End"),
            [one.get("AmountAfterTax") for one in rate.iter() if one.get("AmountAfterTax")],
        )
        for rate in told.iter(f"{{{NAMESPACE}}}Rate")
    ]
    double = [rate[1:] for rate in rates if rate[0] == "oDBL"]
    assert [one[:2] for one in double] == [
        (format_day(TODAY + 1), format_day(TODAY + 2)),
        (format_day(TODAY + 3), format_day(TODAY + 4)),
    ]
    assert double[1][2][:2] == ["90.00", "95.00"]
    closed = told.iter(f"{{{NAMESPACE}}}BookingRule")
    assert [(one.get("Start"), one.get("End")) for one in closed] == [(format_day(TODAY + 2),) * 2]


async def test_a_derived_plan_is_told_by_its_own_price(front: House) -> None:
    told = await _post(front, _plans(_span(1, 1), "NR"))
    amounts = [one.get("AmountAfterTax") for one in told.iter(f"{{{NAMESPACE}}}BaseByGuestAmt")]
    assert amounts[0] == "90.00"  # ten percent less than the hundred of its parent


async def test_without_days_only_names_are_told(front: House) -> None:
    told = await _post(front, _plans())
    assert [one.get("RatePlanCode") for one in told.iter(f"{{{NAMESPACE}}}RatePlan")] == ["BAR", "NR"]
    assert list(told.iter(f"{{{NAMESPACE}}}Rate")) == []


async def test_what_cannot_be_told_is_refused(front: House) -> None:
    assert _errors(await _post(front, _plans(plan="HB"))) == ["249"]
    assert _errors(await _post(front, _plans(_span(4, 3)))) == ["404"]
    assert _errors(await _post(front, _plans(_span(0, 500)))) == ["404"]
    assert _errors(await _post(front, _plans().replace("DEMO01", "DEMO02"))) == ["392"]


async def test_days_that_are_over_are_left_out(front: House) -> None:
    assert list((await _post(front, _plans(_span(-9, -1)))).iter(f"{{{NAMESPACE}}}Rate")) == []


async def test_rooms_are_told_by_their_names(front: House) -> None:
    told = await _post(front, _fixture("description/rooms"))
    rooms = [(one.get("Code"), one.get("RoomTypeName")) for one in told.iter(f"{{{NAMESPACE}}}GuestRoom")]
    assert rooms == [("oDBL", "Double"), ("oFAM", "Family")]
    (row,) = [row for row in await front.rows(MessageRow) if row.kind == "OTA_HotelDescriptiveInfoRQ"]
    assert (row.outcome, row.detail) == ("answered", "2 rooms, 2 plans, 0 ranges")
