"""Card data and passwords leave documents and texts, and nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.wire.redact import PIECE_BYTES, mask_number, mask_text, redact

VISA, AMEX, MASTER, UNION = "4111111111111111", "378282246310005", "2223003122003222", "6212345678901232"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (b'<PaymentCard CardNumber="4111111111111111"/>', b'<PaymentCard CardNumber="411111XXXXXX1111"/>'),
        (b"<PaymentCard CardNumber = '4111111111111111'/>", b'<PaymentCard CardNumber = "411111XXXXXX1111"/>'),
        (b'<PaymentCard CardNumber="12345"/>', b'<PaymentCard CardNumber="***"/>'),
        (b'<PaymentCard SeriesCode="737"/>', b'<PaymentCard SeriesCode="***"/>'),
        (
            b'<PaymentCard cardNumber="4111111111111111" seriesCode="737"/>',
            b'<PaymentCard cardNumber="411111XXXXXX1111" seriesCode="***"/>',
        ),
        (b'<Authentication username="a" password="s3cret"/>', b'<Authentication username="a" password="***"/>'),
        (
            b"<CardNumber><PlainText>4111111111111111</PlainText>",
            b"<CardNumber><PlainText>411111XXXXXX1111</PlainText>",
        ),
        (b"<o:CardNumber a='1'> 4111111111111111\n", b"<o:CardNumber a='1'>411111XXXXXX1111"),
        (b"<CardNumber><![CDATA[4111111111111111]]></CardNumber>", b"<CardNumber>411111XXXXXX1111</CardNumber>"),
        (b"<Card/><SeriesCode><PlainText>737</PlainText></SeriesCode>", None),
        (b"<Card/><SeriesCode>737</SeriesCode>", b"<Card/><SeriesCode>***</SeriesCode>"),
        (
            b'<Card/><MagneticStripe Track1="QjQx" Track2="NDEx"/>',
            b'<Card/><MagneticStripe Track1="***" Track2="***"/>',
        ),
        (b'<RequestorID ID="a" MessagePassword="s3cret"/>', b'<RequestorID ID="a" MessagePassword="***"/>'),
        (b'<wsse:Password Type="x#PasswordText">s3cret</wsse:Password>', None),
        (b"<Password/>", b"<Password/>"),
        (b'<Password Password="s3cret">s3cret</Password>', b'<Password Password="***">***</Password>'),
        (b"<Text>4111 1111 1111 1111, 12/33</Text>", b"<Text>411111XXXXXX1111, 12/33</Text>"),
        (b"<Text>&#52;111111111111&#x31;11</Text>", None),
    ],
)
def test_documents(document: bytes, expected: bytes | None) -> None:
    found = redact(document)
    if expected is not None:
        assert found == expected
    for secret in (b"737", b"s3cret", b"4111111111111111", b"4111 1111", b"QjQx"):
        assert secret not in found


@pytest.mark.parametrize(
    "document",
    [
        b'<PaymentCard CardCode="VI" ExpireDate="1233" MaskedCardNumber="411111XXXXXX1111"/>',
        b'<CardNumber Mask="411111XXXXXX1111" Token="tok-1"/>',
        b'<Total AmountAfterTax="1234567890.00"/><UniqueID ID="1234567890123"/>',
        b'<a Start="2031-02-01" End="2031-02-03" T="2031-01-05T08:00:00Z"/>',
        "<Text>Grüße &amp; 4 Nächte</Text>".encode(),
    ],
)
def test_what_is_no_secret_stays(document: bytes) -> None:
    assert redact(document) == document


@pytest.mark.parametrize("number", [VISA, "-".join("4222222222222")])
def test_a_number_anywhere_in_a_long_document_is_found(number: str) -> None:
    for place in range(PIECE_BYTES - 2 * len(number), PIECE_BYTES + 2):
        found = redact(b"x" * place + number.encode() + b"x" * 2 * PIECE_BYTES)
        assert found.strip(b"x") == mask_number(number).encode(), place


@pytest.mark.parametrize("number", [VISA, AMEX, MASTER, UNION])
def test_free_text(number: str) -> None:
    masked = f"{number[:6]}{'X' * (len(number) - 10)}{number[-4:]}"
    assert mask_text(f"card:{number}.") == f"card:{masked}."
    assert mask_text("-".join((number[:4], number[4:8], number[8:]))) == masked
    assert mask_text(f"{number} {number}") == f"{masked} {masked}"
    assert mask_text(f"{number} 05 2031") == f"{masked} 05 2031"


@pytest.mark.parametrize("text", ["4111111111111112", "9111111111111111", "1234567890123", "+44 7700 900123 456 78"])
def test_what_is_no_card_number_stays(text: str) -> None:
    assert mask_text(text) == text


@given(st.text("0123456789 -x", max_size=80))
def test_masking_is_stable_and_leaves_no_visa_test_number(text: str) -> None:
    masked = mask_text(f"{text}|{VISA}|{text}")
    assert mask_text(masked) == masked
    assert VISA not in masked


def test_masking_takes_linear_time_in_hostile_digits() -> None:
    text = "4 1 " * 50_000
    assert len(mask_text(text)) <= len(text)


def test_a_redacted_document_is_still_well_formed() -> None:
    document = b"""<a><PaymentCard CardNumber='4111111111111111' SeriesCode='1"2'/><Password>&lt;&amp;</Password></a>"""
    assert etree.fromstring(redact(document)).findtext("Password") == "***"


def test_mask_number() -> None:
    assert mask_number("4111-1111 1111 1111") == "411111XXXXXX1111"
    assert mask_number("411111******1111") == "411111XXXXXX1111"
    assert mask_number("41111") == "***"
    assert mask_number("4" * 40) == "***"
