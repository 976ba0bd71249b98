"""Policies of a hotel (AlpineBits HotelData, chapter Inventory/HotelInfo; protocol sheet, section 5.3)."""

from __future__ import annotations

import re
from collections.abc import Callable

from connectors.opentravel._shared.names import every, first
from connectors.opentravel.alpinebits.faults import broken, missing, need, need_child
from connectors.opentravel.alpinebits.lists import need_currency
from connectors.opentravel.alpinebits.rules_media import check_descriptions
from gateway.errors import Reason
from gateway.wire.xml import Node, name_of

_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]")
_TOURIST_TAX, _DAILY, _PER_PERSON_PER_NIGHT = "3", "1", "21"
_REQUIREMENTS_MAX = 2
_BANK_ACCOUNT = (("BankAcctName",), ("BankAcctNumber", "PlainText"), ("BankID", "PlainText"))


def check_policies(policies: Node) -> None:
    """At least one policy, and each of exactly one kind."""
    found = every(policies, "Policy")
    if not found:
        raise missing(policies, "Policy")
    for policy in found:
        kinds = [child for child in policy if name_of(child) in _CHECKS]
        if len(kinds) != 1:
            raise broken(policy, f"a Policy has exactly one of {', '.join(_CHECKS)}")
        _CHECKS[name_of(kinds[0])](kinds[0])


def _check_cancel(holder: Node) -> None:
    _check_texts(_single(_single(holder, "CancelPenalty"), "PenaltyDescription"))


def _check_checkout(holder: Node) -> None:
    charge = _single(holder, "CheckoutCharge")
    _check_amount(charge, "Amount")
    _check_texts(_single(charge, "Description"))


def _check_pets(holder: Node) -> None:
    policy = _single(holder, "PetsPolicy")
    _check_amount(policy, "NonRefundableFee")
    _check_texts(_single(policy, "Description"))


def _check_tax(holder: Node) -> None:
    tax = _single(holder, "TaxPolicy")
    _must_be(tax, "Code", _TOURIST_TAX)
    if tax.get("Amount") is not None:
        _must_be(tax, "ChargeFrequency", _DAILY)
        _must_be(tax, "ChargeUnit", _PER_PERSON_PER_NIGHT)
        need_currency(tax)
    _check_texts(_single(tax, "TaxDescription"))


def _check_guarantee(holder: Node) -> None:
    """A Deadline is needed, although the schema leaves it open."""
    payment = _single(holder, "GuaranteePayment")
    if (accepted := first(payment, "AcceptedPayments")) is not None:
        ways = every(accepted, "AcceptedPayment")
        if not ways:
            raise missing(accepted, "AcceptedPayment")
        for way in ways:
            _check_way(way)
    if (percent := first(payment, "AmountPercent")) is not None:
        need(percent, "Percent")
    deadline = _single(payment, "Deadline")
    for name in ("OffsetDropTime", "OffsetTimeUnit", "OffsetUnitMultiplier"):
        need(deadline, name)


def _check_way(way: Node) -> None:
    """Of paying: bank transfer, cash or card."""
    kinds = [child for child in way if name_of(child) in ("BankAcct", "Cash", "PaymentCard")]
    if len(kinds) != 1:
        raise broken(way, "an AcceptedPayment has exactly one of BankAcct, Cash and PaymentCard")
    kind = kinds[0]
    if name_of(kind) == "BankAcct":
        for path in _BANK_ACCOUNT:
            need_child(kind, *path)
    else:
        need(kind, "CashIndicator" if name_of(kind) == "Cash" else "CardCode")


def _check_stay(holder: Node) -> None:
    found = every(holder, "StayRequirement")
    if not 1 <= len(found) <= _REQUIREMENTS_MAX:
        raise broken(holder, f"{len(found)} StayRequirement elements are too few or too many")
    for requirement in found:
        if need(requirement, "StayContext") not in ("Checkin", "Checkout"):
            raise broken(requirement, "the StayContext is not known", Reason.INVALID_VALUE, "StayContext")
        for name in ("Start", "End"):
            if not _TIME.fullmatch(need(requirement, name)):
                raise broken(requirement, f"{name} is not a time of day (HH:MM:SS)", Reason.INVALID_VALUE, name)


_CHECKS: dict[str, Callable[[Node], None]] = {
    "CancelPolicy": _check_cancel,
    "CheckoutCharges": _check_checkout,
    "PetsPolicies": _check_pets,
    "TaxPolicies": _check_tax,
    "GuaranteePaymentPolicy": _check_guarantee,
    "StayRequirements": _check_stay,
}


def _check_amount(node: Node, attribute: str) -> None:
    if node.get(attribute) is not None:
        need_currency(node)


def _check_texts(holder: Node) -> None:
    texts = every(holder, "Text")
    if not texts:
        raise missing(holder, "Text")
    check_descriptions(texts)


def _single(holder: Node, name: str) -> Node:
    found = every(holder, name)
    if len(found) != 1:
        raise broken(holder, f"there is exactly one {name}, not {len(found)}")
    return found[0]


def _must_be(node: Node, attribute: str, value: str) -> None:
    if need(node, attribute) != value:
        raise broken(node, f"{attribute} is {value}, nothing else", Reason.INVALID_VALUE, attribute)
