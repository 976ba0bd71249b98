"""``gateway restore``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli import exits
from gateway.cli.backup import with_place
from gateway.cli.output import Progress, show
from gateway.cli.running import run_logged
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.io.shelf import Shelf
    from gateway.store.backup_format import Manifest

NAME = "restore"
HELP = "fill the database from a backup, or prove that this would work; the gateway must not be running"


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument(
        "backup", nargs="?", default="", help="its name (gateway backup --list); the newest if left out"
    )
    parser.add_argument("--from", dest="place", default="", metavar="PLACE", help="a folder or s3://bucket/prefix")
    parser.add_argument("--force", action="store_true", help="replace what the database holds")
    parser.add_argument("--verify", action="store_true", help="restore it beside and compare, and touch nothing else")
    parser.add_argument("--into", default="", metavar="URL", help="with --verify: an empty database to restore it to")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Status 3 where the backup turns out damaged: nothing was changed then."""
    from gateway.store.backup_format import Damaged

    if arguments.into and not arguments.verify:
        raise ValueError("--into is for --verify; a restore goes into the database of the settings")
    try:
        text, manifest = run_logged(settings, _work(arguments, with_place(settings, arguments.place)))
    except Damaged as damage:
        print(f"damaged: {damage}", file=sys.stderr)
        return exits.ATTENTION
    show(arguments, {"backup": manifest.name, "rows": manifest.rows, "digests": manifest.digests}, text)
    return exits.DONE


async def _work(arguments: argparse.Namespace, settings: Settings) -> tuple[str, Manifest]:
    from gateway.flows.keeping.back_up import open_shelf
    from gateway.flows.keeping.restore import find

    shelf = open_shelf(settings)
    try:
        manifest = await find(shelf, arguments.backup)
        with Progress("rows", manifest.rows) as progress:
            text = await _restored(arguments, settings, shelf, manifest, progress)
        return text, manifest
    finally:
        await shelf.close()


async def _restored(
    arguments: argparse.Namespace, settings: Settings, shelf: Shelf, manifest: Manifest, progress: Progress
) -> str:
    from gateway.flows.keeping.back_up import KEY_FILE
    from gateway.flows.keeping.restore import restore, verify

    done: dict[str, int] = {}

    def watched(name: str, rows: int, _: int) -> None:
        done[name] = rows
        progress.reach(sum(done.values()), manifest.rows)

    if arguments.verify:
        await verify(shelf, manifest, arguments.into, watched)
        return f"{manifest.name} is whole: {manifest.rows} rows, the same digest for each of its tables"
    restored = await restore(settings, shelf, manifest, force=arguments.force, watched=watched)
    lines = [f"{manifest.name} is restored: {manifest.rows} rows. Counterparts will be sent everything again."]
    has_key = (Path(settings.data_dir) / KEY_FILE).exists()
    if restored.key:
        lines.append("gateway.key was restored with it.")
    elif not manifest.key and has_key:
        lines.append("The backup has no gateway.key: the one in the data folder has to be the one it was used with.")
    elif not manifest.key:
        lines.append("The backup has no gateway.key: put the one it was used with into the data folder.")
    elif not settings.backup_passphrase and not has_key:
        lines.append("Its gateway.key is sealed: put the file into the data folder, or restore once more with")
        lines.append("--force and GATEWAY_BACKUP_PASSPHRASE set.")
    return "\n".join(lines)
