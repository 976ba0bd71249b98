"""One JSON file holding a simulator's state, replaced as a whole so that a kill leaves the old or the new one."""

import os
from pathlib import Path


def save(path: Path, state: bytes) -> None:
    draft = path.with_name(path.name + ".new")
    with draft.open("wb") as file:
        file.write(state)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def load(path: Path) -> bytes | None:
    """The saved state, or None at the first start."""
    return path.read_bytes() if path.exists() else None
