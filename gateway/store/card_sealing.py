"""The built-in card vault: a data key for each card, wrapped by a master key, both with AES-256-GCM.

What is sealed is bound to its property, its booking and its card: a row that was copied to another of them does not
open. A rotation of the master key wraps the data key anew and leaves the card as it is.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.model.card import CardPlace, ClearCard, KeptCard
from gateway.model.dates import Day
from gateway.store.secrets import Vault

BUILT_IN = ""
_NONCE_BYTES = 12  # of GCM (NIST SP 800-38D, 5.2.1.1); each data key seals once, each master key a random few
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(tuple[str, str, str, str]).decode


class SealedCards:
    """Keeps cards in the rows beside their bookings. Forgetting one is deleting its row."""

    name = BUILT_IN

    def __init__(self, keys: Vault) -> None:
        self._keys = keys

    async def store(self, place: CardPlace, card: ClearCard, until: Day) -> KeptCard:
        data_key = AESGCM.generate_key(256)
        content = _pack((card.number, card.expires, card.holder, card.starts))
        sealed = _seal(data_key, content, place.bound("number"))
        version = self._keys.keyring.active
        return KeptCard(sealed, self._wrap(version, data_key, place), version)

    async def reveal(self, place: CardPlace, kept: KeptCard) -> ClearCard:
        data_key = self._unwrap(place, kept)
        return ClearCard(*_unpack(_open(data_key, kept.sealed, place.bound("number"))))

    async def forget(self, places: Sequence[tuple[CardPlace, KeptCard]]) -> None:
        """Their rows are deleted with the booking's knowledge of them."""

    def rewrapped(self, place: CardPlace, kept: KeptCard) -> KeptCard:
        """Under the active master key; the sealed card stays byte for byte what it is."""
        version = self._keys.keyring.active
        return KeptCard(kept.sealed, self._wrap(version, self._unwrap(place, kept), place), version)

    def _wrap(self, version: int, data_key: bytes, place: CardPlace) -> bytes:
        return _seal(self._keys.data_key(version), data_key, place.bound(f"key {version}"))

    def _unwrap(self, place: CardPlace, kept: KeptCard) -> bytes:
        return _open(self._keys.data_key(kept.version), kept.wrapped, place.bound(f"key {kept.version}"))


def _seal(key: bytes, clear: bytes, bound: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, clear, bound)


def _open(key: bytes, sealed: bytes, bound: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound)
    except InvalidTag:
        raise ValueError("a card does not open: it was sealed for another booking, or changed since") from None
