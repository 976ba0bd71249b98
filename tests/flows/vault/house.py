"""A hotel whose channel sends cards in OpenTravel, and whose PMS is sent them: real codecs over the usual house."""

from __future__ import annotations

import dataclasses
import re
from base64 import b64encode
from collections.abc import Sequence

import msgspec

from gateway.contract import Head, Reply, Request
from gateway.flows.delivering.deliver import Deliverer
from gateway.flows.receive import receive
from gateway.flows.vault.vaults import CardVaults
from gateway.model.property import Connection, Property
from gateway.registry import Registry, discover
from gateway.store.database import Database
from gateway.store.tables_cards import CardRow, CardUseRow
from tests.flows.house import House, channel, hotel, pms

# Numbers that the card schemes publish for tests; all pass the Luhn check.
VISA, MASTERCARD, AMEX = "4111111111111111", "5555555555554444", "378282246310005"
CVV = "9173"
CONNECTORS: Registry = discover()


def booking(
    number: str = VISA,
    *,
    booking_id: str = "B1",
    status: str = "Commit",
    modified: str = "2026-11-21T08:00:00Z",
    nights: tuple[str, str] = ("2026-11-23", "2026-11-25"),
    more: str = "",
) -> bytes:
    """An OTA_HotelResNotifRQ with a card (2011B), or without one where ``number`` is empty."""
    card = (
        f'<PaymentCard CardCode="VI" CardNumber="{number}" SeriesCode="{CVV}" ExpireDate="0931" EffectiveDate="1126">'
        "<CardHolderName>ADA OKONKWO</CardHolderName></PaymentCard>"
    )
    guarantee = f"<Guarantee><GuaranteesAccepted><GuaranteeAccepted>{card}</GuaranteeAccepted></GuaranteesAccepted>"
    return f"""<OTA_HotelResNotifRQ xmlns="http://www.opentravel.org/OTA/2003/05" Version="1.0" EchoToken="t">
<HotelReservations><HotelReservation CreateDateTime="2026-11-21T07:00:00Z" LastModifyDateTime="{modified}"
 ResStatus="{status}"><UniqueID Type="14" ID="{booking_id}"/><RoomStays><RoomStay>
<RoomTypes><RoomType RoomTypeCode="r1" NumberOfUnits="1"/></RoomTypes>
<RatePlans><RatePlan RatePlanCode="bar"/></RatePlans>
<GuestCounts><GuestCount AgeQualifyingCode="10" Count="2"/></GuestCounts>
<TimeSpan Start="{nights[0]}" End="{nights[1]}"/>
<Total AmountAfterTax="200.00" CurrencyCode="EUR"/><BasicPropertyInfo HotelCode="OTA"/></RoomStay></RoomStays>
<ResGlobalInfo>{more}{guarantee + "</Guarantee>" if number else ""}</ResGlobalInfo>
</HotelReservation></HotelReservations></OTA_HotelResNotifRQ>""".encode()


def with_cards(scope_id: str = "h", card_days: int = 7) -> Property:
    """The channel's and the PMS's connection have numbers pass in full."""
    connections = (opentravel(known) for known in (pms(cards=True), channel("ota", cards=True)))
    return hotel(*connections, scope_id=scope_id, card_days=card_days)


def opentravel(known: Connection) -> Connection:
    return msgspec.structs.replace(known, connector="opentravel", profile="ota-2011b")


class CardHouse(House):
    """``out`` is what left for the PMS, with what the network does not tell anybody."""

    def __init__(self, database: Database, vaults: CardVaults | None = None) -> None:
        super().__init__(database)
        self.out: list[bytes] = []
        self.services = dataclasses.replace(self.services, connectors=CONNECTORS, caller=self, card_vaults=vaults)
        self.deliverer = Deliverer(self.services)

    async def call(self, request: Request, *, timeout_s: float) -> Reply:
        self.out.append(request.body)
        root = re.search(rb"<OTA_(\w+)RQ", request.body)
        assert root is not None
        return Reply(
            200,
            {},
            b'<OTA_%sRS xmlns="http://www.opentravel.org/OTA/2003/05"><Success/></OTA_%sRS>'
            % (
                root[1],
                root[1],
            ),
        )

    async def send(self, body: bytes, connection: str = "ota", password: str = "in") -> Reply:
        """What the channel posts."""
        login = b64encode(f"them:{password}".encode()).decode()
        headers = {"authorization": f"Basic {login}", "content-type": "text/xml"}
        return await receive(self.services, "opentravel", connection, Head("POST", f"/{connection}", headers), [body])

    async def book(self, body: bytes) -> None:
        reply = await self.send(body)
        assert b"<Success" in reply.body, reply.body

    async def cards(self) -> Sequence[CardRow]:
        return await self.rows(CardRow)

    async def uses(self) -> list[str]:
        """What was done with numbers, in order."""
        return [row.what for row in await self.rows(CardUseRow)]
