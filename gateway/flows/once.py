"""Requests that may be sent again: the same key and the same request get the same answer, and have one effect.

Where the effect is one transaction of ours, the answer is kept in it, so there is no instant at which one of them
exists alone. Flows that have no second effect by themselves are claimed first and their answer kept afterwards; if a
process dies in between, the next repetition runs them again. Answers are sealed, since one may hold a secret that is
told only once, or the name of a guest.
"""

from __future__ import annotations

from gateway.errors import Refusal
from gateway.flows.services import Services
from gateway.model.dates import Instant
from gateway.store import access as store
from gateway.store.database import Transaction
from gateway.store.tables_access import IdempotencyRow

KEPT_MS = 48 * 3_600_000
# After so long whoever claimed a key without answering is taken for dead.
CLAIM_MS = 120_000
_NOT_YET = b""


class KeyReused(Refusal):
    """The same key came with another request."""

    def __init__(self) -> None:
        super().__init__("this Idempotency-Key was used for another request")


class UnderWay(Refusal):
    """The same request is being worked on."""

    def __init__(self) -> None:
        super().__init__("the first request with this Idempotency-Key is still being worked on")


class Answered(Exception):
    """Somebody else was quicker with the same request: nothing was done, and its answer is there."""


class Once:
    """One request of somebody's, to have one effect. ``digest`` is of everything it asks for."""

    def __init__(self, services: Services, principal_id: str, key: str, digest: bytes) -> None:
        self._services = services
        self._name = (principal_id, key)
        self._digest = digest

    async def answer(self) -> bytes | None:
        """What it was answered before, None if it is new. Raises :class:`KeyReused` and :class:`UnderWay`."""
        row = await self._services.database.read(lambda tx: store.answered(tx, *self._name))
        if row is None:
            return None
        if row.digest != self._digest:
            raise KeyReused
        if row.answer != _NOT_YET:
            return self._services.vault.open(row.answer.decode()).encode()
        if self._services.clock.now_ms() - row.at_ms < CLAIM_MS:
            raise UnderWay
        return None

    async def keep(self, tx: Transaction, answer: bytes) -> None:
        """To be called in the transaction of the effect; raises :class:`Answered` if that must not happen again."""
        now_ms = self._services.clock.now_ms()
        await store.forget_answers(tx, now_ms - KEPT_MS)
        if not await store.keep_answer(tx, self._row(answer, now_ms), now_ms - CLAIM_MS):
            raise Answered

    async def claim(self) -> None:
        """Nobody else begins from now on; raises :class:`Answered` if somebody has."""
        await self._services.database.write(lambda tx: self.keep(tx, _NOT_YET))

    async def settle(self, answer: bytes) -> None:
        """What was claimed has been done."""
        row = self._row(answer, self._services.clock.now_ms())
        await self._services.database.write(lambda tx: tx.upsert(IdempotencyRow, [row]))

    async def release(self) -> None:
        """What was claimed had no effect, and may be tried again."""
        await self._services.database.write(lambda tx: tx.delete(IdempotencyRow, [self._name]))

    def _row(self, answer: bytes, now_ms: Instant) -> IdempotencyRow:
        sealed = self._services.vault.seal(answer.decode()).encode() if answer != _NOT_YET else _NOT_YET
        return IdempotencyRow(*self._name, self._digest, now_ms, sealed)
