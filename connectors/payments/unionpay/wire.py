"""UnionPay's messages: flat fields, signed as the hash of a hash.

What is signed is the SHA-256 of the joined fields, written in hexadecimal, and hashed once more by the signature. A
synchronous reply is not form-encoded though it looks like it, a callback is.
"""

from __future__ import annotations

import binascii
import hashlib
from base64 import b64decode
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates

from connectors.payments._shared.form import FIELDS_MAX, Fields, signed_text
from connectors.payments.unionpay.certificates import signer_of
from gateway.contract import Site
from gateway.errors import Malformed, Reason, Rejected, Unauthentic
from gateway.model.dates import Instant
from gateway.wire.signatures import sign_rsa, verify_rsa

VERSION, SIGN_METHOD = "5.1.0", "01"
_OPENING, _CLOSING = "{[", "}]"


def signed(fields: Fields, site: Site, at_ms: Instant) -> dict[str, str]:
    """The fields without empty ones, with ``certId``, ``signMethod`` and ``signature``."""
    private_key, number = _own_key(site, at_ms)
    filled = {name: value for name, value in fields.items() if value}
    filled |= {"signMethod": SIGN_METHOD, "certId": number}
    return filled | {"signature": sign_rsa(private_key, digest_of(signed_text(filled, ("signature",))))}


def verify(fields: Fields, site: Site, at_ms: Instant) -> str:
    """The number of the certificate that proves a message; raises :class:`Unauthentic`.

    The official demonstrations leave empty values out, one of the libraries keeps them: either is a signature over all
    that the message says.
    """
    if fields.get("version") != VERSION or fields.get("signMethod") != SIGN_METHOD:
        raise Unauthentic("a message of another version or signed in another way")
    certificate = fields.get("signPubKeyCert", "")
    number = signer_of(certificate, site, at_ms)
    signature = fields.get("signature", "")
    try:
        verify_rsa(certificate, digest_of(signed_text(fields, ("signature",))), signature)
    except Unauthentic:
        verify_rsa(certificate, digest_of(_with_empty(fields)), signature)
    return number


def digest_of(text: str) -> bytes:
    """The 64 characters that are signed."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest().encode()


def read_reply(body: bytes) -> dict[str, str]:
    """The fields of a synchronous reply, whose values are not encoded at all; raises :class:`Malformed`.

    An ampersand within brackets belongs to a value, and so do line ends: a certificate's are part of what is signed.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("the reply is not UTF-8") from None
    found: dict[str, str] = {}
    for part in _parts(text):
        name, equals, value = part.partition("=")
        if not name or not equals or name in found:
            raise Malformed("the reply is no list of fields")
        found[name] = value
    return found


def _parts(text: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for at, character in enumerate(text):
        if character in _OPENING:
            depth += 1
        elif character in _CLOSING:
            depth = max(0, depth - 1)
        elif character == "&" and not depth:
            parts.append(text[start:at])
            start = at + 1
            if len(parts) > FIELDS_MAX:
                raise Malformed(f"more than {FIELDS_MAX} fields")
    if depth:
        raise Malformed("a bracket in the reply is not closed")
    return [*parts, text[start:]]


def _with_empty(fields: Fields) -> str:
    return "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name != "signature")


def _own_key(site: Site, at_ms: Instant) -> tuple[str, str]:
    """The private key, and its certificate's serial number in decimal."""
    keys = site.keys_for("sign", at_ms)
    if not keys:
        raise Rejected("the account has no key to sign with", Reason.AUTHENTICATION)
    return _opened(keys[0].material, keys[0].password, keys[0].id)


@lru_cache(maxsize=64)
def _opened(material: str, password: str, number: str) -> tuple[str, str]:
    """A PFX file in Base64 brings its number along; a key in PEM has it as the ``id`` of the configured key."""
    if "-----BEGIN" in material:
        if not number.isdecimal():
            raise Malformed("a signing key in PEM needs the number of its certificate in decimal")
        return material, number
    try:
        key, certificate, _ = load_key_and_certificates(b64decode(material, validate=True), password.encode() or None)
    except (binascii.Error, ValueError):
        raise Malformed("the signing certificate (PFX) cannot be opened") from None
    if not isinstance(key, RSAPrivateKey) or certificate is None:
        raise Malformed("the signing certificate (PFX) holds no RSA key with its certificate")
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return pem, str(certificate.serial_number)
