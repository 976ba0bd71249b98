"""Whose signature is believed, of notices, replies and certificates: published messages, and a library as a judge."""

from __future__ import annotations

import importlib
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import CertificateBuilder, Name, NameAttribute, NameOID, load_pem_x509_certificate

from connectors.payments.alipay import CONNECTOR
from connectors.payments.alipay.certificates import number_of, root_number_of
from connectors.payments.alipay.signing import node_in, verify_node
from gateway.contract import Head, Key, Site
from gateway.errors import Malformed, Reason, Rejected, Unauthentic
from gateway.messages import Applied
from gateway.messages_payment import PaymentNotified, Purchase, QueryOperation
from gateway.model.payment import OperationKind
from gateway.model.payment_means import HostedPage, InApp
from gateway.testing.subject import NOW_MS
from tests.connectors.payments import china
from tests.connectors.payments.alipay import vectors

SITE = china.site("alipay")
FORM = {
    "notify_type": "trade_status_sync",
    "trade_status": "TRADE_SUCCESS",
    "trade_no": "2031010422001468450512505578",
    "out_trade_no": china.OP,
    "total_amount": "241.00",
    "subject": "a+b c&d=e 湖畔",
    "app_id": china.APP_ID,
    "seller_id": "HOTEL1",
    "sign_type": "RSA2",
    "notify_id": "N1",
}
BODY = china.alipay_notice(FORM)


def verify(body: bytes, account: Site = SITE) -> str:
    document = CONNECTOR.open(Head("POST", "/payments/alipay/t", {}), [body])
    CONNECTOR.verify(document, account, NOW_MS)
    return getattr(document, "verified_with", "")


def with_keys(*keys: Key, **changes: Any) -> Site:
    return msgspec.structs.replace(SITE, keys=keys, **changes)


def test_every_changed_byte_is_refused() -> None:
    assert verify(BODY) == "a1"
    for at in range(len(BODY)):
        spoiled = BODY[:at] + bytes([BODY[at] ^ 1]) + BODY[at + 1 :]
        with pytest.raises((Unauthentic, Malformed)):
            verify(spoiled)


def test_published_notices() -> None:
    for fields, key, changes in (
        (vectors.TRADE, vectors.TRADE_KEY, {"hotel": "2088531891668739", "options": {"app_id": "2019073166072302"}}),
        (vectors.MARKET, vectors.MARKET_KEY, {"options": {"app_id": "2017122801303261"}}),
    ):
        account = with_keys(Key("theirs", key, "published"), **changes)
        body = urlencode(fields).encode()
        assert verify(body, account) == "published"
        (event,) = CONNECTOR.parse(CONNECTOR.open(Head("POST", "/", {}), [body]), account)
        assert isinstance(event, PaymentNotified)
        assert event.dedupe == fields["notify_id"]
        for name in fields:
            with pytest.raises((Unauthentic, Malformed)):
                verify(urlencode(fields | {name: f"{fields[name]}1"}).encode(), account)


def test_another_application_or_seller_is_refused() -> None:
    for name, value in (("app_id", "2021000000000002"), ("seller_id", "HOTEL2"), ("payee_user_id", "HOTEL2")):
        with pytest.raises(Unauthentic) as caught:
            verify(china.alipay_notice(FORM | {name: value}))
        assert caught.value.reason is Reason.AUTHORIZATION
    assert verify(china.alipay_notice(FORM | {"app_id": "2021000000000002", "auth_app_id": china.APP_ID}))


@pytest.mark.parametrize("change", [{"sign_type": "RSA"}, {"sign_type": ""}])
def test_only_rsa2_is_taken(change: dict[str, str]) -> None:
    with pytest.raises(Unauthentic):
        verify(china.alipay_notice(FORM | change))


def test_empty_values_are_not_signed() -> None:
    assert verify(BODY + b"&body=") == "a1"


def test_a_field_that_comes_twice_is_refused() -> None:
    with pytest.raises(Malformed):
        verify(BODY + b"&trade_status=TRADE_SUCCESS")


def test_keys_follow_each_other() -> None:
    new = Key("theirs", china.public_pem("other"), "new")
    assert verify(BODY, with_keys(new, *SITE.keys)) == "a1"
    for keys in ((new,), (), (Key("theirs", china.public_pem("theirs"), "old", until_ms=NOW_MS),)):
        with pytest.raises(Unauthentic):
            verify(BODY, with_keys(*keys))


def test_answers() -> None:
    document = CONNECTOR.open(Head("POST", "/", {}), [BODY])
    assert CONNECTOR.answer(document, SITE, [Applied()], NOW_MS).body == b"success"
    later = CONNECTOR.answer(document, SITE, [Rejected("no", Reason.UNAVAILABLE)], NOW_MS)
    assert (later.status, later.body) == (500, b"fail")
    assert CONNECTOR.refuse(None, Unauthentic("no"), NOW_MS).status == 400


# --- replies ----------------------------------------------------------------------------------------------------------


def test_a_published_reply() -> None:
    node = node_in(vectors.REPLY, "alipay_open_file_upload_response")
    sign = msgspec.json.decode(vectors.REPLY)["sign"]
    account = with_keys(Key("theirs", vectors.REPLY_KEY))
    verify_node(node, sign, "", account, NOW_MS)
    for at in range(len(node)):
        with pytest.raises(Unauthentic):
            verify_node(f"{node[:at]}{chr(ord(node[at]) ^ 1)}{node[at + 1 :]}", sign, "", account, NOW_MS)


@pytest.mark.parametrize(
    ("body", "node"),
    [
        ('{"sign":"x", "a_response" \n:\t{"b":"c\\/d"} }', '{"b":"c\\/d"}'),
        ('{"z":"\\"a_response\\":{\\"code\\":\\"1\\"}","a_response":{"code":"2"}}', '{"code":"2"}'),
        ('{"z":{"a_response":{"code":"1"}},"a_response":{"code":"2"}}', '{"code":"2"}'),
        ('{"z":"a_response","a_response":"c2VhbGVk"}', '"c2VhbGVk"'),
    ],
)
def test_only_the_member_at_the_top_counts(body: str, node: str) -> None:
    assert node_in(body, "a_response") == node


@pytest.mark.parametrize(
    "body", ["{}", '{"a_response"', '{"a_response":', '["a_response",{}]', '{"z":{"a_response":{}}}']
)
def test_a_reply_without_its_node(body: str) -> None:
    with pytest.raises(Malformed):
        node_in(body, "a_response")


# --- certificate mode -------------------------------------------------------------------------------------------------


def test_published_number_of_a_certificate() -> None:
    assert number_of(vectors.CERTIFICATE) == vectors.CERTIFICATE_NUMBER


def test_roots_that_are_not_rsa_or_not_readable_are_left_out() -> None:
    name = Name([NameAttribute(NameOID.COMMON_NAME, "SM2 root")])
    key = generate_private_key(SECP256R1())
    dates = load_pem_x509_certificate(china.ROOT.encode())
    built = CertificateBuilder(name, name, key.public_key(), 5, dates.not_valid_before_utc, dates.not_valid_after_utc)
    other = built.sign(key, SHA256()).public_bytes(Encoding.PEM).decode()
    broken = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    bundle = china.MIDDLE + other + broken + china.ROOT
    assert root_number_of(bundle) == f"{number_of(china.MIDDLE)}_{number_of(china.ROOT)}"


def test_a_certificate_has_to_lead_to_a_configured_root() -> None:
    leaf = china.certificate("Alipay", "theirs", "Test middle", "middle")
    stranger = china.certificate("Alipay", "theirs", "Test middle", "other")
    old = china.certificate("Alipay", "theirs", "Test middle", "middle", years=(2020, 2022))
    root = Key("root", china.ROOT)
    body = china.alipay_notice(FORM | {"alipay_cert_sn": number_of(leaf)})
    assert verify(body, with_keys(Key("theirs", leaf + china.MIDDLE, "c"), root)) == "c"
    assert verify(BODY, with_keys(Key("theirs", leaf + china.MIDDLE, "c"), root)) == "c"
    for keys in (
        (Key("theirs", leaf, "c"), root),
        (Key("theirs", stranger + china.MIDDLE, "c"), root),
        (Key("theirs", old + china.MIDDLE, "c"), root),
        (Key("theirs", leaf + china.MIDDLE, "c"),),
        (Key("theirs", china.public_pem("theirs"), "c"), root),
    ):
        with pytest.raises(Unauthentic):
            verify(body, with_keys(*keys))


def test_requests_name_our_certificates() -> None:
    account = with_keys(*SITE.keys, Key("certificate", china.MIDDLE), Key("root", china.ROOT))
    sale = china.of(OperationKind.PURCHASE)
    url = CONNECTOR.encode(QueryOperation(**china.BASE, of=sale), account).url
    fields = dict(parse_qsl(url.partition("?")[2]))
    assert fields["app_cert_sn"] == number_of(china.MIDDLE)
    assert fields["alipay_root_cert_sn"] == number_of(china.ROOT)


# --- a library of others as judge -------------------------------------------------------------------------------------


def _library() -> Any:
    pytest.importorskip("Cryptodome", reason="python-alipay-sdk is not installed")
    pytest.importorskip("alipay", reason="python-alipay-sdk is not installed")
    return importlib.import_module("alipay").AliPay(
        appid=china.APP_ID,
        app_notify_url=china.NOTIFY,
        app_private_key_string=china.private_pem("theirs"),
        alipay_public_key_string=china.public_pem("ours"),
    )


def test_a_library_accepts_what_we_sign() -> None:
    library = _library()
    request = CONNECTOR.encode(QueryOperation(**china.BASE, of=china.of(OperationKind.PURCHASE)), SITE)
    fields = dict(parse_qsl(request.url.partition("?")[2])) | dict(parse_qsl(request.body.decode()))
    sign = fields.pop("sign")
    # It takes sign_type off what it verifies, since it only ever verifies notices.
    text = "&".join(f"{name}={value}" for name, value in library._ordered_data(fields))
    assert library._verify(text, sign)
    assert not library._verify(text.replace("HOTEL1", "HOTEL2").replace("query", "close"), sign)


def test_a_library_accepts_what_the_guest_carries() -> None:
    library = _library()
    for means in (HostedPage(), InApp()):
        command = Purchase(**china.BASE, **china.MONEY, means=means, notify_url=china.NOTIFY, return_url=china.BACK)
        action = china.carried(CONNECTOR, command, SITE)
        fields = dict(parse_qsl(action.content or action.url.partition("?")[2]))
        sign = fields.pop("sign")
        text = "&".join(f"{name}={value}" for name, value in library._ordered_data(fields))
        assert library._verify(text, sign)
        with pytest.raises(InvalidSignature):
            china.verified_by("theirs", text.encode(), sign)


def test_what_a_library_signs_we_accept() -> None:
    library = _library()
    plain = {name: value for name, value in FORM.items() if value and name != "sign_type"}
    signed = dict(parse_qsl(library.sign_data(dict(plain))))
    assert verify(urlencode(signed | {"sign_type": "RSA2"}).encode()) == "a1"
