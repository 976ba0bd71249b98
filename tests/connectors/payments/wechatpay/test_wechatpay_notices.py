"""WeChat Pay's notices: signature, window, key by serial number, seal; a published one, and a library as a judge."""

from __future__ import annotations

import importlib
from base64 import b64decode
from typing import Any

import msgspec
import pytest

from connectors.payments.wechatpay import CONNECTOR
from connectors.payments.wechatpay.client import in_wallet
from connectors.payments.wechatpay.signing import verify_message
from gateway.contract import Head, Key, Site
from gateway.errors import Malformed, Reason, Rejected, Unauthentic
from gateway.messages import Applied
from gateway.messages_payment import PaymentNotified, QueryOperation
from gateway.model.payment import OperationKind
from gateway.testing.subject import NOW_MS
from gateway.wire.signatures import open_sealed
from tests.connectors.payments import china
from tests.connectors.payments.accounts import FIXTURES

SITE = china.site("wechatpay")
BODY = (FIXTURES / "wechatpay" / "transaction" / "paid.json").read_bytes()
HEADERS = china.wechat_headers(BODY)


def verify(body: bytes = BODY, account: Site = SITE, now_ms: int = NOW_MS, **headers: str) -> str:
    shown = {**HEADERS, **{name.replace("_", "-"): value for name, value in headers.items()}}
    document = CONNECTOR.open(Head("POST", "/payments/wechatpay/t", shown), [body])
    CONNECTOR.verify(document, account, now_ms)
    return getattr(document, "verified_with", "")


def refused(*arguments: Any, **changes: Any) -> Unauthentic:
    with pytest.raises(Unauthentic) as caught:
        verify(*arguments, **changes)
    return caught.value


def test_every_changed_byte_is_refused() -> None:
    assert verify() == china.THEIR_SERIAL
    for at in range(len(BODY)):
        refused(BODY[:at] + bytes([BODY[at] ^ 1]) + BODY[at + 1 :])
    for name, value in HEADERS.items():
        for at in range(len(value)):
            refused(**{name: f"{value[:at]}{chr(ord(value[at]) ^ 1)}{value[at + 1 :]}"})
    refused(BODY + b"\n")


@pytest.mark.parametrize("name", list(HEADERS))
def test_every_header_is_needed(name: str) -> None:
    refused(**{name: ""})


def test_the_window_has_two_sides() -> None:
    for off_s in (-300, 300):
        assert verify(now_ms=NOW_MS + off_s * 1000)
    for off_s in (-301, 301, 86_400):
        refused(now_ms=NOW_MS + off_s * 1000)
    for text in ("", "-1", "1e9", "١٢٣", "9" * 13):
        refused(wechatpay_timestamp=text)


def test_probes_and_other_schemes_are_refused() -> None:
    signature = HEADERS["wechatpay-signature"]
    refused(wechatpay_signature=f"WECHATPAY/SIGNTEST/{signature[19:]}")
    assert verify(wechatpay_signature_type="WECHATPAY2-SHA256-RSA2048")
    refused(wechatpay_signature_type="WECHATPAY2-SM2-WITH-SM3")


def test_a_key_we_do_not_hold_yet_asks_for_a_repetition() -> None:
    error = refused(wechatpay_serial="5DEA10EF55877E3CF6C33255C2E7DEFFF7E427EC")
    assert CONNECTOR.refuse(None, error, NOW_MS).status == 500
    assert CONNECTOR.refuse(None, refused(wechatpay_nonce="x"), NOW_MS).status == 401


def test_serial_numbers_are_read_in_either_case() -> None:
    key = Key("theirs", china.public_pem("theirs"), "d7ce59d1f522d701")
    account = msgspec.structs.replace(SITE, keys=(key, *SITE.keys))
    assert verify(account=account, wechatpay_serial="D7CE59D1F522D701") == "d7ce59d1f522d701"


def test_another_key_of_theirs_does_not_help() -> None:
    stranger = Key("theirs", china.public_pem("other"), china.THEIR_SERIAL)
    refused(account=msgspec.structs.replace(SITE, keys=(stranger, *SITE.keys[2:])))
    refused(account=msgspec.structs.replace(SITE, keys=()))


def test_the_seal() -> None:
    new = Key("decrypt", "0" * 32, "new")
    others = tuple(key for key in SITE.keys if key.use != "decrypt")
    assert verify(account=msgspec.structs.replace(SITE, keys=(new, *SITE.keys)))
    error = refused(account=msgspec.structs.replace(SITE, keys=(*others, new)))
    assert CONNECTOR.refuse(None, error, NOW_MS).status == 500
    with pytest.raises(Malformed):
        verify(account=msgspec.structs.replace(SITE, keys=(*others, Key("decrypt", "0" * 16))))


def test_another_merchant_or_application_is_refused() -> None:
    content = {"mchid": "HOTEL1", "appid": china.APP_ID, "out_trade_no": china.OP, "trade_state": "SUCCESS"}
    for change in ({"mchid": "HOTEL2"}, {"appid": "wx2"}, {"sp_mchid": "HOTEL2"}):
        body = china.wechat_notice("TRANSACTION.SUCCESS", content | change)
        error = refused(body, **china.wechat_headers(body))
        assert error.reason is Reason.AUTHORIZATION
        assert CONNECTOR.refuse(None, error, NOW_MS).status == 403


def test_a_seal_without_associated_data() -> None:
    notice = msgspec.json.decode(china.wechat_notice("COUPON.USE", {"x": 1}))
    notice["resource"]["associated_data"] = None
    with pytest.raises(Unauthentic):
        CONNECTOR.parse(CONNECTOR.open(Head("POST", "/", {}), [msgspec.json.encode(notice)]), SITE)


def test_answers() -> None:
    document = CONNECTOR.open(Head("POST", "/", {}), [BODY])
    good = CONNECTOR.answer(document, SITE, [Applied()], NOW_MS)
    assert (good.status, good.body) == (204, b"")
    bad = CONNECTOR.answer(document, SITE, [Rejected("no", Reason.UNAVAILABLE)], NOW_MS)
    assert (bad.status, msgspec.json.decode(bad.body)["code"]) == (500, "FAIL")


# The test of wechatpay-go, core/notify/notify_test.go: a notice with its certificate. Its seal has a key of 16 bytes.
PUBLISHED_CERTIFICATE = """-----BEGIN CERTIFICATE-----
MIIDVzCCAj+gAwIBAgIJANfOWdH1ItcBMA0GCSqGSIb3DQEBCwUAMEIxCzAJBgNV
BAYTAlhYMRUwEwYDVQQHDAxEZWZhdWx0IENpdHkxHDAaBgNVBAoME0RlZmF1bHQg
Q29tcGFueSBMdGQwHhcNMjEwNDI3MDg1NTIzWhcNMzEwNDI1MDg1NTIzWjBCMQsw
CQYDVQQGEwJYWDEVMBMGA1UEBwwMRGVmYXVsdCBDaXR5MRwwGgYDVQQKDBNEZWZh
dWx0IENvbXBhbnkgTHRkMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA
2VCTd91fnUn73Xy9DLvt/V62TVxRTEEstVdeRaZ3B3leO0pldE806mXO4RwdHXag
HQ4vGeZN0yqm++rDsGK+U3AH7kejyD2pXshNP9Cq5YwbptiLGtjcquw4HNxJQUOm
DeJf2vg6byms9RUipiq4SzbJKqJFlUpbuIPDpSpWz10PYmyCNeDGUUK65E5h2B83
4uxl1zNLYQCrkdBzb8oUxwYeP5a2DNxmjL5lsJML7DGr5znsevnoqGRwTm9fxCGf
y8wus7hwKz6clt3Whmmda7UAdb1c08hEQFVRbF14AR73xbnd8N0obCWJPCbzMCtk
aSef4FdEEgEXJiw0VAJT8wIDAQABo1AwTjAdBgNVHQ4EFgQUT1c7nd/SUO76HSoZ
umNUJv1R5PwwHwYDVR0jBBgwFoAUT1c7nd/SUO76HSoZumNUJv1R5PwwDAYDVR0T
BAUwAwEB/zANBgkqhkiG9w0BAQsFAAOCAQEAfTjxKRQMzNB/U6ZoCUS+BSNfa2Oh
0plMN6ZuzwiVVZwg1jywvv5yv04koS7Pd4i9E4gt9ZBUQXlpq+A3oOCEEHNRR6b2
kyazGRM7s0OP5X21WrbpSmKmU6K7hkfx30yYs08LVs/Q8DIhvaj1FCFeJzUCzYn/
fHMq4tsbKO0dKAeydPM/nrUZBmaYQVKMVOORGLFjFKVO7JV6Kq/R86ouhjEPgJOe
2xulNBUcjicqtZlBdEh/PWCYP2SpGVDclKm8jeo175T3EVAkdKzzmfpxtMmnMlmq
cTJOU9TxuGvNASMtjj7pYIerTx+xgZDXEVBWFW9PjJ0TV06tCRsgSHItgg==
-----END CERTIFICATE-----
"""
PUBLISHED_HEADERS = {
    "wechatpay-nonce": "EcZ9Cmy4Xyx1i6RlJQzLcCyEqDa26NBz",
    "wechatpay-timestamp": "1624523846",
    "wechatpay-serial": "D7CE59D1F522D701",
    "wechatpay-signature": "tJHIiIS9eB2hAYstmAmbbD3ZE5LiIm/Ug5tuL4fC0YOFRWIHV39UFIZXC0e9Wl6lBu6sKvkqDkzpqzBsVHyXF"
    "lbYZTOQrVdG4b6LfTnK4mikv9++ixJMd3vTf2yCqvBkh98zs3Ds5zsYQakzbcwhmw4fMJs4nPLws28H0UW9FjDR//rxELLwXvV1VEA1I"
    "BLX70xptjL8hrfUjEE8kkry6yNJTHZRU8CAc7qHli2Ng1V1qb9ARbK8A3ThmFmPQvRGrapI/jS2laKKgYUmfdEdkNO6B2Cke5e8VTxY4"
    "06ArAmQ90GAihDwIcb16TQMnzCMBoutnwZKNiKRACrFmtxw2Q==",
}
PUBLISHED_BODY = (
    '{"id":"3119dfba-e649-5eec-ab1e-3412bc4d2e17","create_time":"2021-06-24T16:37:26+08:00",'
    '"resource_type":"encrypt-resource","event_type":"PAYSCORE.USER_OPEN_SERVICE","summary":"签约成功",'
    '"resource":{"original_type":"payscore","algorithm":"AEAD_AES_256_GCM",'
    '"ciphertext":"YDS3lKPaC4Y52Gf3uhft5qUBlIa8b428AWTtTauHQfQrRw+X1WpiuHIDy0vo1Vd6VEq67aVyqPdDYMkRVSDaZL3iZt'
    "tevRMOoPKMifozg6XPWjIZumks/GpT48lI4NizyeaqLBokNebthah3o1H76qSlO9NkDjp9bzmKLEYYH9TEklFUpsvPqOTOcgSLgh21YJXYR"
    '7dEBXFgRLiNIKRgO5JdXh1hccRUAlyVWxE54PXpnQ==",'
    '"associated_data":"payscore","nonce":"Kj7QIyUiYx1q"}}'
).encode()


def test_a_published_notice() -> None:
    account = msgspec.structs.replace(SITE, keys=(Key("theirs", PUBLISHED_CERTIFICATE, "D7CE59D1F522D701"),))
    assert verify_message(PUBLISHED_HEADERS, PUBLISHED_BODY, account, 1624523846_000, 300) == "D7CE59D1F522D701"
    for at in range(len(PUBLISHED_BODY)):
        body = PUBLISHED_BODY[:at] + bytes([PUBLISHED_BODY[at] ^ 1]) + PUBLISHED_BODY[at + 1 :]
        with pytest.raises(Unauthentic):
            verify_message(PUBLISHED_HEADERS, body, account, 1624523846_000, 300)


def test_a_published_seal() -> None:
    """``AeadAesCipherTest.java`` of wechatpay-java."""
    sealed = b64decode("ulwSiIajGClcvcOYvOQ7+l+0PAbzzwI=")
    key = b"a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb"
    assert open_sealed(key, b"uluk4a9R25RW", sealed, b"associatedData") == b"message"
    with pytest.raises(Unauthentic):
        open_sealed(key, b"uluk4a9R25RW", sealed, b"")


# --- a library of others as judge -------------------------------------------------------------------------------------


def _core() -> Any:
    pytest.importorskip("wechatpayv3", reason="wechatpayv3 is not installed")
    return importlib.import_module("wechatpayv3.core").Core(
        mchid="HOTEL1",
        cert_serial_no=china.SERIAL,
        private_key=china.private_pem("ours"),
        apiv3_key=china.APIV3_KEY,
        public_key=china.public_pem("theirs"),
        public_key_id=china.THEIR_SERIAL,
    )


def test_a_library_signs_a_request_as_we_do(monkeypatch: pytest.MonkeyPatch) -> None:
    core = _core()
    utils = importlib.import_module("wechatpayv3.utils")
    monkeypatch.setattr("wechatpayv3.utils.time.time", lambda: NOW_MS / 1000)
    request = CONNECTOR.encode(QueryOperation(**china.BASE, of=china.of(OperationKind.PURCHASE)), SITE)
    path = request.url.removeprefix("https://api.mch.weixin.qq.com")
    arguments = (path, "GET", "HOTEL1", china.SERIAL, core._private_key)
    assert utils.build_authorization(*arguments, nonce_str=china.NONCE) == request.headers["authorization"]
    fields = in_wallet("wx1", SITE, NOW_MS, china.NONCE)
    lines = [fields[name] for name in ("appId", "timeStamp", "nonceStr", "package")]
    assert core.sign(lines) == fields["paySign"]


def test_what_a_library_signs_we_accept() -> None:
    core, utils = _core(), importlib.import_module("wechatpayv3.utils")
    their_key = utils.load_private_key(china.private_pem("theirs"))
    seconds = str(NOW_MS // 1000)
    signature = utils.rsa_sign(their_key, f"{seconds}\n{china.NONCE}\n{BODY.decode()}\n")
    assert verify(wechatpay_signature=signature) == china.THEIR_SERIAL
    headers = {**HEADERS, "wechatpay-signature-type": "WECHATPAY2-SHA256-RSA2048"}
    opened = msgspec.json.decode(core.decrypt_callback(headers, BODY))
    (event,) = CONNECTOR.parse(CONNECTOR.open(Head("POST", "/", {}), [BODY]), SITE)
    assert isinstance(event, PaymentNotified)
    assert (event.facts[0].key, event.facts[0].amount) == (opened["transaction_id"], opened["amount"]["total"])


def test_the_library_takes_yesterdays_notice_and_we_do_not() -> None:
    headers = china.wechat_headers(BODY, at_s=NOW_MS // 1000 - 86_400)
    core = _core()
    assert core.decrypt_callback({**headers, "wechatpay-signature-type": "WECHATPAY2-SHA256-RSA2048"}, BODY)
    refused(**headers)
