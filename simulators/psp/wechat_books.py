"""What a WeChat Pay holds and tells: orders that are paid, refunds that come to their end, and sealed notices."""

import json
from datetime import UTC, datetime
from typing import NamedTuple

from simulators.psp.common import (
    BEIJING,
    GIVEN,
    TAKEN,
    Answer,
    Body,
    Callback,
    Clock,
    NotHere,
    Psp,
    Refused,
)
from simulators.psp.keys import KeyPair, certificate_of
from simulators.psp.wechat_wire import sealed, signature_headers

PUBLIC_KEY_ID = "PUB_KEY_ID_0116000000002031010400"

PLATFORM_NUMBER = 0x5157F09EFDC096DE15EBE81A47057A7232F1B8E1


class Merchant(NamedTuple):
    """What WeChat Pay knows of one: ``api_key`` are the 32 characters that notices are sealed with."""

    mchid: str
    app_id: str
    serial: str
    public_pem: str
    api_key: str


class WechatBooks(Psp):
    """State and notices of one merchant."""

    def __init__(self, merchant: Merchant, now_s: Clock, keys: tuple[KeyPair, KeyPair] | None = None) -> None:
        super().__init__(now_s)
        self.key, self.platform = keys or (KeyPair(), KeyPair())
        self.by_certificate = False
        self.orders: dict[str, Body] = {}
        self.refunds: dict[str, Body] = {}
        self.merchant = merchant

    @property
    def platform_serial(self) -> str:
        """The number of the platform certificate."""
        return f"{PLATFORM_NUMBER:X}"

    @property
    def platform_certificate(self) -> str:
        """In PEM."""
        return certificate_of(self.platform, "Simulated platform", PLATFORM_NUMBER)

    def signed(self, *events: Body) -> Callback:
        (event,) = events
        content = json.dumps(event["content"], ensure_ascii=False).encode()
        resource = sealed(content, self.merchant.api_key, "transaction") | {"original_type": event["original"]}
        notice = {name: event[name] for name in ("id", "create_time", "event_type", "summary")}
        body = json.dumps({**notice, "resource_type": "encrypt-resource", "resource": resource}).encode()
        signer = (self.platform, self.platform_serial) if self.by_certificate else (self.key, PUBLIC_KEY_ID)
        return Callback(signature_headers(body, *signer, self._now_s()), body)

    def acknowledged(self, answer: Answer) -> bool:
        return answer.status in (200, 204)

    def pay(self, order: str, succeeds: bool = True) -> None:
        """A guest who cannot pay leaves the order as it is; nobody is told."""
        found = self.orders.get(order)
        if found is None or found["state"] != "NOTPAY":
            raise NotHere(f"the order {order} cannot be paid")
        if succeeds:
            self._paid(found)

    def dispute(self, payment: str) -> None:
        """A complaint: no money moves, and a person has to answer the guest."""
        content = {"complaint_id": self._numbers.next("2031"), "action_type": "CREATE_COMPLAINT"}
        self._notice("COMPLAINT.CREATE", "complaint", content | {"transaction_id": payment}, self._any_url())

    def _paid(self, order: Body) -> None:
        order |= {"state": "SUCCESS", "transaction": self._numbers.next("4200"), "paid_at": self._time()}
        self._move(TAKEN, order["transaction"], order["transaction"], order["number"], order["total"], "CNY")
        if order["notify_url"]:  # A scanned payment has none, and nobody is told.
            self._notice("TRANSACTION.SUCCESS", "transaction", self._shown(order), order["notify_url"])

    def _given_back(self, refund: Body, order: Body, succeeds: bool) -> None:
        refund |= {"state": "SUCCESS" if succeeds else "CLOSED", "done_at": self._time()}
        if succeeds:
            reference = f"{order['number']}/{refund['number']}"
            self._move(GIVEN, refund["id"], order["transaction"], reference, refund["amount"], "CNY")
        else:
            order["refunded"] -= refund["amount"]
        content = self._refund_shown(refund, "refund_status") | {"mchid": self.merchant.mchid}
        to = refund["asked"].get("notify_url", "") or order["notify_url"]
        self._notice(f"REFUND.{refund['state']}", "refund", content, to)

    def _order(self, number: str) -> Body:
        if number not in self.orders:
            raise refused(404, "ORDER_NOT_EXIST")
        return self.orders[number]

    def _shown(self, order: Body) -> Body:
        told: Body = {"mchid": self.merchant.mchid, "appid": self.merchant.app_id, "out_trade_no": order["number"]}
        told |= {"trade_state": order["state"], "trade_state_desc": order["state"]}
        told["amount"] = {"total": order["total"], "currency": "CNY"}
        if order["transaction"]:
            told |= {"transaction_id": order["transaction"], "success_time": order["paid_at"], "trade_type": "NATIVE"}
        return told

    def _refund_shown(self, refund: Body, state: str) -> Body:
        order = self.orders[refund["order"]]
        told: Body = {"refund_id": refund["id"], "out_refund_no": refund["number"], state: refund["state"]}
        told |= {"transaction_id": order["transaction"], "out_trade_no": order["number"]}
        told["amount"] = {"total": order["total"], "refund": refund["amount"], "currency": "CNY"}
        return told | ({"success_time": refund["done_at"]} if refund["state"] == "SUCCESS" else {})

    def _notice(self, kind: str, original: str, content: Body, to: str) -> None:
        event = {"id": self._numbers.next("EV-"), "create_time": self._time(), "event_type": kind, "summary": "通知"}
        self._tell(event | {"original": original, "content": content}, to)

    def _any_url(self) -> str:
        return next((order["notify_url"] for order in self.orders.values() if order["notify_url"]), "")

    def _time(self) -> str:
        return datetime.fromtimestamp(self._now_s(), UTC).astimezone(BEIJING).isoformat()


def refused(status: int, code: str) -> Refused:
    return Refused(status, {"code": code, "message": code.lower()})
