"""The official schemas of AlpineBits, beside the repository for its developers."""

from __future__ import annotations

from functools import cache

import pytest
from lxml import etree

from tests.connectors.opentravel.schemas import folder

needed = pytest.mark.skipif(not folder().is_dir(), reason="the AlpineBits schemas are not here (GATEWAY_SHARED)")

# The alliance's file of 2024-10 and the one in wide use differ; what we say is valid for both.
_FILES = {"2024-10": ("alpinebits-2024-10.xsd", "alpinebits-2024-10.official.xsd")}


@cache
def _schema(file: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(folder() / "alpinebits" / file))


def faults(body: bytes, version: str) -> list[str]:
    """What the schemas of the version have against a document."""
    tree = etree.fromstring(body)
    found = []
    for file in _FILES.get(version, (f"alpinebits-{version}.xsd",)):
        schema = _schema(file)
        schema.validate(tree)
        found += [f"{file}, line {entry.line}: {entry.message}" for entry in schema.error_log]
    return found
