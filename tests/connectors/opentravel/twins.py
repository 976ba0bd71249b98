"""Requests with their commands and replies with what is read from them, for the connectors that only call.

``fixtures/opentravel/<name>/requests/<profile>/<case>.command.json`` is what the core asks for, ``<case>.xml`` beside
it what leaves. ``replies/<profile>/<case>.xml`` is what comes back, ``<case>.command.json`` what it answers and
``<case>.expected.json`` what is made of it.
``python -m tests.connectors.opentravel.twins NAME [--force]`` writes the missing ones (with ``--force`` all).
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import msgspec
from lxml import etree

from gateway.contract import Reply, Site
from gateway.errors import CallFailed
from gateway.messages import ConfirmReservations, PushAvailability, PushContent, PushRates, RetrieveReservations
from gateway.testing.fixtures import describe

FOLDER = Path(__file__).parents[3] / "fixtures" / "opentravel"
COMMAND = ".command.json"

AnyCommand = PushAvailability | PushRates | PushContent | RetrieveReservations | ConfirmReservations


def site(profile: str) -> Site:
    return Site(
        connection="twin",
        profile=profile,
        hotel="770011",
        currency="EUR",
        url="https://counterpart.invalid/hotels",
        username="gateway01",
        password="s3cretpw",
    )


def cases(name: str, kind: str) -> list[Path]:
    return sorted((FOLDER / name / kind).glob(f"*/*{COMMAND}"))


def id_of(path: Path) -> str:
    return f"{path.parent.name}/{path.name.removesuffix(COMMAND)}"


def beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name.removesuffix(COMMAND) + suffix)


def command_in(path: Path) -> AnyCommand:
    command: AnyCommand = msgspec.json.decode(path.read_bytes(), type=AnyCommand)
    return command


def written(connector: Any, path: Path) -> bytes:
    """Method, address and the message, indented so that a difference can be read."""
    request = connector.encode(command_in(path), site(path.parent.name))
    head = f"<!-- {request.method} {request.url}, {request.parts} parts -->\n".encode()
    if not request.body:
        return head
    tree = etree.fromstring(request.body)
    etree.indent(tree)
    return head + etree.tostring(tree, encoding="UTF-8") + b"\n"


def read(connector: Any, path: Path) -> bytes:
    """What a reply was made of, in words."""
    command, account = command_in(path), site(path.parent.name)
    reply = Reply(200, {"content-type": "text/xml"}, beside(path, ".xml").read_bytes())
    found: dict[str, Any]
    try:
        decoded = connector.decode(command, connector.encode(command, account), reply, account)
    except CallFailed as failed:
        found = {"failed": repr(failed)}
    else:
        # Outcomes have no tag that would tell them apart.
        parts = {str(part): repr(outcome) for part, outcome in sorted(decoded.parts.items())}
        found = {**describe(decoded), "outcome": repr(decoded.outcome), "parts": parts}
    return msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"


def main(name: str, force: bool) -> int:
    connector = importlib.import_module(f"connectors.opentravel.{name}").CONNECTOR
    differ = 0
    work = [(path, beside(path, ".xml"), written(connector, path)) for path in cases(name, "requests")]
    work += [(path, beside(path, ".expected.json"), read(connector, path)) for path in cases(name, "replies")]
    for path, target, now in work:
        before = target.read_bytes() if target.exists() else None
        if before is None or (force and before != now):
            target.write_bytes(now)
            print(f"written  {id_of(path)}")
        elif before != now:
            differ += 1
            print(f"differs  {id_of(path)} (--force replaces it)")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], "--force" in sys.argv[2:]))
