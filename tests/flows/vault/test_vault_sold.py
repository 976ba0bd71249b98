"""Cards that a seller sends with its bookings: in the vault for what comes due, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

from gateway.flows.vault.purge import purge_due
from gateway.flows.vault.vaults import kept_in, place_of
from gateway.store.tables import MessageRow, SaleRow
from gateway.store.tables_cards import CardRow
from tests.flows.house import House, channel, hotel, pms
from tests.flows.selling.test_sell import TERMS
from tests.flows.selling.test_sell_asked import Asked, Both, Desk, agency, stay_of
from tests.flows.vault.house import MASTERCARD, VISA
from tests.flows.vault.scan import dump, numbers_in

ALL = frozenset({VISA, MASTERCARD})


async def opened(house: House, *, cards: bool = True) -> Desk:
    house.services = replace(house.services, connectors=Both())
    await house.apply(hotel(pms(), channel("ota"), agency(cards=cards), selling=TERMS))
    await house.open_for_sale(figure=1)
    return Desk(house)


async def book(desk: Desk, number: str = VISA, status: str = "Commit", name: str = "A1") -> Asked:
    card = f'<PaymentCard CardCode="VI" ExpireDate="0931"><CardNumber><PlainText>{number}</PlainText></CardNumber>'
    accepted = f"<GuaranteeAccepted>{card}</PaymentCard></GuaranteeAccepted>"
    guarantee = f"<Guarantee><GuaranteesAccepted>{accepted}</GuaranteesAccepted></Guarantee>"
    said = stay_of(name, 3, 5).replace("<ResGlobalInfo>", f"<ResGlobalInfo>{guarantee}")
    content = f"<HotelReservations><HotelReservation>{said}</HotelReservation></HotelReservations>"
    return await desk.post("OTA_HotelResRQ", content, ResStatus=status)


async def test_a_card_is_kept_for_the_sale_once_and_in_the_clear_nowhere(empty_house: House) -> None:
    desk = await opened(empty_house)
    for number, status in ((VISA, "Hold"), (VISA, "Commit"), (VISA, "Commit"), (MASTERCARD, "Commit")):
        assert (await book(desk, number, status)).error == ""
    (sale,) = await empty_house.rows(SaleRow)
    rows = await empty_house.rows(CardRow)
    assert sorted((row.reservation_id, row.booking_id, row.last4) for row in rows) == [
        (sale.sale_id, "A1", "1111"),
        (sale.sale_id, "A1", "4444"),
    ]
    clear = await empty_house.services.cards.of(rows[0]).reveal(place_of(rows[0]), kept_in(rows[0]))
    assert clear.number in ALL
    for name, content in (await dump(empty_house.services.database)).items():
        assert not numbers_in(content, ALL), name
    assert any(b"XXXXXX1111" in row.raw for row in await empty_house.rows(MessageRow))


async def test_without_leave_nothing_is_kept(empty_house: House) -> None:
    desk = await opened(empty_house, cards=False)
    assert (await book(desk)).error == ""
    assert await empty_house.rows(CardRow) == []


async def test_the_card_of_a_hold_that_came_to_nothing_is_purged(empty_house: House) -> None:
    desk = await opened(empty_house)
    await book(desk, status="Hold")
    empty_house.clock.pass_s(25 * 3_600)
    await purge_due(empty_house.services)
    assert await empty_house.rows(CardRow) == []


async def test_what_is_refused_leaves_no_card(empty_house: House) -> None:
    desk = await opened(empty_house)
    await book(desk)
    assert (await book(desk, MASTERCARD, name="A2")).error != ""
    assert [row.last4 for row in await empty_house.rows(CardRow)] == ["1111"]
