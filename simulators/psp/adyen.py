"""An Adyen: payments and their modifications, which are only ever *received*, and standard webhooks that say the rest.

Amounts are Adyen's. ``declined`` is a stored method that is always refused. A capture closes the hold.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

from simulators.psp.common import Answer, Body, Callback, Kept, Numbers, Refused, answer, header

DECLINED = "declined"


class Adyen:
    """One merchant account."""

    def __init__(self, key: str, account: str, hmac_key: str, login: tuple[str, str], now_s: Callable[[], int]) -> None:
        self.events: list[Body] = []
        self.payments: dict[str, Body] = {}
        self._key, self._account, self._hmac, self._login, self._now_s = key, account, hmac_key, login, now_s
        self._kept, self._numbers = Kept(), Numbers()

    def serve(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer to one call of the Checkout API."""
        if header(headers, "x-api-key") != self._key:
            return answer(401, {"status": 401, "errorCode": "000", "errorType": "security"})
        path = urlsplit(url).path.split("/")[2:]
        request = "/".join(path).encode() + b"\n" + body
        key = header(headers, "idempotency-key")
        try:
            if (kept := self._kept.find(key, request)) is not None:
                return kept
        except KeyError:
            return answer(422, {"status": 422, "errorCode": "708", "errorType": "validation"})
        try:
            given = self._write(path, json.loads(body))
        except Refused as refused:
            given = answer(refused.status, refused.body)
        self._kept.keep(key, request, given)
        return given

    def signed(self, *items: Body) -> Callback:
        """One notification of these items."""
        wrapped = [{"NotificationRequestItem": {**item, "additionalData": self._proof(item)}} for item in items]
        login = base64.b64encode(":".join(self._login).encode()).decode()
        body = json.dumps({"live": "false", "notificationItems": wrapped}).encode()
        return Callback({"content-type": "application/json", "authorization": f"Basic {login}"}, body)

    def moved(self) -> tuple[int, int]:
        """What was taken and what was given back, over all payments."""
        taken = sum(int(payment["captured"]) for payment in self.payments.values())
        return taken, sum(int(payment["refunded"]) for payment in self.payments.values())

    def _proof(self, item: Body) -> Body:
        amount = item["amount"]
        values = [item["pspReference"], item.get("originalReference") or "", item["merchantAccountCode"]]
        values += [item["merchantReference"], str(amount["value"]), amount["currency"], item["eventCode"]]
        text = ":".join([*values, item["success"]]).encode()
        mac = hmac.new(bytes.fromhex(self._hmac), text, hashlib.sha256).digest()
        return {"hmacSignature": base64.b64encode(mac).decode()}

    # --- calls --------------------------------------------------------------------------------------------------------

    def _write(self, path: list[str], body: Body) -> Answer:
        if body.get("merchantAccount") != self._account:
            raise Refused(403, {"status": 403, "errorCode": "901", "errorType": "security"})
        match path:
            case ["payments"]:
                return answer(200, self._pay(body))
            case ["payments", name, kind] if name in self.payments:
                return answer(201, self._modify(self.payments[name], kind, body))
        raise Refused(422, {"status": 422, "errorCode": "167", "errorType": "validation"})

    def _pay(self, body: Body) -> Body:
        amount, psp = body["amount"], self._numbers.next("8")
        if body["paymentMethod"].get("storedPaymentMethodId") == DECLINED:
            self._tell("AUTHORISATION", psp, None, body["reference"], amount, success=False, reason="Refused")
            return {"pspReference": psp, "resultCode": "Refused", "refusalReason": "Refused", "refusalReasonCode": "2"}
        payment = {"psp": psp, "amount": amount, "captured": 0, "refunded": 0, "open": True}
        payment["reference"] = body["reference"]
        self.payments[psp] = payment
        self._tell("AUTHORISATION", psp, None, body["reference"], amount)
        if body.get("captureDelayHours") == 0:
            payment |= {"captured": amount["value"], "open": False}
            self._tell("CAPTURE", self._numbers.next("9"), psp, body["reference"], amount)
        return {"pspReference": psp, "resultCode": "Authorised", "amount": amount}

    def _modify(self, payment: Body, kind: str, body: Body) -> Body:
        psp, amount = self._numbers.next("9"), body.get("amount") or payment["amount"]
        done = {"captures": self._capture, "cancels": self._cancel, "refunds": self._refund}.get(kind)
        if done is None:
            raise Refused(404, {"status": 404, "errorType": "validation"})
        code = {"captures": "CAPTURE", "cancels": "CANCELLATION", "refunds": "REFUND"}[kind]
        success = done(payment, amount["value"])
        reason = "" if success else "Transaction not possible"
        self._tell(code, psp, payment["psp"], body["reference"], amount, success=success, reason=reason)
        return {"pspReference": psp, "paymentPspReference": payment["psp"], "status": "received"}

    def _capture(self, payment: Body, value: int) -> bool:
        possible = bool(payment["open"]) and 0 < value <= int(payment["amount"]["value"])
        if possible:
            payment |= {"captured": value, "open": False}
        return possible

    def _cancel(self, payment: Body, value: int) -> bool:
        possible = bool(payment["open"])
        payment["open"] = False
        return possible

    def _refund(self, payment: Body, value: int) -> bool:
        possible = 0 < value <= int(payment["captured"]) - int(payment["refunded"])
        if possible:
            payment["refunded"] += value
        return possible

    def _tell(
        self,
        code: str,
        psp: str,
        original: str | None,
        reference: str,
        amount: Body,
        *,
        success: bool = True,
        reason: str = "",
    ) -> None:
        item: Body = {
            "pspReference": psp,
            "merchantAccountCode": self._account,
            "merchantReference": reference,
            "amount": dict(amount),
            "eventCode": code,
            "eventDate": datetime.fromtimestamp(self._now_s(), UTC).isoformat(),
            "success": "true" if success else "false",
            "reason": reason,
        }
        self.events.append(item if original is None else {**item, "originalReference": original})
