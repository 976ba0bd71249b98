"""Payment gateways call us: verified over the raw bytes, kept once, committed, and only then acknowledged.

Nothing is decided here: what a callback means for its payment is found by :mod:`gateway.flows.payments.work`, so an
acknowledgement never waits for more than one small transaction. Of a message that is refused nothing is kept but that
there was one.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

import msgspec
import structlog

from gateway.contract import Document, Head, Inbound, Reply, Site
from gateway.engine.hotel import Hotel
from gateway.errors import GatewayError, Reason, Refusal, Rejected, Unsupported
from gateway.flows.payments.accounts import site_of
from gateway.flows.payments.callback_jobs import CountRefused, TakeCallback
from gateway.flows.services import Services
from gateway.messages import Applied
from gateway.messages_payment import PaymentNotified
from gateway.model.dates import Instant
from gateway.model.payment_account import PaymentAccount
from gateway.store.database import Unavailable
from gateway.store.tables_paying import PaymentInboxRow, account_scope

log = structlog.get_logger(__name__)

BODY_BYTES_MAX = 256 * 1024
KIND = "payments"
NOT_HERE = Reply(404, {}, b"")
# Whoever sends us forged messages does not decide how often we write.
COUNT_EVERY_MS = 10_000
_SITES_MAX = 2_000
_ENDPOINTS_MAX = 64

_pack = msgspec.msgpack.Encoder().encode


class Callbacks:
    """Takes them for all accounts; one for each process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._sites: dict[str, tuple[int, Site]] = {}
        self._refused: dict[str, tuple[int, Instant]] = {}  # not counted yet, and when it was last written

    async def receive(self, gateway: str, account: str, head: Head, chunks: Sequence[bytes]) -> Reply:
        """The answer in the gateway's own shape; 404 without a body where there is no such account."""
        began = perf_counter()
        reply, outcome = await self._answered(gateway, account, head, chunks)
        self._services.metrics.inbound(KIND, outcome, perf_counter() - began)
        return reply

    def refuse(self, gateway: str, refusal: Refusal) -> Reply:
        """The answer to what was not read to its end."""
        try:
            connector = self._services.connectors.inbound(gateway)
        except GatewayError:
            return NOT_HERE
        return connector.refuse(None, refusal, self._services.clock.now_ms())

    async def _answered(self, gateway: str, account: str, head: Head, chunks: Sequence[bytes]) -> tuple[Reply, str]:
        """The reply, and why it is a refusal (``taken`` if it is none)."""
        services, now_ms = self._services, self._services.clock.now_ms()
        try:
            found = await self._account(gateway, account)
        except Unavailable:
            return self.refuse(gateway, _away()), Reason.UNAVAILABLE.value
        if found is None:
            log.info("callback_refused", gateway=gateway[:_ENDPOINTS_MAX], reason="no such account")
            return NOT_HERE, "no_account"
        hotel, configured = found
        connector = services.connectors.inbound(gateway)
        document: Document | None = None
        try:
            site = self._site(hotel, configured)
            document = connector.open(head, chunks)
            connector.verify(document, site, now_ms)
            return await self._taken(connector, document, site, now_ms), "taken"
        except Refusal as refusal:
            # Not what was sent: whoever cannot prove who they are chooses no text of our log.
            log.warning("callback_refused", gateway=gateway, account=account, reason=refusal.reason.value)
            await self._count(account, refusal, now_ms)
            return connector.refuse(document, refusal, now_ms), refusal.reason.value
        except Exception:
            # Whatever it is, nothing was acknowledged: the gateway comes again.
            log.exception("callback_not_taken", gateway=gateway, account=account)
            return connector.refuse(document, _away(), now_ms), Reason.UNAVAILABLE.value

    async def _account(self, gateway: str, account: str) -> tuple[Hotel, PaymentAccount] | None:
        hotel = await self._services.directory.hotel_of_account(account)
        configured = hotel.payments.get(account) if hotel else None
        if hotel is None or configured is None or not configured.enabled or configured.gateway != gateway:
            return None
        return hotel, configured

    def _site(self, hotel: Hotel, account: PaymentAccount) -> Site:
        """Secrets are opened once for each version of the configuration."""
        version, site = self._sites.get(account.id, (0, None))
        if site is None or version != hotel.version:
            if len(self._sites) >= _SITES_MAX:
                self._sites.clear()
            site = site_of(self._services, account, hotel.property.currency)
            self._sites[account.id] = hotel.version, site
        return site

    async def _taken(self, connector: Inbound, document: Document, site: Site, now_ms: Instant) -> Reply:
        found = connector.parse(document, site)
        rows: dict[str, PaymentInboxRow] = {}
        for item in found:
            if not isinstance(item, PaymentNotified):
                raise Unsupported(f"{type(item).__name__} is not taken at a payment account")
            rows.setdefault(item.dedupe, _row(site.connection, item, document, now_ms))
        if rows:
            await self._services.batcher.submit(TakeCallback(list(rows.values())))
        return connector.answer(document, site, [Applied()] * len(found), now_ms)

    async def _count(self, account: str, refusal: Refusal, now_ms: Instant) -> None:
        count, written_ms = self._refused.get(account, (0, 0))
        if now_ms - written_ms < COUNT_EVERY_MS:
            self._refused[account] = count + 1, written_ms
            return
        self._refused[account] = 0, now_ms
        await self._services.batcher.submit(CountRefused(account, count + 1, refusal.reason.value))


def _row(account: str, item: PaymentNotified, document: Document, now_ms: Instant) -> PaymentInboxRow:
    return PaymentInboxRow(
        account_scope(account),
        item.dedupe,
        item.name,
        at_ms=now_ms,
        state="new",
        attempts=0,
        due_ms=now_ms,
        verified_with=getattr(document, "verified_with", ""),
        detail="",
        body=_pack(item),
        raw=document.archive,
    )


def _away() -> Rejected:
    return Rejected("the gateway is not available now", Reason.UNAVAILABLE)
