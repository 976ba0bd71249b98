"""Where backups lie: objects under names with one slash, written as a whole or not at all."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
from collections.abc import Awaitable
from pathlib import Path
from typing import NamedTuple, Protocol

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)


class Object(NamedTuple):
    name: str
    size: int
    modified_ms: int


class Shelf(Protocol):
    """A folder, or a bucket. Raises OSError for whatever goes wrong outside of us."""

    def put(self, name: str, data: bytes) -> Awaitable[None]:
        """Once this is over the object is there to stay, with exactly these bytes."""

    def get(self, name: str) -> Awaitable[bytes]:
        """FileNotFoundError if there is none."""

    def objects(self) -> Awaitable[list[Object]]: ...

    def delete(self, name: str) -> Awaitable[None]:
        """Nothing happens if there is none."""

    def close(self) -> Awaitable[None]: ...


def checked(name: str) -> str:
    """The name, if it leads nowhere else; manifests name objects, and a manifest may have been tampered with."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of an object in a backup")
    return name


class FolderShelf:
    """A folder that only its owner can enter; it is made when something is put there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, name: str, data: bytes) -> None:
        await asyncio.to_thread(self._put, checked(name), data)

    def _put(self, name: str, data: bytes) -> None:
        path = self._folder / name
        for folder in (self._folder, path.parent):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # What a killed process leaves of it is an object that no manifest names, and is cleared away as such.
        draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        for folder in (path.parent, self._folder):
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    async def get(self, name: str) -> bytes:
        return await asyncio.to_thread((self._folder / checked(name)).read_bytes)

    async def objects(self) -> list[Object]:
        return await asyncio.to_thread(self._objects)

    def _objects(self) -> list[Object]:
        found = []
        for path in sorted(self._folder.glob("*/*")):
            name = f"{path.parent.name}/{path.name}"
            if _NAME.fullmatch(name) and path.is_file():
                status = path.stat()
                found.append(Object(name, status.st_size, status.st_mtime_ns // 1_000_000))
        return found

    async def delete(self, name: str) -> None:
        await asyncio.to_thread(self._delete, checked(name))

    def _delete(self, name: str) -> None:
        path = self._folder / name
        path.unlink(missing_ok=True)
        if path.parent.exists() and not any(path.parent.iterdir()):
            path.parent.rmdir()

    async def close(self) -> None:
        """Nothing is held open."""
