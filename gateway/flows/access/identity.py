"""Who is asking: keys of programs, and people who have signed in.

A key's secret is 256 random bits, which nobody guesses, so a plain digest of it is kept and checking costs next to
nothing. People choose their passwords, so those are kept as scrypt digests and checked off the event loop. Whoever
cannot prove who they are learns nothing else: an unknown name, a wrong secret, an expired key and a forbidden address
are refused in the same words.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from typing import NamedTuple, TypeVar

import structlog

from gateway.errors import Refusal, Unauthentic
from gateway.flows.access.attempts import Attempts, is_within, source_of
from gateway.flows.record import Record
from gateway.flows.services import Services
from gateway.model.access import Principal
from gateway.model.dates import Instant
from gateway.store import access as store
from gateway.store.access import Known
from gateway.store.database import Unavailable
from gateway.store.tables_access import PrincipalUseRow, SessionRow

log = structlog.get_logger(__name__)

_Kept = TypeVar("_Kept")

KEY_PREFIX = "gwk"
# For so long a key or session is used before it is looked up again: another process may have revoked it.
FRESH_MS = 1_000
SESSION_MS = 7 * 86_400_000
SESSION_IDLE_MS = 12 * 3_600_000
USE_WRITTEN_MS = 60_000
_KEPT_MAX = 10_000
_KEY_LENGTH_MAX = 200
_PASSWORD_LENGTH_MAX = 256
_CHECKS_AT_ONCE = 2  # each takes 32 MiB and a quarter of a second of a processor
_NOBODY = "scrypt-person:AAAAAAAAAAAAAAAAAAAAAA==:AAAA"


class Session(NamedTuple):
    """Somebody signed in. ``token`` goes into their cookie; ``csrf`` into the pages they are sent."""

    token: str
    principal: Principal
    expires_ms: Instant

    @property
    def csrf(self) -> str:
        return csrf_token(self.token)


class Identity:
    """Finds out who is asking. One for each process, which counts failures and remembers who was just here."""

    def __init__(self, services: Services) -> None:
        self._services = services
        now_ms = services.clock.now_ms
        self._by_address = Attempts(20, 300, now_ms)
        self._by_name = Attempts(50, 900, now_ms)
        self._checks = asyncio.Semaphore(_CHECKS_AT_ONCE)
        self._seen: dict[str, tuple[Known, Instant]] = {}
        self._sessions: dict[str, tuple[SessionRow, Known, Instant]] = {}
        self._written: dict[str, Instant] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def by_key(self, text: str, address: str) -> Principal:
        """Whose key that is. Raises :class:`Unauthentic`, or :class:`TooMany` where too much else was tried before.

        A right key is taken however many wrong ones came from its address: a neighbour's mistakes must not shut out a
        PMS, and nobody finds a key by trying.
        """
        principal_id, secret = _split(text)
        known = await self._known(principal_id) if principal_id else None
        is_right = hmac.compare_digest(key_digest(secret), known.digest if known else key_digest(""))
        if known is None or not is_right or not self._is_usable(known.principal, address):
            source = source_of(address)
            self._by_address.check(source)
            self._by_address.failed(source)
            raise _unknown_key()
        self._note_use(known.principal.id, address)
        return known.principal

    async def sign_in(self, name: str, password: str, address: str) -> Session:
        """A new session. Raises :class:`Unauthentic`, or :class:`TooMany` without looking at the password."""
        source, named = source_of(address), person_name(name)
        self._by_address.check(source)
        self._by_name.check(named)
        # Counted before it is looked at, or a burst would all be let through.
        self._by_address.failed(source)
        self._by_name.failed(named)
        # PostgreSQL has no U+0000 in texts, so nobody is called that.
        known = None if "\0" in named else await self._services.database.read(lambda tx: store.person(tx, named))
        digest = known.digest if known else _NOBODY
        async with self._checks:
            is_right = await asyncio.to_thread(self._services.vault.check, password[:_PASSWORD_LENGTH_MAX], digest)
        if known is None or not is_right or not self._is_usable(known.principal, address):
            log.info("sign_in_refused", address=address)
            raise Unauthentic("name and password do not match")
        self._by_address.succeeded(source)
        self._by_name.succeeded(named)
        return await self._begin(known.principal, address)

    async def by_session(self, token: str, address: str) -> Session:
        """Whose session that is; raises :class:`Unauthentic` where it has ended."""
        now_ms = self._services.clock.now_ms()
        session_id = key_digest(token)
        row, known, looked_ms = self._sessions.get(session_id, (None, None, 0))
        if row is None or known is None or not 0 <= now_ms - looked_ms < FRESH_MS:
            found = await self._services.database.read(lambda tx: store.session(tx, session_id))
            if found is None:
                self._sessions.pop(session_id, None)
                raise _ended()
            row, known = found
            _keep(self._sessions, session_id, (row, known, now_ms))
        ends_ms = min(row.expires_ms, row.used_ms + SESSION_IDLE_MS)
        if now_ms >= ends_ms or not self._is_usable(known.principal, address):
            raise _ended()
        if now_ms - row.used_ms >= USE_WRITTEN_MS:
            self._sessions.pop(session_id, None)
            await self._services.database.write(lambda tx: store.touch_session(tx, session_id, now_ms, address))
        self._note_use(known.principal.id, address)
        return Session(token, known.principal, row.expires_ms)

    async def sign_out(self, token: str) -> None:
        """Ends the session, here at once and in other processes within a second."""
        session_id = key_digest(token)
        self._sessions.pop(session_id, None)
        await self._services.database.write(lambda tx: store.end_session(tx, session_id))

    def forget(self, principal_id: str) -> None:
        """Somebody's rights have changed."""
        self._seen.pop(principal_id, None)
        self._sessions.clear()

    async def idle(self) -> None:
        """Once everything noted is written."""
        await asyncio.gather(*self._tasks)

    # --- looking ----------------------------------------------------------------------------------------------------

    async def _known(self, principal_id: str) -> Known | None:
        now_ms = self._services.clock.now_ms()
        known, looked_ms = self._seen.get(principal_id, (None, 0))
        if known is not None and 0 <= now_ms - looked_ms < FRESH_MS:
            return known
        found = await self._services.database.read(lambda tx: store.principal(tx, principal_id))
        if found is not None:
            _keep(self._seen, principal_id, (found, now_ms))
        return found

    def _is_usable(self, principal: Principal, address: str) -> bool:
        now_ms = self._services.clock.now_ms()
        if principal.revoked_ms is not None or (principal.expires_ms is not None and now_ms >= principal.expires_ms):
            return False
        if not is_within(address, principal.allow):
            log.warning("address_not_allowed", principal=principal.author, address=address)
            return False
        return True

    async def _begin(self, principal: Principal, address: str) -> Session:
        token, now_ms = secrets.token_urlsafe(32), self._services.clock.now_ms()
        row = SessionRow(key_digest(token), principal.id, now_ms, now_ms, now_ms + SESSION_MS, address)
        await self._services.database.write(lambda tx: store.begin_session(tx, row))
        self._note_use(principal.id, address)
        return Session(token, principal, row.expires_ms)

    # --- noting -----------------------------------------------------------------------------------------------------

    def _note_use(self, principal_id: str, address: str) -> None:
        """Written once a minute, and together with whatever else is being committed."""
        now_ms = self._services.clock.now_ms()
        if 0 <= now_ms - self._written.get(principal_id, 0) < USE_WRITTEN_MS:
            return
        _keep(self._written, principal_id, now_ms)
        task = asyncio.create_task(self._write_use(PrincipalUseRow(principal_id, now_ms, address)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write_use(self, row: PrincipalUseRow) -> None:
        try:
            await self._services.batcher.submit(Record([row]))
        except Unavailable as away:
            log.info("use_not_noted", principal=row.principal_id, reason=str(away))


def key_digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def csrf_token(token: str) -> str:
    """What only a page of ours can know, and that says nothing about the session's token."""
    return hmac.digest(token.encode(), b"csrf", "sha256").hex()


def csrf_matches(session: Session, token: str) -> bool:
    return hmac.compare_digest(session.csrf.encode(), token.encode())


def person_name(name: str) -> str:
    """The name as it is kept: how somebody writes its letters does not matter."""
    return name.strip().casefold()


def _split(text: str) -> tuple[str, str]:
    """The id and the secret in a key; both empty for anything else."""
    prefix, _, rest = text[:_KEY_LENGTH_MAX].partition("_")
    principal_id, _, secret = rest.partition("_")
    return (principal_id, secret) if prefix == KEY_PREFIX and principal_id and "\0" not in principal_id else ("", "")


def _keep(kept: dict[str, _Kept], name: str, value: _Kept) -> None:
    if len(kept) >= _KEPT_MAX:
        kept.clear()
    kept[name] = value


def _unknown_key() -> Refusal:
    return Unauthentic("the key is not known, or may not be used from here and now")


def _ended() -> Refusal:
    return Unauthentic("the session has ended; sign in again")
