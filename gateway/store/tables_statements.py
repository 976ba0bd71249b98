"""The tables of reconciliation: gateways' statements, their lines, what differed, and means of payment they keep."""

from __future__ import annotations

from typing import NamedTuple


class StatementRow(NamedTuple):
    """A day's statement of a payment account, or one that the gateway has announced, in the account's scope.

    ``name`` is the day or the gateway's name for it. ``state`` is wanted, done, none (there is none for that day) or
    failed; ``due_ms`` when it is fetched next. ``report`` is what the gateway calls what it gave, ``net`` the sum of
    its lines, ``digest`` tells whether it has changed since.
    """

    scope_id: str
    name: str
    account: str
    day: int
    state: str
    due_ms: int | None
    attempts: int
    at_ms: int
    report: str
    lines: int
    currency: str
    net: int
    digest: bytes
    error: str


class StatementLineRow(NamedTuple):
    """A line of a statement, msgpack of :class:`gateway.model.payment.StatementLine`.

    ``fact_key`` and ``payment_psp`` are its movement's numbers, empty where it is none.
    """

    scope_id: str
    name: str
    number: int
    kind: str
    fact_key: str
    payment_psp: str
    body: bytes


class DifferenceRow(NamedTuple):
    """Something that is not in order, msgpack of :class:`gateway.engine.reconciling.Difference`.

    It is named after its line, or the movement that no line tells of. ``state`` is open, cleared (it has gone by
    itself) or resolved (somebody has seen to it); ``note`` says how.
    """

    scope_id: str
    difference_id: str
    name: str
    day: int
    verdict: str
    state: str
    payment_id: str
    at_ms: int
    body: bytes
    closed_ms: int
    closed_by: str
    note: str


class PaymentTokenRow(NamedTuple):
    """A means of payment that a gateway keeps, in the property's scope; ``token`` is the gateway's number for it.

    ``payment_id`` is the payment by which it came to be kept.
    """

    scope_id: str
    account: str
    token: str
    payment_id: str
    reservation_id: str
    customer: str
    brand: str
    last4: str
    at_ms: int
    author: str
