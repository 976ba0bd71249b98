"""Accounts, keys and signatures of Alipay, WeChat Pay and UnionPay for the tests. The other end is written anew."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from gateway.contract import Head, Key, Reply, Request, Site
from gateway.messages import Command
from gateway.messages_payment import (
    Authorise,
    Capture,
    Close,
    FetchStatement,
    PaymentAnswered,
    Purchase,
    QueryOperation,
    Refund,
    Void,
)
from gateway.model.dates import parse_day
from gateway.model.payment import OperationKind, OperationOutcome, OperationRef
from gateway.model.payment_means import GuestAction, InApp, Means, ShownCode
from gateway.testing.subject import NOW_MS, PASSWORD, USERNAME, default_site
from tests.connectors.payments.accounts import OP as OP
from tests.connectors.payments.accounts import PAYMENT as PAYMENT

NONCE = "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"
APIV3_KEY = "conformance-conformance-conforma"
SERIAL, THEIR_SERIAL = "5F1C72E2A8931B72A2E13AF8DEE92471EB397115", "PUB_KEY_ID_0116000000002031010400"
APP_ID = "2021000000000001"
BASE: dict[str, Any] = {"id": OP, "at_ms": NOW_MS, "payment": PAYMENT, "nonce": NONCE}
MONEY: dict[str, Any] = {"amount": 24100, "currency": "CNY"}
NOTIFY = "https://hotel.invalid/payments/x/token"
BACK = "https://hotel.invalid/back"
CHILD = "01J9ZQ4W7M3N5P8R2T6V9X1B3R"


@cache
def private_key(owner: str) -> RSAPrivateKey:
    """One key for each owner: ``ours``, ``theirs`` and ``other``."""
    return generate_private_key(65537, 2048)


def private_pem(owner: str) -> str:
    return private_key(owner).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(owner: str) -> str:
    return private_key(owner).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def signed_by(owner: str, message: bytes) -> str:
    return b64encode(private_key(owner).sign(message, PKCS1v15(), SHA256())).decode()


def verified_by(owner: str, message: bytes, signature: str) -> None:
    """Raises ``InvalidSignature``."""
    private_key(owner).public_key().verify(b64decode(signature, validate=True), message, PKCS1v15(), SHA256())


def certificate(
    name: str, owner: str, issuer: str = "", signer: str = "", years: tuple[int, int] = (2029, 2035), number: int = 7
) -> str:
    """A certificate in PEM for the owner's key; signed by itself unless an issuer is named."""
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, one)]) for one in (name, issuer or name)]
    first, last = (datetime(year, 1, 1, tzinfo=UTC) for year in years)
    built = x509.CertificateBuilder(names[1], names[0], private_key(owner).public_key(), number, first, last)
    return built.sign(private_key(signer or owner), SHA256()).public_bytes(Encoding.PEM).decode()


ROOT = certificate("Test root", "root")
MIDDLE = certificate("Test middle", "middle", "Test root", "root")
SIGNER = certificate("041@Z@00040000:SIGN@1", "theirs", "Test middle", "middle", number=69026276696)
SIGNER = SIGNER.replace("\n", "\r\n").strip()


def site(profile: str, **changes: Any) -> Site:
    """The kit's account with the keys of the gateway."""
    theirs = Key("theirs", public_pem("theirs"), THEIR_SERIAL if profile == "wechatpay" else "a1")
    number = {"wechatpay": SERIAL, "unionpay": "68759663125"}.get(profile, "")
    keys = (
        Key("sign", private_pem("ours"), number),
        *((Key("root", ROOT), Key("middle", MIDDLE)) if profile == "unionpay" else (theirs,)),
        *((Key("decrypt", APIV3_KEY),) if profile == "wechatpay" else ()),
    )
    options = {"app_id": APP_ID}
    found = msgspec.structs.replace(default_site(profile), url="", currency="CNY", keys=keys, options=options)
    return msgspec.structs.replace(found, **changes)


def of(kind: OperationKind, psp: str = "", id_: str = OP, amount: int = 24100) -> OperationRef:
    return OperationRef(id=id_, kind=kind, at_ms=NOW_MS, amount=amount, currency="CNY", psp=psp)


def samples(gateway: str) -> dict[type[Command], Sequence[Command]]:
    """At least one command of each kind that any of the three knows."""
    urls: dict[str, Any] = {"notify_url": NOTIFY, "return_url": BACK}
    sale, psp = of(OperationKind.PURCHASE, "Q1"), "2031010410002001760201905725"
    held = of(OperationKind.AUTHORISE, psp)
    child: dict[str, Any] = BASE | {"id": CHILD, "notify_url": NOTIFY}
    app: Means = InApp()
    undo: dict[str, Any] = {"of": sale, "neutralise": True} if gateway == "wechatpay" else {"of": held}
    code: Means = app if gateway == "unionpay" else ShownCode()
    return {
        Authorise: [Authorise(**BASE, **MONEY, **urls, means=app if gateway == "unionpay" else ShownCode())],
        Purchase: [Purchase(**BASE, **MONEY, **urls, means=code, text="Stay R-1001")],
        Capture: [Capture(**child, of=held, amount=20000, currency="CNY")],
        Void: [Void(**child, **undo, **MONEY)],
        Refund: [Refund(**child, of=sale, amount=5000, currency="CNY")],
        Close: [Close(**BASE | {"id": CHILD}, of=sale)],
        QueryOperation: [QueryOperation(**BASE, of=sale)],
        FetchStatement: [FetchStatement(id=OP, at_ms=NOW_MS, day=parse_day("2031-01-03"), nonce=NONCE)],
    }


def carried(connector: Any, command: Command, account: Site) -> GuestAction:
    """What the guest is handed, of a command that is not sent."""
    ((arrived),) = connector.hand_over(command, account).events
    assert isinstance(arrived.event, PaymentAnswered)
    assert arrived.event.outcome is OperationOutcome.ACTION_REQUIRED
    assert arrived.event.action is not None
    return arrived.event.action


def decoded(connector: Any, command: Command, reply: Reply, account: Site) -> PaymentAnswered:
    """The one event that a reply is read as."""
    ((arrived),) = connector.decode(command, connector.encode(command, account), reply, account).events
    assert isinstance(arrived.event, PaymentAnswered)
    return arrived.event


def _owner(username: str, password: str) -> str:
    """A login is a signature: the right one is with their key."""
    return "theirs" if (username, password) == (USERNAME, PASSWORD) else "other"


# --- Alipay -----------------------------------------------------------------------------------------------------------


def joined(fields: dict[str, str], *without: str) -> bytes:
    """What is signed of a list of fields, as both Alipay and UnionPay describe it."""
    return "&".join(f"{k}={v}" for k, v in sorted(fields.items()) if v and k not in without).encode()


def alipay_notice(fields: dict[str, str], owner: str = "theirs") -> bytes:
    fields = {k: v for k, v in fields.items() if k != "sign"}
    return urlencode(fields | {"sign": signed_by(owner, joined(fields, "sign_type"))}).encode()


def show_alipay(head: Head, body: bytes, username: str, password: str) -> tuple[Head, bytes]:
    fields = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    return head, alipay_notice(fields, _owner(username, password)) if fields else body


def alipay_reply(request: Request, fields: dict[str, Any], owner: str = "theirs") -> Reply:
    """A signed answer to a request; the node has what readers like to lose: blanks and escaped slashes."""
    name = dict(parse_qsl(request.url.partition("?")[2]))["method"].replace(".", "_") + "_response"
    node = msgspec.json.encode(fields).decode().replace("/", "\\/").replace('","', '", "')
    body = f'{{"{name}" : {node},"sign":"{signed_by(owner, node.encode())}"}}'
    return Reply(200, {"content-type": "text/html"}, body.encode())


# --- WeChat Pay -------------------------------------------------------------------------------------------------------


def wechat_headers(body: bytes, owner: str = "theirs", at_s: int = NOW_MS // 1000) -> dict[str, str]:
    text = f"{at_s}\n{NONCE}\n".encode() + body + b"\n"
    return {
        "wechatpay-timestamp": str(at_s),
        "wechatpay-nonce": NONCE,
        "wechatpay-signature": signed_by(owner, text),
        "wechatpay-serial": THEIR_SERIAL,
    }


def show_wechat(head: Head, body: bytes, username: str, password: str) -> tuple[Head, bytes]:
    headers = {**head.headers, **wechat_headers(body, _owner(username, password))}
    return Head(head.method, head.path, headers), body


def wechat_reply(fields: Any, status: int = 200, owner: str = "theirs") -> Reply:
    body = b"" if fields is None else msgspec.json.encode(fields)
    return Reply(status, {"content-type": "application/json", **wechat_headers(body, owner)}, body)


def wechat_notice(kind: str, content: dict[str, Any], number: str = "N1") -> bytes:
    """A sealed notice; the nonce is the same each time, which only a test may do."""
    sealed = AESGCM(APIV3_KEY.encode()).encrypt(b"abcdefghijkl", msgspec.json.encode(content), b"transaction")
    resource = {
        "original_type": "transaction",
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": b64encode(sealed).decode(),
        "associated_data": "transaction",
        "nonce": "abcdefghijkl",
    }
    notice = {"id": number, "create_time": "2031-01-04T16:00:00+08:00", "resource_type": "encrypt-resource"}
    return msgspec.json.encode(notice | {"event_type": kind, "summary": "通知", "resource": resource})


# --- UnionPay ---------------------------------------------------------------------------------------------------------


def unionpay_signed(fields: dict[str, str], owner: str = "theirs", signer: str = SIGNER) -> dict[str, str]:
    fields = {k: v for k, v in fields.items() if k != "signature"}
    fields |= {"version": "5.1.0", "signMethod": "01", "signPubKeyCert": signer}
    digest = hashlib.sha256(joined(fields)).hexdigest().encode()
    return fields | {"signature": signed_by(owner, digest)}


def show_unionpay(head: Head, body: bytes, username: str, password: str) -> tuple[Head, bytes]:
    fields = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    return head, urlencode(unionpay_signed(fields, _owner(username, password))).encode() if fields else body


def unionpay_reply(request: Request, fields: dict[str, str], owner: str = "theirs", signer: str = SIGNER) -> Reply:
    """A synchronous answer: what was asked with more fields, signed and not encoded."""
    asked = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
    echoed = {k: v for k, v in asked.items() if k not in ("signature", "certId", "backUrl")}
    found = unionpay_signed({**echoed, **fields}, owner, signer)
    return Reply(200, {"content-type": "text/html"}, "&".join(f"{k}={v}" for k, v in sorted(found.items())).encode())
