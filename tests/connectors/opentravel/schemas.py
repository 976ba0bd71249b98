"""The official schemas, beside the repository for its developers; tests that need them are skipped without."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

import pytest
from lxml import etree

_REPOSITORY = Path(__file__).parents[3]
_RELEASES = {"2015A": "opentravel-2015A", "2011B": "opentravel-2011B"}


def folder() -> Path:
    return Path(os.environ.get("GATEWAY_SHARED", _REPOSITORY.parent / "shared")) / "schemas"


needed = pytest.mark.skipif(not folder().is_dir(), reason="the OpenTravel schemas are not here (GATEWAY_SHARED)")


@lru_cache(maxsize=64)
def _schema(release: str, root: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(folder() / _RELEASES[release] / f"{root}.xsd"))


def faults(body: bytes, release: str) -> list[str]:
    """What the schema of the document's own root has against it."""
    tree = etree.fromstring(body)
    schema = _schema(release, etree.QName(tree).localname)
    schema.validate(tree)
    return [f"line {entry.line}: {entry.message}" for entry in schema.error_log]
