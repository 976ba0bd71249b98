"""Signatures over exact bytes: HMAC-SHA256 and RSA (RSASSA-PKCS1-v1_5 with SHA-256, RFC 8017), Base64 by RFC 4648.

Every comparison takes the same time wherever the difference is. Keys come as text in any of the forms gateways hand
out: PEM (PKCS#1, PKCS#8, SubjectPublicKeyInfo, certificate) or the bare Base64 between its lines.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
from base64 import b64decode, b64encode
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from gateway.errors import Malformed, Unauthentic

RSA_BITS_MIN = 2048
_AES_KEY_BYTES = 32


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """The 32 bytes of the code."""
    return hmac.new(key, message, hashlib.sha256).digest()


def same(given: str, expected: str) -> bool:
    """Whether two texts are equal, without telling by its time how much of them is."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode("utf-8", "surrogatepass"))


def hex_key(material: str) -> bytes:
    """The bytes of a key written in hexadecimal; raises :class:`Malformed` for anything else, and for none."""
    try:
        key = bytes.fromhex(material.strip())
    except ValueError:
        key = b""
    if not key:
        raise Malformed("a configured key is not hexadecimal")
    return key


def sign_rsa(private_key: str, message: bytes, password: str = "") -> str:
    """The signature in Base64; raises :class:`Malformed` if the key cannot be used."""
    return b64encode(load_private_key(private_key, password).sign(message, padding.PKCS1v15(), SHA256())).decode()


def verify_rsa(public_key: str, message: bytes, signature: str) -> None:
    """Raises :class:`Unauthentic` unless the Base64 ``signature`` is of exactly these bytes, by this key."""
    try:
        given = b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        raise Unauthentic("the signature is not Base64") from None
    if b64encode(given) != signature.encode():
        raise Unauthentic("the signature has another form of Base64 than it should")
    try:
        load_public_key(public_key).verify(given, message, padding.PKCS1v15(), SHA256())
    except InvalidSignature:
        raise Unauthentic("the signature does not belong to this message") from None


@lru_cache(maxsize=256)
def load_private_key(material: str, password: str = "") -> RSAPrivateKey:
    """Parsing takes a hundred times longer than signing, so keys in use are remembered."""
    secret = password.encode() or None
    try:
        if "-----BEGIN" in material:
            key = serialization.load_pem_private_key(material.encode(), secret)
        else:
            key = serialization.load_der_private_key(_der(material), secret)
    except (ValueError, TypeError):
        raise Malformed("the private key of the account cannot be read") from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < RSA_BITS_MIN:
        raise Malformed(f"the private key of the account is not RSA of {RSA_BITS_MIN} bits or more")
    return key


@lru_cache(maxsize=256)
def load_public_key(material: str) -> RSAPublicKey:
    """Of a public key or a certificate; whether a certificate may be trusted is for the caller to know."""
    try:
        if "BEGIN CERTIFICATE" in material:
            key = x509.load_pem_x509_certificate(material.encode()).public_key()
        elif "-----BEGIN" in material:
            key = serialization.load_pem_public_key(material.encode())  # type: ignore[assignment]
        else:
            key = serialization.load_der_public_key(_der(material))  # type: ignore[assignment]
    except ValueError:
        raise Malformed("a public key of the gateway cannot be read") from None
    if not isinstance(key, RSAPublicKey) or key.key_size < RSA_BITS_MIN:
        raise Malformed(f"a public key of the gateway is not RSA of {RSA_BITS_MIN} bits or more")
    return key


def open_sealed(key: bytes, nonce: bytes, sealed: bytes, associated: bytes) -> bytes:
    """AES-256-GCM with the tag at the end (RFC 5116); raises :class:`Unauthentic` if it is not of this key."""
    if len(key) != _AES_KEY_BYTES:
        raise Malformed(f"a configured key has {len(key)} bytes, not {_AES_KEY_BYTES}")
    try:
        return AESGCM(key).decrypt(nonce, sealed, associated)
    except (InvalidTag, ValueError):
        raise Unauthentic("the content was not sealed with the key of this account") from None


def _der(material: str) -> bytes:
    return b64decode("".join(material.split()), validate=True)
