"""OpenTravel by itself: bytes to commands and back, AlpineBits' rules, long documents, and many files in one call.

Floors stand beside ours here, because each of them does a part of the very same work.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from lxml import etree

from benchmarks import conditions, templates
from benchmarks.datasets.alpinebits import free_rooms_document, rate_plans_document
from benchmarks.datasets.ari import AriSet, addresses, avail_document, avail_message, rate_document, rate_message
from benchmarks.harness import Bench, Figures, Metric, cpu_and_wall, ours, register
from connectors.opentravel.alpinebits import decode_freerooms, decode_rateplans, rules
from connectors.opentravel.alpinebits.actions import FREE_ROOMS, RATE_PLANS
from connectors.opentravel.alpinebits.terms import Terms
from connectors.opentravel.ota import CONNECTOR
from gateway.contract import Head, Site
from gateway.messages import AriReceived, PushAvailability, PushRates
from gateway.wire.xml import Node, read_tree

_NAMESPACE = f"{{{templates.NAMESPACE}}}"
_SITE = Site(connection="bench", profile="ota-2015a", hotel=conditions.HOTEL_CODE, currency="EUR")
_VERSION = "2022-10"
_ON = frozenset(
    f"OTA_Hotel{name}"
    for name in (
        "InvCountNotif_accept_categories",
        "InvCountNotif_accept_complete_set",
        "RatePlanNotif_accept_overlay",
    )
)
_ITEM = {"avail": "AvailStatusMessage", "rates": "RateAmountMessage"}


# --- bytes to commands ------------------------------------------------------------------------------------------------


class _Rows:
    """The least a parser's target can do and still hand on what a message says: one dict for each."""

    def __init__(self, item: str) -> None:
        self._rows: list[dict[str, str]] = []
        current: dict[str, str] = {}

        def start(tag: str, attributes: Mapping[str, str]) -> None:
            nonlocal current
            if tag == item:
                current = dict(attributes)
                self._rows.append(current)
            else:
                current.update(attributes)

        self.start = start

    def close(self) -> list[dict[str, str]]:
        return self._rows


@cache
def _ari(kind: str) -> bytes:
    return avail_document(AriSet()) if kind == "avail" else rate_document(AriSet())


def _rows_of(kind: str) -> object:
    target: Any = _Rows(_NAMESPACE + _ITEM[kind])
    parser = etree.XMLParser(target=target, resolve_entities=False, no_network=True, remove_comments=True)
    return etree.fromstring(_ari(kind), parser)


def _commands_of(kind: str) -> AriReceived:
    document = CONNECTOR.open(Head("POST", "/", {}), [_ari(kind)])
    [event] = CONNECTOR.parse(document, _SITE)
    assert isinstance(event, AriReceived)
    assert event.updates
    return event


def _decode_floor(kind: str) -> Figures:
    return cpu_and_wall(partial(_rows_of, kind))


def _decode(kind: str) -> Figures:
    return cpu_and_wall(partial(_commands_of, kind))


# --- commands to bytes ------------------------------------------------------------------------------------------------


def _encode_floor(kind: str) -> Figures:
    """The template floor: f-strings from codes and dates that are text already."""
    write, around = (avail_message, templates.avail_document)
    if kind == "rates":
        write, around = (rate_message, templates.rate_document)
    targets = list(addresses(AriSet()))
    return cpu_and_wall(lambda: around(conditions.HOTEL_CODE, map(write, targets)))


def _encode(kind: str) -> Figures:
    """In as many messages as the profile's limit of parts makes of it."""
    updates = _commands_of(kind).updates
    command = PushAvailability if kind == "avail" else PushRates

    def work() -> None:
        left = updates
        while left:
            left = left[CONNECTOR.encode(command(id="bench", at_ms=0, updates=left), _SITE).parts :]

    return cpu_and_wall(work)


# --- the rules of AlpineBits ------------------------------------------------------------------------------------------


def _decode_free_rooms(root: Node) -> object:
    return decode_freerooms.read_inv_count(root, conditions.HOTEL_CODE)


def _decode_rate_plans(root: Node) -> object:
    return decode_rateplans.read_rate_plans(root, conditions.HOTEL_CODE, "room", [])


_ALPINEBITS: Mapping[str, tuple[Callable[[], bytes], str, Callable[[Node], object]]] = {
    "free-rooms": (free_rooms_document, FREE_ROOMS, _decode_free_rooms),
    "rate-plans": (rate_plans_document, RATE_PLANS, _decode_rate_plans),
}


def _alpinebits(kind: str, *, with_rules: bool) -> Figures:
    write, action, decode = _ALPINEBITS[kind]
    document, terms = write(), Terms(_VERSION, _ON)

    def work() -> object:
        root = read_tree(document)
        if with_rules:
            rules.check(root, action, terms)
        else:
            rules.check_shape(root, _VERSION)
        return decode(root)

    return cpu_and_wall(work)


# --- a long document, and many files ----------------------------------------------------------------------------------

_LONG_BYTES = 50 * 1000 * 1000
_FILES = 500
_COMMAND = (
    sys.executable,
    "-c",
    "from gateway.cli import main; raise SystemExit(main())",
    "inspect",
    "--profile",
    "ota",
)
# Runs what it is given, and says how much memory that took at most, and its exit status.
_PEAK = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, status)
"""
# The same process with a parser alone: what starting Python and reading the file costs at least.
_PARSE = """
import sys
from lxml import etree
for name in sys.argv[1:]:
    for _, element in etree.iterparse(name):
        element.clear()
"""


@cache
def _folder() -> Path:
    """Files for as long as the benchmark runs: one of 50 MB, and 500 as they are sent every day."""
    folder = Path(tempfile.mkdtemp(prefix="bench-inspect-"))
    item = _ari("avail").partition(b"<AvailStatusMessage ")[2].rpartition(b"</AvailStatusMessages>")[0]
    head, tail = _ari("avail").split(b"<" + b"AvailStatusMessage " + item)
    block = b"<AvailStatusMessage " + item
    (folder / "long.xml").write_bytes(head + block * (_LONG_BYTES // len(block) + 1) + tail)
    small = avail_document(AriSet(messages=20))
    for number in range(_FILES):
        (folder / f"{number:03}.xml").write_bytes(small)
    return folder


def _run(command: tuple[str, ...], files: list[Path]) -> Figures:
    """Wall time of a process, and its largest memory by the size of what it read."""
    began = time.perf_counter()
    told = subprocess.run([sys.executable, "-c", _PEAK, *command, *map(str, files)], capture_output=True, check=True)
    wall_s = time.perf_counter() - began
    peak_kb, status = map(int, told.stdout.split())
    assert status == 0, told.stderr[-300:]
    return {"wall_s": wall_s, "memory_by_size": peak_kb * 1024 / sum(file.stat().st_size for file in files)}


def _long(command: tuple[str, ...]) -> Figures:
    return _run(command, [_folder() / "long.xml"])


def _many(command: tuple[str, ...]) -> Figures:
    return _run(command, sorted(_folder().glob("[0-9]*.xml")))


_PARSER = (sys.executable, "-c", _PARSE)

_cpu, _wall = "cpu_ms", Metric("wall_ms", "min")
for _kind in _ITEM:
    _title = f"5,000 {_kind} messages to commands"
    _least = Metric(_cpu, "min", ratio_max=conditions.DECODE_RATIO_MAX)
    register(Bench(f"decode-{_kind}", _title, (_least, _wall), partial(_decode_floor, _kind)))
    ours(f"decode-{_kind}")(partial(_decode, _kind))
for _kind in _ITEM:
    _title = f"5,000 {_kind} messages from commands"
    _least = Metric(_cpu, "min", ratio_max=conditions.ENCODE_RATIO_MAX)
    register(Bench(f"encode-{_kind}", _title, (_least, _wall), partial(_encode_floor, _kind)))
    ours(f"encode-{_kind}")(partial(_encode, _kind))
for _kind in _ALPINEBITS:
    _title = f"rules of AlpineBits, {_kind}, beside parsing, shape and decoding"
    _least = Metric(_cpu, "min", ratio_max=conditions.RULES_RATIO_MAX)
    register(Bench(f"rules-{_kind}", _title, (_least, _wall), partial(_alpinebits, _kind, with_rules=False)))
    ours(f"rules-{_kind}")(partial(_alpinebits, _kind, with_rules=True))
_memory = Metric("memory_by_size", value_max=conditions.LONG_MEMORY_BY_SIZE_MAX)
_took = Metric("wall_s", "min")
register(Bench("inspect-long", "one document of 50 MB inspected", (_memory, _took), partial(_long, _PARSER), rounds=1))
ours("inspect-long")(partial(_long, _COMMAND))
_took = Metric("wall_s", "min", value_max=conditions.INSPECT_WALL_S_MAX)
register(Bench("inspect-500", "500 files inspected in one call", (_took,), partial(_many, _PARSER), rounds=1))
ours("inspect-500")(partial(_many, _COMMAND))
