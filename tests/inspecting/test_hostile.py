"""Hostile and broken files: each ends as one typed refusal, without much memory, and none stops the rest."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import pytest

from connectors.opentravel.ota import CONNECTOR
from gateway.contract_inspecting import Inspection
from gateway.inspecting import Verdict, inspect_file

PING = '<OTA_PingRQ xmlns="http://www.opentravel.org/OTA/2003/05" Version="1.0"><EchoData>x</EchoData></OTA_PingRQ>'
DOCTYPE = '<!DOCTYPE OTA_PingRQ [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
ENTITY = DOCTYPE + PING.replace(">x<", ">&x;<")


def declared(name: str) -> str:
    return f'<?xml version="1.0" encoding="{name}"?>'


def inside(content: str) -> bytes:
    return PING.replace(">x<", f">{content}<").encode()


CASES: dict[str, bytes] = {
    "doctype": ENTITY.encode(),
    "doctype behind white space": (" " * 20_000 + ENTITY).encode(),
    "default attributes": ('<!DOCTYPE a [<!ATTLIST OTA_PingRQ Version CDATA "1.0">]>' + PING).encode(),
    **{f"doctype in {name}": (declared(name) + ENTITY).encode(name) for name in ("utf-16", "utf-32", "utf-7")},
    **{
        f"doctype in {name} without a mark": (declared(name) + ENTITY).encode(name)
        for name in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "cp037", "cp500", "cp1140")
    },
    "doctype declared as EBCDIC": declared("IBM037").encode() + ENTITY.encode("cp037"),
    **{
        f"declared as {name}": (declared(name) + PING).encode()
        for name in ("UTF-7", "UTF-16", "idna", "rot13", "zlib", "x-unknown", "HZ-GB-2312")
    },
    "UTF-16 declared as UTF-8": (declared("UTF-8") + PING).encode("utf-16"),
    "UTF-16 declared as Latin 1, without a mark": (declared("ISO-8859-1") + PING).encode("utf-16-le"),
    "not the declared encoding": (declared("US-ASCII") + PING.replace(">x<", ">é<")).encode("latin-1"),
    "not UTF-8": PING.replace(">x<", ">é<").encode("latin-1"),
    "surrogates in UTF-8": inside("x").replace(b">x<", b">\xed\xa0\x80<"),
    "entity bomb": (
        '<!DOCTYPE a [<!ENTITY a0 "x">'
        + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 20))
        + "]><a>&a19;</a>"
    ).encode(),
    "xinclude": inside('<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>'),
    "xinclude as the root": b'<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>',
    "large attribute": PING.replace("Version=", f'EchoToken="{"x" * 20_000_000}" Version=').encode(),
    "large text": inside("x" * 20_000_000),
    "large comment": b"<!--" + b"x" * 20_000_000 + b"-->" + PING.encode(),
    "many attributes": PING.replace("Version=", "".join(f'a{n}="" ' for n in range(200_000)) + "Version=").encode(),
    "many namespaces": PING.replace(
        "Version=", "".join(f'xmlns:a{n}="u" ' for n in range(200_000)) + "Version="
    ).encode(),
    "namespaces, spread": inside("".join(f'<a xmlns="u{n}"/>' for n in range(100_000))),
    "many elements": inside("<a/>" * 1_000_000),
    "many names": inside("".join(f"<a{n}/>" for n in range(600_000))),
    "deep": inside("<a>" * 100_000 + "</a>" * 100_000),
    "deep and cut off": b"<a>" * 1_000_000,
    "cut off": PING[:60].encode(),
    "empty": b"",
    "white space": b" \n ",
    "zeros": b"\0" * 1_000_000,
    "binary": bytes(range(256)) * 100,
    "nul in the text": inside("\0"),
    "character 0": inside("&#0;"),
    "only <": b"<" * 1_000_000,
    "html": b"<html><body>Login<br></body></html>",
    "json": b'{"OTA_PingRQ": {}}',
    "two documents": (PING + PING).encode(),
    "attribute twice": PING.replace("Version=", 'Version="1" Version=').encode(),
    "endless number": PING.replace("Version=", f'SequenceNmbr="{"9" * 30_000}" Version=').encode(),
    "gzip bomb": gzip.compress(b"<a>" + b" " * 80_000_000),
    "gzip cut off": gzip.compress(PING.encode())[:-5],
    "gzip in gzip": gzip.compress(gzip.compress(PING.encode())),
    "long element name": b"<" + b"a" * 30_000 + b"/>",
    "long attribute name": PING.replace("Version=", f'{"a" * 30_000}="" Version=').encode(),
    "two envelopes": b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body/><s:Body/></s:Envelope>',
    "empty envelope": b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body/></s:Envelope>',
}


def verdict(path: Path, data: bytes) -> Verdict:
    path.write_bytes(data)
    return inspect_file(path, CONNECTOR, Inspection("ota"), lambda reason: "")


@pytest.mark.parametrize("name", CASES)
def test_it_is_refused_with_a_typed_error(name: str, tmp_path: Path) -> None:
    tracemalloc.start()
    try:
        found = verdict(tmp_path / "hostile.xml", CASES[name])
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert not found.accepted
    assert found.error is not None
    assert found.error.kind in ("malformed", "unsupported")
    assert "root:" not in found.error.text
    assert len(found.error.text) <= 500
    assert (found.error.path or "").startswith("/")
    assert peak_bytes < 200 * 1024 * 1024


ENVELOPED = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{}</s:Body></s:Envelope>'


@pytest.mark.parametrize(
    ("data", "path", "message"),
    [
        (CASES["empty"], "/", None),
        (CASES["declared as UTF-7"], "/", None),
        (CASES["doctype"], "/", None),
        (CASES["attribute twice"], "/", None),
        (CASES["large text"], "/OTA_PingRQ", "OTA_PingRQ"),
        (CASES["two documents"], "/OTA_PingRQ", "OTA_PingRQ"),
        (CASES["character 0"], "/OTA_PingRQ/EchoData", "OTA_PingRQ"),
        (inside("<a/><a><b>"), "/OTA_PingRQ/EchoData/a[2]/b", "OTA_PingRQ"),
        (inside("&nbsp;").decode().encode("utf-16"), "/OTA_PingRQ/EchoData", "OTA_PingRQ"),
        (ENVELOPED.format(PING[:-15]).encode(), "/OTA_PingRQ/EchoData", "OTA_PingRQ"),
        (ENVELOPED.format("</x>").encode(), "/Envelope/Body", "Envelope"),
        (CASES["long element name"], "/" + "a" * 998 + "…", "a" * 99 + "…"),
    ],
)
def test_the_path_leads_to_where_reading_ends(data: bytes, path: str, message: str | None, tmp_path: Path) -> None:
    found = verdict(tmp_path / "broken.xml", data)
    assert found.error is not None
    assert (found.error.path, found.message) == (path, message)


@pytest.mark.parametrize(
    "data",
    [
        PING.encode(),
        b"\xef\xbb\xbf" + PING.encode(),
        (declared("UTF-16") + PING).encode("utf-16"),
        (declared("windows-1252") + PING.replace(">x<", ">é<")).encode("cp1252"),
        (declared("utf-8") + "<!-- a --><?b c?>" + PING + "<!-- d -->").encode(),
        gzip.compress(PING.encode()),
        inside("<![CDATA[<!-- x -->]]>&#65;&amp;"),
    ],
)
def test_what_looks_strange_and_is_not_is_taken(data: bytes, tmp_path: Path) -> None:
    assert verdict(tmp_path / "strange.xml", data).accepted
