"""A card of a booking charged at a payment gateway: its number goes from the vault into one request, and nowhere else.

The command is never kept (:func:`gateway.flows.payments.operate.may_be_kept`), so what nobody can tell of is asked
about and not sent again. Only accounts whose option ``card_numbers`` is true are sent numbers: gateways take them from
sellers with a PCI DSS assessment of their own, and nobody but the hotel knows whether it is one.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import msgspec

from gateway.engine.card_choice import Why, starts_day
from gateway.errors import Malformed, NotFound, Reason, Rejected
from gateway.flows.desk.finding import text_of
from gateway.flows.payments import operate
from gateway.flows.payments.operate import Operated, base_of, notify_url
from gateway.flows.payments.operate_jobs import BeginOperation
from gateway.flows.services import Services
from gateway.flows.vault.show import CARD
from gateway.flows.vault.uses import CHARGED, KEPT, use
from gateway.flows.vault.vaults import kept_in, place_of
from gateway.messages_payment import PaymentCommand, Purchase
from gateway.model.card import ClearCard
from gateway.model.dates import Instant, local_day
from gateway.model.payment import OperationKind
from gateway.model.payment_account import PaymentAccount
from gateway.model.payment_means import Card, Presence
from gateway.store.database import Transaction
from gateway.store.sql import Lookup
from gateway.store.state import Decision, Needs, State
from gateway.store.tables_cards import CardRow, CardUseRow
from gateway.store.tables_paying import PaymentOperationRow, PaymentRow

USES = Lookup(CardUseRow, ("scope_id", "reservation_id"))
OPTION = "card_numbers"


class CardCharge(msgspec.Struct, frozen=True):
    """``amount`` in minor units of ``currency``, at the payment account ``account``."""

    account: str
    amount: int
    currency: str


def takes_numbers(services: Services, account: PaymentAccount) -> bool:
    """Whether the account may be sent numbers of cards: it says so, and its gateway has a call for them."""
    if not account.enabled or account.options.get(OPTION) is not True:
        return False
    return services.connectors.outbound(account.gateway).capabilities(account.profile).card_numbers


async def charge_card(
    services: Services,
    property_id: str,
    reservation_id: str,
    card_id: str,
    wanted: CardCharge,
    author: str,
    *,
    room: str = "",
    why: Why | None = None,
) -> Operated:
    """Takes the amount from the card, as one that was not presented by anybody.

    ``room`` is the room stay that it is for, that of the card if nobody says; ``why`` is how the card was chosen where
    nobody named it.

    Raises :class:`NotFound`, and :class:`Rejected` where nothing was sent: the account takes no numbers, the card has
    not begun, or somebody else is charging it at this moment.
    """
    hotel, account = await operate.account_of(services, property_id, wanted.account)
    if not takes_numbers(services, account):
        raise Rejected(
            f"payment account {account.id!r} is not sent numbers of cards: charge the card at the terminal",
            Reason.BUSINESS_RULE,
        )
    name = (property_id, text_of(reservation_id), text_of(card_id))
    row, charged = await services.database.read(lambda tx: _kept(tx, name))
    if local_day(services.clock.now_ms(), hotel.property.timezone) < starts_day(row.starts):
        raise Rejected("the card may not be charged before it starts", Reason.BUSINESS_RULE)
    card = card_of(await services.cards.of(row).reveal(place_of(row), kept_in(row)))
    command = Purchase(
        **base_of(services, services.ids.operation()),
        amount=wanted.amount,
        currency=wanted.currency,
        means=card,
        reservation=row.reservation_id,
        text=f"{hotel.property.name} {row.reservation_id}",
        presence=Presence.MOTO,
        return_url=str(account.options.get("return_url", "")),
        notify_url=notify_url(account),
    )
    payment = _payment(command, row, wanted, author)._replace(room=room or row.room)
    chosen = f" ({why.value.replace('_', ' ')})" if why else ""
    begins = partial(BeginCardCharge, card=name, charged=charged, number=services.ids.message(), chosen=chosen)
    return await operate.send(services, hotel, account, command, OperationKind.PURCHASE, author, payment, begins=begins)


class BeginCardCharge(BeginOperation):
    """The job: the operation and the line about the card are one commit, before the number leaves.

    ``charged`` is how often the card had been charged when it was decided to; a charge in between undoes that.
    """

    def __init__(
        self,
        row: PaymentOperationRow,
        command: PaymentCommand,
        payment: PaymentRow | None,
        *,
        card: tuple[str, str, str],
        charged: int,
        number: int,
        chosen: str,
    ) -> None:
        super().__init__(row, command, payment)
        self._line = f"{row.amount} {row.currency} at {row.account}{chosen}"
        self._card = card
        self._charged = charged
        self._number = number
        self._author = row.author

    def needs(self, state: State, now_ms: Instant) -> Needs:
        yield from super().needs(state, now_ms)
        yield CARD, self._card
        yield USES, self._card[:2]

    def decide(self, state: State, now_ms: Instant) -> Decision:
        row = state.get(CardRow, self._card)
        if row is None or row.state != KEPT:
            raise NotFound("there is no such card, or it has been purged")
        if _times(state.find(USES, self._card[:2]), row.card_id) != self._charged:
            raise Rejected("somebody else has charged the card just now: look at it again", Reason.BUSINESS_RULE)
        decision = super().decide(state, now_ms)
        line = use(self._number, now_ms, row, CHARGED, self._author, self._line)
        return decision._replace(writes=[*decision.writes, line])


async def _kept(tx: Transaction, name: tuple[str, str, str]) -> tuple[CardRow, int]:
    """The card, and how often it was charged."""
    rows = await tx.rows(CardRow, "scope_id = ? AND reservation_id = ? AND card_id = ? AND state = 'kept'", *name)
    if not rows:
        raise NotFound("there is no such card, or it has been purged")
    uses = await tx.rows(CardUseRow, "scope_id = ? AND reservation_id = ?", *name[:2])
    return rows[0], _times(uses, name[2])


def _times(uses: Iterable[CardUseRow], card_id: str) -> int:
    return sum(row.card_id == card_id and row.what == CHARGED for row in uses)


def card_of(clear: ClearCard) -> Card:
    """As a gateway takes it; raises :class:`Malformed` for one that does not say when it expires."""
    if not clear.expires:
        raise Malformed("the card came without the month it expires: charge it at the terminal")
    return Card(clear.number, int(clear.expires[:2]), 2000 + int(clear.expires[2:]), clear.holder)


def _payment(command: Purchase, row: CardRow, wanted: CardCharge, author: str) -> PaymentRow:
    return PaymentRow(
        row.scope_id,
        command.payment,
        account=wanted.account,
        reservation_id=row.reservation_id,
        intent=OperationKind.PURCHASE.value,
        amount=wanted.amount,
        currency=wanted.currency,
        at_ms=command.at_ms,
        author=author,
        text=command.text,
    )
