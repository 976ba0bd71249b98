"""What was acknowledged is there after a power cut.

A killed process tells nothing about that, since the operating system still writes what the process has written.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.store.power_cut import NO_SHIM

HERE = Path(__file__).parent
FILE = "gateway.sqlite3"
CUTS = 4


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("a disk that loses unsynced writes is made with LD_PRELOAD and needs Linux and a C compiler")
    library = tmp_path_factory.mktemp("power") / "power.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, HERE / "power.c"], check=True)
    return library


class Lab:
    """Folders to write in, and what a disk would have of them after a power cut."""

    def __init__(self, home: Path, shim: Path, migrated: Path) -> None:
        self._shim = shim
        self._live, self._kept = home / "live", home / "kept"
        for cut in range(CUTS):
            for folder in (self._live, self._kept):
                (folder / str(cut)).mkdir(parents=True)
                shutil.copyfile(migrated, folder / str(cut) / FILE)

    def cut_power(self, synchronous: str, seed: int) -> list[set[int]]:
        """What was acknowledged before each cut."""
        folders = [str(self._live / str(cut)) for cut in range(CUTS)]
        environment = {
            "LD_PRELOAD": str(self._shim),
            "POWER_LIVE": str(self._live),
            "POWER_KEPT": str(self._kept),
            "PYTHONPATH": str(HERE.parent.parent),
        }
        program = [sys.executable, str(HERE / "power_cut.py"), synchronous, str(seed), *folders]
        ended = subprocess.run(program, env=os.environ | environment, stdout=subprocess.PIPE, check=False)
        if ended.returncode == NO_SHIM:
            pytest.skip("this Python's calls to fsync cannot be replaced")
        assert ended.returncode == 0
        acknowledged: dict[str, list[int]] = json.loads(ended.stdout)
        return [set(acknowledged[folder]) for folder in folders]

    def found(self, cut: int, *, database_kept: bool) -> set[int]:
        """What a restart finds; the disk may have kept what was written to the main file without being told to."""
        folder = self._kept.with_name(f"found {cut} {database_kept}")
        shutil.copytree(self._kept / str(cut), folder)
        if database_kept:
            shutil.copyfile(self._live / str(cut) / FILE, folder / FILE)
        with closing(sqlite3.connect(folder / FILE)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            return {number for (number,) in connection.execute("SELECT message_id FROM message")}


@pytest.fixture
def lab(tmp_path: Path, shim: Path, migrated_sqlite: Path) -> Lab:
    return Lab(tmp_path, shim, migrated_sqlite)


def test_a_power_cut_loses_nothing_that_was_acknowledged(lab: Lab) -> None:
    for cut, acknowledged in enumerate(lab.cut_power("", 1)):
        assert acknowledged
        for database_kept in (False, True):
            assert acknowledged - lab.found(cut, database_kept=database_kept) == set()


def test_the_power_cut_shows_a_database_that_does_not_sync(lab: Lab) -> None:
    lost = [
        acknowledged - lab.found(cut, database_kept=False)
        for cut, acknowledged in enumerate(lab.cut_power("NORMAL", 2))
    ]
    assert all(lost)
