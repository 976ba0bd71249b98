"""``gateway import``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli import exits
from gateway.cli.output import Progress, show, table
from gateway.cli.running import author, run_flow
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.flows.desk.importing import Imported
    from gateway.flows.services import Services

NAME = "import"
HELP = "take over existing reservations, or rates and availability, from a CSV, JSON or OTA XML file"
_SHOWN_MAX = 100
_SUFFIXES = {".csv": "csv", ".json": "json", ".xml": "ota"}


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("property")
    parser.add_argument("what", choices=("reservations", "ari"))
    parser.add_argument("file", type=Path, help="- for standard input")
    parser.add_argument("--format", choices=("csv", "json", "ota"), help="told from the file's name if left out")
    parser.add_argument("--connection", default="", help="whose codes the file speaks")
    parser.add_argument(
        "--tell-pms", action="store_true", help="hand the reservations to the PMS, which does not have them yet"
    )
    parser.add_argument("--dry-run", action="store_true", help="only report what would become of each line")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Status 3 where a line is refused: nothing was taken then."""
    imported = run_flow(settings, lambda services: _work(services, arguments))
    show(arguments, imported, _text(imported, dry_run=arguments.dry_run))
    return exits.ATTENTION if imported.counts.get("refused") else exits.DONE


async def _work(services: Services, arguments: argparse.Namespace) -> Imported:
    from gateway.flows.desk import importing

    data = sys.stdin.buffer.read() if str(arguments.file) == "-" else arguments.file.read_bytes()
    written = arguments.format or _SUFFIXES.get(arguments.file.suffix.lower())
    if written is None:
        raise ValueError("say how the file is written: --format csv, json or ota")
    with Progress("lines") as progress:
        return await importing.take(
            services,
            arguments.property,
            importing.What(arguments.what),
            importing.Format(written),
            data,
            author(),
            connection=arguments.connection,
            known_to_pms=not arguments.tell_pms,
            dry_run=arguments.dry_run,
            progress=progress.reach,
        )


def _text(imported: Imported, *, dry_run: bool) -> str:
    counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(imported.counts.items())) or "no lines"
    telling = [line for line in imported.lines if line.outcome in ("refused", "parked")]
    parts = [counts]
    if telling:
        rows = [(line.line, line.outcome, line.detail) for line in telling[:_SHOWN_MAX]]
        parts.append(table(("LINE", "OUTCOME", "WHY"), rows))
    if not imported.committed:
        parts.append("nothing was taken" + (" (dry run)" if dry_run else ": a line was refused"))
    return "\n".join(parts)
