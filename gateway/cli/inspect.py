"""``gateway inspect``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from gateway.cli import exits
from gateway.settings import Settings

NAME = "inspect"
HELP = "say of messages in files whether they would be taken, one JSON object for each"


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", required=True, help="the dialect: ota, alpinebits-2024-10, pmsxchange, …")
    parser.add_argument("--action", default="", help="the dialect's own name of what is asked for")
    parser.add_argument("--capability", action="append", metavar="CAP", help="negotiated; may be given several times")
    parser.add_argument("--roundtrip", action="store_true", help="also write anew what was read")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Status 0 if all were accepted, 2 if any was refused, 1 for a failure of ours."""
    import msgspec

    from gateway.contract_inspecting import Inspection
    from gateway.errors import Reason
    from gateway.inspecting import Broken, inspect_file, unread
    from gateway.registry import Unavailable, inspector
    from mappings import look_up

    def ota_code(reason: Reason) -> str:
        return look_up("reasons", reason.value).partition(" ")[2]

    capabilities = None if arguments.capability is None else frozenset(arguments.capability)
    inspection = Inspection(arguments.profile, arguments.action, capabilities, arguments.roundtrip)
    try:
        found = inspector(arguments.profile)
    except Unavailable as error:
        print(error, file=sys.stderr)
        return exits.FAILED
    status = exits.DONE
    encoder = msgspec.json.Encoder()
    for file in arguments.files:
        try:
            verdict = inspect_file(file, found, inspection, ota_code)
        except Broken as broken:
            verdict, status = broken.verdict, exits.FAILED
        except OSError as error:
            print(error, file=sys.stderr)
            verdict, status = unread(file, error), exits.FAILED
        if not verdict.accepted and status != exits.FAILED:
            status = exits.REFUSED
        print(encoder.encode(verdict).decode())
    return status
