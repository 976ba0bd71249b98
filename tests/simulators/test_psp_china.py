"""The simulated Alipay, WeChat Pay and UnionPay: held against libraries of others, and against their own promises."""

from __future__ import annotations

import hashlib
import importlib
import json
import time
from base64 import b64decode
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from simulators.psp.accounts import Keys, make
from simulators.psp.alipay import Alipay
from simulators.psp.common import Answer, Body, NotHere
from simulators.psp.unionpay import UnionPay
from simulators.psp.wechat_books import PUBLIC_KEY_ID
from simulators.psp.wechatpay import WechatPay

KEYS = Keys()


@cache
def now_s() -> int:
    return int(time.time())


def secrets_of(account: Body) -> dict[str, str]:
    """By their use; of several the first."""
    return {key["use"]: key["secret"] for key in reversed(account["keys"])}


# --- Alipay -----------------------------------------------------------------------------------------------------------


def alipay() -> tuple[Alipay, Any]:
    """The simulator, and a library as its merchant."""
    pytest.importorskip("Cryptodome", reason="python-alipay-sdk is not installed")
    pytest.importorskip("alipay", reason="python-alipay-sdk is not installed")
    psp, account = make("alipay", now_s, "house", KEYS)
    assert isinstance(psp, Alipay)
    library = importlib.import_module("alipay").AliPay(
        appid=psp.app_id,
        app_notify_url="https://hotel.invalid/payments/alipay/house",
        app_private_key_string=secrets_of(account)["sign"],
        alipay_public_key_string=secrets_of(account)["theirs"],
    )
    return psp, library


def called(psp: Alipay, library: Any, method: str, **fields: str) -> Body:
    """What the library sends, and the node whose signature it accepts."""
    data = library.build_body(method, fields)
    answer = psp.serve("POST", f"https://alipay.invalid/gateway.do?{library.sign_data(data)}", {}, b"")
    node: Body = library._verify_and_return_sync_response(answer.body.decode(), f"{method.replace('.', '_')}_response")
    return node


def test_alipays_library_and_the_simulator_understand_each_other() -> None:
    psp, library = alipay()
    order = {"out_trade_no": "OP1", "total_amount": "100.00", "subject": "湖畔 / Stay", "scene": "bar_code"}
    paid = called(psp, library, "alipay.trade.pay", **order, auth_code="281234567890123456")
    assert (paid["code"], paid["total_amount"]) == ("10000", "100.00")
    fields = dict(parse_qsl(psp.signed(psp.events[-1]).body.decode()))
    sign = fields.pop("sign")
    assert library.verify(dict(fields), sign)
    assert not library.verify({**fields, "total_amount": "900.00"}, sign)
    forged = library.sign_data(library.build_body("alipay.trade.query", {"out_trade_no": "OP1"})).replace("OP1", "OP2")
    refused = psp.serve("POST", f"https://alipay.invalid/gateway.do?{forged}", {}, b"")
    assert b"isv.invalid-signature" in refused.body


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")  # the library reads certificates in an old way
def test_alipays_numbers_of_certificates_are_those_of_its_library() -> None:
    """The same numbers from the certificates themselves, read by OpenSSL."""
    pytest.importorskip("OpenSSL", reason="pyOpenSSL is not installed")
    pytest.importorskip("alipay", reason="python-alipay-sdk is not installed")
    psp, account = make("alipay", now_s, "house", KEYS, certificates=True)
    assert isinstance(psp, Alipay)
    assert psp.certificates is not None
    own = secrets_of(account)
    library = importlib.import_module("alipay").DCAliPay(
        appid=psp.app_id,
        app_private_key_string=own["sign"],
        app_public_key_cert_string=own["certificate"],
        alipay_public_key_cert_string=own["theirs"],
        alipay_root_cert_string=own["root"],
    )
    assert library.app_cert_sn == psp.certificates.app_number
    assert library.get_cert_sn(own["theirs"]) == psp.certificates.their_number
    order = {"out_trade_no": "OP9", "total_amount": "100.00", "subject": "Stay", "scene": "bar_code"}
    data = library.build_body("alipay.trade.pay", order | {"auth_code": "281234567890123456"})
    assert data["alipay_root_cert_sn"] == psp.certificates.root_number
    answer = psp.serve("POST", f"https://alipay.invalid/gateway.do?{library.sign_data(data)}", {}, b"")
    assert json.loads(answer.body)["alipay_cert_sn"] == psp.certificates.their_number
    assert (
        library._verify_and_return_sync_response(answer.body.decode(), "alipay_trade_pay_response")["code"] == "10000"
    )
    for wrong in ({"app_cert_sn": "0" * 32}, {"alipay_root_cert_sn": psp.certificates.app_number}):
        refused = psp.serve("POST", f"https://alipay.invalid/?{library.sign_data(data | wrong)}", {}, b"")
        assert b"isv.invalid-signature" in refused.body


def test_alipay_repeats_nothing_and_gives_back_no_more_than_there_is() -> None:
    psp, library = alipay()
    order = {"out_trade_no": "OP1", "total_amount": "100.00", "subject": "Stay", "scene": "bar_code"}
    order["auth_code"] = "281234567890123456"

    def refund(number: str, amount: str) -> Body:
        return called(
            psp, library, "alipay.trade.refund", out_trade_no="OP1", out_request_no=number, refund_amount=amount
        )

    called(psp, library, "alipay.trade.pay", **order)
    assert called(psp, library, "alipay.trade.pay", **order)["sub_code"] == "ACQ.TRADE_HAS_SUCCESS"
    other = called(psp, library, "alipay.trade.pay", **{**order, "total_amount": "1.00"})
    assert other["sub_code"] == "ACQ.CONTEXT_INCONSISTENT"
    assert [refund("R1", "60.00")["fund_change"], refund("R1", "60.00")["fund_change"]] == ["Y", "N"]
    assert refund("R1", "50.00")["sub_code"] == "ACQ.DISCORDANT_REPEAT_REQUEST"
    assert refund("R2", "40.01")["sub_code"] == "ACQ.REASON_TRADE_REFUND_FEE_ERR"
    assert refund("R2", "40.00")["refund_fee"] == "100.00"
    assert psp.moved() == (10_000, 10_000)
    assert called(psp, library, "alipay.trade.query", out_trade_no="OP1")["trade_status"] == "TRADE_CLOSED"


def test_an_order_that_was_only_shown_does_not_exist_at_alipay() -> None:
    psp, library = alipay()
    called(psp, library, "alipay.trade.precreate", out_trade_no="OP1", total_amount="100.00", subject="Stay")
    assert called(psp, library, "alipay.trade.query", out_trade_no="OP1")["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    psp.pay("OP1", succeeds=False)
    assert called(psp, library, "alipay.trade.query", out_trade_no="OP1")["trade_status"] == "WAIT_BUYER_PAY"
    called(psp, library, "alipay.trade.cancel", out_trade_no="OP1")
    with pytest.raises(NotHere):
        psp.pay("OP1")


# --- WeChat Pay -------------------------------------------------------------------------------------------------------


def wechat() -> tuple[WechatPay, Any, Any]:
    """The simulator, and a library as its merchant."""
    pytest.importorskip("wechatpayv3", reason="wechatpayv3 is not installed")
    psp, account = make("wechatpay", now_s, "house", KEYS)
    assert isinstance(psp, WechatPay)
    core = importlib.import_module("wechatpayv3.core").Core(
        mchid=psp.merchant.mchid,
        cert_serial_no=psp.merchant.serial,
        private_key=secrets_of(account)["sign"],
        apiv3_key=psp.merchant.api_key,
        public_key=secrets_of(account)["theirs"],
        public_key_id=PUBLIC_KEY_ID,
    )
    return psp, core, importlib.import_module("wechatpayv3.utils")


def asked(psp: WechatPay, core: Any, utils: Any, method: str, path: str, body: Body | None = None) -> Answer:
    """Signed by the library; an answer has to be one that it accepts."""
    raw = "" if body is None else json.dumps(body)
    arguments = (path, method, psp.merchant.mchid, psp.merchant.serial, core._private_key, body and raw)
    headers = {"authorization": utils.build_authorization(*arguments), "wechatpay-serial": PUBLIC_KEY_ID}
    answer = psp.serve(method, f"https://wechat.invalid{path}", headers, raw.encode())
    assert answer.status == 401 or core._verify_signature(answer.headers, answer.body.decode())
    return answer


def order_of(psp: WechatPay, number: str = "ORDER01", total: int = 10_000) -> Body:
    fields: Body = {"appid": psp.merchant.app_id, "mchid": psp.merchant.mchid, "out_trade_no": number}
    return fields | {"notify_url": "https://hotel.invalid/x", "amount": {"total": total, "currency": "CNY"}}


def test_wechat_pays_library_and_the_simulator_understand_each_other() -> None:
    psp, core, utils = wechat()
    answer = asked(psp, core, utils, "POST", "/v3/pay/transactions/native", order_of(psp))
    assert (answer.status, json.loads(answer.body)["code_url"][:9]) == (200, "weixin://")
    psp.pay("ORDER01")
    notice = psp.signed(psp.events[-1])
    headers = {**notice.headers, "wechatpay-signature-type": "WECHATPAY2-SHA256-RSA2048"}
    opened = json.loads(core.decrypt_callback(headers, notice.body))
    assert (opened["out_trade_no"], opened["amount"]["total"], opened["trade_state"]) == ("ORDER01", 10_000, "SUCCESS")
    assert core.decrypt_callback(headers, notice.body.replace(b"EV-", b"EW-")) is None


def test_wechat_pay_hands_out_the_certificate_it_signs_with() -> None:
    psp, core, utils = wechat()
    (found,) = json.loads(asked(psp, core, utils, "GET", "/v3/certificates").body)["data"]
    sealed = found["encrypt_certificate"]
    pem = utils.aes_decrypt(sealed["nonce"], sealed["ciphertext"], sealed["associated_data"], psp.merchant.api_key)
    certificate = x509.load_pem_x509_certificate(pem.encode())
    assert f"{certificate.serial_number:X}" == found["serial_no"] == psp.platform_serial
    psp.by_certificate = True
    asked(psp, core, utils, "POST", "/v3/pay/transactions/native", order_of(psp))
    psp.pay("ORDER01")
    notice = psp.signed(psp.events[-1])
    assert notice.headers["wechatpay-serial"] == found["serial_no"]
    text = f"{notice.headers['wechatpay-timestamp']}\n{notice.headers['wechatpay-nonce']}\n".encode()
    key = certificate.public_key()
    assert isinstance(key, RSAPublicKey)
    key.verify(b64decode(notice.headers["wechatpay-signature"]), text + notice.body + b"\n", PKCS1v15(), SHA256())


def test_wechat_pays_numbers_are_for_one_order_and_one_refund() -> None:
    psp, core, utils = wechat()
    path = "/v3/pay/transactions/native"
    first, again = (asked(psp, core, utils, "POST", path, order_of(psp)) for _ in range(2))
    assert first.body == again.body
    assert b"OUT_TRADE_NO_USED" in asked(psp, core, utils, "POST", path, order_of(psp, total=1)).body
    psp.pay("ORDER01")

    def refund(number: str, amount: int) -> Answer:
        sums = {"refund": amount, "total": 10_000, "currency": "CNY"}
        fields = {"out_trade_no": "ORDER01", "out_refund_no": number, "amount": sums}
        return asked(psp, core, utils, "POST", "/v3/refund/domestic/refunds", fields)

    assert [refund("R1", 6_000).status, refund("R1", 6_000).status, refund("R1", 1).status] == [200, 200, 400]
    assert refund("R2", 4_001).status == 403
    assert psp.moved() == (10_000, 6_000)
    assert (
        asked(psp, core, utils, "POST", "/v3/pay/transactions/out-trade-no/ORDER01/close", {"mchid": "1"}).status == 400
    )


def test_wechat_pay_answers_nobody_it_does_not_know() -> None:
    psp, core, utils = wechat()
    psp.merchant = psp.merchant._replace(public_pem=KEYS.platform.public_pem)
    assert asked(psp, core, utils, "GET", "/v3/certificates").status == 401


# --- UnionPay ---------------------------------------------------------------------------------------------------------


def union() -> UnionPay:
    psp, _ = make("unionpay", now_s, "house", KEYS)
    assert isinstance(psp, UnionPay)
    return psp


def digest(fields: dict[str, str]) -> bytes:
    """As the interface's description has it: sorted, joined, hashed, in hexadecimal."""
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields) if fields[name] and name != "signature")
    return hashlib.sha256(text.encode()).hexdigest().encode()


def sent(psp: UnionPay, kind: str, number: str, path: str = "backTransReq", **more: str) -> dict[str, str]:
    """One message of the merchant's; the fields of the answer."""
    fields = {"version": "5.1.0", "encoding": "UTF-8", "signMethod": "01", "certId": "68759663125", "txnType": kind}
    fields |= {"txnSubType": "06" if kind == "01" else "00", "merId": psp.mer_id, "orderId": number}
    fields |= {"txnTime": "20310104160000", "channelType": "08", "currencyCode": "156", "txnAmt": "10000"}
    fields |= {"backUrl": "https://hotel.invalid/x"} | more
    body = urlencode(fields | {"signature": KEYS.merchant.sign(digest(fields))}).encode()
    answer = psp.serve("POST", f"https://union.invalid/gateway/api/{path}.do", {}, body)
    return dict(part.split("=", 1) for part in answer.body.decode().split("&"))


def proven(fields: dict[str, str]) -> None:
    """By the certificate in the message, which leads to the root; raises ``InvalidSignature``."""
    certificate = x509.load_pem_x509_certificate(fields["signPubKeyCert"].encode())
    chain = [x509.load_pem_x509_certificate(text.encode()) for text in (KEYS.chain.middle, KEYS.chain.root)]
    certificate.verify_directly_issued_by(chain[0])
    chain[0].verify_directly_issued_by(chain[1])
    assert certificate.not_valid_before_utc < datetime.now(UTC) < certificate.not_valid_after_utc
    key = certificate.public_key()
    assert isinstance(key, RSAPublicKey)
    key.verify(b64decode(fields["signature"]), digest(fields), PKCS1v15(), SHA256())


def test_unionpay_proves_what_it_says_by_a_certificate() -> None:
    psp = union()
    answer = sent(psp, "01", "ORDER00001", qrNo="6212345678901234567")
    proven(answer)
    told = dict(parse_qsl(psp.signed(psp.events[-1]).body.decode(), keep_blank_values=True))
    proven(told)
    assert "\r\n" in told["signPubKeyCert"]
    assert (told["respCode"], told["txnAmt"], told["orderId"]) == ("00", "10000", "ORDER00001")
    with pytest.raises(InvalidSignature):
        proven(told | {"txnAmt": "90000"})


def test_unionpay_refuses_a_message_that_was_changed_or_comes_twice() -> None:
    psp = union()
    assert sent(psp, "01", "ORDER00001", signature="x", certId="1")["respCode"] == "11"
    assert sent(psp, "01", "ORDER00001", qrNo="6")["respCode"] == "00"
    assert sent(psp, "01", "ORDER00001", qrNo="6")["respCode"] == "12"
    assert psp.moved() == (10_000, 0)


def test_unionpay_tells_of_no_failure_and_gives_back_no_more_than_there_is() -> None:
    psp = union()
    sent(psp, "01", "ORDER00001", qrNo="6299999999999999999")
    assert psp.events == []
    assert sent(psp, "00", "ORDER00001", "queryTrans")["origRespCode"] == "64"
    paid = sent(psp, "01", "ORDER00002", qrNo="6")["queryId"]
    assert sent(psp, "04", "REFUND0001", origQryId=paid, txnAmt="6000")["respCode"] == "00"
    assert sent(psp, "04", "REFUND0002", origQryId=paid, txnAmt="4001")["respCode"] == "36"
    assert sent(psp, "31", "UNDO000001", origQryId=paid)["respCode"] == "36"
    assert psp.moved() == (10_000, 6_000)


def test_unionpay_takes_a_little_more_than_was_held_and_undoes_it() -> None:
    psp = union()
    sent(psp, "02", "HOLD000001", "appTransReq", txnSubType="01")
    psp.pay("HOLD000001")
    held = psp.events[-1]["queryId"]
    assert sent(psp, "03", "CAPTURE001", origQryId=held, txnAmt="11501")["respCode"] == "36"
    taken = sent(psp, "03", "CAPTURE002", origQryId=held, txnAmt="11500")["queryId"]
    assert sent(psp, "03", "CAPTURE003", origQryId=held, txnAmt="1")["respCode"] == "35"
    assert psp.moved() == (11_500, 0)
    assert sent(psp, "33", "UNDO000001", origQryId=taken, txnAmt="11500")["respCode"] == "00"
    assert psp.moved() == (0, 0)
