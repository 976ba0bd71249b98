"""Holds (pre-authorisation of funds): made, released, undone and asked about.

``out_order_no`` is the payment, ``out_request_no`` the single operation; neither may hold a hyphen or an underscore.
An account either holds in the app or at the desk, because a capture has to name the same product as its hold.
"""

from __future__ import annotations

from typing import Any

import msgspec

from connectors.payments._shared.money import to_gateway
from connectors.payments._shared.profile import PaymentProfile
from gateway.contract import Site
from gateway.errors import Unsupported
from gateway.messages_payment import Authorise, QueryOperation, Void
from gateway.model.money import format_minor
from gateway.model.payment_means import InApp

HOLDING_IN_APP = "alipay.fund.auth.order.app.freeze"
AT_DESK, IN_APP = "PRE_AUTH", "PRE_AUTH_ONLINE"
_TITLE_MAX = 50
_MINUTES_MAX = 15 * 24 * 60

Fields = dict[str, Any]


def hold(command: Authorise, site: Site, profile: PaymentProfile) -> Fields:
    """What all three ways of making one have in common; raises :class:`Unsupported` for the account's other product."""
    product = IN_APP if isinstance(command.means, InApp) else AT_DESK
    if product != site.options.get("hold_product", AT_DESK):
        raise Unsupported(f"holds of this account are of the product {site.options.get('hold_product', AT_DESK)}")
    fields: Fields = {
        "out_order_no": command.payment,
        "out_request_no": command.id,
        "order_title": (command.text or "Deposit")[:_TITLE_MAX],
        "amount": format_minor(to_gateway(command.amount, command.currency, profile.amounts), command.currency),
        "product_code": product,
        "pay_timeout": f"{_minutes(command, profile)}m",
        "payee_user_id": site.hotel,
    }
    category = str(site.options.get("hold_category", ""))
    if category:
        fields["extra_param"] = msgspec.json.encode({"category": category}).decode()
    return fields


def release(command: Void, auth_no: str, amount: str) -> tuple[str, Fields]:
    """All of what is left, or a part of it."""
    fields = {"auth_no": auth_no, "out_request_no": command.id, "amount": amount, "remark": "Deposit released"}
    return "alipay.fund.auth.order.unfreeze", fields


def undo_hold(command: Void) -> tuple[str, Fields]:
    """Of a hold that may exist; the numbers are those it was asked for with."""
    fields = {"out_order_no": command.payment, "out_request_no": command.of.id, "remark": "Deposit cancelled"}
    return "alipay.fund.auth.operation.cancel", fields


def ask_hold(command: QueryOperation) -> tuple[str, Fields]:
    """About a hold or its release."""
    fields = {"out_order_no": command.payment, "out_request_no": command.of.id}
    return "alipay.fund.auth.operation.detail.query", fields


def _minutes(command: Authorise, profile: PaymentProfile) -> int:
    if command.expires_ms is None:
        return int(profile.options["hold_minutes"])
    return min(max((command.expires_ms - command.at_ms) // 60_000, 1), _MINUTES_MAX)
