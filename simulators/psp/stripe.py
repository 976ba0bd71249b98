"""A Stripe: methods, payment intents, pages, captures, refunds, disputes, and webhooks with snapshot events.

Amounts are Stripe's. ``pm_declined`` is a card that is always refused, ``pm_card_authenticationRequired`` one whose
bank asks the guest. While ``slow``, payments are processing and refunds pending until :meth:`Stripe.settle`.
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from simulators.psp.common import (
    GIVEN,
    TAKEN,
    Answer,
    Body,
    NotHere,
    Refused,
    answer,
    header,
)
from simulators.psp.stripe_books import FAULT
from simulators.psp.stripe_challenges import CHALLENGED, CHALLENGED_CARDS, StripeChallenges
from simulators.psp.stripe_objects import (
    balance_page,
    charge_of,
    metadata_in,
    missing,
    payout_page,
    session_of,
    shown,
    wrong,
)

DECLINED = "pm_declined"


class Stripe(StripeChallenges):
    """One account."""

    def known_by(self, key: str, webhook_secret: str) -> None:
        """Another key and secret, from now on."""
        self._key, self._secret = key, webhook_secret

    def serve(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
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

    def pay(self, order: str, succeeds: bool = True) -> None:
        """``order`` is a session or an intent, or the operation it was made for. A declined card leaves a page open."""
        waiting = self._waiting(order)
        if waiting is not None:
            self._authenticated(waiting, succeeds)
            return
        session = self.sessions.get(order) or next(
            (one for one in self.sessions.values() if one["metadata"].get("op_id") == order), None
        )
        if session is None or session["status"] != "open":
            raise NotHere(f"no page is open for {order}")
        asked = session["_intent"]
        if succeeds:
            intent = self._paid(self._intent_for(asked["form"], asked["metadata"]))
            session |= {"status": "complete", "payment_status": "paid", "payment_intent": intent["id"]}
            self._tell_of("checkout.session.completed", shown(session))

    def back(self, order: str) -> tuple[str, Body]:
        if order in self.intents:
            return self._returning(self.intents[order]), {}
        return str(self.sessions[order]["success_url"]) if order in self.sessions else "", {}

    def _waiting(self, order: str) -> Body | None:
        """An intent by its number, or one that waits for its guest by the operation it was made for."""
        found = (one for one in self.intents.values() if one["metadata"].get("op_id") == order and one["next_action"])
        return self.intents.get(order) or next(found, None)

    # --- calls --------------------------------------------------------------------------------------------------------

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
            case ["checkout", "sessions", name] if name in self.sessions:
                session = self.sessions[name]
                intent = session["payment_intent"]
                return shown(session) | {"payment_intent": intent and self._expanded(self._intent(intent))}
            case ["balance_transactions"] if query.get("payout") in self.payouts:
                number = query["payout"]
                return payout_page(number, self.payouts[number], self.movements, self.sources)
            case ["balance_transactions"]:
                return balance_page(self.movements, self.sources, query)
        raise missing()

    def _write(self, path: list[str], form: dict[str, str]) -> Body:
        match path:
            case ["payment_methods"]:
                return {"id": self._method(form.get("card[number]", "")), "object": "payment_method"}
            case ["payment_intents"]:
                return self._charge(form)
            case ["payment_intents", name, "confirm"]:
                return self._confirm(self._intent(name), form)
            case ["payment_intents", name, "capture"]:
                return self._capture(self._intent(name), form)
            case ["payment_intents", name, "cancel"]:
                return self._cancel(self._intent(name), form)
            case ["refunds"]:
                return self._refund(self._intent(form.get("payment_intent", "")), form)
            case ["checkout", "sessions"]:
                session = session_of(self._numbers.next("cs_"), self.home, form, self._now_s())
                self.sessions[session["id"]] = session
                return shown(session)
            case ["checkout", "sessions", name, "expire"] if name in self.sessions:
                return self._expire(self.sessions[name])
        raise missing()

    def _charge(self, form: dict[str, str]) -> Body:
        return self._attempt(self._intent_for(form, metadata_in(form)), form)

    def _attempt(self, intent: Body, form: dict[str, str]) -> Body:
        """A charge to the method that is named; mail order is not asked about."""
        method = form.get("payment_method")
        if method == DECLINED:
            self._fail(intent)
            raise Refused(402, {"error": {**FAULT, "payment_intent": shown(intent)}})
        if method == CHALLENGED and form.get("payment_method_options[card][moto]") != "true":
            return self._challenged(intent, form)
        return shown(self._paid(intent))

    def _confirm(self, intent: Body, form: dict[str, str]) -> Body:
        """Once more with another method; an intent that has ended takes none."""
        if intent["status"] not in ("requires_payment_method", "requires_confirmation", "requires_action"):
            raise wrong("payment_intent_unexpected_state", intent)
        if "payment_method" not in form:
            return shown(intent)
        intent |= {"last_payment_error": None, "next_action": None}
        return self._attempt(intent, form)

    def _method(self, number: str) -> str:
        if number in CHALLENGED_CARDS:
            return CHALLENGED
        return DECLINED if number == "4000000000000002" else self._numbers.next("pm_")

    def _capture(self, intent: Body, form: dict[str, str]) -> Body:
        amount = int(form.get("amount_to_capture") or intent["amount_capturable"])
        if intent["status"] != "requires_capture":
            raise wrong("payment_intent_unexpected_state", intent)
        if not 0 < amount <= intent["amount_capturable"]:
            raise wrong("amount_too_large", intent)
        intent |= {"status": "succeeded", "amount_received": amount, "amount_capturable": 0}
        intent["metadata"] = {**intent["metadata"], **metadata_in(form)}
        self._book(TAKEN, charge_of(intent), intent)
        self._tell_of("charge.captured", charge_of(intent))
        self._tell_of("payment_intent.succeeded", intent)
        return shown(intent)

    def _cancel(self, intent: Body, form: dict[str, str]) -> Body:
        if intent["status"] in ("succeeded", "canceled"):
            raise wrong("payment_intent_unexpected_state", intent)
        intent |= {"status": "canceled", "amount_capturable": 0, "next_action": None}
        intent["cancellation_reason"] = form.get("cancellation_reason")
        self._tell_of("payment_intent.canceled", intent)
        return shown(intent)

    def _expire(self, session: Body) -> Body:
        if session["status"] == "open":
            session["status"] = "expired"
            self._tell_of("checkout.session.expired", shown(session))
        return shown(session)

    def _refund(self, intent: Body, form: dict[str, str]) -> Body:
        amount = int(form["amount"])
        gone = [refund for refund in self.refunds.values() if refund["payment_intent"] == intent["id"]]
        given = sum(int(refund["amount"]) for refund in gone if refund["status"] in ("succeeded", "pending"))
        if not 0 < amount <= intent["amount_received"] - given:
            raise wrong("charge_already_refunded", intent)
        refund: Body = {
            "id": self._numbers.next("re_"),
            "object": "refund",
            "amount": amount,
            "currency": intent["currency"],
            "status": "pending",
            "reason": form.get("reason"),
            "charge": intent["latest_charge"],
            "payment_intent": intent["id"],
            "metadata": metadata_in(form),
        }
        self.refunds[refund["id"]] = refund
        slow = self.slow

        def end(succeeds: bool) -> None:
            refund["status"] = "succeeded" if succeeds else "failed"
            if succeeds:
                self._book(GIVEN, refund, intent)
            else:
                refund["failure_reason"] = "declined"
            if slow:
                self._tell_of("refund.updated" if succeeds else "refund.failed", refund)

        self._end(end)
        self._tell_of("refund.created", refund)
        self._tell_of("charge.refunded", charge_of(intent))
        return dict(refund)
