"""Adyen's callbacks: every item of a message verifies, or none is taken."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from connectors.payments.adyen import CONNECTOR
from connectors.payments.adyen.items import Item, read, signature_of
from gateway.contract import Head, Key, Site
from gateway.errors import Malformed, Reason, Rejected, Unauthentic
from gateway.messages import Applied
from gateway.messages_payment import PaymentNotified
from gateway.testing.subject import NOW_MS, PASSWORD, USERNAME
from gateway.wire.http_auth import compose_basic
from tests.connectors.payments.accounts import ADYEN_KEY, FIXTURES, site

SITE = site("adyen")
LOGIN = compose_basic(USERNAME, PASSWORD)
BODY = (FIXTURES / "adyen" / "several" / "paid-and-captured.json").read_bytes()
SIGNED = ("pspReference", "originalReference", "merchantReference", "eventCode", "success")


def verify(body: bytes, account: Site = SITE, login: str = LOGIN) -> str:
    document = CONNECTOR.open(Head("POST", "/payments/adyen/t", {"authorization": login}), [body])
    CONNECTOR.verify(document, account, NOW_MS)
    return getattr(document, "verified_with", "")


def refused(body: bytes, account: Site = SITE, login: str = LOGIN) -> Unauthentic:
    with pytest.raises(Unauthentic) as caught:
        verify(body, account, login)
    return caught.value


def changed(change: Callable[[dict[str, Any]], object], place: int = 0, body: bytes = BODY) -> bytes:
    message = msgspec.json.decode(body)
    change(message["notificationItems"][place]["NotificationRequestItem"])
    return msgspec.json.encode(message)


def item(body: bytes = BODY, place: int = 0) -> Item:
    return read(body).items[place]


def test_all_items_verify() -> None:
    assert verify(BODY) == "a1"


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("field", SIGNED)
def test_every_changed_byte_of_what_is_signed_is_refused_in_any_item(place: int, field: str) -> None:
    def spoil(found: dict[str, Any], at: int) -> None:
        text = found.get(field) or ""
        found[field] = text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :] if text else "x"

    def at(spot: int) -> Callable[[dict[str, Any]], None]:
        return lambda found: spoil(found, spot)

    length = len(msgspec.json.decode(BODY)["notificationItems"][place]["NotificationRequestItem"].get(field) or "x")
    for spot in range(length):
        assert refused(changed(at(spot), place)).reason is Reason.AUTHORIZATION


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize(("name", "value"), [("value", 24101), ("value", 0), ("currency", "USD"), ("currency", None)])
def test_a_changed_amount_is_refused(place: int, name: str, value: object) -> None:
    refused(changed(lambda found: found["amount"].update({name: value}), place))


@pytest.mark.parametrize("place", [0, 1])
def test_an_item_without_a_signature_refuses_the_message(place: int) -> None:
    for spoil in (
        lambda found: found.pop("additionalData"),
        lambda found: found["additionalData"].pop("hmacSignature"),
        lambda found: found["additionalData"].update(hmacSignature=""),
        lambda found: found["additionalData"].update(hmacSignature=17),
        lambda found: found["additionalData"].update(hmacSignature="AAAA"),
    ):
        assert refused(changed(spoil, place)).reason is Reason.AUTHORIZATION


def test_only_a_report_may_come_unsigned() -> None:
    report = (FIXTURES / "adyen" / "other" / "report.json").read_bytes()
    assert verify(report) == ""
    refused(changed(lambda found: found.update(eventCode="REFUND"), body=report))
    refused(changed(lambda found: found.update(additionalData={"hmacSignature": "x"}), body=report))
    refused(report, login=compose_basic(USERNAME, "wrong"))


def test_another_account_or_mode_is_refused() -> None:
    other = msgspec.structs.replace(SITE, hotel="HOTEL2")
    assert refused(BODY, other).reason is Reason.AUTHORIZATION
    both = msgspec.structs.replace(other, options={"merchant_accounts": ["HOTEL1"]})
    assert verify(BODY, both)
    assert refused(BODY.replace(b'"live": "false"', b'"live": "true"')).reason is Reason.AUTHORIZATION
    assert refused(BODY.replace(b'"live": "false"', b'"live": true')).reason is Reason.AUTHORIZATION
    assert verify(BODY.replace(b'"live": "false"', b'"live": false'))
    live = msgspec.structs.replace(SITE, options={"live": True})
    refused(BODY, live)


def test_two_keys_follow_each_other() -> None:
    new = Key("callback", "00" * 32, "new")
    assert verify(BODY, msgspec.structs.replace(SITE, keys=(new, *SITE.keys))) == "a1"
    refused(BODY, msgspec.structs.replace(SITE, keys=(new,)))
    refused(BODY, msgspec.structs.replace(SITE, keys=()))
    expired = msgspec.structs.replace(SITE.keys[0], until_ms=NOW_MS)
    refused(BODY, msgspec.structs.replace(SITE, keys=(expired,)))


def test_the_login_comes_before_anything_is_read() -> None:
    found = refused(b"\xff not json", login=compose_basic(USERNAME, "wrong"))
    assert found.reason is Reason.AUTHENTICATION
    with pytest.raises(Malformed):
        verify(b"\xff not json")


def test_answers() -> None:
    document = CONNECTOR.open(Head("POST", "/", {}), [BODY])
    good = CONNECTOR.answer(document, SITE, [Applied(), Applied()], NOW_MS)
    assert (good.status, good.body, good.headers["content-type"]) == (200, b"[accepted]", "text/plain")
    bad = CONNECTOR.answer(document, SITE, [Applied(), Rejected("no", Reason.UNAVAILABLE)], NOW_MS)
    assert (bad.status, bad.body) == (500, b"")
    statuses = [
        CONNECTOR.refuse(None, error, NOW_MS).status
        for error in (Unauthentic("no"), Unauthentic("no", Reason.AUTHORIZATION), Malformed("no"))
    ]
    assert statuses == [401, 403, 400]


def test_each_item_is_an_event_of_its_own() -> None:
    found = CONNECTOR.parse(CONNECTOR.open(Head("POST", "/", {}), [BODY]), SITE)
    assert [event.dedupe for event in found if isinstance(event, PaymentNotified)] == [
        "AUTHORISATION:KHQC5N7G84BLNK43:true",
        "CAPTURE:WZ9X2KQ7TT3F6B82:true",
    ]


# The vector that Adyen's documentation and libraries share, and one with characters that are not escaped.
PUBLISHED = [
    (
        ADYEN_KEY,
        {
            "pspReference": "7914073381342284",
            "merchantAccountCode": "TestMerchant",
            "merchantReference": "TestPayment-1407325143704",
            "amount": {"currency": "EUR", "value": 1130},
            "eventCode": "AUTHORISATION",
            "success": "true",
        },
        "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0=",
    ),
    (
        "74F490DD33F7327BAECC88B2947C011FC02D014A473AAA33A8EC93E4DC069174",
        {
            "pspReference": "T7FD4VM4D3RZNN82",
            "merchantAccountCode": "AntoniStroinski",
            "merchantReference": "\\\\slashes are fun",
            "amount": {"currency": "EUR", "value": 1000},
            "eventCode": "AUTHORISATION",
            "success": "true",
        },
        "nIgT81gaB5oJpn2jPXupDq68iRo2wUlBsuYjtYfwKqo=",
    ),
]


@pytest.mark.parametrize(("key", "fields", "expected"), PUBLISHED)
def test_published_signatures(key: str, fields: dict[str, Any], expected: str) -> None:
    assert signature_of(msgspec.convert(fields, Item), bytes.fromhex(key)) == expected
    without = fields | {"originalReference": None}
    assert signature_of(msgspec.convert(without, Item), bytes.fromhex(key)) == expected


@pytest.mark.parametrize("reference", ["a:b", "a\\b", "a/b", "房:é", ""])
def test_the_official_library_signs_and_accepts_the_same(reference: str) -> None:
    oracle = _oracle()
    fields: dict[str, Any] = {**PUBLISHED[0][1], "originalReference": "P1", "merchantReference": reference}
    ours = signature_of(msgspec.convert(fields, Item), bytes.fromhex(ADYEN_KEY))
    assert oracle.generate_notification_sig(fields, ADYEN_KEY).decode() == ours
    message = {"notificationItems": [{"NotificationRequestItem": fields | {"additionalData": {"hmacSignature": ours}}}]}
    assert oracle.is_valid_hmac_notification(message, ADYEN_KEY)


def test_the_official_library_overlooks_a_forged_second_item_and_we_do_not() -> None:
    forged = changed(lambda found: found["amount"].update(value=1), place=1)
    assert _oracle().is_valid_hmac_notification(msgspec.json.decode(forged), ADYEN_KEY)
    refused(forged)


def _oracle() -> Any:
    pytest.importorskip("Adyen", reason="the official library of Adyen is not installed")
    return importlib.import_module("Adyen.util")
