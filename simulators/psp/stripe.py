"""A Stripe: payment methods, payment intents, captures, refunds, and webhooks with snapshot events.

Amounts are Stripe's. ``pm_declined`` is a card that is always refused. With ``slow_refunds`` a refund stays pending
until :meth:`Stripe.settle` ends it.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from simulators.psp.common import Answer, Body, Callback, Kept, Numbers, Refused, answer, header

DECLINED = "pm_declined"


class Stripe:
    """One account. ``now_s`` is its clock."""

    def __init__(self, key: str, webhook_secret: str, version: str, now_s: Callable[[], int]) -> None:
        self.events: list[Body] = []
        self.slow_refunds = False
        self.intents: dict[str, Body] = {}
        self.refunds: dict[str, Body] = {}
        self._key, self._secret, self._version, self._now_s = key, webhook_secret, version, now_s
        self._kept, self._numbers = Kept(), Numbers()

    def serve(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer to one call of the API."""
        if header(headers, "authorization") != f"Bearer {self._key}":
            return answer(401, {"error": {"type": "invalid_request_error", "message": "Invalid API Key"}})
        parts = urlsplit(url)
        path = parts.path.removeprefix("/v1/").split("/")
        try:
            if method == "GET":
                return answer(200, self._read(path, dict(parse_qsl(parts.query))))
            return self._once(header(headers, "idempotency-key"), parts.path, path, body)
        except Refused as refused:
            return answer(refused.status, refused.body)

    def _once(self, key: str, target: str, path: list[str], body: bytes) -> Answer:
        request = target.encode() + b"\n" + body
        try:
            kept = self._kept.find(key, request)
        except KeyError:
            return answer(400, {"error": {"type": "idempotency_error", "message": "Keys are for the same request"}})
        if kept is not None:
            return kept._replace(headers={**kept.headers, "idempotent-replayed": "true"})
        try:
            given = answer(200, self._write(path, dict(parse_qsl(body.decode()))))
        except Refused as refused:
            given = answer(refused.status, refused.body)
        self._kept.keep(key, request, given)
        return given

    def signed(self, event: Body, at_s: int | None = None) -> Callback:
        """The webhook of an event, signed at an instant."""
        body = json.dumps(event).encode()
        sent = self._now_s() if at_s is None else at_s
        mac = hmac.new(self._secret.encode(), f"{sent}.".encode() + body, hashlib.sha256).hexdigest()
        return Callback({"content-type": "application/json", "stripe-signature": f"t={sent},v1={mac}"}, body)

    def settle(self, succeeds: bool = True) -> None:
        """Every pending refund comes to its end."""
        for refund in self.refunds.values():
            if refund["status"] == "pending":
                refund["status"] = "succeeded" if succeeds else "failed"
                if not succeeds:
                    refund["failure_reason"] = "declined"
                self._tell("refund.updated" if succeeds else "refund.failed", refund)

    def moved(self) -> tuple[int, int]:
        """What was taken and what was given back, over all payments."""
        taken = sum(int(intent["amount_received"]) for intent in self.intents.values())
        return taken, sum(int(refund["amount"]) for refund in self.refunds.values() if refund["status"] == "succeeded")

    # --- calls --------------------------------------------------------------------------------------------------------

    def _read(self, path: list[str], query: dict[str, str]) -> Body:
        match path:
            case ["payment_intents", name]:
                return self._expanded(self._intent(name))
            case ["payment_intents"]:
                return {"object": "list", "data": [self._expanded(intent) for intent in self.intents.values()]}
            case ["refunds", name] if name in self.refunds:
                return self.refunds[name]
            case ["refunds"]:
                wanted = query.get("payment_intent")
                found = [refund for refund in self.refunds.values() if refund["payment_intent"] == wanted]
                return {"object": "list", "data": found}
        raise _missing()

    def _write(self, path: list[str], form: dict[str, str]) -> Body:
        match path:
            case ["payment_methods"]:
                bad = form.get("card[number]") == "4000000000000002"
                return {"id": DECLINED if bad else self._numbers.next("pm_"), "object": "payment_method"}
            case ["payment_intents"]:
                return self._charge(form)
            case ["payment_intents", name, "capture"]:
                return self._capture(self._intent(name), form)
            case ["payment_intents", name, "cancel"]:
                return self._cancel(self._intent(name), form)
            case ["refunds"]:
                return self._refund(self._intent(form.get("payment_intent", "")), form)
        raise _missing()

    def _charge(self, form: dict[str, str]) -> Body:
        amount, manual = int(form["amount"]), form.get("capture_method") == "manual"
        intent: Body = {
            "id": self._numbers.next("pi_"),
            "object": "payment_intent",
            "amount": amount,
            "amount_capturable": 0,
            "amount_received": 0,
            "currency": form["currency"],
            "capture_method": "manual" if manual else "automatic",
            "status": "requires_payment_method",
            "created": self._now_s(),
            "metadata": _metadata(form),
            "latest_charge": self._numbers.next("ch_"),
            "last_payment_error": None,
            "cancellation_reason": None,
        }
        self.intents[intent["id"]] = intent
        if form.get("payment_method") == DECLINED:
            error = {"type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds"}
            intent["last_payment_error"] = {**error, "charge": intent["latest_charge"]}
            self._tell("payment_intent.payment_failed", intent)
            raise Refused(402, {"error": {**error, "payment_intent": dict(intent)}})
        intent["status"] = "requires_capture" if manual else "succeeded"
        intent["amount_capturable" if manual else "amount_received"] = amount
        self._tell("charge.succeeded", self._charge_of(intent))
        self._tell("payment_intent.amount_capturable_updated" if manual else "payment_intent.succeeded", intent)
        return dict(intent)

    def _capture(self, intent: Body, form: dict[str, str]) -> Body:
        amount = int(form.get("amount_to_capture") or intent["amount_capturable"])
        if intent["status"] != "requires_capture":
            raise _wrong("payment_intent_unexpected_state", intent)
        if not 0 < amount <= intent["amount_capturable"]:
            raise _wrong("amount_too_large", intent)
        intent |= {"status": "succeeded", "amount_received": amount, "amount_capturable": 0}
        intent["metadata"] = {**intent["metadata"], **_metadata(form)}
        self._tell("charge.captured", self._charge_of(intent))
        self._tell("payment_intent.succeeded", intent)
        return dict(intent)

    def _cancel(self, intent: Body, form: dict[str, str]) -> Body:
        if intent["status"] in ("succeeded", "canceled"):
            raise _wrong("payment_intent_unexpected_state", intent)
        intent |= {"status": "canceled", "amount_capturable": 0}
        intent["cancellation_reason"] = form.get("cancellation_reason")
        self._tell("payment_intent.canceled", intent)
        return dict(intent)

    def _refund(self, intent: Body, form: dict[str, str]) -> Body:
        amount = int(form["amount"])
        gone = [refund for refund in self.refunds.values() if refund["payment_intent"] == intent["id"]]
        given = sum(int(refund["amount"]) for refund in gone if refund["status"] in ("succeeded", "pending"))
        if not 0 < amount <= intent["amount_received"] - given:
            raise _wrong("charge_already_refunded", intent)
        refund: Body = {
            "id": self._numbers.next("re_"),
            "object": "refund",
            "amount": amount,
            "currency": intent["currency"],
            "status": "pending" if self.slow_refunds else "succeeded",
            "reason": form.get("reason"),
            "charge": intent["latest_charge"],
            "payment_intent": intent["id"],
            "metadata": _metadata(form),
        }
        self.refunds[refund["id"]] = refund
        self._tell("refund.created", refund)
        self._tell("charge.refunded", self._charge_of(intent))
        return dict(refund)

    # --- objects ------------------------------------------------------------------------------------------------------

    def _intent(self, name: str) -> Body:
        if name not in self.intents:
            raise _missing()
        return self.intents[name]

    def _expanded(self, intent: Body) -> Body:
        return {**intent, "latest_charge": self._charge_of(intent)}

    def _charge_of(self, intent: Body) -> Body:
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

    def _tell(self, kind: str, told: Body) -> None:
        """A snapshot: what it says does not change when the object does."""
        event: dict[str, Any] = {
            "id": self._numbers.next("evt_"),
            "object": "event",
            "type": kind,
            "api_version": self._version,
            "livemode": False,
            "created": self._now_s(),
            "data": {"object": json.loads(json.dumps(told))},
        }
        self.events.append(event)


def _metadata(form: dict[str, str]) -> dict[str, str]:
    return {name[9:-1]: value for name, value in form.items() if name.startswith("metadata[")}


def _wrong(code: str, intent: Body) -> Refused:
    return Refused(400, {"error": {"type": "invalid_request_error", "code": code, "payment_intent": dict(intent)}})


def _missing() -> Refused:
    return Refused(404, {"error": {"type": "invalid_request_error", "code": "resource_missing"}})
