"""Cards of bookings that are fetched: by us from a channel that waits to be asked, and by a PMS from us."""

from __future__ import annotations

import re

import msgspec

from gateway.contract import Reply, Request
from gateway.flows.fetch import Fetcher
from gateway.flows.vault.show import show_card
from gateway.store.database import Database
from gateway.store.tables import MessageRow
from tests.flows.house import channel, hotel, pms
from tests.flows.vault.house import CVV, VISA, CardHouse, booking, opentravel
from tests.flows.vault.scan import dump, numbers_in

ASK = b"""<OTA_ReadRQ xmlns="http://www.opentravel.org/OTA/2003/05" Version="1.0">
<ReadRequests>%s</ReadRequests></OTA_ReadRQ>"""


class Waiting(CardHouse):
    """Whose channel has one booking, and gives it until it is confirmed."""

    confirmed = False

    async def call(self, request: Request, *, timeout_s: float) -> Reply:
        if b"<OTA_NotifReportRQ" in request.body:
            self.confirmed = True
        if b"<OTA_ReadRQ" not in request.body:
            return await super().call(request, timeout_s=timeout_s)
        self.out.append(request.body)
        found = re.search(rb"<HotelReservation .*</HotelReservation>", booking(), re.DOTALL)
        assert found is not None
        listed = b"" if self.confirmed else b"<ReservationsList>%s</ReservationsList>" % found[0]
        body = b'<OTA_ResRetrieveRS xmlns="http://www.opentravel.org/OTA/2003/05"><Success/>%s</OTA_ResRetrieveRS>'
        return Reply(200, {}, body % listed)


async def test_a_fetched_booking_brings_its_card_to_the_vault_only(database: Database) -> None:
    house = Waiting(database)
    house.start()
    source = msgspec.structs.replace(channel("ota", cards=True), connector="opentravel", profile="ota-pull")
    await house.apply(hotel(opentravel(pms(cards=True)), source))
    fetcher = Fetcher(house.services)
    await fetcher.round()
    await fetcher.errands.idle()
    assert house.confirmed
    (card,) = await house.cards()
    shown = await show_card(house.services, "h", card.reservation_id, card.card_id, "person:ada", "no-show")
    assert shown.number == VISA
    left = await dump(database)
    assert {name for name, data in left.items() if numbers_in(data, frozenset((VISA,)))} == set()
    assert f'SeriesCode="{CVV}"'.encode() not in left["message"]
    await house.stop()


async def test_a_pms_that_fetches_is_given_the_number_and_the_log_is_not(empty_house: CardHouse) -> None:
    house = empty_house
    asked = ASK % b'<HotelReadRequest HotelCode="P"/>'
    for full in (True, False):
        await house.apply(hotel(opentravel(pms(url="", cards=full)), opentravel(channel("ota", cards=True))))
        if full:
            await house.book(booking())
        reply = await house.send(asked, connection="pms")
        assert b"<HotelReservation " in reply.body, reply.body
        assert (VISA.encode() in reply.body) is full
        assert CVV.encode() not in reply.body
    assert await house.uses() == ["sent"]
    logged = b"".join(row.raw + row.answer for row in await house.rows(MessageRow))
    assert numbers_in(logged, frozenset((VISA,))) == set()
