"""What is signed and sealed of WeChat Pay's messages, and its trade bill."""

import json
import os
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from simulators.psp.common import ANNULLED, GIVEN, TAKEN, Answer, Body, Movement, beijing, header, yuan
from simulators.psp.keys import KeyPair, proves

SCHEME = "WECHATPAY2-SHA256-RSA2048"
WINDOW_S = 300
_ITEM = re.compile(r'(\w+)="([^"]*)"')
_COLUMNS = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
_NAMES = tuple(_COLUMNS.split(","))
_SUMMARY = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
_STATES = {TAKEN: "SUCCESS", GIVEN: "REFUND", ANNULLED: "REVOKED"}


def refusal_of(
    method: str, url: str, headers: Mapping[str, str], body: bytes, account: tuple[str, str, str], now_s: int
) -> str:
    """Why a request is not the merchant's, or nothing; ``account`` is the ``mchid``, serial number and public key."""
    scheme, _, items = header(headers, "authorization").partition(" ")
    found = dict(_ITEM.findall(items))
    mchid, serial, public_pem = account
    if scheme != SCHEME or (found.get("mchid"), found.get("serial_no")) != (mchid, serial):
        return "the scheme, merchant or serial number is another one"
    if not found.get("timestamp", "").isdecimal() or abs(now_s - int(found["timestamp"])) > WINDOW_S:
        return "the time of the signature is too far off"
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    text = f"{method}\n{target}\n{found['timestamp']}\n{found.get('nonce_str', '')}\n".encode() + body + b"\n"
    return "" if proves(public_pem, text, found.get("signature", "")) else "the signature is wrong"


def signature_headers(body: bytes, key: KeyPair, serial: str, now_s: int) -> dict[str, str]:
    """Of an answer or a notice."""
    nonce = os.urandom(16).hex()
    text = f"{now_s}\n{nonce}\n".encode() + body + b"\n"
    return {
        "wechatpay-timestamp": str(now_s),
        "wechatpay-nonce": nonce,
        "wechatpay-signature": key.sign(text),
        "wechatpay-serial": serial,
        "wechatpay-signature-type": SCHEME,
        "content-type": "application/json",
    }


def sealed(content: bytes, api_key: str, associated: str) -> Body:
    """AES-256-GCM under the account's symmetric key."""
    nonce = os.urandom(6).hex()
    closed = AESGCM(api_key.encode()).encrypt(nonce.encode(), content, associated.encode())
    found = {"algorithm": "AEAD_AES_256_GCM", "nonce": nonce, "associated_data": associated}
    return found | {"ciphertext": b64encode(closed).decode()}


def signed_answer(status: int, body: Body | None, key: KeyPair, serial: str, now_s: int) -> Answer:
    """Errors are signed as well; 204 signs an empty body."""
    raw = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
    return Answer(status, signature_headers(raw, key, serial, now_s), raw)


def bill_of(app_id: str, mchid: str, movements: Sequence[Movement]) -> bytes:
    """A back-tick before each value; the last two lines are a summary."""
    rows = [",".join(f"`{value}" for value in _row(app_id, mchid, movement)) for movement in movements]
    taken = sum(movement.amount for movement in movements if movement.kind == TAKEN)
    back = sum(movement.amount for movement in movements if movement.kind in (GIVEN, ANNULLED))
    fees = sum(_fee(movement) for movement in movements)
    totals = (str(len(rows)), yuan(taken), yuan(back), "0.00", f"{yuan(fees)}000", yuan(taken), yuan(back))
    lines = [_COLUMNS, *rows, _SUMMARY, ",".join(f"`{value}" for value in totals)]
    return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()


def _row(app_id: str, mchid: str, movement: Movement) -> list[str]:
    """Fees have five places; what is given back carries its share of them, negative."""
    back = movement.kind != TAKEN
    refund = movement.kind == GIVEN
    amount = yuan(movement.amount)
    values = {
        "交易时间": beijing(movement.at_s, "%Y-%m-%d %H:%M:%S"),
        "公众账号ID": app_id,
        "商户号": mchid,
        "微信订单号": movement.payment,
        "商户订单号": movement.reference.partition("/")[0],
        "交易类型": "NATIVE",
        "交易状态": _STATES[movement.kind],
        "货币种类": "CNY",
        "应结订单金额": "0.00" if back else amount,
        "微信退款单号": movement.number if refund else "0",
        "商户退款单号": movement.reference.partition("/")[2] if refund else "0",
        "退款金额": amount if back else "0.00",
        "退款状态": "SUCCESS" if refund else "",
        "手续费": f"{yuan(_fee(movement))}000",
        "费率": "0.60%",
        "订单金额": "0.00" if refund else amount,
        "申请退款金额": amount if back else "0.00",
    }
    return [values.get(name, "") for name in _NAMES]


def _fee(movement: Movement) -> int:
    return movement.fee if movement.kind == TAKEN else -movement.fee
