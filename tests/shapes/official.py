"""The official schema for each shape table, beside the repository for its developers."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest
from lxml import etree

XS = "{http://www.w3.org/2001/XMLSchema}"
NAMESPACE = "http://www.opentravel.org/OTA/2003/05"


def folder() -> Path:
    return Path(os.environ.get("GATEWAY_SHARED", Path(__file__).parents[3] / "shared")) / "schemas"


needed = pytest.mark.skipif(not folder().is_dir(), reason="the official schemas are not here (GATEWAY_SHARED)")


@cache
def schema(table: str) -> etree.XMLSchema:
    """One schema with all messages of a table."""
    if table.startswith("alpinebits"):
        return etree.XMLSchema(etree.parse(folder() / "alpinebits" / f"{table}.xsd"))
    if table == "pmsxchange":
        wsdl = etree.parse(folder() / "siteminder" / "pmsxchange" / "pmsxchange_flat.wsdl")
        # A copy, because a schema inside another document does not compile.
        return etree.XMLSchema(etree.fromstring(etree.tostring(next(wsdl.iter(XS + "schema")))))
    if table == "siteconnect":
        return _included(folder() / "siteminder" / "siteconnect" / "schema")
    return _included(folder() / f"opentravel-{table.removeprefix('opentravel-').upper()}")


def _included(files: Path) -> etree.XMLSchema:
    """A file per message, put into one schema; those of SiteConnect have no namespace without it."""
    whole = etree.Element(XS + "schema", targetNamespace=NAMESPACE, elementFormDefault="qualified")
    for path in sorted(files.glob("OTA_*.xsd")):
        etree.SubElement(whole, XS + "include", schemaLocation=path.as_uri())
    return etree.XMLSchema(whole)
