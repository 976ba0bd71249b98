"""3-D Secure at a Stripe: an intent that asks for its guest, the bank's page, and what comes of it.

``CHALLENGED`` is the method of a card whose bank always asks. Somebody who is charged while absent, and who is not
marked as mail order, is declined instead, as Stripe does where ``error_on_requires_action`` is set.
"""

from urllib.parse import urlencode

from simulators.psp.common import Body, NotHere, Refused
from simulators.psp.stripe_books import FAULT, StripeBooks
from simulators.psp.stripe_objects import shown

CHALLENGED = "pm_card_authenticationRequired"
CHALLENGED_CARDS = frozenset({"4000002500003155", "4000000000003220"})
_NOT_ASKED = FAULT | {"code": "authentication_required", "decline_code": "authentication_required"}
_NOT_DONE = {"type": "card_error", "code": "payment_intent_authentication_failure"}


class StripeChallenges(StripeBooks):
    """Intents that wait for their guest."""

    def _challenged(self, intent: Body, form: dict[str, str]) -> Body:
        """Where the browser goes: the bank's page, or Stripe's own script where nobody said where it comes back to."""
        if form.get("error_on_requires_action") == "true":
            self._fail(intent, _NOT_ASKED)
            raise Refused(402, {"error": {**_NOT_ASKED, "payment_intent": shown(intent)}})
        intent |= {"status": "requires_action", "client_secret": f"{intent['id']}_secret_{self._numbers.next('', 8)}"}
        back = form.get("return_url", "")
        url = f"{self.home}/guest/{intent['id']}"
        if back:
            intent["next_action"] = {"type": "redirect_to_url", "redirect_to_url": {"url": url, "return_url": back}}
        else:
            sdk = {"type": "three_d_secure_redirect", "stripe_js": url}
            intent["next_action"] = {"type": "use_stripe_sdk", "use_stripe_sdk": sdk}
        self._tell_of("payment_intent.requires_action", intent)
        return shown(intent)

    def _authenticated(self, intent: Body, succeeds: bool) -> None:
        """The guest has answered their bank."""
        if intent["status"] != "requires_action":
            raise NotHere(f"{intent['id']} does not wait for its guest")
        action = intent["next_action"].get("redirect_to_url", {})
        intent |= {"next_action": None, "_back": action.get("return_url", "")}
        if succeeds:
            self._paid(intent)
        else:
            self._fail(intent, _NOT_DONE)

    def _returning(self, intent: Body) -> str:
        """The merchant's page, with Stripe's parameters, which are a hint and no proof."""
        if not intent.get("_back"):
            return ""
        status = "failed" if intent["last_payment_error"] else "succeeded"
        said = {"payment_intent": intent["id"], "payment_intent_client_secret": intent["client_secret"]}
        return f"{intent['_back']}?{urlencode(said | {'redirect_status': status})}"
