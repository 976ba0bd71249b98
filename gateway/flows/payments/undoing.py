"""Orders that have to come to an end: withdrawn at their deadline, undone where nobody can tell what became of them.

Undoing is an operation of its own, written down like any other, and made once for each order. What it undoes is over
when it has succeeded; a success that the gateway states after all is entered and told to a person.
"""

from __future__ import annotations

from gateway.engine.hotel import Hotel
from gateway.engine.operations import Waiting, next_query_ms
from gateway.errors import Refusal
from gateway.flows.payments.book import Book, ref_of
from gateway.flows.payments.operate import base_of, send
from gateway.flows.services import Services
from gateway.messages_payment import Close, PaymentAnswered, PaymentCommand, Void
from gateway.model.dates import Instant
from gateway.model.payment import OperationKind, OperationOutcome
from gateway.model.payment_account import PaymentAccount
from gateway.model.payment_error import PaymentError
from gateway.store.tables_paying import PaymentOperationRow

AUTHOR = "gateway"
# Where nothing can be asked, a callback that has not come by then will not come any more.
UNDO_AFTER_MS = 15 * 60_000
SILENT_AFTER_MS = 3_600_000
_UNDOING = frozenset({OperationKind.VOID.value, OperationKind.CLOSE.value})


def undoing_of(book: Book, row: PaymentOperationRow) -> PaymentOperationRow | None:
    """The last operation that withdraws or undoes ``row``, if there is one."""
    found = [each for each in book.operations if each.parent == row.operation_id and each.kind in _UNDOING]
    return found[-1] if found else None


def ended_by(undoing: PaymentOperationRow, row: PaymentOperationRow, *, can_query: bool) -> PaymentAnswered | None:
    """What an undoing that has ended says of the order; None where that has to be asked about.

    Where nothing can be asked, an undoing that fails says that there was nothing to undo.
    """
    error = None
    if undoing.outcome == OperationOutcome.SUCCEEDED:
        error = PaymentError.ORDER_EXPIRED
    elif undoing.outcome == OperationOutcome.FAILED and undoing.kind == OperationKind.VOID and not can_query:
        error = PaymentError.NOT_FOUND
    if error is None:
        return None
    return PaymentAnswered(operation=row.operation_id, outcome=OperationOutcome.FAILED, error=error)


def is_silent(row: PaymentOperationRow, now_ms: Instant, *, can_query: bool) -> bool:
    """Whether a guest has let a page run out where only a callback could tell that they paid."""
    over = row.expires_ms is not None and now_ms >= row.expires_ms + SILENT_AFTER_MS
    return over and not can_query and row.outcome == OperationOutcome.ACTION_REQUIRED


async def undo(
    services: Services,
    hotel: Hotel,
    account: PaymentAccount,
    row: PaymentOperationRow,
    now_ms: Instant,
    *,
    can_query: bool,
) -> bool:
    """Withdraws or undoes an order whose time has come; False where it has not, or nothing can be done."""
    commands = services.connectors.outbound(account.gateway).capabilities(account.profile).commands
    command = _command(services, row, now_ms, can_query=can_query)
    if command is None or type(command) not in commands:
        return False
    kind = OperationKind.CLOSE if isinstance(command, Close) else OperationKind.VOID
    try:
        await send(services, hotel, account, command, kind, AUTHOR, parent=ref_of(row))
    except Refusal:
        return False  # Money has moved in between: there is nothing to withdraw.
    return True


def _command(
    services: Services, row: PaymentOperationRow, now_ms: Instant, *, can_query: bool
) -> PaymentCommand | None:
    of, waiting = ref_of(row), Waiting(row.waiting)
    base = base_of(services, row.payment_id)
    if waiting is Waiting.PAGE and row.psp and row.expires_ms is not None and now_ms >= row.expires_ms:
        return Close(**base, of=of)
    at_desk = waiting is Waiting.DESK and next_query_ms(waiting, row.asked, row.at_ms, now_ms) is None
    unheard = not can_query and row.outcome == OperationOutcome.UNKNOWN and now_ms - row.at_ms >= UNDO_AFTER_MS
    if at_desk or unheard:
        return Void(**base, of=of, amount=row.amount, currency=row.currency, neutralise=True)
    return None
