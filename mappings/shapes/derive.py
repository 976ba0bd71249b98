"""Writes the shape tables anew from the official schemas: ``python -m mappings.shapes.derive FOLDER``.

FOLDER holds the schemas as published: ``opentravel-2011B/``, ``opentravel-2015A/``, ``alpinebits/`` and
``siteminder/``. They are third-party works that are not shipped; the tables say what is valid in our own words.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
from lxml import etree

from mappings.shapes.xsd import XS, Node, Reader

NAMESPACE = "http://www.opentravel.org/OTA/2003/05"


class Source(msgspec.Struct, frozen=True):
    """``read`` finds the schema documents below the folder of all schemas."""

    text: str
    read: Callable[[Path], list[Node]]


def _parse(path: Path) -> Node:
    return etree.parse(str(path), etree.XMLParser(remove_comments=True, no_network=True)).getroot()


def _folder(name: str) -> Callable[[Path], list[Node]]:
    return lambda folder: [_parse(path) for path in sorted((folder / name).glob("OTA_*.xsd"))]


def _file(name: str) -> Callable[[Path], list[Node]]:
    return lambda folder: [_parse(folder / name)]


def _inline(name: str) -> Callable[[Path], list[Node]]:
    """The schemas inside a WSDL, of the OpenTravel namespace only."""

    def read(folder: Path) -> list[Node]:
        found = _parse(folder / name).iter(XS + "schema")
        return [schema for schema in found if schema.get("targetNamespace") == NAMESPACE]

    return read


SOURCES = {
    "opentravel-2011b": Source("OpenTravel 2011B", _folder("opentravel-2011B")),
    "opentravel-2015a": Source("OpenTravel 2015A", _folder("opentravel-2015A")),
    "alpinebits-2018-10": Source("AlpineBits 2018-10", _file("alpinebits/alpinebits-2018-10.xsd")),
    "alpinebits-2020-10": Source("AlpineBits 2020-10", _file("alpinebits/alpinebits-2020-10.xsd")),
    "alpinebits-2022-10": Source("AlpineBits 2022-10", _file("alpinebits/alpinebits-2022-10.xsd")),
    "alpinebits-2024-10": Source("AlpineBits 2024-10", _file("alpinebits/alpinebits-2024-10.xsd")),
    "pmsxchange": Source("SiteMinder pmsXchange WSDL", _inline("siteminder/pmsxchange/pmsxchange_flat.wsdl")),
    "siteconnect": Source("SiteMinder SiteConnect, OpenTravel 2010A", _folder("siteminder/siteconnect/schema")),
}


def table(source: Source, folder: Path) -> dict[str, object]:
    """One table, as it is written down."""
    reader = Reader(source.read(folder))
    return {
        "source": source.text,
        "namespace": NAMESPACE,
        "roots": reader.elements(lambda name: name.startswith("OTA_")),
        "elements": reader.elements(lambda name: not name.startswith("OTA_")),
        "types": dict(sorted(reader.types.items())),
        "values": dict(sorted(reader.values.items())),
    }


def written(found: dict[str, object]) -> str:
    """JSON with one definition a line, so that a change of a table can be read as one."""
    parts = []
    for key, value in found.items():
        if isinstance(value, dict):
            rows = ",\n".join(
                f"{json.dumps(name)}: {json.dumps(row, ensure_ascii=False)}" for name, row in value.items()
            )
            parts.append(f"{json.dumps(key)}: {{\n{rows}\n}}")
        else:
            parts.append(f"{json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main(folder: Path, into: Path) -> None:
    for name, source in SOURCES.items():
        (into / f"{name}.json").write_text(written(table(source, folder)), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(__file__).parent)
