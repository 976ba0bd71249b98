"""Statements of payment gateways, and what differs between them and our ledger."""

from __future__ import annotations

from datetime import date
from http import HTTPStatus
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gateway.flows.payments import differences
from gateway.flows.payments.differences import (
    NOTE_MAX,
    DifferenceLine,
    DifferencePage,
    StatementLineView,
    StatementList,
    view_of,
)
from gateway.flows.payments.reconcile import want
from gateway.model.access import Action
from gateway.store.statements import Wanted
from gateway.web.api.endpoints import Answer, Call, Endpoints, Nothing, Repeat
from gateway.web.api.shapes import shown_type
from gateway.web.api.values import COUNT, Code, CodeOrNone, Count, Cursor, day_or_none

ENDPOINTS = Endpoints("Reconciliation", "Statements of payment gateways, held against the ledger.")

_PAYMENTS = "/properties/{property}/payments"
_State = Literal["open", "cleared", "resolved", ""]
_Verdict = Literal[
    "missing_here",
    "missing_there",
    "amount_differs",
    "currency_differs",
    "fee_differs",
    "duplicated",
    "total_differs",
    "",
]


class StatementsQuery(msgspec.Struct, frozen=True):
    account: Annotated[CodeOrNone, Meta(description="only those of this payment account")] = ""


class NewStatement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``name`` is the day, or the gateway's name for a report that it has announced."""

    account: Code
    name: Annotated[str, Meta(min_length=1, max_length=200)]


class _Filter(msgspec.Struct, frozen=True):
    account: Annotated[CodeOrNone, Meta(description="only those of this payment account")] = ""
    state: Annotated[_State, Meta(description="absent for all")] = ""
    verdict: Annotated[_Verdict, Meta(description="absent for all")] = ""
    first: Annotated[date | None, Meta(description="the first day of a statement")] = None
    last: Annotated[date | None, Meta(description="the last one")] = None


class DifferencesQuery(_Filter, frozen=True):
    cursor: Cursor = ""
    limit: Count = COUNT


class ExportQuery(_Filter, frozen=True):
    """Like the list."""


class Export(msgspec.Struct, frozen=True):
    """A table as text (RFC 4180), in UTF-8 with a heading."""

    name: str
    csv: str


class Resolution(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which difference it is, and what somebody has done about it."""

    account: Code
    id: Annotated[str, Meta(min_length=1, max_length=200)]
    note: Annotated[str, Meta(min_length=1, max_length=NOTE_MAX)]


@ENDPOINTS.add(
    "GET",
    f"{_PAYMENTS}/statements",
    Action.READ_RESERVATIONS,
    query=StatementsQuery,
    answer=shown_type(StatementList),
)
async def list_statements(call: Call[StatementsQuery, Nothing]) -> Answer:
    """List statements.

    The newest of each payment account, with those that are still to be fetched.
    """
    return Answer(await differences.list_statements(call.services, call.property_id, call.query.account))


@ENDPOINTS.add(
    "POST",
    f"{_PAYMENTS}/statements",
    Action.RECONCILE,
    body=NewStatement,
    answer=shown_type(StatementLineView),
    status=HTTPStatus.ACCEPTED,
    repeat=Repeat.CLAIMED,
)
async def fetch_statement(call: Call[Nothing, NewStatement]) -> Answer:
    """Fetch a statement.

    Every day's is fetched by itself; this does it again, or for a day before the account was set up here. It is held
    against the ledger within seconds of its arrival.
    """
    _, row = await want(call.services, call.property_id, call.body.account, call.body.name)
    return Answer(view_of(row))


@ENDPOINTS.add(
    "GET",
    f"{_PAYMENTS}/differences",
    Action.READ_RESERVATIONS,
    query=DifferencesQuery,
    answer=shown_type(DifferencePage),
)
async def list_differences(call: Call[DifferencesQuery, Nothing]) -> Answer:
    """List differences.

    Between statements and the ledger, the newest day first.
    """
    query = call.query
    page = await differences.find(
        call.services, call.property_id, _wanted(query), cursor=query.cursor, limit=query.limit
    )
    return Answer(page)


@ENDPOINTS.add(
    "GET", f"{_PAYMENTS}/differences/export", Action.READ_RESERVATIONS, query=ExportQuery, answer=shown_type(Export)
)
async def export_differences(call: Call[ExportQuery, Nothing]) -> Answer:
    """Take differences away as a table.

    No cell of it is taken for a formula.
    """
    text = await differences.export(call.services, call.property_id, _wanted(call.query))
    return Answer(Export(f"differences-{call.property_id}.csv", text))


@ENDPOINTS.add(
    "POST",
    f"{_PAYMENTS}/differences/resolve",
    Action.RECONCILE,
    body=Resolution,
    answer=shown_type(DifferenceLine),
    repeat=Repeat.CLAIMED,
)
async def resolve_difference(call: Call[Nothing, Resolution]) -> Answer:
    """Say how a difference was resolved.

    It changes no amount, and stays on record with its author.
    """
    body = call.body
    line = await differences.resolve(
        call.services, call.property_id, body.account, body.id, body.note, call.principal.author
    )
    return Answer(line)


def _wanted(query: _Filter) -> Wanted:
    return Wanted(query.account, query.state, query.verdict, day_or_none(query.first), day_or_none(query.last))
