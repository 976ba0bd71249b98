"""Payment accounts: their secrets sealed, the rows they are found by, and how a connector sees one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from gateway.contract import Capabilities, Key, Site
from gateway.engine.hotel import Hotel
from gateway.engine.hotel_file import HotelFile
from gateway.engine.payment_file import PaymentSecret, place_of
from gateway.errors import Reason, Rejected
from gateway.flows.services import Services
from gateway.messages_payment import Authorise
from gateway.model.payment_account import PaymentAccount, PaymentKey
from gateway.model.property import Property
from gateway.registry import Unavailable
from gateway.store.sql import Lookup
from gateway.store.state import Needs, State
from gateway.store.tables import Row, Scope
from gateway.store.tables_paying import PaymentAccountRow, PaymentOperationRow, account_scope

ACCOUNTS = Lookup(PaymentAccountRow)
UNANSWERED = Lookup(PaymentOperationRow, ("scope_id", "account"), "t.due_ms IS NOT NULL")


def site_of(services: Services, account: PaymentAccount, currency: str) -> Site:
    """The account as its connector sees it, with all its secrets open."""
    opened = services.vault.open
    digest = account.callback_digest
    return Site(
        connection=account.id,
        profile=account.profile,
        hotel=account.account,
        currency=currency,
        url=account.url,
        username=account.username,
        password=opened(account.secret),
        inbound_username=account.callback_username,
        check_inbound=(lambda password: services.vault.check(password, digest)) if digest else None,
        options=account.options,
        keys=tuple(
            Key(key.use, opened(key.material), key.id, opened(key.password), key.from_ms, key.until_ms)
            for key in account.keys
        ),
    )


def seal_accounts(
    services: Services, current: Sequence[PaymentAccount], wanted: HotelFile
) -> tuple[tuple[PaymentAccount, ...], list[PaymentSecret]]:
    """The accounts with their secrets sealed, and those that are others now; equal ones stay sealed as they are."""
    sealing = _Sealing(services, {account.id: account for account in current}, wanted)
    return tuple(map(sealing.account, wanted.property.payments)), sealing.changed


class _Sealing:
    def __init__(self, services: Services, before: dict[str, PaymentAccount], wanted: HotelFile) -> None:
        self.changed: list[PaymentSecret] = []
        self._vault = services.vault
        self._before = before
        self._wanted = wanted

    def account(self, account: PaymentAccount) -> PaymentAccount:
        old = self._before.get(account.id)
        held = {(key.use, key.id): key for key in old.keys} if old else {}
        keys = tuple(self._key(account.id, key, held.get((key.use, key.id))) for key in account.keys)
        return msgspec.structs.replace(
            account,
            secret=self._sealed((account.id, "secret"), old.secret if old else ""),
            callback_digest=self._digest((account.id, "callback"), old.callback_digest if old else ""),
            keys=keys,
        )

    def _key(self, account: str, key: PaymentKey, old: PaymentKey | None) -> PaymentKey:
        place = place_of(key.use, key.id)
        return msgspec.structs.replace(
            key,
            material=self._sealed((account, place), old.material if old else ""),
            password=self._sealed((account, f"{place} password"), old.password if old else ""),
        )

    def _sealed(self, place: PaymentSecret, held: str) -> str:
        clear = self._wanted.payment_secrets.get(place, "")
        if place in self._wanted.payment_kept or (held and self._vault.open(held) == clear):
            return held
        if held or clear:
            self.changed.append(place)
        return self._vault.seal(clear) if clear else ""

    def _digest(self, place: PaymentSecret, held: str) -> str:
        clear = self._wanted.payment_secrets.get(place, "")
        if place in self._wanted.payment_kept or (held and clear and self._vault.check(clear, held)):
            return held
        if held or clear:
            self.changed.append(place)
        return self._vault.digest(clear) if clear else ""


def beyond(services: Services, prop: Property) -> Iterator[str]:
    """Gateways nobody can speak to, and what schedules want of accounts that their gateways have no call for.

    Each with its place in the file.
    """
    able: dict[str, Capabilities] = {}
    for number, account in enumerate(prop.payments):
        try:
            able[account.id] = services.connectors.capabilities(account.gateway, account.profile)
        except Unavailable as unavailable:
            yield f"payments[{number}]: {unavailable}"
    for number, schedule in enumerate(prop.selling.schedules):
        gateway, path = able.get(schedule.account), f"selling.schedules[{number}]"
        if gateway is not None and schedule.hold and Authorise not in gateway.commands:
            yield f"{path}.hold: this gateway holds no money; take a deposit and give the rest back"
        if gateway is not None and schedule.charge_card and not gateway.card_numbers:
            yield f"{path}.charge_card: this gateway takes no numbers of cards"


def dropped_needs(before: Hotel | None, after: Property) -> Needs:
    """What is under way at the accounts that are in the property's file no more."""
    for account in _dropped(before, after):
        yield UNANSWERED, (after.id, account)


def check_dropped(state: State, before: Hotel | None, after: Property) -> None:
    """Raises :class:`Rejected` for an account of which an answer is awaited, since nobody would ask for it any more."""
    for account in _dropped(before, after):
        if state.find(UNANSWERED, (after.id, account)):
            raise Rejected(
                f"payments of account {account!r} are under way, and somebody may be paying at this moment:"
                " take it out once they have ended (with enabled = false no other begins)"
            )


def _dropped(before: Hotel | None, after: Property) -> list[str]:
    kept = {account.id for account in after.payments}
    return [name for name in before.payments if name not in kept] if before else []


def account_rows(state: State, prop: Property) -> Iterator[Row]:
    """A scope and a home for each new account; raises :class:`Rejected` for one that is another property's."""
    for account in prop.payments:
        row = state.get(PaymentAccountRow, (account_scope(account.id),))
        if row is None:
            yield Scope(account_scope(account.id), "payments", 0, 0)
            yield PaymentAccountRow(account_scope(account.id), account.id, prop.id, 0, 0, "")
        elif row.property_id != prop.id:
            raise Rejected(f"payment account {account.id!r} belongs to another property", Reason.INVALID_VALUE)
