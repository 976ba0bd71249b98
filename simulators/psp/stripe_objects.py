"""Stripe's objects as it writes them. Amounts are Stripe's smallest units, times Unix seconds."""

import json
from collections.abc import Sequence
from typing import Any

from simulators.psp.common import GIVEN, TAKEN, Body, Movement, Refused

_CATEGORIES = {TAKEN: "charge", GIVEN: "refund", "disputed": "dispute", "reinstated": "dispute_reversal"}


def intent_of(number: str, charge: str, form: dict[str, str], metadata: dict[str, str], now_s: int) -> Body:
    """A payment intent that nobody has paid yet."""
    manual = form.get("capture_method") == "manual"
    return {
        "id": number,
        "object": "payment_intent",
        "amount": int(form["amount"]),
        "amount_capturable": 0,
        "amount_received": 0,
        "currency": form["currency"],
        "capture_method": "manual" if manual else "automatic",
        "status": "requires_payment_method",
        "created": now_s,
        "metadata": metadata,
        "latest_charge": charge,
        "last_payment_error": None,
        "cancellation_reason": None,
        "next_action": None,
        "client_secret": None,
    }


def charge_of(intent: Body) -> Body:
    """The charge of an intent's last attempt."""
    return {
        "id": intent["latest_charge"],
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount_received"],
        "captured": intent["status"] == "succeeded",
        "currency": intent["currency"],
        "status": "failed" if intent["last_payment_error"] else "succeeded",
        "metadata": intent["metadata"],
        "payment_intent": intent["id"],
    }


def session_of(number: str, home: str, form: dict[str, str], now_s: int) -> Body:
    """A Checkout session; ``_intent`` is what is asked for once somebody pays."""
    line = "line_items[0][price_data]"
    asked = {"amount": form[f"{line}[unit_amount]"], "currency": form[f"{line}[currency]"]}
    asked["capture_method"] = form.get("payment_intent_data[capture_method]", "automatic")
    return {
        "id": number,
        "object": "checkout.session",
        "url": f"{home}/guest/{number}",
        "status": "open",
        "payment_status": "unpaid",
        "payment_intent": None,
        "amount_total": int(asked["amount"]),
        "currency": asked["currency"],
        "expires_at": int(form.get("expires_at") or now_s + 24 * 3600),
        "success_url": form.get("success_url", ""),
        "metadata": metadata_in(form),
        "_intent": {"form": asked, "metadata": metadata_in(form, "payment_intent_data[metadata]")},
    }


def shown(found: Body) -> Body:
    """A session or an intent as it is told: without what it only keeps for itself."""
    return {name: value for name, value in found.items() if not name.startswith("_")}


def balance_page(movements: Sequence[Movement], sources: dict[str, Body], query: dict[str, str]) -> Body:
    """One page of balance transactions, the newest first."""
    first, last = int(query.get("created[gte]", "0")), int(query.get("created[lt]", "99999999999"))
    found = [
        _balance(place, movement, sources[movement.number])
        for place, movement in enumerate(movements)
        if first <= movement.at_s < last
    ][::-1]
    ids = [each["id"] for each in found]
    start = ids.index(query["starting_after"]) + 1 if query.get("starting_after") in ids else 0
    limit = int(query.get("limit", "10"))
    return {"object": "list", "data": found[start : start + limit], "has_more": len(found) > start + limit}


def payout_page(number: str, places: Sequence[int], movements: Sequence[Movement], sources: dict[str, Body]) -> Body:
    """What a payout is made of, and the payout itself, in one page."""
    found = [_balance(place, movements[place], sources[movements[place].number]) for place in places]
    payout, at_s = sources[number], movements[places[-1]].at_s if places else 0
    amount = -int(payout["amount"])
    out: Body = {"id": f"txn_{number}", "object": "balance_transaction", "type": "payout", "fee": 0, "net": amount}
    out |= {"reporting_category": "payout", "source": payout, "amount": amount}
    out |= {"currency": payout["currency"], "created": at_s}
    return {"object": "list", "data": [out, *found[::-1]], "has_more": False}


def net_of(movement: Movement) -> int:
    """What of it reaches the merchant."""
    return movement.signed - _fee_of(movement)


def metadata_in(form: dict[str, str], name: str = "metadata") -> dict[str, str]:
    """``metadata[a]=1`` as ``{"a": "1"}``."""
    start = f"{name}["
    return {field[len(start) : -1]: value for field, value in form.items() if field.startswith(start)}


def wrong(code: str, intent: Body) -> Refused:
    return Refused(400, {"error": {"type": "invalid_request_error", "code": code, "payment_intent": shown(intent)}})


def missing() -> Refused:
    return Refused(404, {"error": {"type": "invalid_request_error", "code": "resource_missing"}})


def _balance(place: int, movement: Movement, source: Body) -> Body:
    fee = _fee_of(movement)
    told: dict[str, Any] = {
        "id": f"txn_{place:06d}",
        "object": "balance_transaction",
        "type": _CATEGORIES[movement.kind],
        "reporting_category": _CATEGORIES[movement.kind],
        "source": json.loads(json.dumps(source)),
        "amount": movement.signed,
        "fee": fee,
        "net": movement.signed - fee,
        "currency": movement.currency,
        "created": movement.at_s,
    }
    return told


def _fee_of(movement: Movement) -> int:
    return movement.fee if movement.kind == TAKEN else 0
