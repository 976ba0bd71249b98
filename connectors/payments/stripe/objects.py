"""Stripe's objects, as far as they matter here. Amounts are in Stripe's smallest units, times Unix seconds."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.model.payment_means import Token


class Object(msgspec.Struct, frozen=True, omit_defaults=True):
    """``id`` is opaque, up to 255 characters."""

    id: str = ""
    object: str = ""


class Granted(msgspec.Struct, frozen=True):
    """What the card's network granted: ``capture_before`` is when a hold really ends."""

    capture_before: int | None = None
    brand: str | None = None
    last4: str | None = None


class MethodDetails(msgspec.Struct, frozen=True):
    card: Granted | None = None


class Charge(Object, frozen=True):
    amount: int = 0
    amount_captured: int = 0
    captured: bool = False
    currency: str = ""
    status: str = ""
    metadata: dict[str, str] = {}
    payment_intent: str | None = None
    payment_method_details: MethodDetails | None = None


class Fault(msgspec.Struct, frozen=True):
    """An error, of a call or of a payment's last attempt."""

    type: str = ""
    code: str | None = None
    decline_code: str | None = None
    advice_code: str | None = None
    message: str | None = None
    charge: str | None = None
    payment_intent: Intent | None = None


class Redirect(msgspec.Struct, frozen=True):
    url: str | None = None


class NextAction(msgspec.Struct, frozen=True):
    type: str = ""
    redirect_to_url: Redirect | None = None


class Intent(Object, frozen=True):
    """A PaymentIntent. ``client_secret`` lets its holder confirm it: for the guest's browser and nothing else."""

    amount: int = 0
    amount_capturable: int | None = None
    amount_received: int | None = None
    currency: str = ""
    status: str = ""
    capture_method: str = ""
    client_secret: str | None = None
    next_action: NextAction | None = None
    latest_charge: str | Charge | None = None
    last_payment_error: Fault | None = None
    cancellation_reason: str | None = None
    metadata: dict[str, str] = {}
    payment_method: Any = None  # its number, or all of it where that was asked for
    customer: Any = None
    setup_future_usage: str | None = None

    @property
    def kept(self) -> Token | None:
        """The method that is kept from now on, if one is."""
        done = self.status in ("succeeded", "requires_capture") and self.setup_future_usage is not None
        if not done or not isinstance(self.payment_method, str):
            return None
        return Token(self.payment_method, self.customer if isinstance(self.customer, str) else "")

    def __repr__(self) -> str:
        return f"Intent({self.id}, {self.status})"


class StripeRefund(Object, frozen=True):
    amount: int = 0
    currency: str = ""
    status: str | None = None
    reason: str | None = None
    failure_reason: str | None = None
    charge: str | None = None
    payment_intent: str | None = None
    metadata: dict[str, str] | None = None


class Session(Object, frozen=True):
    """A Checkout session, the hosted page."""

    url: str | None = None
    status: str | None = None
    payment_status: str = ""
    payment_intent: str | Intent | None = None
    amount_total: int | None = None
    currency: str | None = None
    expires_at: int | None = None
    metadata: dict[str, str] | None = None


class DisputeObject(Object, frozen=True):
    amount: int = 0
    currency: str = ""
    status: str = ""
    charge: str | None = None
    payment_intent: str | None = None


class Method(Object, frozen=True):
    """A PaymentMethod."""

    customer: str | None = None
    card: Granted | None = None


class SetupIntent(Object, frozen=True):
    status: str = ""
    client_secret: str | None = None
    payment_method: str | None = None
    customer: str | None = None
    next_action: NextAction | None = None

    def __repr__(self) -> str:
        return f"SetupIntent({self.id}, {self.status})"


class Warned(Object, frozen=True):
    """An early fraud warning."""

    charge: str | None = None
    payment_intent: str | None = None


class Payout(Object, frozen=True):
    amount: int = 0
    currency: str = ""


class Balance(Object, frozen=True):
    """A balance transaction; signed, in the settlement's currency. ``source`` is expanded where there is one."""

    type: str = ""
    reporting_category: str = ""
    source: str | dict[str, Any] | None = None
    amount: int = 0
    fee: int = 0
    net: int = 0
    currency: str = ""
    created: int = 0


class Data(msgspec.Struct, frozen=True):
    object: msgspec.Raw


class Notice(msgspec.Struct, frozen=True):
    """An event as a webhook brings it."""

    id: str
    object: str
    type: str = ""
    livemode: bool | None = None
    api_version: str | None = None
    account: str | None = None
    created: int = 0
    data: Data | None = None


class FaultBody(msgspec.Struct, frozen=True):
    error: Fault


class IntentList(msgspec.Struct, frozen=True):
    object: str
    data: tuple[Intent, ...]
    has_more: bool = False


class RefundList(msgspec.Struct, frozen=True):
    object: str
    data: tuple[StripeRefund, ...]
    has_more: bool = False


class BalanceList(msgspec.Struct, frozen=True):
    object: str
    data: tuple[Balance, ...]
    has_more: bool = False
