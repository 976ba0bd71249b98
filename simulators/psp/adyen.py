"""An Adyen: payments, links and modifications, which are only ever *received*, and standard webhooks that say the rest.

Amounts are Adyen's. ``declined`` is a stored method that is always refused, ``challenged`` one whose bank asks.
A capture closes the hold. While ``slow``, nothing is decided, and no webhook tells of it, until :meth:`Adyen.settle`.
"""

import json
from collections.abc import Mapping
from urllib.parse import urlsplit

from simulators.psp.adyen_challenges import AdyenChallenges
from simulators.psp.common import (
    Answer,
    Body,
    NotHere,
    Refused,
    answer,
    header,
)

DECLINED = "declined"
_INVALID: Body = {"status": 422, "errorCode": "167", "errorType": "validation"}


class Adyen(AdyenChallenges):
    """One merchant account."""

    def serve(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if header(headers, "x-api-key") != self._key:
            return answer(401, {"status": 401, "errorCode": "000", "errorType": "security"})
        path = urlsplit(url).path.strip("/").split("/")
        if path[:2] == ["reports", "download"]:
            found = self.reports.get(path[-1])
            return Answer(404, {}, b"") if found is None else Answer(200, {"content-type": "text/csv"}, found)
        return self._call(method, path[1:], header(headers, "idempotency-key"), body)

    def pay(self, order: str, succeeds: bool = True) -> None:
        """``order`` is a link or waits for its guest's bank, or is the operation that made it.

        A refused card leaves a link open.
        """
        waiting = [name for name, one in self.challenges.items() if order in (name, one["order"]["reference"])]
        if waiting:
            self._authenticated(waiting[-1], succeeds)
            return
        found = [one for one in self.links.values() if order in (one["id"], one["reference"])]
        if not found or found[0]["status"] != "active":
            raise NotHere(f"no link is open for {order}")
        (link,) = found
        self._authorise(link, succeeds)
        if succeeds:
            link["status"] = "completed"

    def back(self, order: str) -> tuple[str, Body]:
        if order in self.challenges:
            return self._returning(order), {}
        return str(self.links[order].get("returnUrl", "")) if order in self.links else "", {}

    # --- calls --------------------------------------------------------------------------------------------------------

    def _call(self, method: str, path: list[str], key: str, body: bytes) -> Answer:
        request = "/".join(path).encode() + b"\n" + body
        try:
            if key and (kept := self._kept.find(key, request)) is not None:
                return kept
        except KeyError:
            return answer(422, {"status": 422, "errorCode": "708", "errorType": "validation"})
        try:
            given = self._link(method, path, body) if method != "POST" else self._write(path, json.loads(body))
        except Refused as refused:
            given = answer(refused.status, refused.body)
        if key:
            self._kept.keep(key, request, given)
        return given

    def _link(self, method: str, path: list[str], body: bytes) -> Answer:
        if len(path) != 2 or path[1] not in self.links:
            raise Refused(404, {"status": 404, "errorType": "validation"})
        link = self.links[path[1]]
        if method == "PATCH" and json.loads(body) == {"status": "expired"} and link["status"] == "active":
            link["status"] = "expired"
        return answer(200, link)

    def _write(self, path: list[str], body: Body) -> Answer:
        if path != ["payments", "details"] and body.get("merchantAccount") != self._account:
            raise Refused(403, {"status": 403, "errorCode": "901", "errorType": "security"})
        match path:
            case ["payments"]:
                return answer(200, self._pay(body))
            case ["payments", "details"]:
                return answer(200, self._details(body))
            case ["paymentLinks"]:
                number = self._numbers.next("PL")
                self.links[number] = {**body, "id": number, "status": "active", "url": f"{self.home}/guest/{number}"}
                return answer(201, self.links[number])
            case ["cancels"]:
                return answer(201, self._neutralise(body))
            case ["payments", name, kind] if name in self.payments:
                return answer(201, self._modify(self.payments[name], kind, body))
        raise Refused(422, _INVALID)

    def _pay(self, body: Body) -> Body:
        if way := self._is_challenged(body):
            return self._challenged(body, way)
        declined = body["paymentMethod"].get("storedPaymentMethodId") == DECLINED
        psp = self._authorise(body, not declined)
        if declined:
            return {"pspReference": psp, "resultCode": "Refused", "refusalReason": "Refused", "refusalReasonCode": "2"}
        return {
            "pspReference": psp,
            "resultCode": "Authorised" if self.payments[psp]["decided"] else "Received",
            "amount": body["amount"],
        }

    def _neutralise(self, body: Body) -> Body:
        """By the merchant's own reference, of a payment that may not exist."""
        psp, reference = self._numbers.next("9"), body["paymentReference"]
        found = next((each for each in self.payments.values() if each["reference"] == reference), None)
        done = found is not None and self._cancel(found, 0, psp, reference)
        amount = found["amount"] if found else {"currency": "EUR", "value": 0}
        original = found["psp"] if found else None
        self._tell_of("TECHNICAL_CANCEL", psp, original, body["reference"], amount, success=done)
        return {"pspReference": psp, "paymentReference": reference, "status": "received"}

    def _modify(self, payment: Body, kind: str, body: Body) -> Body:
        psp, amount = self._numbers.next("9"), body.get("amount") or payment["amount"]
        acts = {"captures": self._capture, "cancels": self._cancel, "refunds": self._refund, "reversals": self._reverse}
        codes = {"captures": "CAPTURE", "cancels": "CANCELLATION", "refunds": "REFUND", "reversals": "CANCEL_OR_REFUND"}
        if kind not in acts:
            raise Refused(404, {"status": 404, "errorType": "validation"})

        def end(accepted: bool) -> None:
            done = accepted and acts[kind](payment, amount["value"], psp, body["reference"])
            reason = "" if done else "Transaction not possible"
            hint = {"modification.action": "refund"} if kind == "reversals" else None
            self._tell_of(
                codes[kind], psp, payment["psp"], body["reference"], amount, success=done, reason=reason, hint=hint
            )

        self._end(end)
        return {"pspReference": psp, "paymentPspReference": payment["psp"], "status": "received"}
