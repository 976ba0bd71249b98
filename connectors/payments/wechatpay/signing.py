"""What is signed of WeChat Pay's messages, and with whose key.

Lines are joined with line feeds and end with one. Of a request these are method, path with query, time, nonce and body;
of an answer or a notice time, nonce and body: always the bytes themselves, never a body written again.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from gateway.contract import Key, Site
from gateway.errors import Reason, Rejected, Unauthentic
from gateway.model.dates import Instant
from gateway.wire.signatures import sign_rsa, verify_rsa

SCHEME = "WECHATPAY2-SHA256-RSA2048"
_HEADERS = ("wechatpay-timestamp", "wechatpay-nonce", "wechatpay-signature", "wechatpay-serial")
_SECONDS_DIGITS_MAX = 12


def authorization(method: str, url: str, body: bytes, site: Site, at_ms: Instant, nonce: str) -> str:
    """The ``Authorization`` header of a request; raises :class:`Rejected` without a key or a nonce."""
    key = own_key(site, at_ms)
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    seconds = str(at_ms // 1000)
    text = f"{method}\n{target}\n{seconds}\n{nonce}\n".encode() + body + b"\n"
    items = {
        "mchid": site.hotel,
        "nonce_str": nonce,
        "signature": sign_rsa(key.material, text, key.password),
        "timestamp": seconds,
        "serial_no": key.id,
    }
    return f"{SCHEME} " + ",".join(f'{name}="{value}"' for name, value in items.items())


def sign_lines(lines: tuple[str, ...], site: Site, at_ms: Instant) -> str:
    """The signature of what a client hands to the wallet."""
    key = own_key(site, at_ms)
    return sign_rsa(key.material, "".join(f"{line}\n" for line in lines).encode(), key.password)


def own_key(site: Site, at_ms: Instant) -> Key:
    """The merchant's key; its id is the serial number of the merchant's certificate."""
    keys = site.keys_for("sign", at_ms)
    if not keys or not keys[0].id:
        raise Rejected("the account has no key to sign with, or no serial number for it", Reason.AUTHENTICATION)
    return keys[0]


def is_signed(headers: Mapping[str, str]) -> bool:
    """Whether a message claims to be signed at all."""
    return any(name in headers for name in _HEADERS)


def verify_message(headers: Mapping[str, str], body: bytes, site: Site, now_ms: Instant, window_s: int) -> str:
    """The id of the key that proves an answer or a notice.

    Raises :class:`Unauthentic`; with the reason ``unavailable`` for a key that we do not hold yet. A key is never
    fetched because of a message: a forged number would let anybody cause traffic.
    """
    seconds, nonce, signature, serial = (headers.get(name, "") for name in _HEADERS)
    if not (seconds and nonce and signature and serial):
        raise Unauthentic("a header of the signature is missing")
    if headers.get("wechatpay-signature-type", SCHEME) != SCHEME:
        raise Unauthentic("the message is signed in another way than with RSA and SHA-256")
    if not (seconds.isascii() and seconds.isdecimal()) or len(seconds) > _SECONDS_DIGITS_MAX:
        raise Unauthentic("the time of the signature is no number")
    if abs(now_ms - int(seconds) * 1000) > window_s * 1000:
        raise Unauthentic("the signature is too old, or of the future")
    key = _named(site, serial, now_ms)
    verify_rsa(key.material, f"{seconds}\n{nonce}\n".encode() + body + b"\n", signature)
    return key.id


def _named(site: Site, serial: str, now_ms: Instant) -> Key:
    """By the whole number; hexadecimal ones are written in either case."""
    for key in site.keys_for("theirs", now_ms):
        if key.id and key.id.upper() == serial.upper():
            return key
    raise Unauthentic(f"the key {serial[:60]!r} of WeChat Pay is not configured", Reason.UNAVAILABLE)
