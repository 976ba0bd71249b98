"""A property's account at a payment gateway, as it is configured."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.model.dates import Instant


class PaymentKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A key or certificate of the account; ``material`` and ``password`` are sealed.

    ``use`` and ``id`` are those of :class:`gateway.contract.Key`.
    """

    use: str
    id: str = ""
    material: str = ""
    password: str = ""
    from_ms: Instant = 0
    until_ms: Instant = 2**63 - 1


class PaymentAccount(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """``id`` is unique over the whole gateway: it names the endpoint for callbacks.

    ``account`` is the gateway's number of it, ``secret`` (sealed) its API key. ``callback_username`` and
    ``callback_digest`` are the login of callbacks where they come with one. Test and live are two accounts.
    """

    id: str
    gateway: str
    profile: str
    account: str = ""
    url: str = ""
    username: str = ""
    secret: str = ""
    callback_username: str = ""
    callback_digest: str = ""
    keys: tuple[PaymentKey, ...] = ()
    options: dict[str, Any] = {}
    enabled: bool = True
