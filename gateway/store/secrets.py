"""Secrets of connections, sealed before they reach a table.

What we show to others is encrypted (Fernet) under the gateway's key file; what others show to us is only kept as a
salted scrypt digest. What a password's check gave is remembered by digest for the life of the process, since scrypt on
every message would cost more than the message.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

# N, r and p. Counterparts are given passwords that nobody guesses; people choose their own, so theirs cost an attacker
# as much as OWASP's cheat sheet on password storage asks for.
_COSTS = {"scrypt": (2**13, 8, 1), "scrypt-person": (2**15, 8, 3)}
_SCRYPT_BYTES_MAX = 64 * 1024 * 1024
_REMEMBERED_MAX = 10_000


class Vault:
    """Seals and opens. ``key`` is a Fernet key; losing it means entering every outbound password again."""

    def __init__(self, key: bytes) -> None:
        self._fernet = Fernet(key)
        self._pepper = secrets.token_bytes(32)
        self._remembered: dict[bytes, bool] = {}

    @classmethod
    def from_file(cls, path: Path) -> Vault:
        """The key in ``path``, which is made, readable by its owner only, when there is none."""
        if not path.exists():
            _make_key(path)
        return cls(path.read_bytes().strip())

    def seal(self, clear: str) -> str:
        """For :meth:`open`."""
        return self._fernet.encrypt(clear.encode()).decode()

    def open(self, sealed: str) -> str:
        """The clear text; "" for "". ValueError where it was sealed with another key."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode() if sealed else ""
        except InvalidToken:
            raise ValueError("a secret was sealed with another key: restore gateway.key, or enter it again") from None

    def digest(self, password: str, *, chosen: bool = False) -> str:
        """For :meth:`check`. A password that was ``chosen`` by a person takes a quarter of a second."""
        scheme = "scrypt-person" if chosen else "scrypt"
        salt = secrets.token_bytes(16)
        return f"{scheme}:{_text(salt)}:{_text(_scrypt(scheme, password, salt))}"

    def check(self, password: str, digest: str) -> bool:
        """Whether ``digest`` was made of this password."""
        name = hmac.digest(self._pepper, f"{digest}\0{password}".encode(), "sha256")
        verdict = self._remembered.get(name)
        if verdict is None:
            if len(self._remembered) >= _REMEMBERED_MAX:
                self._remembered.clear()
            verdict = self._remembered[name] = _matches(password, digest)
        return verdict


def _make_key(path: Path) -> None:
    """Durable before anything is sealed with it, never seen half written; of two processes the first one's stays."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(Fernet.generate_key())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _matches(password: str, digest: str) -> bool:
    scheme, _, rest = digest.partition(":")
    salt, _, expected = rest.partition(":")
    return scheme in _COSTS and hmac.compare_digest(_scrypt(scheme, password, _bytes(salt)), _bytes(expected))


def _scrypt(scheme: str, password: str, salt: bytes) -> bytes:
    n, r, p = _COSTS[scheme]
    return hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, maxmem=_SCRYPT_BYTES_MAX)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)
