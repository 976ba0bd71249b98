"""Secrets of connections, sealed before they reach a table.

What we show to others is encrypted (Fernet) under the gateway's key file; what others show to us is only kept as a
salted scrypt digest. What a password's check gave is remembered by digest for the life of the process, since scrypt on
every message would cost more than the message.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.store.keyring import Keyring, read_keyring, write_keyring

# N, r and p. Counterparts are given passwords that nobody guesses; people choose their own, so theirs cost an attacker
# as much as OWASP's cheat sheet on password storage asks for.
_COSTS = {"scrypt": (2**13, 8, 1), "scrypt-person": (2**15, 8, 3)}
_SCRYPT_BYTES_MAX = 64 * 1024 * 1024
_REMEMBERED_MAX = 10_000


class Vault:
    """Seals and opens with the master keys. ``key`` is a Fernet key; losing it means entering every password again.

    With a ``path`` a key that another process has added since is found in the file once something sealed with it comes
    along.
    """

    def __init__(self, key: bytes | Keyring, path: Path | None = None) -> None:
        self._path = path
        self._take(key if isinstance(key, Keyring) else Keyring.of(key))
        self._pepper = secrets.token_bytes(32)
        self._remembered: dict[bytes, bool] = {}

    @classmethod
    def from_file(cls, path: Path) -> Vault:
        """The keys in ``path``, which is made, readable by its owner only, when there is none."""
        return cls(read_keyring(path), path)

    @property
    def keyring(self) -> Keyring:
        """As the file has it now: what is sealed next is sealed with its active key."""
        self._freshen()
        return self._keyring

    def replace(self, keyring: Keyring) -> None:
        """From now on, and for every process that has the same file."""
        if self._path is not None:
            write_keyring(self._path, keyring)
        self._take(keyring)

    def seal(self, clear: str) -> str:
        """For :meth:`open`."""
        self._freshen()
        return self._sealing.encrypt(clear.encode()).decode()

    def open(self, sealed: str) -> str:
        """The clear text; "" for "". ValueError where it was sealed with another key."""
        if not sealed:
            return ""
        for again in (True, False):
            try:
                return self._opening.decrypt(sealed.encode()).decode()
            except InvalidToken:
                if not (again and self.reread()):
                    break
        raise ValueError("a secret was sealed with another key: restore gateway.key, or enter it again") from None

    def resealed(self, sealed: str) -> str | None:
        """The same under the active key; None where it is that already, or there is nothing sealed."""
        if not sealed:
            return None
        self._freshen()
        try:
            self._sealing.decrypt(sealed.encode())
        except InvalidToken:
            return self.seal(self.open(sealed))
        return None

    def data_key(self, version: int) -> bytes:
        """32 bytes that data keys are wrapped with, derived from a master key (HKDF-SHA256, RFC 5869).

        Raises ValueError where there is no such version.
        """
        if version not in self._keyring.keys:
            self.reread()
        master = self._keyring.keys.get(version)
        if master is None:
            raise ValueError(f"a card was sealed with master key {version}, which is not in gateway.key")
        if version not in self._derived:
            derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"gateway: data keys of cards")
            self._derived[version] = derive.derive(base64.urlsafe_b64decode(master.key))
        return self._derived[version]

    def reread(self) -> bool:
        """Whether the file has other keys than before. Those known are still opened, so that nobody is cut off."""
        if self._path is None or not self._path.exists():
            return False
        found = Keyring.parse(self._path.read_bytes())
        changed = found.keys != {v: self._keyring.keys.get(v) for v in found.keys}
        if changed:
            self._take(self._keyring.merged(found))
        self._stamp = _stamp(self._path)
        return changed

    def _freshen(self) -> None:
        if self._path is not None and _stamp(self._path) != self._stamp:
            self.reread()

    def _take(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._stamp = _stamp(self._path)
        self._sealing = Fernet(keyring.keys[keyring.active].key)
        # The active one first, since most is sealed with it.
        others = [Fernet(key.key) for version, key in keyring.keys.items() if version != keyring.active]
        self._opening = MultiFernet([self._sealing, *others])
        self._derived: dict[int, bytes] = {}

    def digest(self, password: str, *, chosen: bool = False) -> str:
        """For :meth:`check`. A password that was ``chosen`` by a person takes a quarter of a second."""
        scheme = "scrypt-person" if chosen else "scrypt"
        salt = secrets.token_bytes(16)
        return f"{scheme}:{_text(salt)}:{_text(_scrypt(scheme, password, salt))}"

    def check(self, password: str, digest: str) -> bool:
        """Whether ``digest`` was made of this password."""
        # Keyed BLAKE2 (RFC 7693) is a message code by itself, and many times faster to begin than OpenSSL's HMAC.
        name = hashlib.blake2b(f"{digest}\0{password}".encode(), key=self._pepper, digest_size=32).digest()
        verdict = self._remembered.get(name)
        if verdict is None:
            if len(self._remembered) >= _REMEMBERED_MAX:
                self._remembered.clear()
            verdict = self._remembered[name] = _matches(password, digest)
        return verdict


def _stamp(path: Path | None) -> tuple[int, int]:
    """Tells one state of the file from the next: it is only ever replaced as a whole."""
    try:
        found = path.stat() if path is not None else None
    except FileNotFoundError:
        found = None
    return (found.st_ino, found.st_mtime_ns) if found is not None else (0, 0)


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
