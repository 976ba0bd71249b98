"""3-D Secure at an Adyen: payments that wait for the guest's bank, and what the merchant asks about them afterwards.

``CHALLENGED`` is a stored method (or the value of an encrypted number) that is authenticated on the bank's page,
``CHALLENGED_HERE`` in the merchant's own page by Adyen's component, in two steps. Nothing is authorised, and no webhook
tells of it, before the merchant has handed over what the browser brought back; a guest who stays away is told of by
``OFFER_CLOSED``.
"""

import base64
import json
from urllib.parse import urlencode

from simulators.psp.adyen_books import AdyenBooks
from simulators.psp.common import Body, NotHere, Refused

CHALLENGED, CHALLENGED_HERE = "challenged", "challenged-here"
_UNKNOWN: Body = {"status": 422, "errorCode": "101", "errorType": "validation", "message": "Invalid details"}
_REFUSED: Body = {"resultCode": "Refused", "refusalReason": "3D Not Authenticated", "refusalReasonCode": "11"}


class AdyenChallenges(AdyenBooks):
    """Payments that wait for their guest, by a number of Adyen's own that no answer shows as a payment."""

    def _is_challenged(self, body: Body) -> str:
        """How it is authenticated; empty for what is not. Mail order and absent guests are not asked."""
        method = body["paymentMethod"]
        given = {method.get("storedPaymentMethodId"), method.get("encryptedCardNumber")}
        if body.get("authenticationData", {}).get("attemptAuthentication") == "never":
            return ""
        if body.get("shopperInteraction") != "Ecommerce":
            return ""
        return next((way for way in (CHALLENGED, CHALLENGED_HERE) if way in given), "")

    def _challenged(self, body: Body, way: str) -> Body:
        number = self._numbers.next("C")
        self.challenges[number] = {"order": body, "state": "waiting", "step": "fingerprint", "answer": None}
        if way == CHALLENGED:
            url = f"{self.home}/guest/{number}"
            action: Body = {"paymentMethodType": "scheme", "url": url, "method": "GET", "type": "redirect"}
            return {"resultCode": "RedirectShopper", "action": action}
        return self._asked(number, "IdentifyShopper", "fingerprint")

    def _asked(self, number: str, code: str, step: str) -> Body:
        """What Adyen's component carries out in the merchant's page."""
        self.challenges[number]["step"] = step
        action: Body = {"type": "threeDS2", "subtype": step, "paymentMethodType": "scheme", "paymentData": number}
        return {"resultCode": code, "action": action | {"authorisationToken": number, "token": _token({"step": step})}}

    def _authenticated(self, number: str, succeeds: bool) -> None:
        """The guest has answered their bank; the merchant has not asked about it yet."""
        found = self.challenges[number]
        if found["state"] != "waiting":
            raise NotHere(f"{number} does not wait for its guest")
        found["state"] = "done" if succeeds else "failed"

    def _returning(self, number: str) -> str:
        """The merchant's page; only Adyen can tell what the result says."""
        found = self.challenges[number]
        url, mark = found["order"]["returnUrl"], "&" if "?" in found["order"]["returnUrl"] else "?"
        return f"{url}{mark}{urlencode({'redirectResult': _token({'number': number})})}"

    def _details(self, body: Body) -> Body:
        """``redirectResult`` of a page, or ``threeDSResult`` of the component with its ``paymentData``."""
        given = body.get("details", {})
        number = str(_read(given.get("redirectResult", "")).get("number") or body.get("paymentData", ""))
        found = self.challenges.get(number)
        if found is None:
            raise Refused(422, _UNKNOWN)
        if "threeDSResult" in given and found["step"] == "fingerprint":
            return self._asked(number, "ChallengeShopper", "challenge")
        if found["answer"] is None and found["state"] == "waiting" and "redirectResult" in given:
            return {"resultCode": "Pending"}
        if found["answer"] is None:
            failed = found["state"] == "failed" or _read(given.get("threeDSResult", "")).get("transStatus") == "N"
            found["answer"] = self._decided(found["order"], not failed)
        answer: Body = found["answer"]
        return answer

    def _decided(self, order: Body, succeeds: bool) -> Body:
        psp = self._authorise(order, succeeds, "3D Not Authenticated")
        if not succeeds:
            return {"pspReference": psp, **_REFUSED}
        return {"pspReference": psp, "resultCode": "Authorised", "amount": order["amount"]}

    def abandon(self, number: str) -> None:
        """Hours later: the guest never came back."""
        found = self.challenges[number]
        found["state"] = "failed"
        psp = self._numbers.next("8")
        self._tell_of("OFFER_CLOSED", psp, None, found["order"]["reference"], found["order"]["amount"])


def _token(content: Body) -> str:
    return base64.b64encode(json.dumps(content).encode()).decode()


def _read(token: object) -> Body:
    try:
        found = json.loads(base64.b64decode(str(token), validate=True))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
