"""Items of Adyen's standard webhooks, and what is signed of them."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import msgspec

from gateway.errors import Malformed
from gateway.wire.signatures import hmac_sha256

ITEMS_MAX = 100


class ItemAmount(msgspec.Struct, frozen=True):
    currency: str | None = None
    value: int | None = None


class Item(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One event. ``success`` is text as it came: ``"false"`` is no truth value."""

    psp_reference: str
    event_code: str
    merchant_account_code: str
    original_reference: str | None = None
    merchant_reference: str | None = None
    amount: ItemAmount | None = None
    event_date: str | None = None
    success: str | bool = "false"
    reason: str | None = None
    additional_data: dict[str, Any] | None = None

    @property
    def succeeded(self) -> bool:
        return success_text(self) == "true"

    @property
    def data(self) -> dict[str, Any]:
        """What is not signed: hints."""
        return self.additional_data or {}


class Wrapped(msgspec.Struct, frozen=True):
    item: Item = msgspec.field(name="NotificationRequestItem")


class Message(msgspec.Struct, frozen=True, rename="camel"):
    notification_items: tuple[Wrapped, ...]
    live: str | bool = "false"

    @property
    def items(self) -> tuple[Item, ...]:
        return tuple(wrapped.item for wrapped in self.notification_items)

    @property
    def is_live(self) -> bool:
        return _text(self.live) == "true"


def read(raw: bytes) -> Message:
    """Raises :class:`Malformed`, also for a message without items."""
    try:
        message = msgspec.json.decode(raw, type=Message)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"not a notification of Adyen's: {error}") from None
    if not 1 <= len(message.notification_items) <= ITEMS_MAX:
        raise Malformed(f"{len(message.notification_items)} items in one notification")
    return message


def success_text(item: Item) -> str:
    """As it is signed."""
    return _text(item.success)


def signature_of(item: Item, key: bytes) -> str:
    """Eight values joined with colons, none of them escaped; what is absent counts as empty."""
    amount = item.amount or ItemAmount()
    values = (
        item.psp_reference,
        item.original_reference,
        item.merchant_account_code,
        item.merchant_reference,
        None if amount.value is None else str(amount.value),
        amount.currency,
        item.event_code,
        success_text(item),
    )
    return b64encode(hmac_sha256(key, ":".join(value or "" for value in values).encode())).decode()


def _text(flag: str | bool) -> str:
    return flag if isinstance(flag, str) else str(flag).lower()
