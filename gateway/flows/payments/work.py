"""The work on payments that goes on by itself: callbacks enter their ledgers, and what is unresolved is asked about.

A command is only ever sent again with its own key, and only while the gateway promises to carry it out once; a charge
only as long as somebody may still be waiting for it. Otherwise a query asks.
"""

from __future__ import annotations

from functools import partial

import msgspec
import structlog

from gateway.engine.hotel import Hotel
from gateway.engine.operations import FINAL
from gateway.errors import Refusal
from gateway.flows.errands import Errands
from gateway.flows.payments.book import HOLDING, Book, ref_of
from gateway.flows.payments.callback_jobs import FoldCallback, notified_in
from gateway.flows.payments.calling import OF_THE_CALL, call
from gateway.flows.payments.operate import book_in, sealed
from gateway.flows.payments.operate_jobs import EnterAnswer, keeps_key
from gateway.flows.payments.reconcile import want_announced
from gateway.flows.payments.tie_jobs import tied
from gateway.flows.payments.tie_sending import is_order, send_order
from gateway.flows.payments.undoing import ended_by, is_silent, undo, undoing_of
from gateway.flows.services import Services
from gateway.messages_payment import (
    Adjust,
    Authorise,
    Capture,
    Close,
    Inquiry,
    PaymentAnswered,
    PaymentCommand,
    Purchase,
    QueryOperation,
    Refund,
    Tokenise,
    Void,
)
from gateway.model.dates import Instant
from gateway.model.payment import FactSource, OperationOutcome, OperationRef
from gateway.model.payment_account import PaymentAccount
from gateway.model.payment_error import PaymentError
from gateway.store import paying
from gateway.store.paying import DueCallback, DueOperation
from gateway.store.tables_paying import PaymentOperationRow

log = structlog.get_logger(__name__)

# A guest who did not see an answer for so long has gone, and should not be charged after all.
CHARGE_AGAIN_MS = 600_000
# Where questions can be asked, the key is only used for the first ones: "not found" has to be said twice after it.
REPLAYS_MAX = 4
LOOK_AGAIN_S = 60.0
# What fails without an answer to enter is tried again each minute, and keeps nothing else from being paid.
FAILED_AGAIN_MS = 60_000

_decode = msgspec.json.Decoder(Authorise | Purchase | Adjust | Capture | Void | Refund | Close | Tokenise).decode


class Payer:
    """Works for the accounts this process owns."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._busy: dict[tuple[str, str], str] = {}  # what is under way, and whose account it is
        self._failed: dict[tuple[str, str], Instant] = {}  # what failed here, as without a connector, and when
        self.errands = Errands()

    async def round(self) -> Instant | None:
        """Begin whatever is due; returns when the next will be."""
        services, now_ms = self._services, self._services.clock.now_ms()
        database, hotels = services.database, services.hotels
        for item in await database.read(lambda tx: paying.due_callbacks(tx, hotels, now_ms)):
            if self._may_begin(item.row[:2], now_ms) and services.leases.owns(item.account, 0):
                self._begin(item.row[:2], item.account, self._fold(item))
        for due in await database.read(lambda tx: paying.due_operations(tx, hotels, now_ms)):
            account = due.hotel.payments.get(due.row.account)
            if account is None or not self._may_begin(due.row[:2], now_ms) or not services.leases.owns(account.id, 0):
                continue
            if self._owns_a_call(due.row, account):
                self._begin(due.row[:2], account.id, self._resolve(due, account))
        return await database.read(lambda tx: paying.next_due_ms(tx, now_ms))

    def in_use(self) -> set[str]:
        """The accounts that are being called."""
        return set(self._busy.values())

    def _begin(self, key: tuple[str, str], account: str, work: object) -> None:
        if key in self._busy:
            work.close()  # type: ignore[attr-defined]
            return
        self._busy[key] = account
        self.errands.begin(f"pay {key[1]}", self._tried(key, work), after=partial(self._busy.pop, key))  # type: ignore[arg-type]

    async def _tried(self, key: tuple[str, str], work: object) -> None:
        try:
            await work  # type: ignore[misc]
        except Exception:  # logged by the errand
            self._failed[key] = self._services.clock.now_ms()
            raise

    def _may_begin(self, key: tuple[str, str], now_ms: Instant) -> bool:
        """Not while it waits after a failure of ours; a clock that was set back does not make it wait longer."""
        if not 0 <= now_ms - self._failed.get(key, -FAILED_AGAIN_MS) < FAILED_AGAIN_MS:
            self._failed.pop(key, None)
            return True
        return False

    def _owns_a_call(self, row: PaymentOperationRow, account: PaymentAccount) -> bool:
        """Whether there is time for a call; what an account's connector raises is that account's alone."""
        try:
            return self._services.leases.owns(account.id, self._timeout_s(account))
        except Exception:
            log.exception("payment_account_not_usable", property=row.scope_id, account=account.id, operation=row[1])
            self._failed[row[:2]] = self._services.clock.now_ms()
            return False

    def _timeout_s(self, account: PaymentAccount) -> float:
        return self._services.connectors.outbound(account.gateway).capabilities(account.profile).timeout_s

    # --- callbacks ----------------------------------------------------------------------------------------------------

    async def _fold(self, item: DueCallback) -> None:
        """What a callback only hints at is asked first; what it states then follows."""
        account, notified = item.hotel.payments.get(item.account), notified_in(item.row.body)
        if account is not None:
            await want_announced(self._services, account, notified)
            for inquiry in notified.inquiries:
                await self._inquire(item.hotel, account, inquiry)
        folding = FoldCallback(item.hotel.property.id, item.account, item.row)
        became = await self._services.batcher.submit(tied(self._services, folding))
        if became == "parked":
            log.warning("callback_parked", account=item.account, name=item.row.name)

    async def _inquire(self, hotel: Hotel, account: PaymentAccount, inquiry: Inquiry) -> None:
        book = await self._book_of(hotel, account, inquiry)
        if book is None or book.holding is None or not self._can_query(account):
            log.warning("inquiry_without_a_payment", account=account.id, kind=inquiry.kind.value)
            return
        parent = ref_of(book.holding)
        known = next((ref for ref in book.refs if ref.id == inquiry.operation), None)
        of = known or OperationRef(
            id="", kind=inquiry.kind, at_ms=parent.at_ms, amount=0, currency=book.payment.currency
        )
        of = msgspec.structs.replace(of, psp=inquiry.psp or of.psp)
        query = self._query(book.payment.payment_id, of, parent)
        answer = await call(self._services, hotel, account, query, of.id)
        await self._enter(hotel, book.payment.payment_id, answer, FactSource.QUERY)

    async def _book_of(self, hotel: Hotel, account: PaymentAccount, inquiry: Inquiry) -> Book | None:
        scope_id, database = hotel.property.id, self._services.database
        payment_id = inquiry.payment
        if not payment_id:
            numbers = [number for number in (inquiry.operation, inquiry.payment_psp, inquiry.psp) if number]
            payment_id = await database.read(lambda tx: paying.payment_of(tx, scope_id, account.id, numbers))
        try:
            book = await book_in(self._services, scope_id, payment_id)
        except Refusal:
            return None
        return book if book.payment.account == account.id else None

    # --- operations ---------------------------------------------------------------------------------------------------

    async def _resolve(self, due: DueOperation, account: PaymentAccount) -> None:
        row, now_ms = due.row, self._services.clock.now_ms()
        if is_order(row):
            await send_order(self._services, due.hotel, account, row)
            return
        again = self._again(row, account, now_ms)
        if again is not None:
            answer = _asked_again(await call(self._services, due.hotel, account, again, row.operation_id))
            await self._enter(due.hotel, row.payment_id, answer, FactSource.REPLY, sent_ms=now_ms)
            return
        answer, can_query = await self._stands(due, account)
        after = await self._enter(due.hotel, row.payment_id, answer, FactSource.QUERY)
        if after is not None and after.kind in HOLDING and after.outcome not in FINAL:
            await self._end(due.hotel, account, after, can_query=can_query)

    async def _stands(self, due: DueOperation, account: PaymentAccount) -> tuple[PaymentAnswered, bool]:
        """What can be said of an operation now, and whether there is a question that could be asked about it."""
        row = due.row
        answer = PaymentAnswered(operation=row.operation_id, outcome=OperationOutcome(row.outcome))
        if row.outcome == OperationOutcome.NEW:
            answer = msgspec.structs.replace(answer, outcome=OperationOutcome.UNKNOWN, error=PaymentError.TIMEOUT)
        elif row.error:
            answer = msgspec.structs.replace(answer, error=PaymentError(row.error), error_raw=row.error_raw)
        if not self._can_query(account):
            return answer, False
        book = await book_in(self._services, row.scope_id, row.payment_id)
        parents = [each for each in book.operations if each.operation_id == row.parent]
        query = self._query(row.payment_id, ref_of(row), ref_of(parents[0]) if parents else None)
        told = await call(self._services, due.hotel, account, query, row.operation_id)
        # That the question failed says nothing about what it was about.
        if not (told.outcome is OperationOutcome.FAILED and told.error in OF_THE_CALL):
            return told, True
        return answer, told.error is not PaymentError.INVALID_REQUEST

    async def _end(self, hotel: Hotel, account: PaymentAccount, row: PaymentOperationRow, *, can_query: bool) -> None:
        """An order that cannot go on for ever is withdrawn or undone, once, and is over when that is done."""
        now_ms = self._services.clock.now_ms()
        book = await book_in(self._services, row.scope_id, row.payment_id)
        undoing = undoing_of(book, row)
        answer = ended_by(undoing, row, can_query=can_query) if undoing is not None else None
        if answer is None and is_silent(row, now_ms, can_query=can_query):
            answer = _over(row, OperationOutcome.FAILED, PaymentError.ORDER_EXPIRED)
        elif undoing is None and await undo(self._services, hotel, account, row, now_ms, can_query=can_query):
            # What became of the undoing says what becomes of the order.
            answer = _over(row, OperationOutcome(row.outcome), PaymentError(row.error) if row.error else None)
            answer = msgspec.structs.replace(answer, error_raw=row.error_raw, retry_after_s=LOOK_AGAIN_S)
        if answer is not None:
            await self._enter(hotel, row.payment_id, answer, FactSource.QUERY)

    def _again(self, row: PaymentOperationRow, account: PaymentAccount, now_ms: Instant) -> PaymentCommand | None:
        """The command, where sending it with its key asks what became of it."""
        if not row.command or not keeps_key(row):
            return None
        capabilities = self._services.connectors.outbound(account.gateway).capabilities(account.profile)
        life_ms = int(capabilities.replay_s * 1000)
        if row.kind in HOLDING:
            life_ms = min(life_ms, CHARGE_AGAIN_MS)
        if now_ms - row.at_ms >= life_ms:
            return None
        if self._can_query(account) and (row.asked % 2 or row.asked >= REPLAYS_MAX):
            return None
        clear = self._services.vault.open(row.command.decode())
        command: PaymentCommand = _decode(clear.encode())
        return msgspec.structs.replace(command, sent_ms=now_ms, nonce=self._services.ids.nonce())

    def _can_query(self, account: PaymentAccount) -> bool:
        connector = self._services.connectors.outbound(account.gateway)
        return QueryOperation in connector.capabilities(account.profile).commands

    def _query(self, payment_id: str, of: OperationRef, parent: OperationRef | None) -> QueryOperation:
        ids, now_ms = self._services.ids, self._services.clock.now_ms()
        return QueryOperation(
            id=ids.operation(), at_ms=now_ms, payment=payment_id, nonce=ids.nonce(), of=of, parent=parent
        )

    async def _enter(
        self,
        hotel: Hotel,
        payment_id: str,
        answer: PaymentAnswered,
        source: FactSource,
        sent_ms: Instant | None = None,
    ) -> PaymentOperationRow | None:
        action = sealed(self._services, answer)
        job = EnterAnswer(hotel.property.id, payment_id, answer, source, sealed_action=action, sent_ms=sent_ms)
        after: PaymentOperationRow | None = await self._services.batcher.submit(tied(self._services, job))
        return after


def _over(row: PaymentOperationRow, outcome: OperationOutcome, error: PaymentError | None) -> PaymentAnswered:
    return PaymentAnswered(operation=row.operation_id, outcome=outcome, error=error)


def _asked_again(answer: PaymentAnswered) -> PaymentAnswered:
    """A repetition that did not get through leaves the first sending as unknown as it was."""
    if answer.outcome is OperationOutcome.FAILED and answer.error in OF_THE_CALL:
        return msgspec.structs.replace(answer, outcome=OperationOutcome.UNKNOWN)
    return answer
