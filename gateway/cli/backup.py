"""``gateway backup``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import msgspec

from gateway.cli import exits
from gateway.cli.output import Progress, instant, show, table
from gateway.cli.running import run_logged
from gateway.model.dates import Instant
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.store.backup_format import Manifest

NAME = "backup"
HELP = "back the database up to a folder or an S3-compatible store; what an earlier backup has is not written again"


class BackupLine(msgspec.Struct, frozen=True):
    """A backup as it is listed; ``key`` says that the sealed key of the installation is in it."""

    name: str
    kind: str
    created_ms: Instant
    rows: int
    revision: str
    bytes: int
    key: bool


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("--to", default="", metavar="PLACE", help="a folder or s3://bucket/prefix (GATEWAY_BACKUP_TO)")
    parser.add_argument("--full", action="store_true", help="write everything anew")
    parser.add_argument("--keep", type=_count, default=0, metavar="N", help="afterwards delete all but the newest N")
    parser.add_argument("--list", action="store_true", help="show the backups there are, and take none")


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("at least one backup is kept")
    return count


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Runs beside a gateway that is serving."""
    found = run_logged(settings, _work(arguments, with_place(settings, arguments.to)))
    head = ("BACKUP", "TAKEN", "ROWS", "REVISION", "DATABASE", "KEY")
    rows = [(m.name, instant(m.created_ms), m.rows, m.revision, m.dialect, "sealed" if m.key else "-") for m in found]
    value = [
        BackupLine(m.name, m.kind, m.created_ms, m.rows, m.revision, sum(pack.size for pack in m.packs), bool(m.key))
        for m in found
    ]
    show(arguments, value if arguments.list else value[0], table(head, rows) if rows else "none")
    return exits.DONE


async def _work(arguments: argparse.Namespace, settings: Settings) -> list[Manifest]:
    from gateway.flows.keeping.back_up import back_up, manifests, open_shelf, prune
    from gateway.model.dates import now_ms

    shelf = open_shelf(settings)
    try:
        if arguments.list:
            return await manifests(shelf, await shelf.objects())
        with Progress("rows") as progress:
            done: dict[str, int] = {}

            def watched(name: str, rows: int) -> None:
                done[name] = rows
                progress.reach(sum(done.values()), 0)

            taken = await back_up(settings, shelf, now_ms(), full=arguments.full, watched=watched)
        if arguments.keep:
            await prune(shelf, arguments.keep, now_ms())
        return [taken]
    finally:
        await shelf.close()


def with_place(settings: Settings, place: str) -> Settings:
    """The settings with another place for backups, if one is named."""
    import msgspec

    return msgspec.structs.replace(settings, backup_to=place) if place else settings
