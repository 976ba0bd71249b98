"""Cards as the dialects write them: read where they are asked for, written where they are to go."""

from __future__ import annotations

import pytest
from lxml import etree

from connectors.opentravel._shared.decode_cards import read_cards
from connectors.opentravel._shared.encode_reservation import encode_delivery
from connectors.opentravel._shared.encode_stay import Writer
from connectors.opentravel._shared.inspect_shapes import schema
from connectors.opentravel._shared.profile import load_profile
from connectors.opentravel.alpinebits.encode_requests import write_request
from connectors.opentravel.expedia.decode_bookings import clear_cards
from gateway.contract import Site
from gateway.messages import DeliverReservation, Outgoing
from gateway.model.card import CardFace, ClearCard, clear_card
from gateway.model.dates import parse_day
from gateway.model.reservation import Content, Guest, Revision, RevisionKind, RoomStay
from gateway.wire import shape
from gateway.wire.xml import read_tree

VISA, MASTERCARD = "4111111111111111", "5555555555554444"
NAMESPACE = "http://www.opentravel.org/OTA/2003/05"


def read(cards: str) -> list[tuple[str, str, str, str]]:
    root = etree.fromstring(f'<HotelReservation xmlns="{NAMESPACE}">{cards}</HotelReservation>')
    return [(card.number, card.expires, card.holder, card.starts) for card in read_cards(root)]


@pytest.mark.parametrize(
    ("written", "found"),
    [
        (f'<PaymentCard CardNumber="{VISA}" ExpireDate="0931"/>', [(VISA, "0931", "", "")]),
        ('<PaymentCard CardNumber="4111 1111-11111111"/>', [(VISA, "", "", "")]),
        (
            f'<PaymentCard ExpireDate="0931" EffectiveDate="1226"><CardHolderName>A B</CardHolderName>'
            f"<CardNumber><PlainText>{VISA}</PlainText></CardNumber><SeriesCode><PlainText>123</PlainText></SeriesCode>"
            f"</PaymentCard>",
            [(VISA, "0931", "A B", "1226")],
        ),
        (f'<PaymentCard CardNumber="{VISA}" ExpireDate="9931"/>', [(VISA, "", "", "")]),
        (f'<a><PaymentCard CardNumber="{VISA}"/></a><b><PaymentCard CardNumber="{VISA}"/></b>', [(VISA, "", "", "")]),
        (
            f'<PaymentCard CardNumber="{VISA}"/><PaymentCard CardNumber="{MASTERCARD}"/>',
            [(VISA, "", "", ""), (MASTERCARD, "", "", "")],
        ),
        ('<PaymentCard CardNumber="411111XXXXXX1111"/>', []),
        ('<PaymentCard MaskedCardNumber="411111XXXXXX1111"/>', []),
        ('<PaymentCard><CardNumber EncryptedValue="4111111111111111"/></PaymentCard>', []),
        ('<PaymentCard CardNumber="0000000000000000"/><PaymentCard CardNumber="4111111111111112"/>', []),
        ("", []),
    ],
)
def test_a_number_is_read_in_both_shapes(written: str, found: list[tuple[str, str, str, str]]) -> None:
    assert read(written) == found


def test_no_more_than_four_are_read() -> None:
    numbers = (f"41111111111{n:05}" for n in range(2_000))
    good = [number for number in numbers if clear_card(number)][:9]
    assert len(read("".join(f'<PaymentCard CardNumber="{number}"/>' for number in good))) == 4


def test_expedia_names_the_same_things_otherwise() -> None:
    about = f'cardCode="VI" cardNumber="{VISA}" expireDate="1233" seriesCode="1"'
    (card,) = clear_cards(etree.fromstring(f'<PaymentCard {about}><CardHolder name="A"/></PaymentCard>'))
    assert (card.number, card.expires, card.holder) == (VISA, "1233", "A")
    assert clear_cards(etree.fromstring('<PaymentCard cardCode="VI" cardNumber=""/>')) == ()
    assert clear_cards(None) == ()


@pytest.mark.parametrize(
    ("release", "written"),
    [
        (
            "2011B",
            f'<PaymentCard CardNumber="{VISA}" CardCode="VI" EffectiveDate="1226" ExpireDate="0931">'
            "<CardHolderName>A &amp; B</CardHolderName></PaymentCard>",
        ),
        (
            "2015A",
            '<PaymentCard CardCode="VI" EffectiveDate="1226" ExpireDate="0931">'
            "<CardHolderName>A &amp; B</CardHolderName>"
            f"<CardNumber><PlainText>{VISA}</PlainText></CardNumber></PaymentCard>",
        ),
    ],
)
def test_a_number_is_written_in_the_shape_of_the_release(release: str, written: str) -> None:
    content = Content(card_mask="411111XXXXXX1111")
    full = Writer(content, "H", release, "EUR", [ClearCard(VISA, "0931", "A & B", "1226")]).global_info("")
    assert written in full
    assert "XXXX" not in full
    masked = Writer(content, "H", release, "EUR").global_info("")
    assert "411111XXXXXX1111" in masked
    assert VISA not in masked


@pytest.mark.parametrize(
    ("profile", "table"),
    [("ota-2011b", "opentravel-2011b"), ("ota-2015a", "opentravel-2015a")],
)
def test_a_delivery_with_numbers_has_the_shape_of_its_release(profile: str, table: str) -> None:
    day = parse_day("2031-01-05")
    stay = RoomStay("DBL", "BAR", day, day + 2, adults=2, total=24_100, guests=(Guest("Okonkwo", "Adaeze"),))
    content = Content(currency="EUR", total=24_100, stays=(stay,), card_mask="411111XXXXXX1111")
    command = DeliverReservation(
        id="d",
        at_ms=1,
        reservation_id="R1",
        revision=Revision("R1", RevisionKind.NEW, content, version=1, created_ms=1),
        source="ota",
        modified_ms=1,
        cards=(ClearCard(VISA, "0931", "A & B", "1226"), ClearCard(MASTERCARD)),
    )
    body = encode_delivery(command, "H", load_profile(profile), "EUR")
    root = read_tree(body)
    shape.check(root, schema(table))
    assert [card.number for card in read_cards(root)] == [VISA, MASTERCARD]


@pytest.mark.parametrize("version", ["2018-10", "2020-10", "2022-10", "2024-10"])
def test_a_guest_request_with_a_number_has_the_shape_of_its_version(version: str) -> None:
    day = parse_day("2031-01-05")
    stays = tuple(RoomStay(room, "BAR", day, day + 2, units=2, adults=2, total=24_100) for room in ("DBL", "FAM"))
    content = Content(currency="EUR", total=48_200, stays=stays, booker=Guest("Okonkwo", "Adaeze"))
    revision = Revision("R1", RevisionKind.NEW, content, version=1, created_ms=1)
    cards = (ClearCard(MASTERCARD, "0931"), ClearCard(VISA, "0931", "A & B", "1226"))
    site = Site("pms", f"alpinebits-{version}", "H", "EUR")
    written = write_request(Outgoing("R1", revision, "ota", 1, cards), site, version)
    listed = f"<Success/><ReservationsList>{written}</ReservationsList>"
    message = f'<OTA_ResRetrieveRS xmlns="{NAMESPACE}" Version="7.000">{listed}</OTA_ResRetrieveRS>'
    root = read_tree(message.encode())
    shape.check(root, schema(f"alpinebits-{version}"))
    assert [card.number for card in read_cards(root)] == [VISA]
    assert written.count(VISA) == 1


@pytest.mark.parametrize(
    ("number", "brand"),
    [
        (VISA, "VI"),
        (MASTERCARD, "MC"),
        ("2221000000000009", "MC"),
        ("2720990000000007", "MC"),
        ("378282246310005", "AX"),
        ("30569309025904", "DN"),
        ("6011111111111117", "DS"),
        ("3530111333300000", "JC"),
        ("6200000000000005", "CU"),
        ("9000000000000001", ""),
    ],
)
def test_the_brand_follows_from_the_number(number: str, brand: str) -> None:
    assert ClearCard(number).face == CardFace(brand, number[:6], number[-4:])
