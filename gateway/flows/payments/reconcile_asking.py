"""What no statement tells of is asked about again: perhaps it was taken back, and the callback that told so is lost."""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from gateway.engine.hotel import Hotel
from gateway.errors import Refusal
from gateway.flows.payments.book import Book, ref_of
from gateway.flows.payments.calling import OF_THE_CALL, call
from gateway.flows.payments.operate import base_of, book_in
from gateway.flows.payments.operate_jobs import EnterAnswer
from gateway.flows.payments.tie_jobs import tied
from gateway.flows.services import Services
from gateway.messages_payment import QueryOperation
from gateway.model.payment import FactSource, OperationOutcome
from gateway.model.payment_account import PaymentAccount
from gateway.store.tables_paying import PaymentOperationRow

log = structlog.get_logger(__name__)

ASKED_MAX = 50


async def ask_again(services: Services, hotel: Hotel, account: PaymentAccount, payments: Iterable[str]) -> None:
    """Every operation of these payments that moved money; where a gateway answers no questions, nothing is done.

    What it says enters the ledger as any answer does. It changes nothing about the difference, which stands until a
    statement or a person ends it.
    """
    connector = services.connectors.outbound(account.gateway)
    if QueryOperation not in connector.capabilities(account.profile).commands:
        return
    for payment_id in sorted(set(payments))[:ASKED_MAX]:
        try:
            book = await book_in(services, hotel.property.id, payment_id)
        except Refusal:
            continue
        for row in book.operations:
            if row.outcome == OperationOutcome.SUCCEEDED:
                await _ask(services, hotel, account, book, row)


async def _ask(services: Services, hotel: Hotel, account: PaymentAccount, book: Book, row: PaymentOperationRow) -> None:
    parent = next((each for each in book.refs if each.id == row.parent), None)
    query = QueryOperation(**base_of(services, row.payment_id), of=ref_of(row), parent=parent)
    answer = await call(services, hotel, account, query, row.operation_id)
    if answer.outcome is OperationOutcome.FAILED and answer.error in OF_THE_CALL:
        return
    await services.batcher.submit(tied(services, EnterAnswer(row.scope_id, row.payment_id, answer, FactSource.QUERY)))
    log.info("asked_again", account=account.id, operation=row.operation_id, outcome=answer.outcome.value)
