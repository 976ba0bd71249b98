"""Fixtures and their expected twins.

A fixture is a message as a counterpart sends it: ``<message>/<case>.xml`` (or ``.json``, ``.form``) below the
directory of its connector.
Its twin ``<case>.expected.json`` says in readable words what the connector must make of it, or how it must refuse it;
``<case>.head.json`` gives method, path and headers where the dialect needs them. Twins are written by
``python -m gateway.testing expect`` and never overwritten without ``--force``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from gateway.contract import Head
from gateway.errors import Refusal
from gateway.model.ari import Setting
from gateway.model.dates import ALL_WEEK, format_day
from gateway.testing.subject import Subject

MEDIA_TYPES = {
    ".xml": "text/xml; charset=utf-8",
    ".json": "application/json",
    ".form": "application/x-www-form-urlencoded",
}
TWIN = ".expected.json"
HEAD = ".head.json"
_DAYS = {"first", "last", "arrival", "departure"}


@dataclass(frozen=True)
class Fixture:
    """``id`` is ``<message>/<case>``; ``expected`` the bytes of the twin, None where it is missing."""

    id: str
    path: Path
    head: Head
    body: bytes
    expected: bytes | None

    @property
    def twin(self) -> Path:
        return self.path.with_name(self.path.stem + TWIN)


def fixtures_in(directory: Path | None) -> Sequence[Fixture]:
    """All fixtures below ``directory``, by id."""
    if directory is None:
        return ()
    paths = (path for path in sorted(directory.rglob("*")) if path.suffix in MEDIA_TYPES and not _is_companion(path))
    return [_load(directory, path) for path in paths]


def orphans_in(directory: Path) -> Sequence[Path]:
    """Twins and heads whose message is gone."""
    stems = {fixture.path.with_suffix("") for fixture in fixtures_in(directory)}
    companions = (path for path in sorted(directory.rglob("*.json")) if _is_companion(path))
    return [path for path in companions if path.with_suffix("").with_suffix("") not in stems]


def outcome(subject: Subject, fixture: Fixture) -> dict[str, Any]:
    """What the connector makes of a fixture, as its twin says it."""
    try:
        reading = subject.read(fixture.head, fixture.body)
    except Refusal as refusal:
        return {"refused": {"error": type(refusal).__name__, "reason": refusal.reason.value}}
    return {"root": reading.document.root, "account": reading.account, "events": [describe(e) for e in reading.events]}


def describe(value: Any) -> Any:
    """A message in readable words: structs as objects without their defaults, days as dates, weekdays Monday first."""
    if isinstance(value, Setting):
        occupancy = f"@{value.guests}" if value.guests else ""
        return f"{value.field.value}{occupancy}={value.value}"
    if isinstance(value, msgspec.Struct):
        name = {"is": type(value).__name__} if value.__struct_config__.tag is not None else {}
        return name | {info.name: _describe_field(info.name, found) for info, found in _set_fields(value)}
    if isinstance(value, list | tuple):
        return [describe(item) for item in value]
    return value


def twin_text(found: dict[str, Any]) -> str:
    """The text of a twin file."""
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n"


def _set_fields(value: msgspec.Struct) -> list[tuple[msgspec.structs.FieldInfo, Any]]:
    pairs = ((info, getattr(value, info.name)) for info in msgspec.structs.fields(value))
    return [(info, found) for info, found in pairs if info.required or found != info.default]


def _describe_field(name: str, found: Any) -> Any:
    if name in _DAYS:
        return format_day(found)
    if name == "weekdays" and found != ALL_WEEK:
        return "".join(letter if found >> n & 1 else "-" for n, letter in enumerate("MTWTFSS"))
    return describe(found)


def _is_companion(path: Path) -> bool:
    return path.name.endswith((TWIN, HEAD))


def _load(directory: Path, path: Path) -> Fixture:
    head = Head("POST", "/", {"content-type": MEDIA_TYPES[path.suffix]})
    described = path.with_name(path.stem + HEAD)
    if described.exists():
        head = msgspec.json.decode(described.read_bytes(), type=Head)
    twin = path.with_name(path.stem + TWIN)
    name = path.relative_to(directory).with_suffix("").as_posix()
    return Fixture(name, path, head, path.read_bytes(), twin.read_bytes() if twin.exists() else None)
