"""SiteMinder's published schemas, beside the repository for its developers; tests that need them skip without."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from lxml import etree

from tests.connectors.opentravel import schemas

NAMESPACE = "http://www.opentravel.org/OTA/2003/05"
_XS = "{http://www.w3.org/2001/XMLSchema}"


def folder() -> Path:
    return schemas.folder() / "siteminder"


needed = pytest.mark.skipif(not folder().is_dir(), reason="SiteMinder's schemas are not here (GATEWAY_SHARED)")


@cache
def _pmsxchange() -> etree.XMLSchema:
    """The OpenTravel schema that stands inside the WSDL."""
    wsdl = etree.parse(folder() / "pmsxchange" / "pmsxchange_flat.wsdl").getroot()
    inner = next(one for one in wsdl.iter(f"{_XS}schema") if one.get("targetNamespace") == NAMESPACE)
    return etree.XMLSchema(etree.fromstring(etree.tostring(inner)))


@cache
def _siteconnect() -> etree.XMLSchema:
    """The files have no namespace of their own and do not include each other: a wrapper gives them both."""
    paths = sorted((folder() / "siteconnect" / "schema").glob("OTA_*.xsd"))
    includes = "".join(f'<xs:include schemaLocation="{path.as_uri()}"/>' for path in paths)
    text = (
        f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="{NAMESPACE}" targetNamespace="{NAMESPACE}" '
        f'elementFormDefault="qualified">{includes}</xs:schema>'
    )
    return etree.XMLSchema(etree.fromstring(text))


def faults(body: bytes, dialect: str) -> list[str]:
    """What the dialect's schema has against the message inside an envelope."""
    (message,) = next(etree.fromstring(body).iter("{*}Body"))
    # Reservations are pushed to a PMS too, but only the other schema has them.
    pulled = dialect == "pmsxchange" and "HotelResNotif" not in str(message.tag)
    schema = _pmsxchange() if pulled else _siteconnect()
    schema.validate(etree.fromstring(etree.tostring(message)))
    return [f"line {entry.line}: {entry.message}" for entry in schema.error_log]
