"""Whose certificate a message brings along: below the configured middle and root, valid today, of this mode's UnionPay.

The certificates of the chain are signed with SHA-1, which libraries refuse by now. It is taken here for nothing but
the links to the two that are configured.
"""

from __future__ import annotations

from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384, SHA512

from connectors.payments._shared.profile import is_live
from gateway.contract import Site
from gateway.errors import Malformed, Reason, Unauthentic
from gateway.model.dates import Instant

LIVE_SIGNER, TEST_SIGNER = "中国银联股份有限公司", "00040000:SIGN"
_TEXT_MAX = 8192
# Parts of a certificate are read when they are asked for, so each of these may come late.
_UNREADABLE = (ValueError, TypeError, OverflowError, UnsupportedAlgorithm, x509.InvalidVersion)
_HASHES = (SHA1, SHA256, SHA384, SHA512)


def signer_of(certificate: str, site: Site, at_ms: Instant) -> str:
    """The serial number in decimal of a certificate that may sign for this account; raises :class:`Unauthentic`.

    The name in it differs between test and live, so that a test message never passes on a live account.
    """
    expected = LIVE_SIGNER if is_live(site) else TEST_SIGNER
    roots = [key.material for key in site.keys_for("root", at_ms)]
    for middle in site.keys_for("middle", at_ms):
        for root in roots:
            number, first_ms, last_ms, signer = _checked(certificate, middle.material, root)
            if number and first_ms <= at_ms <= last_ms:
                if signer != expected:
                    raise Unauthentic("a message of UnionPay's other environment", Reason.AUTHORIZATION)
                return number
    raise Unauthentic("the certificate in the message is not one of UnionPay's that is valid now")


@lru_cache(maxsize=256)
def _checked(certificate: str, middle: str, root: str) -> tuple[str, Instant, Instant, str]:
    """Serial number, validity of the whole chain, and signer; an empty number for a certificate that is not theirs."""
    chain = [_read(middle, "middle"), _read(root, "root")]
    if len(certificate) > _TEXT_MAX or certificate.count("-----BEGIN") != 1:
        return "", 0, 0, ""
    try:
        own = x509.load_pem_x509_certificate(certificate.encode())
        if not (_issued(own, chain[0]) and _issued(chain[0], chain[1])):
            return "", 0, 0, ""
        names = own.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        first = max(one.not_valid_before_utc.timestamp() for one in (own, *chain))
        last = min(one.not_valid_after_utc.timestamp() for one in (own, *chain))
    except _UNREADABLE:
        return "", 0, 0, ""
    parts = str(names[0].value).split("@") if names else []
    return str(own.serial_number), int(first * 1000), int(last * 1000), parts[2] if len(parts) > 2 else ""


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """By hand, since the library checks no SHA-1."""
    key, algorithm = issuer.public_key(), certificate.signature_hash_algorithm
    if certificate.issuer != issuer.subject or not isinstance(key, RSAPublicKey) or not isinstance(algorithm, _HASHES):
        return False
    try:
        key.verify(certificate.signature, certificate.tbs_certificate_bytes, PKCS1v15(), algorithm)
    except InvalidSignature:
        return False
    return True


def _read(material: str, what: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(material.encode())
    except ValueError:
        raise Malformed(f"the configured {what} certificate of UnionPay cannot be read") from None
