"""Certificate mode of an Alipay: its own certificates, the one it made for the merchant, and the numbers both go by.

A number is the MD5 of the issuer's name and the serial number in decimal; the name is worked out from what the
certificate was made of, not read from it.
"""

import hashlib
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_public_key

from simulators.psp.keys import FIRST, LAST, KeyPair

_OID = x509.NameOID


class _Name(NamedTuple):
    common: str
    unit: str = "Certification Authority"
    organisation: str = "Simulated Ant"

    @property
    def x509(self) -> x509.Name:
        parts = [(_OID.COUNTRY_NAME, "CN"), (_OID.ORGANIZATION_NAME, self.organisation)]
        parts += [(_OID.ORGANIZATIONAL_UNIT_NAME, self.unit), (_OID.COMMON_NAME, self.common)]
        return x509.Name([x509.NameAttribute(kind, text) for kind, text in parts])

    def number(self, serial: int) -> str:
        text = f"CN={self.common},OU={self.unit},O={self.organisation},C=CN{serial}"
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


_ROOT, _MIDDLE = _Name("Simulated root R1"), _Name("Simulated class 2 R1")


class Certificates:
    """``roots`` is the bundle a merchant configures, one of its members no RSA certificate; ``theirs`` and ``app`` come
    with the one between them and the root.
    """

    def __init__(self, merchant_pem: str, key: KeyPair) -> None:
        self._root, self._middle = KeyPair(), KeyPair()
        other = ec.generate_private_key(ec.SECP256R1())
        name = _Name("Simulated SM2 root").x509
        unlike = x509.CertificateBuilder(name, name, other.public_key(), 7, FIRST, LAST).sign(other, SHA256())
        root = _made(_ROOT, self._root, _ROOT, self._root, 1)
        self._between = _made(_MIDDLE, self._middle, _ROOT, self._root, 2)
        self.roots = f"{unlike.public_bytes(Encoding.PEM).decode()}\n{root}"
        self.root_number = _ROOT.number(1)
        self.app, self.app_number = self._issued("merchant", _public(merchant_pem), 11)
        self.theirs, self.their_number = self._issued("Alipay", key, 12)

    def renewed(self, key: KeyPair) -> None:
        """Alipay signs with another key and certificate from now on."""
        self.theirs, self.their_number = self._issued("Alipay", key, 13)

    def _issued(self, common: str, key: "KeyPair | RSAPublicKey", serial: int) -> tuple[str, str]:
        made = _made(_Name(common, "Alipay"), key, _MIDDLE, self._middle, serial)
        return f"{made}\n{self._between}", _MIDDLE.number(serial)


def _made(subject: _Name, key: "KeyPair | RSAPublicKey", issuer: _Name, signer: KeyPair, serial: int) -> str:
    public = key.private.public_key() if isinstance(key, KeyPair) else key
    built = x509.CertificateBuilder(issuer.x509, subject.x509, public, serial, FIRST, LAST)
    return built.sign(signer.private, SHA256()).public_bytes(Encoding.PEM).decode()


def _public(pem: str) -> RSAPublicKey:
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, RSAPublicKey):
        raise TypeError("the merchant's key is no RSA key")
    return key
