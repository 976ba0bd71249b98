"""A card of a direct sale for what comes due of it, chosen and opened at the moment it is charged."""

from __future__ import annotations

from typing import NamedTuple

from gateway.engine.hotel import Hotel
from gateway.errors import Reason, Rejected
from gateway.flows.services import Services
from gateway.flows.vault.charge import card_of, takes_numbers
from gateway.flows.vault.take import CARDS
from gateway.flows.vault.uses import CHARGED, guest_card, use
from gateway.flows.vault.vaults import kept_in, place_of
from gateway.model.dates import local_day
from gateway.model.payment_account import PaymentAccount
from gateway.model.payment_means import Card
from gateway.store.tables_cards import CardRow, CardUseRow
from gateway.store.tables_paying import PaymentOperationRow


class Drawn(NamedTuple):
    """A card in clear, its row, and the line that says that it was charged and why it was this one."""

    card: Card
    row: CardRow
    line: CardUseRow


async def draw(
    services: Services, hotel: Hotel, account: PaymentAccount, order: PaymentOperationRow, sale: str
) -> Drawn:
    """The guest's card for an order of the sale; nothing is written yet.

    Raises :class:`Rejected` where the account is sent no numbers or no card will do, :class:`Malformed` for one that
    does not say when it expires, and :class:`gateway.errors.CallFailed` where an outside vault is away.
    """
    if not takes_numbers(services, account):
        raise Rejected(f"payment account {account.id!r} is not sent numbers of cards", Reason.BUSINESS_RULE)
    found = await services.database.read(lambda tx: tx.lookup(CARDS, [(order.scope_id, sale)]))
    rows = {row.card_id: row for row in found if isinstance(row, CardRow)}
    now_ms = services.clock.now_ms()
    choice = guest_card(rows.values(), local_day(now_ms, hotel.property.timezone))
    why = choice.why.value.replace("_", " ")
    if choice.card is None or not choice.usable:
        raise Rejected(f"no card of the booking will do: {why}", Reason.BUSINESS_RULE)
    row = rows[choice.card.card_id]
    try:
        clear = await services.cards.of(row).reveal(place_of(row), kept_in(row))
    except ValueError as problem:
        raise Rejected(f"the card cannot be opened: {problem}", Reason.UNAVAILABLE) from None
    said = f"{order.amount} {order.currency} at {account.id} ({why})"
    return Drawn(card_of(clear), row, use(services.ids.message(), now_ms, row, CHARGED, order.author, said))
