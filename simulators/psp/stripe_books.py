"""What a Stripe holds and tells: payments that come to their end, disputes, events, and what is kept between runs."""

import hashlib
import hmac
import json

import msgspec

from simulators.psp.common import (
    DISPUTED,
    REINSTATED,
    TAKEN,
    Answer,
    Body,
    Callback,
    Clock,
    Kept,
    Movement,
    Psp,
)
from simulators.psp.stripe_objects import (
    charge_of,
    intent_of,
    missing,
    net_of,
    shown,
)

_KEPT = (
    "events",
    "_targets",
    "movements",
    "intents",
    "refunds",
    "sessions",
    "disputes",
    "sources",
    "payouts",
    "_paid_out",
)

FAULT: Body = {"type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds"}


class StripeBooks(Psp):
    """State and events of one account."""

    def __init__(self, key: str, webhook_secret: str, version: str, now_s: Clock) -> None:
        super().__init__(now_s)
        self.intents: dict[str, Body] = {}
        self.refunds: dict[str, Body] = {}
        self.sessions: dict[str, Body] = {}
        self.disputes: dict[str, Body] = {}
        self._key, self._secret, self._version = key, webhook_secret, version
        self._kept = Kept()
        self.sources: dict[str, Body] = {}
        self.payouts: dict[str, list[int]] = {}  # the places of its movements
        self._paid_out = 0

    def snapshot(self) -> bytes:
        """All but what is pending, which ends with the process."""
        state = {name: getattr(self, name) for name in _KEPT}
        return msgspec.json.encode(state | {"used": self._numbers.used, "answers": self._kept.answers})

    def restore(self, saved: bytes) -> None:
        """Go on from a snapshot; what was told before is not told again."""
        state: Body = msgspec.json.decode(saved)
        for name in _KEPT:
            setattr(self, name, state[name])
        self.movements = msgspec.convert(state["movements"], list[Movement])
        self._numbers.used = state["used"]
        self._kept = Kept(msgspec.convert(state["answers"], dict[str, tuple[str, Answer]]))

    def signed(self, *events: Body, at_s: int | None = None) -> Callback:
        """One event, signed at an instant."""
        (event,) = events
        body = json.dumps(event).encode()
        sent = self._now_s() if at_s is None else at_s
        mac = hmac.new(self._secret.encode(), f"{sent}.".encode() + body, hashlib.sha256).hexdigest()
        return Callback({"content-type": "application/json", "stripe-signature": f"t={sent},v1={mac}"}, body)

    def acknowledged(self, answer: Answer) -> bool:
        return 200 <= answer.status < 300

    def dispute(self, payment: str) -> None:
        """Money leaves before anything is decided."""
        intent = self._intent(payment)
        dispute = {"id": self._numbers.next("dp_"), "object": "dispute", "amount": intent["amount_received"]}
        dispute |= {"currency": intent["currency"], "status": "needs_response", "payment_intent": intent["id"]}
        self.disputes[payment] = dispute | {"charge": intent["latest_charge"]}
        self._book(DISPUTED, self.disputes[payment], intent)
        self._tell_of("charge.dispute.created", self.disputes[payment])
        self._tell_of("charge.dispute.funds_withdrawn", self.disputes[payment])

    def end_dispute(self, payment: str, won: bool) -> None:
        dispute = self.disputes[payment]
        dispute["status"] = "won" if won else "lost"
        if won:
            self._book(REINSTATED, dispute, self._intent(payment))
            self._tell_of("charge.dispute.funds_reinstated", dispute)
        self._tell_of("charge.dispute.closed", dispute)

    def close_batch(self) -> str:
        """What has moved since the last payout is paid out; its number, which is told as well."""
        places = list(range(self._paid_out, len(self.movements)))
        number, self._paid_out = self._numbers.next("po_"), len(self.movements)
        self.payouts[number] = places
        moved = [self.movements[place] for place in places]
        net = sum(net_of(each) for each in moved)
        currency = moved[0].currency if moved else "eur"
        told = {"id": number, "object": "payout", "amount": net, "currency": currency, "status": "paid"}
        self.sources[number] = told | {"metadata": {}}
        self._tell_of("payout.reconciliation_completed", self.sources[number])
        return number

    def _intent_for(self, form: dict[str, str], metadata: dict[str, str]) -> Body:
        number, charge = self._numbers.next("pi_"), self._numbers.next("ch_")
        self.intents[number] = intent_of(number, charge, form, metadata, self._now_s())
        return self.intents[number]

    def _paid(self, intent: Body) -> Body:
        def end(succeeds: bool) -> None:
            if not succeeds:
                self._fail(intent)
                return
            manual = intent["capture_method"] == "manual"
            intent["status"] = "requires_capture" if manual else "succeeded"
            intent["amount_capturable" if manual else "amount_received"] = intent["amount"]
            self._tell_of("charge.succeeded", charge_of(intent))
            self._tell_of(f"payment_intent.{'amount_capturable_updated' if manual else 'succeeded'}", intent)
            if not manual:
                self._book(TAKEN, charge_of(intent), intent)

        intent["status"] = "processing"
        self._end(end)
        return intent

    def _fail(self, intent: Body, told: Body = FAULT) -> None:
        fault = {**told, "charge": intent["latest_charge"]}
        intent |= {"status": "requires_payment_method", "last_payment_error": fault}
        self._tell_of("payment_intent.payment_failed", intent)

    def _intent(self, name: str) -> Body:
        if name not in self.intents:
            raise missing()
        return self.intents[name]

    def _expanded(self, intent: Body) -> Body:
        return {**shown(intent), "latest_charge": charge_of(intent)}

    def _book(self, kind: str, source: Body, intent: Body) -> None:
        self.sources[source["id"]] = source
        reference = str((source.get("metadata") or {}).get("op_id", ""))
        self._move(kind, source["id"], intent["id"], reference, source_amount(source), intent["currency"])

    def _tell_of(self, kind: str, told: Body) -> None:
        event: Body = {
            "id": self._numbers.next("evt_"),
            "object": "event",
            "type": kind,
            "api_version": self._version,
            "livemode": False,
            "created": self._now_s(),
            "data": {"object": shown(told)},
        }
        self._tell(event)


def source_amount(source: Body) -> int:
    """What a charge has taken, or the amount of anything else."""
    return int(source["amount_captured"] if "amount_captured" in source else source["amount"])
