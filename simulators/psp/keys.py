"""Keys and certificates that are made when a simulator starts, and RSA signatures with them (PKCS#1 v1.5, SHA-256)."""

from base64 import b64decode, b64encode
from binascii import Error
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)

FIRST, LAST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2049, 12, 31, tzinfo=UTC)


class KeyPair:
    """An RSA key of 2048 bits, as text and in use."""

    def __init__(self, private: RSAPrivateKey | None = None) -> None:
        self.private = private or generate_private_key(65537, 2048)

    @property
    def private_pem(self) -> str:
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    @property
    def public_pem(self) -> str:
        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def sign(self, message: bytes) -> str:
        """In Base64."""
        return b64encode(self.private.sign(message, PKCS1v15(), SHA256())).decode()


class Chain:
    """UnionPay's certificates: a root, a middle one below it, and the signer's below that.

    The signer's name tells test (``00040000:SIGN``) from live.
    """

    def __init__(self, signer: str = "00040000:SIGN") -> None:
        root, middle, self.key = KeyPair(), KeyPair(), KeyPair()
        self.root = _certificate("Simulated root", root, "Simulated root", root, 1)
        self.middle = _certificate("Simulated middle", middle, "Simulated root", root, 2)
        own = _certificate(f"041@Z2020-1-1@{signer}@00000001", self.key, "Simulated middle", middle, 69026276696)
        # Line ends are part of what is signed, and theirs are those of Windows.
        self.signer = own.strip().replace("\n", "\r\n")


def certificate_of(key: KeyPair, name: str, number: int) -> str:
    """A certificate in PEM that the key has signed itself."""
    return _certificate(name, key, name, key, number)


def proves(public_pem: str, message: bytes, signature: str) -> bool:
    """Whether the Base64 ``signature`` is of exactly these bytes."""
    key = load_pem_public_key(public_pem.encode())
    if not isinstance(key, RSAPublicKey):
        raise TypeError("the merchant's key is no RSA key")
    try:
        key.verify(b64decode(signature, validate=True), message, PKCS1v15(), SHA256())
    except (InvalidSignature, Error, ValueError):
        return False
    return True


def _certificate(name: str, key: KeyPair, issuer: str, signer: KeyPair, number: int) -> str:
    subject, above = (x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)]) for text in (name, issuer))
    built = x509.CertificateBuilder(above, subject, key.private.public_key(), number, FIRST, LAST)
    return built.sign(signer.private, SHA256()).public_bytes(Encoding.PEM).decode()
