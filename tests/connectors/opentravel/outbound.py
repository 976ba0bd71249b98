"""Outbound twins: ``<profile>/<case>.command.json`` and the ``<case>.xml`` it has to become.

``python -m tests.connectors.opentravel.outbound`` writes missing goldens; ``--force`` replaces those that differ.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
from lxml import etree

from connectors.opentravel.ota import CONNECTOR
from gateway.contract import Site
from gateway.messages import DeliverReservation, Ping, PushAvailability, PushRates

FOLDER = Path(__file__).parents[3] / "fixtures" / "opentravel" / "_outbound"
COMMAND = ".command.json"

AnyCommand = Ping | PushAvailability | PushRates | DeliverReservation


def site(profile: str) -> Site:
    return Site(
        connection="twin",
        profile=profile,
        hotel="DEMO01",
        currency="EUR",
        url="https://counterpart.invalid/ota",
        username="gateway",
        password="secret",
        inbound_username="partner",
        check_inbound=lambda password: password == "partner-secret",
    )


def cases() -> list[Path]:
    return sorted(FOLDER.glob(f"*/*{COMMAND}"))


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.name.removesuffix(COMMAND)}"


def golden(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(COMMAND) + ".xml")


def command_in(path: Path) -> AnyCommand:
    command: AnyCommand = msgspec.json.decode(path.read_bytes(), type=AnyCommand)
    return command


def written(path: Path) -> bytes:
    """The message, indented so that a difference can be read."""
    request = CONNECTOR.encode(command_in(path), site(path.parent.name))
    tree = etree.fromstring(request.body)
    etree.indent(tree)
    return etree.tostring(tree, xml_declaration=True, encoding="UTF-8") + b"\n"


def main(force: bool) -> int:
    differ = 0
    for path in cases():
        target, now = golden(path), written(path)
        before = target.read_bytes() if target.exists() else None
        if before is None or (force and before != now):
            target.write_bytes(now)
            print(f"written  {name_of(path)}")
        elif before != now:
            differ += 1
            print(f"differs  {name_of(path)} (--force replaces it)")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main("--force" in sys.argv[1:]))
