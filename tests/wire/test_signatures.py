"""Signatures over exact bytes."""

from __future__ import annotations

from base64 import b64decode, b64encode

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import Malformed, Unauthentic
from gateway.wire.signatures import hex_key, hmac_sha256, load_private_key, open_sealed, same, sign_rsa, verify_rsa

MESSAGE = "amount=120.50&subject=房费".encode()


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private(key: rsa.RSAPrivateKey, form: serialization.PrivateFormat) -> str:
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def public(key: rsa.RSAPrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def bare(pem: str) -> str:
    """The Base64 between the lines of a PEM, as some gateways hand keys out."""
    return "".join(line for line in pem.splitlines() if not line.startswith("-----"))


def test_what_is_signed_verifies_with_every_form_of_the_keys(key: rsa.RSAPrivateKey) -> None:
    forms = [
        private(key, serialization.PrivateFormat.PKCS8),
        private(key, serialization.PrivateFormat.TraditionalOpenSSL),
    ]
    signatures = {sign_rsa(form, MESSAGE) for pem in forms for form in (pem, bare(pem))}
    assert len(signatures) == 1
    for form in (public(key), bare(public(key))):
        verify_rsa(form, MESSAGE, signatures.copy().pop())


def test_every_changed_byte_is_refused(key: rsa.RSAPrivateKey) -> None:
    signature = sign_rsa(private(key, serialization.PrivateFormat.PKCS8), MESSAGE)
    for place in range(len(MESSAGE)):
        changed = bytearray(MESSAGE)
        changed[place] ^= 1
        with pytest.raises(Unauthentic):
            verify_rsa(public(key), bytes(changed), signature)
    raw = bytearray(b64decode(signature))
    for place in range(0, len(raw), 16):
        raw[place] ^= 1
        with pytest.raises(Unauthentic):
            verify_rsa(public(key), MESSAGE, b64encode(raw).decode())
        raw[place] ^= 1


@pytest.mark.parametrize("signature", ["", "!", "AAAA", "ä", "A" * 344])
def test_what_is_no_signature_is_refused(key: rsa.RSAPrivateKey, signature: str) -> None:
    with pytest.raises(Unauthentic):
        verify_rsa(public(key), MESSAGE, signature)


def test_a_locked_key_needs_its_password(key: rsa.RSAPrivateKey) -> None:
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    ).decode()
    assert load_private_key(locked, "secret").key_size == 2048
    for password in ("", "wrong"):
        with pytest.raises(Malformed):
            load_private_key(locked, password)


def test_short_and_foreign_keys_are_refused() -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    curve = ec.generate_private_key(ec.SECP256R1())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    for pem in (short.private_bytes(*form).decode(), curve.private_bytes(*form).decode(), "no key", ""):
        with pytest.raises(Malformed):
            load_private_key(pem)
    with pytest.raises(Malformed):
        verify_rsa(public(short), MESSAGE, "AAAA")
    for material in ("", "no key", "-----BEGIN PUBLIC KEY-----\n!\n-----END PUBLIC KEY-----"):
        with pytest.raises(Malformed):
            verify_rsa(material, MESSAGE, "AAAA")


def test_hmac_follows_rfc_4231() -> None:
    found = hmac_sha256(b"Jefe", b"what do ya want for nothing?").hex()
    assert found == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


def test_keys_in_hexadecimal() -> None:
    assert hex_key(" 00ff ") == b"\x00\xff"
    for material in ("", "0", "zz", "0x00"):
        with pytest.raises(Malformed):
            hex_key(material)


def test_texts_of_any_kind_can_be_compared() -> None:
    assert same("é", "é")
    assert not same("é", "e")
    assert not same("\ud800", "")


def test_sealed_content_opens_with_its_key_and_context_only() -> None:
    key, nonce = bytes(range(32)), b"uluk4a9R25RW"
    sealed = AESGCM(key).encrypt(nonce, b"message", b"associatedData")
    assert open_sealed(key, nonce, sealed, b"associatedData") == b"message"
    for wrong in ((bytes(32), nonce, sealed, b"associatedData"), (key, nonce, sealed, b""), (key, nonce, b"", b"")):
        with pytest.raises(Unauthentic):
            open_sealed(*wrong)
    with pytest.raises(Malformed):
        open_sealed(b"short", nonce, sealed, b"")
