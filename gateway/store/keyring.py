"""The master keys of a gateway: one small file, a version on each line, readable by its owner only.

::

    1 retired bW9yZSBieXRlcw==…
    2 active  …
    3 next    …

What is sealed is sealed by the active one and opened by any. ``next`` is for gateways on several machines: every one
of them has to know a key before the first seals anything with it. A file of a single bare key, as the first version of
the gateway wrote it, is version 1.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import secrets
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from cryptography.fernet import Fernet

_KEY_BYTES = 32


class Use(StrEnum):
    """What a master key is for."""

    ACTIVE = "active"  # seals and opens
    NEXT = "next"  # opens, and seals after the next rotation
    RETIRED = "retired"  # opens


class MasterKey(NamedTuple):
    """``key`` is 32 random bytes in URL-safe base64, as Fernet takes them."""

    use: Use
    key: bytes

    def __repr__(self) -> str:
        return f"MasterKey({self.use})"


class Keyring:
    """The master keys by version; exactly one of them is active."""

    def __init__(self, keys: Mapping[int, MasterKey]) -> None:
        self.keys = dict(sorted(keys.items()))
        active = [version for version, key in self.keys.items() if key.use is Use.ACTIVE]
        if len(active) != 1:
            raise ValueError("exactly one of the master keys has to be active")
        self.active = active[0]

    @classmethod
    def of(cls, key: bytes) -> Keyring:
        """A keyring of one."""
        return cls({1: MasterKey(Use.ACTIVE, _checked(key))})

    @classmethod
    def parse(cls, data: bytes) -> Keyring:
        """Raises ValueError for what is no key file; no part of it is in the text."""
        lines = [line.split() for line in data.splitlines() if line.strip()]
        if len(lines) == 1 and len(lines[0]) == 1:
            return cls.of(lines[0][0])
        found: dict[int, MasterKey] = {}
        try:
            for version, use, key in lines:
                found[int(version)] = MasterKey(Use(use.decode()), _checked(key))
        except ValueError:
            raise ValueError("the file of master keys cannot be read: a version, its use and a key on a line") from None
        if len(found) != len(lines) or any(version < 1 for version in found):
            raise ValueError("the versions of master keys are different numbers from 1 on")
        return cls(found)

    def write(self) -> bytes:
        """The text of the file; a keyring of one stays a bare key, which older gateways read as well."""
        if list(self.keys) == [1]:
            return self.keys[1].key + b"\n"
        return b"".join(b"%d %s %s\n" % (version, key.use.encode(), key.key) for version, key in self.keys.items())

    def added(self) -> tuple[Keyring, int]:
        """With a new key that only opens yet, and its version; the one there is, if there is one."""
        for version, key in self.keys.items():
            if key.use is Use.NEXT:
                return self, version
        version = max(self.keys) + 1
        return Keyring({**self.keys, version: MasterKey(Use.NEXT, Fernet.generate_key())}), version

    def turned(self) -> Keyring:
        """The next key is active, a new one if there is none."""
        ready, version = self.added()
        keys = {number: key._replace(use=Use.RETIRED) for number, key in ready.keys.items() if number != version}
        return Keyring({**keys, version: ready.keys[version]._replace(use=Use.ACTIVE)})

    def without(self, version: int) -> Keyring:
        """Raises ValueError for one that is not retired."""
        key = self.keys.get(version)
        if key is None:
            raise ValueError(f"there is no master key {version}")
        if key.use is not Use.RETIRED:
            raise ValueError(f"master key {version} is {key.use.value}; only a retired one can be dropped")
        return Keyring({number: key for number, key in self.keys.items() if number != version})

    def merged(self, other: Keyring) -> Keyring:
        """As ``other`` says, and what only this one knows is still opened."""
        known = {v: key._replace(use=Use.RETIRED) for v, key in self.keys.items() if v not in other.keys}
        return Keyring({**known, **other.keys})


def read_keyring(path: Path) -> Keyring:
    """The keys in ``path``, which is made when there is none."""
    if not path.exists():
        _place(path, Keyring.of(Fernet.generate_key()).write(), new=True)
    return Keyring.parse(path.read_bytes())


def write_keyring(path: Path, keyring: Keyring) -> None:
    """In place of what is there, durable when this returns: nothing may be sealed with a key that can still be lost."""
    _place(path, keyring.write(), new=False)


def _checked(key: bytes) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(key)
    except binascii.Error:
        raw = b""
    if len(raw) != _KEY_BYTES:
        raise ValueError("a master key is 32 bytes in URL-safe base64")
    return key


def _place(path: Path, data: bytes, *, new: bool) -> None:
    """Never seen half written; of two processes that make a new file the first one's stays."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if new:
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)
        else:
            os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
