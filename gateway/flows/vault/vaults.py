"""Which vault a card is in, and which one the next card goes to."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.errors import Reason, Rejected
from gateway.model.card import CardPlace, CardVault, KeptCard
from gateway.store.card_sealing import SealedCards
from gateway.store.tables_cards import CardRow


class CardVaults:
    """The built-in vault and those that are installed. ``chosen`` is the name of the one for new cards."""

    def __init__(self, built_in: SealedCards, others: Mapping[str, CardVault] = {}, chosen: str = "") -> None:
        self.built_in = built_in
        self._known: dict[str, CardVault] = {**others, built_in.name: built_in}
        if chosen not in self._known:
            known = ", ".join(sorted(others)) or "none"
            raise ValueError(f"setting card_vault: there is no card vault {chosen!r}; installed: {known}")
        self.chosen = self._known[chosen]

    def of(self, row: CardRow) -> CardVault:
        """The vault a card is in; a card stays where it was put, whatever is chosen for the next one."""
        if row.vault not in self._known:
            raise Rejected(f"the card is in the vault {row.vault!r}, which is not installed", Reason.UNAVAILABLE)
        return self._known[row.vault]


def place_of(row: CardRow) -> CardPlace:
    """What the card is sealed for."""
    return CardPlace(row.scope_id, row.connection, row.channel, row.booking_id, row.card_id)


def kept_in(row: CardRow) -> KeptCard:
    return KeptCard(row.sealed, row.wrapped, row.version)
