"""Certificate mode: the numbers Alipay gives to certificates, and whether one of theirs is really theirs."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from gateway.contract import Key, Site
from gateway.errors import Malformed
from gateway.model.dates import Instant

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_RSA_SIGNATURES = "1.2.840.113549.1.1"
_CHAIN_MAX = 5


def is_certificate(material: str) -> bool:
    """A certificate, rather than a bare public key."""
    return _BEGIN in material


@lru_cache(maxsize=256)
def number_of(material: str) -> str:
    """``app_cert_sn``: MD5 of the issuer's name and the serial number in decimal, of the first certificate."""
    found = certificates_in(material)
    if not found:
        raise Malformed("a configured certificate cannot be read")
    return _number(found[0])


@lru_cache(maxsize=64)
def root_number_of(bundle: str) -> str:
    """``alipay_root_cert_sn``: the numbers of all certificates in the bundle that are signed with RSA."""
    rsa = [
        one for one in certificates_in(bundle) if one.signature_algorithm_oid.dotted_string.startswith(_RSA_SIGNATURES)
    ]
    return "_".join(_number(one) for one in rsa)


@lru_cache(maxsize=256)
def certificates_in(material: str) -> tuple[x509.Certificate, ...]:
    """All that can be read: the bundle of roots holds SM2 certificates, and one that is not quite DER."""
    found = []
    for piece in material.split(_BEGIN)[1:]:
        text = _BEGIN + piece.partition(_END)[0] + _END + "\n"
        try:
            found.append(x509.load_pem_x509_certificate(text.encode()))
        except (ValueError, x509.UnsupportedGeneralNameType):
            continue
    return tuple(found)


def issued_below(key: Key, site: Site, at_ms: Instant) -> bool:
    """Whether a certificate of theirs is valid and leads to one of the configured roots."""
    own = certificates_in(key.material)
    roots = tuple(one for root in site.keys_for("root", at_ms) for one in certificates_in(root.material))
    return bool(own) and _valid(own[0], at_ms) and _leads_to(own[0], own[1:], roots)


def _leads_to(
    leaf: x509.Certificate, between: tuple[x509.Certificate, ...], roots: tuple[x509.Certificate, ...]
) -> bool:
    current = leaf
    for _ in range(_CHAIN_MAX):
        if any(_issued(current, root) for root in roots):
            return True
        above = next((one for one in between if one is not current and _issued(current, one)), None)
        if above is None:
            return False
        current = above
    return False


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    if certificate == issuer:
        return True
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _valid(certificate: x509.Certificate, at_ms: Instant) -> bool:
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return first.timestamp() * 1000 <= at_ms <= last.timestamp() * 1000


def _number(certificate: x509.Certificate) -> str:
    issuer = ",".join(f"{name.rfc4514_attribute_name}={name.value!s}" for name in reversed(list(certificate.issuer)))
    return hashlib.md5(f"{issuer}{certificate.serial_number}".encode(), usedforsecurity=False).hexdigest()
