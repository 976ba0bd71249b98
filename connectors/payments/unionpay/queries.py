"""What the answer to a query says: whether the query succeeded, and what became of the transaction it was about."""

from __future__ import annotations

import msgspec

from connectors.payments._shared import answers
from connectors.payments._shared.form import Fields
from connectors.payments._shared.profile import PaymentProfile
from connectors.payments.unionpay.encode import REVERSED
from connectors.payments.unionpay.errors import ACCEPTED, DEFECT, DONE, HALF_DECIDED, UNDECIDED, error_of
from connectors.payments.unionpay.facts import amount_of, facts_of, reversal_facts
from gateway.errors import Malformed
from gateway.messages_payment import PaymentAnswered, QueryOperation
from gateway.model.payment import OperationKind, OperationOutcome, OperationRef
from gateway.model.payment_error import PaymentError

Outcome = OperationOutcome
_KINDS = {
    OperationKind.PURCHASE: "01",
    OperationKind.AUTHORISE: "02",
    OperationKind.CAPTURE: "03",
    OperationKind.REFUND: "04",
}
_UNDONE = {OperationKind.AUTHORISE: "32", OperationKind.PURCHASE: "31", OperationKind.CAPTURE: "33"}
_GIVING_BACK = (OperationKind.REFUND, OperationKind.VOID)
_WAIT_S = 30.0


def of_query(command: QueryOperation, fields: Fields, profile: PaymentProfile) -> PaymentAnswered:
    """Raises :class:`Malformed` where the answer has another amount than the operation."""
    of = command.of
    code = fields.get("respCode", "")
    if code != ACCEPTED:
        error = error_of(code)
        wait_s = _WAIT_S if error is PaymentError.RATE_LIMITED else None
        return answers.unknown(of.id, error, f"{code} {fields.get('respMsg', '')}", retry_after_s=wait_s)
    if of.psp.startswith(REVERSED):
        return _reversed(command, fields, profile)
    state = fields.get("origRespCode", "")
    raw = f"{state} {fields.get('origRespMsg', '')}"
    if state in DONE:
        return _succeeded(command, fields, raw if state == DEFECT else "", profile)
    if state in UNDECIDED or (state in HALF_DECIDED and of.kind in _GIVING_BACK):
        return PaymentAnswered(operation=of.id, outcome=Outcome.PENDING, psp=_psp(fields, of))
    error = error_of(state)
    if error is PaymentError.UNKNOWN or not state:
        return answers.unknown(of.id, PaymentError.UNKNOWN, raw, _psp(fields, of))
    return answers.failed(of.id, error, raw, _psp(fields, of))


def _succeeded(command: QueryOperation, fields: Fields, defect: str, profile: PaymentProfile) -> PaymentAnswered:
    of, parent = command.of, command.parent
    kind = _KINDS.get(of.kind) or (_UNDONE.get(parent.kind) if parent else None)
    if kind is None:
        raise Malformed(f"nothing is known of the {of.kind.value} that this answers")
    expected = parent if of.kind is OperationKind.VOID and parent else of
    if amount_of(fields, profile.amounts) != expected.amount:
        raise Malformed("the amount of the answer is not that of the operation")
    original = fields.get("origQryId", "") or (parent.psp if parent else "")
    facts = facts_of(kind, fields, original, profile.amounts, int(profile.options["hold_days"]))
    return PaymentAnswered(
        operation=of.id,
        outcome=Outcome.SUCCEEDED,
        psp=_psp(fields, of),
        facts=facts,
        error_raw=answers.tidy(defect),
        hold_expires_ms=facts[0].expires_ms,
    )


def _reversed(command: QueryOperation, fields: Fields, profile: PaymentProfile) -> PaymentAnswered:
    """The order it was about is asked for by its own number: what is found is the reversal, or the payment still."""
    of = command.of
    state = fields.get("origRespCode", "")
    if fields.get("txnType") == "99" and state in DONE:
        number = of.psp.removeprefix(REVERSED) or fields.get("origQryId", "") or fields.get("queryId", "")
        facts = reversal_facts(fields, number, profile.amounts)
        return PaymentAnswered(operation=of.id, outcome=Outcome.SUCCEEDED, psp=of.psp, facts=facts)
    still = answers.unknown(of.id, PaymentError.WRONG_STATE, f"{fields.get('txnType', '')} {state}", of.psp)
    waiting = state in UNDECIDED
    return msgspec.structs.replace(still, outcome=Outcome.PENDING) if waiting else still


def _psp(fields: Fields, of: OperationRef) -> str:
    return fields.get("queryId", "") or of.psp
