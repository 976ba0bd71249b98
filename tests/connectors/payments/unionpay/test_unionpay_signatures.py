"""Whose signature UnionPay's messages are believed with: a published message and all that could be forged."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509 import load_pem_x509_certificate

from connectors.payments.unionpay import CONNECTOR
from connectors.payments.unionpay.wire import digest_of, read_reply, signed, verify
from gateway.contract import Head, Key, Site
from gateway.errors import Malformed, Reason, Rejected, Unauthentic
from gateway.messages import Applied
from gateway.messages_payment import PaymentNotified
from gateway.testing.subject import NOW_MS
from tests.connectors.payments import china
from tests.connectors.payments.accounts import FIXTURES
from tests.connectors.payments.unionpay import vectors

SITE = china.site("unionpay")
FORM = dict(parse_qsl((FIXTURES / "unionpay" / "purchase" / "paid.form").read_text()))
BODY = urlencode(china.unionpay_signed(FORM)).encode()
PUBLISHED = msgspec.structs.replace(
    SITE, hotel="777290058158470", keys=(Key("root", vectors.ROOT), Key("middle", vectors.MIDDLE))
)


def checked(body: bytes = BODY, account: Site = SITE, now_ms: int = NOW_MS) -> str:
    document = CONNECTOR.open(Head("POST", "/payments/unionpay/t", {}), [body])
    CONNECTOR.verify(document, account, now_ms)
    return getattr(document, "verified_with", "")


def refused(*arguments: Any, **changes: Any) -> Unauthentic:
    with pytest.raises(Unauthentic) as caught:
        checked(*arguments, **changes)
    return caught.value


def test_the_published_message_as_a_reply_and_as_a_callback() -> None:
    fields = vectors.FIELDS | {"signature": vectors.SIGNATURE}
    assert digest_of(china.joined(vectors.FIELDS).decode()) == vectors.DIGEST.encode()
    raw = "&".join(f"{name}={value}" for name, value in fields.items()).encode()
    assert read_reply(raw) == fields
    assert verify(read_reply(raw), PUBLISHED, vectors.AT_MS) == "69026276696"
    assert checked(urlencode(fields).encode(), PUBLISHED, vectors.AT_MS) == "69026276696"
    # What would go wrong with a reader of forms.
    assert dict(parse_qsl(raw.decode(), keep_blank_values=True)) != fields


def test_every_changed_character_of_the_published_message_is_refused() -> None:
    fields = vectors.FIELDS | {"signature": vectors.SIGNATURE}
    for name, value in fields.items():
        for at in range(0, len(value), 1 if len(value) < 50 else 7):
            spoiled = fields | {name: f"{value[:at]}{chr(ord(value[at]) ^ 1)}{value[at + 1 :]}"}
            with pytest.raises(Unauthentic):
                verify(spoiled, PUBLISHED, vectors.AT_MS)
    unified = fields | {"signPubKeyCert": vectors.SIGNER.replace("\r\n", "\n")}
    with pytest.raises(Unauthentic):
        verify(unified, PUBLISHED, vectors.AT_MS)


def test_a_certificate_is_valid_for_its_time_and_for_its_mode() -> None:
    fields = vectors.FIELDS | {"signature": vectors.SIGNATURE}
    for at_ms in (vectors.AT_MS - 200 * 86_400_000, 1604215449_000, NOW_MS):
        with pytest.raises(Unauthentic):
            verify(fields, PUBLISHED, at_ms)
    live = msgspec.structs.replace(PUBLISHED, options={"live": True})
    with pytest.raises(Unauthentic) as caught:
        verify(fields, live, vectors.AT_MS)
    assert caught.value.reason is Reason.AUTHORIZATION
    signer = china.certificate("041@Z@中国银联股份有限公司@1", "theirs", "Test middle", "middle")
    body = urlencode(china.unionpay_signed(FORM, signer=signer)).encode()
    assert checked(body, msgspec.structs.replace(SITE, options={"live": True}))
    assert refused(body).reason is Reason.AUTHORIZATION


def test_every_changed_byte_of_a_callback_is_refused() -> None:
    assert checked() == "69026276696"
    for at in range(len(BODY)):
        spoiled = BODY[:at] + bytes([BODY[at] ^ 1]) + BODY[at + 1 :]
        with pytest.raises((Unauthentic, Malformed)):
            checked(spoiled)


def test_a_certificate_that_is_not_theirs_is_refused() -> None:
    name = "041@Z@00040000:SIGN@1"
    for signer in (
        china.certificate(name, "theirs"),
        china.certificate(name, "theirs", "Test middle", "other"),
        china.certificate(name, "theirs", "Test root", "root"),
        china.certificate(name, "theirs", "Test middle", "middle", years=(2020, 2022)),
        china.certificate("00040000:SIGN", "theirs", "Test middle", "middle"),
        china.SIGNER + china.SIGNER,
        "",
        "x" * 9000,
    ):
        refused(urlencode(china.unionpay_signed(FORM, signer=signer)).encode())
    for use in ("root", "middle"):
        refused(account=msgspec.structs.replace(SITE, keys=tuple(key for key in SITE.keys if key.use != use)))


@pytest.mark.parametrize("change", [{"version": "5.0.0"}, {"signMethod": "11"}, {"signMethod": "12"}])
def test_weaker_signatures_are_refused(change: dict[str, str]) -> None:
    fields = china.unionpay_signed(FORM) | change
    digest = hashlib.sha256(china.joined(fields, "signature")).hexdigest().encode()
    refused(urlencode(fields | {"signature": china.signed_by("theirs", digest)}).encode())


def test_empty_values_may_have_been_signed() -> None:
    fields = china.unionpay_signed(FORM) | {"reqReserved": ""}
    assert checked(urlencode(fields).encode())
    kept = {name: value for name, value in fields.items() if name != "signature"}
    text = "&".join(f"{name}={value}" for name, value in sorted(kept.items()))
    digest = hashlib.sha256(text.encode()).hexdigest().encode()
    assert checked(urlencode(kept | {"signature": china.signed_by("theirs", digest)}).encode())


def test_another_merchant_or_currency_is_refused() -> None:
    for change in ({"merId": "HOTEL2"}, {"currencyCode": "840"}):
        error = refused(urlencode(china.unionpay_signed(FORM | change)).encode())
        assert error.reason is Reason.AUTHORIZATION
        assert CONNECTOR.refuse(None, error, NOW_MS).status == 400


def test_a_large_amount_is_asked_about_before_it_is_believed() -> None:
    account = msgspec.structs.replace(SITE, options={"confirm_above": 24099})
    document = CONNECTOR.open(Head("POST", "/", {}), [BODY])
    (event,) = CONNECTOR.parse(document, account)
    assert isinstance(event, PaymentNotified)
    assert (event.facts, event.inquiries[0].operation) == ((), china.OP)


def test_answers() -> None:
    document = CONNECTOR.open(Head("POST", "/", {}), [BODY])
    good = CONNECTOR.answer(document, SITE, [Applied()], NOW_MS)
    assert (good.status, good.body) == (200, b"ok")
    assert CONNECTOR.answer(document, SITE, [Rejected("no", Reason.UNAVAILABLE)], NOW_MS).status == 500


# --- replies are no forms ---------------------------------------------------------------------------------------------


def test_brackets_hold_values_together() -> None:
    raw = "a={x=1&y=2}&b=[p&q]&c=1+1%2B&d=k=v"
    assert read_reply(raw.encode()) == {"a": "{x=1&y=2}", "b": "[p&q]", "c": "1+1%2B", "d": "k=v"}


@pytest.mark.parametrize("raw", [b"", b"a", b"a=1&a=2", b"=1", b"a={x", b"a=\xff", b"a=1&" * 300])
def test_a_reply_that_is_none(raw: bytes) -> None:
    with pytest.raises(Malformed):
        read_reply(raw)


# --- what we sign -----------------------------------------------------------------------------------------------------


def test_what_we_sign_is_hashed_twice_with_the_number_of_our_certificate() -> None:
    fields = signed({"merId": "HOTEL1", "sysReserved": "{aaa=a&bbb=b}", "empty": ""}, SITE, NOW_MS)
    text = "certId=68759663125&merId=HOTEL1&signMethod=01&sysReserved={aaa=a&bbb=b}"
    china.verified_by("ours", hashlib.sha256(text.encode()).hexdigest().encode(), fields["signature"])
    assert "empty" not in fields


def test_a_key_with_its_certificate_in_a_pfx_file() -> None:
    own = load_pem_x509_certificate(china.certificate("hotel", "ours", number=68759663125).encode())
    pfx = serialize_key_and_certificates(b"h", china.private_key("ours"), own, None, BestAvailableEncryption(b"000000"))
    key = Key("sign", b64encode(pfx).decode(), password="000000")
    assert signed(FORM, msgspec.structs.replace(SITE, keys=(key,)), NOW_MS) == signed(FORM, SITE, NOW_MS)
    for bad in (msgspec.structs.replace(key, password="000001"), Key("sign", china.private_pem("ours"), "0xff")):
        with pytest.raises(Malformed):
            signed(FORM, msgspec.structs.replace(SITE, keys=(bad,)), NOW_MS)
    with pytest.raises(Rejected):
        signed(FORM, msgspec.structs.replace(SITE, keys=()), NOW_MS)
