"""A seller searches, books, changes and cancels by OpenTravel messages, over HTTP bodies as they come."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from lxml import etree

from connectors.opentravel.ota import CONNECTOR
from gateway.contract import Capabilities, Connector, Head
from gateway.engine.sale import SaleState
from gateway.errors import Rejected
from gateway.flows.receive import receive
from gateway.flows.selling.asked import take_step
from gateway.flows.selling.release import Releaser
from gateway.flows.selling.rows import open_sale
from gateway.messages_selling import SaleAsked, SaleStep
from gateway.model.dates import format_day
from gateway.model.property import Allotment, Connection, Product, Role
from gateway.model.reservation import Content, Revision, RevisionKind, RoomStay
from gateway.store.tables import MessageRow, ReservationRow, SaleRow
from gateway.wire.http_auth import compose_basic
from tests.connectors.opentravel import schemas
from tests.flows.house import TODAY, House, channel, hotel, pms
from tests.flows.selling.test_sell import TERMS, held, site
from tests.simulation.plain import PlainConnector

NS = "http://www.opentravel.org/OTA/2003/05"
ROOMS = {"double": "DBL", "family": "FAM"}


class Both:
    """The plain connector of the house, and OpenTravel."""

    def __init__(self) -> None:
        self._plain = PlainConnector()

    def inbound_names(self) -> tuple[str, ...]:
        return (self._plain.name, CONNECTOR.name)

    def get(self, name: str) -> Any:
        found: Connector = CONNECTOR if name == "opentravel" else self._plain
        return found

    def capabilities(self, name: str, profile: str) -> Capabilities:
        return self.get(name).capabilities(profile)  # type: ignore[no-any-return]

    inbound = outbound = get


def agency(**more: Any) -> Connection:
    products = tuple(
        Product(ours, plan, theirs, plan.lower()) for theirs, ours in ROOMS.items() for plan in ("BAR", "HB")
    )
    given = {"products": products, **more}
    return Connection("agency", "opentravel", "ota-seller", Role.SELLER, "AG1", **given)


class Asked:
    """An answer of ours, checked against the official schema where that is here."""

    def __init__(self, body: bytes) -> None:
        self.tree = etree.fromstring(body)
        if schemas.folder().is_dir():
            assert schemas.faults(body, "2015A") == []

    def all(self, path: str) -> list[Any]:
        return self.tree.findall("/".join(f"{{{NS}}}{part}" for part in path.split("/")))

    def one(self, path: str) -> Any:
        (found,) = self.all(path)
        return found

    @property
    def error(self) -> str:
        """The code of its one error, "" where it is a success."""
        errors = self.all("Errors/Error")
        return str(errors[0].get("Code")) if errors else ""


class Desk:
    """What the agency's program does."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def post(self, name: str, content: str, **attributes: str) -> Asked:
        given = "".join(f' {key}="{value}"' for key, value in attributes.items())
        body = f'<{name} xmlns="{NS}" Version="1.0" EchoToken="e1"{given}>{content}</{name}>'.encode()
        if schemas.folder().is_dir():
            assert schemas.faults(body, "2015A") == []
        head = Head("POST", "/opentravel/agency", {"authorization": compose_basic("them", "in")})
        reply = await receive(self.house.services, "opentravel", "agency", head, [body])
        assert reply.status == 200
        return Asked(reply.body)

    async def search(self, first: int, last: int, *, adults: int = 2, room: str = "", more: str = "") -> Asked:
        kind = f' RoomTypeCode="{room}"' if room else ""
        return await self.post(
            "OTA_HotelAvailRQ",
            "<AvailRequestSegments><AvailRequestSegment>"
            '<HotelSearchCriteria><Criterion><HotelRef HotelCode="AG1"/></Criterion></HotelSearchCriteria>'
            f'<StayDateRange Start="{day(first)}" End="{day(last)}"/>{more}'
            f'<RoomStayCandidates><RoomStayCandidate RPH="7" Quantity="1"{kind}><GuestCounts>'
            f'<GuestCount AgeQualifyingCode="10" Count="{adults}"/></GuestCounts></RoomStayCandidate>'
            "</RoomStayCandidates></AvailRequestSegment></AvailRequestSegments>",
        )

    async def book(self, number: str, first: int = 3, last: int = 5, *, status: str = "Commit", **more: Any) -> Asked:
        content = f"<HotelReservations><HotelReservation>{stay_of(number, first, last, **more)}"
        return await self.post("OTA_HotelResRQ", f"{content}</HotelReservation></HotelReservations>", ResStatus=status)

    async def modify(self, number: str, first: int, last: int, **more: Any) -> Asked:
        content = f"<HotelResModifies><HotelResModify>{stay_of(number, first, last, **more)}"
        return await self.post("OTA_HotelResModifyRQ", f"{content}</HotelResModify></HotelResModifies>")

    async def cancel(self, number: str, kind: str = "14", step: str = "Commit") -> Asked:
        return await self.post("OTA_CancelRQ", f'<UniqueID Type="{kind}" ID="{number}"/>', CancelType=step)

    async def sales(self) -> list[SaleRow]:
        return [row for row in await self.house.rows(SaleRow) if row.state != SaleState.APPLIED]


def day(offset: int) -> str:
    return format_day(TODAY + offset)


def stay_of(
    number: str, first: int, last: int, *, total: str = "", room: str = "double", surname: str = "Hopper"
) -> str:
    amount = f'<Total AmountAfterTax="{total}" CurrencyCode="EUR"/>' if total else ""
    return (
        f'<UniqueID Type="14" ID="{number}"/><RoomStays><RoomStay>'
        f'<RoomTypes><RoomType RoomTypeCode="{room}" NumberOfUnits="1"/></RoomTypes>'
        '<RatePlans><RatePlan RatePlanCode="bar"/></RatePlans>'
        '<GuestCounts><GuestCount AgeQualifyingCode="10" Count="2"/></GuestCounts>'
        f'<TimeSpan Start="{day(first)}" End="{day(last)}"/>{amount}<BasicPropertyInfo HotelCode="AG1"/>'
        "</RoomStay></RoomStays><ResGuests><ResGuest><Profiles><ProfileInfo>"
        f'<Profile ProfileType="1"><Customer><PersonName><Surname>{surname}</Surname></PersonName></Customer></Profile>'
        "</ProfileInfo></Profiles></ResGuest></ResGuests>"
        '<ResGlobalInfo><BasicPropertyInfo HotelCode="AG1"/></ResGlobalInfo>'
    )


@pytest.fixture
async def desk(empty_house: House) -> Desk:
    house = empty_house
    house.services = replace(house.services, connectors=Both())
    await house.apply(hotel(pms(), channel("ota"), agency(), selling=TERMS))
    await house.open_for_sale(figure=1)
    return Desk(house)


async def test_offers_are_in_the_agencys_codes_with_all_that_is_paid(desk: Desk) -> None:
    found = await desk.search(3, 5)
    stays = found.all("RoomStays/RoomStay")
    codes = {
        (stay.find(f".//{{{NS}}}RoomType").get("RoomTypeCode"), stay.find(f".//{{{NS}}}RatePlan").get("RatePlanCode"))
        for stay in stays
    }
    assert codes == {(room, plan) for room in ROOMS for plan in ("bar", "hb")}  # NR is not mapped
    double = next(s for s in stays if s.find(f".//{{{NS}}}RoomType").get("RoomTypeCode") == "double")
    total = double.find(f"{{{NS}}}Total")
    # two nights for two at 120.00, and city tax of 1.50 for each of them
    assert (total.get("AmountAfterTax"), total.get("CurrencyCode")) == ("246.00", "EUR")
    taxes = [(tax.get("Type"), tax.get("Amount")) for tax in total.iter(f"{{{NS}}}Tax")]
    assert ("Exclusive", "6.00") in taxes
    assert double.get("RoomStayCandidateRPH") == "7"
    assert double.find(f".//{{{NS}}}Deadline").get("AbsoluteDeadline")


async def test_nothing_to_offer_is_no_error(desk: Desk) -> None:
    await desk.book("A1")
    found = await desk.search(3, 5, room="double")
    assert found.error == ""
    assert found.all("RoomStays/RoomStay") == []


async def test_a_booking_at_the_price_that_was_told_takes_the_room(desk: Desk) -> None:
    booked = await desk.book("A1", total="246.00")
    assert booked.error == ""
    assert booked.tree.get("ResResponseType") == "Committed"
    (row,) = await desk.house.rows(ReservationRow)
    ours = booked.one("HotelReservations/HotelReservation/ResGlobalInfo/HotelReservationIDs/HotelReservationID")
    assert ours.get("ResID_Value") == row.reservation_id
    assert await desk.house.sold("DBL") == {3: 1, 4: 1}
    await desk.house.deliver()
    (told,) = desk.house.wire.deliveries()
    assert [(s.room, s.plan) for s in told.revision.content.stays] == [("pDBL", "BAR")]
    assert told.revision.content.stays[0].guests[0].surname == "Hopper"


async def test_the_same_again_is_the_same_booking(desk: Desk) -> None:
    answers = [await desk.book("A1") for _ in range(2)]
    answers += await asyncio.gather(*(desk.book("A1") for _ in range(4)))
    assert [answer.error for answer in answers] == [""] * 6
    assert len(await desk.house.rows(ReservationRow)) == 1
    assert await desk.house.sold("DBL") == {3: 1, 4: 1}


async def test_the_number_of_a_booking_is_no_other_ones(desk: Desk) -> None:
    await desk.book("A1")
    other = await desk.book("A1", 7, 9)
    assert other.error == "87"
    await desk.cancel("A1")
    assert (await desk.book("A1")).error == "87"
    assert await desk.house.sold("DBL") == {}
    await desk.book("A2")
    assert await desk.house.sold("DBL") == {3: 1, 4: 1}


@pytest.mark.parametrize("status", ["Commit", "Hold"])
@pytest.mark.parametrize("other", [{"first": 7, "last": 9}, {"room": "family"}, {"surname": "Lovelace"}])
async def test_two_bookings_at_once_under_one_number_are_one_and_a_conflict(
    desk: Desk, status: str, other: dict[str, Any]
) -> None:
    """However they meet, what the house has is what the one that was confirmed had asked for."""
    await desk.house.open_for_sale(figure=24)
    for place in range(5):
        number = f"A{place}"

        async def later(number: str = number, place: int = place) -> Asked:
            for _ in range(place):
                await asyncio.sleep(0)
            return await desk.book(number, status=status, **other)

        answers = await asyncio.gather(desk.book(number, status=status), later())
        assert sorted(answer.error for answer in answers) == ["", "87"]
        (row,) = (row for row in await desk.sales() if open_sale(row.body).reference == number)
        sale, said = open_sale(row.body), other if answers[0].error else {}
        asked = {"first": 3, "last": 5, "room": "double", "surname": "Hopper", **said}
        assert (sale.arrival, sale.departure) == (TODAY + asked["first"], TODAY + asked["last"])
        assert sale.offers[0].room == ROOMS[asked["room"]]
        assert [guest.surname for guest in sale.customer.guests] == [asked["surname"]]


async def test_a_number_of_ours_that_is_not_its_own_leads_nowhere(desk: Desk) -> None:
    """A seller that names somebody else's sale neither changes it nor is told of it."""
    message = MessageRow("h", 1, "agency", "in", "K", 0, "", "", 0, None, b"", b"")
    await desk.house.apply(hotel(pms(), channel("ota"), agency(), site(), selling=TERMS))
    theirs = await held(desk.house)
    found = await desk.house.services.directory.hotel_of("agency")
    assert found is not None
    stays = (RoomStay("double", "bar", TODAY + 3, TODAY + 5, adults=2),)
    asked = SaleAsked(
        "AG1", SaleStep.BOOK, Revision("A1", RevisionKind.NEW, Content(stays=stays)), reservation_id=theirs.sale_id
    )
    await desk.house.open_for_sale(figure=2)
    before = await desk.house.ledger()
    with pytest.raises(Rejected, match="number of another booking"):
        await take_step(desk.house.services, found, found.connections["agency"], asked, message)
    assert await desk.house.ledger() == before


async def test_the_last_room_is_booked_once(desk: Desk) -> None:
    answers = await asyncio.gather(*(desk.book(f"A{n}") for n in range(6)))
    assert sorted(answer.error for answer in answers) == ["", *["322"] * 5]
    assert await desk.house.sold("DBL") == {3: 1, 4: 1}


async def test_at_another_price_nothing_is_booked(desk: Desk) -> None:
    refused = await desk.book("A1", total="200.00")
    assert refused.error == "437"
    assert "246.00" in refused.one("Errors/Error").text
    assert await desk.house.rows(ReservationRow) == []


async def test_what_it_asks_for_has_to_be_mapped(desk: Desk) -> None:
    assert (await desk.book("A1", room="penthouse")).error == "402"
    assert (await desk.search(3, 5, room="penthouse")).error == "402"


async def test_a_hold_keeps_the_room_until_it_is_committed_or_given_back(desk: Desk) -> None:
    held = await desk.book("A1", status="Hold")
    assert held.tree.get("ResResponseType") == "OnHold"
    assert (await desk.book("A2")).error == "322"
    assert (await desk.book("A1", 7, 9)).error == "87"
    assert (await desk.book("A1", 7, 9, status="Hold")).error == "87"
    assert (await desk.book("A1")).tree.get("ResResponseType") == "Committed"
    assert (await desk.book("A3", 7, 9, status="Initiate")).error == ""
    assert (await desk.book("A3", 7, 9, status="Ignore")).tree.get("ResResponseType") == "Ignored"
    assert (await desk.book("A4", 7, 9)).error == ""


async def test_a_hold_that_has_ended_is_priced_and_taken_anew(desk: Desk) -> None:
    await desk.book("A1", status="Hold")
    desk.house.clock.pass_s(TERMS.hold_s + 1)
    await Releaser(desk.house.services).round()
    assert (await desk.book("A1")).tree.get("ResResponseType") == "Committed"


async def test_a_change_moves_the_nights_once(desk: Desk) -> None:
    await desk.book("A1")
    for _ in range(2):
        changed = await desk.modify("A1", 4, 7)
        assert changed.error == ""
        assert changed.tree.get("ResResponseType") == "Modified"
    assert await desk.house.sold("DBL") == {4: 1, 5: 1, 6: 1}
    (row,) = await desk.house.rows(ReservationRow)
    assert row.revisions == 2
    assert (await desk.modify("A1", 4, 7, surname="Lamarr")).error == ""
    (row,) = await desk.house.rows(ReservationRow)
    assert row.revisions == 3


async def test_cancelling_says_what_it_costs(desk: Desk) -> None:
    await desk.book("A1", 1, 3)  # within 48 hours: one night
    asked = await desk.cancel("A1", step="Initiate")
    rule = asked.one("CancelInfoRS/CancelRules/CancelRule")
    assert (asked.tree.get("Status"), rule.get("Amount"), rule.get("CurrencyCode")) == ("Pending", "120.00", "EUR")
    assert await desk.house.sold("DBL") == {1: 1, 2: 1}
    for _ in range(2):
        ended = await desk.cancel("A1")
        rule = ended.one("CancelInfoRS/CancelRules/CancelRule")
        assert (ended.tree.get("Status"), rule.get("Amount")) == ("Cancelled", "120.00")
    assert await desk.house.sold("DBL") == {}


async def test_it_can_be_named_by_our_number(desk: Desk) -> None:
    booked = await desk.book("A1")
    ours = booked.one("HotelReservations/HotelReservation/ResGlobalInfo/HotelReservationIDs/HotelReservationID")
    assert (await desk.cancel(ours.get("ResID_Value"), kind="10")).tree.get("Status") == "Cancelled"


async def test_nobody_elses_booking_is_there_for_it(desk: Desk) -> None:
    missing = await desk.cancel("A9")
    assert (missing.error, missing.tree.get("Status")) == ("87", "Unsuccessful")


async def test_its_allotment_is_kept(desk: Desk) -> None:
    await desk.house.apply(hotel(pms(), channel("ota"), agency(allotment=Allotment(keep_back=1)), selling=TERMS))
    assert (await desk.book("A1")).error == "322"


async def test_without_codes_of_its_own_it_speaks_ours(desk: Desk) -> None:
    await desk.house.apply(hotel(pms(), channel("ota"), agency(products=()), selling=TERMS))
    found = await desk.search(3, 5)
    assert {kind.get("RoomTypeCode") for kind in found.tree.iter(f"{{{NS}}}RoomType")} == {"DBL", "FAM"}


async def test_every_step_is_in_the_log_as_it_came(desk: Desk) -> None:
    await desk.book("A1")
    await desk.cancel("A1")
    rows = [row for row in await desk.house.rows(MessageRow) if row.connection == "agency"]
    assert [(row.kind, row.outcome, row.author) for row in rows] == [
        ("OTA_HotelResRQ", "applied", "connection:agency"),
        ("OTA_CancelRQ", "applied", "connection:agency"),
    ]
    assert b"Hopper" in rows[0].raw


async def test_a_dialect_that_tells_of_sales_is_no_sellers(desk: Desk) -> None:
    bad = msgspec.structs.replace(agency(), profile="ota")
    with pytest.raises(Rejected, match="seller"):
        await desk.house.apply(hotel(pms(), bad, selling=TERMS))


@pytest.mark.parametrize("status", ["Commit", "Hold"])
async def test_what_was_given_up_while_it_was_being_booked_is_not_booked(desk: Desk, status: str) -> None:
    """An agency that got no answer in time gives up; whatever it is told, it is so."""
    for place in range(12):
        number = f"A{place}"

        async def given_up(number: str = number, place: int = place) -> Asked:
            while not [row for row in await desk.house.rows(SaleRow) if number in str(row.body)]:
                await asyncio.sleep(0)
            for _ in range(place):
                await asyncio.sleep(0)
            return await desk.cancel(number)

        await asyncio.gather(desk.book(number, status=status), ended := asyncio.create_task(given_up()))
        assert ended.result().tree.get("Status") == "Cancelled"
        assert await desk.house.sold("DBL") == {}
        assert [night[3] for night in await desk.house.stock("DBL", 3, 4)] == [0, 0]
