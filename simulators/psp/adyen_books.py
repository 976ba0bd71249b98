"""What an Adyen holds and tells: modifications that are possible or not, disputes, settlement, signed items."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

from simulators.psp.adyen_report import report_of
from simulators.psp.common import (
    DISPUTED,
    GIVEN,
    REINSTATED,
    TAKEN,
    Answer,
    Body,
    Callback,
    Clock,
    Kept,
    Psp,
)


class AdyenBooks(Psp):
    """State and notifications of one merchant account."""

    def __init__(self, key: str, account: str, hmac_key: str, login: tuple[str, str], now_s: Clock) -> None:
        super().__init__(now_s)
        self.payments: dict[str, Body] = {}
        self.links: dict[str, Body] = {}
        self.challenges: dict[str, Body] = {}
        self.reports: dict[str, bytes] = {}
        self._key, self._account, self._hmac, self._login = key, account, hmac_key, login
        self._kept = Kept()
        self.reported = 0

    def signed(self, *events: Body) -> Callback:
        """One notification of these items."""
        wrapped = [{"NotificationRequestItem": {**item, "additionalData": self._proof(item)}} for item in events]
        login = base64.b64encode(":".join(self._login).encode()).decode()
        body = json.dumps({"live": "false", "notificationItems": wrapped}).encode()
        return Callback({"content-type": "application/json", "authorization": f"Basic {login}"}, body)

    def acknowledged(self, answer: Answer) -> bool:
        return answer.status == 200 and answer.body.strip() == b"[accepted]"

    def dispute(self, payment: str) -> None:
        """Announced first; then the money is gone."""
        found = self.payments[payment]
        psp, amount = self._numbers.next("7"), {**found["amount"], "value": found["captured"]}
        found["dispute"] = psp
        self._tell_of("NOTIFICATION_OF_CHARGEBACK", psp, payment, found["reference"], amount)
        self._tell_of("CHARGEBACK", psp, payment, found["reference"], amount)
        self._book(DISPUTED, psp, found, int(amount["value"]), found["reference"])

    def end_dispute(self, payment: str, won: bool) -> None:
        """Won, the money comes back first, which is no decision yet."""
        found = self.payments[payment]
        psp, amount = found["dispute"], {**found["amount"], "value": found["captured"]}
        if won:
            self._tell_of("CHARGEBACK_REVERSED", psp, payment, found["reference"], amount)
            self._book(REINSTATED, psp, found, int(amount["value"]), found["reference"])
        code = "PREARBITRATION_WON" if won else "PREARBITRATION_LOST"
        self._tell_of(code, psp, payment, found["reference"], amount)

    def close_batch(self) -> str:
        """What has moved since the last one is settled; the name of the report, which is told as well."""
        batch = len(self.reports) + 1
        name = f"settlement_detail_report_batch_{batch}.csv"
        self.reports[name] = report_of(self._account, batch, self.movements[self.reported :])
        self.reported = len(self.movements)
        nothing = {"currency": "EUR", "value": 0}
        self._tell_of("REPORT_AVAILABLE", name, None, "", nothing, reason=f"{self.home}/reports/download/{name}")
        return name

    def _proof(self, item: Body) -> Body:
        """``modification.action`` is a hint that stands beside the signature."""
        amount = item["amount"]
        values = [item["pspReference"], item.get("originalReference") or "", item["merchantAccountCode"]]
        values += [item["merchantReference"], str(amount["value"]), amount["currency"], item["eventCode"]]
        text = ":".join([*values, item["success"]]).encode()
        mac = hmac.new(bytes.fromhex(self._hmac), text, hashlib.sha256).digest()
        return {**item.get("additionalData", {}), "hmacSignature": base64.b64encode(mac).decode()}

    def _authorise(self, order: Body, succeeds: bool, refusal: str = "Refused") -> str:
        """A payment of an order, at the call or on a link; the hold is captured at once where that was asked for."""
        psp, amount, reference = self._numbers.next("8"), order["amount"], order["reference"]
        payment: Body = {"psp": psp, "amount": amount, "captured": 0, "refunded": 0, "open": False, "decided": False}
        payment["reference"] = reference
        if succeeds:
            self.payments[psp] = payment

        def end(accepted: bool) -> None:
            good = accepted and succeeds
            payment.update(decided=True, open=good)
            reason = "" if good else refusal
            self._tell_of("AUTHORISATION", psp, None, reference, amount, success=good, reason=reason)
            if good and order.get("captureDelayHours") == 0:
                capture = self._numbers.next("9")
                self._capture(payment, amount["value"], capture, reference)
                self._tell_of("CAPTURE", capture, psp, reference, amount)

        self._end(end)
        return psp

    def _capture(self, payment: Body, value: int, psp: str, reference: str) -> bool:
        possible = bool(payment["open"]) and 0 < value <= int(payment["amount"]["value"])
        if possible:
            payment |= {"captured": value, "open": False}
            self._book(TAKEN, psp, payment, value, reference)
        return possible

    def _cancel(self, payment: Body, value: int, psp: str, reference: str) -> bool:
        possible = bool(payment["open"])
        payment["open"] = False
        return possible

    def _refund(self, payment: Body, value: int, psp: str, reference: str) -> bool:
        possible = 0 < value <= int(payment["captured"]) - int(payment["refunded"])
        if possible:
            payment["refunded"] += value
            self._book(GIVEN, psp, payment, value, reference)
        return possible

    def _reverse(self, payment: Body, value: int, psp: str, reference: str) -> bool:
        return self._refund(payment, int(payment["captured"]), psp, reference)

    def _book(self, kind: str, psp: str, payment: Body, value: int, reference: str) -> None:
        self._move(kind, psp, payment["psp"], reference, value, payment["amount"]["currency"])

    def _tell_of(
        self,
        code: str,
        psp: str,
        original: str | None,
        reference: str,
        amount: Body,
        *,
        success: bool = True,
        reason: str = "",
        hint: Body | None = None,
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
        if hint:
            item["additionalData"] = hint
        self._tell(item if original is None else {**item, "originalReference": original})
