"""What an Alipay holds and tells: trades that are paid, given back and closed, and notices of it."""

from simulators.psp.alipay_certificates import Certificates
from simulators.psp.alipay_holds import Holds
from simulators.psp.alipay_wire import (
    DASHED,
    signed_notice,
)
from simulators.psp.common import GIVEN, TAKEN, Answer, Body, Callback, Clock, Psp, beijing, fen, yuan
from simulators.psp.keys import KeyPair

PAID = "TRADE_SUCCESS"


class AlipayTrades(Psp):
    """Trades and notices of one seller."""

    def __init__(self, app_id: str, seller: str, merchant_pem: str, now_s: Clock, key: KeyPair | None = None) -> None:
        super().__init__(now_s)
        self.key = key or KeyPair()
        self.trades: dict[str, Body] = {}
        self.offers: dict[str, Body] = {}
        self.app_id, self.seller = app_id, seller
        self._merchant = merchant_pem
        self.certificates: Certificates | None = None
        self._holds = Holds(seller, self._numbers.next, now_s, self._notice)

    def signed(self, *events: Body) -> Callback:
        (event,) = events
        return signed_notice(event | {"notify_time": beijing(self._now_s(), DASHED)}, self.key)

    def acknowledged(self, answer: Answer) -> bool:
        return answer.status == 200 and answer.body == b"success"

    def dispute(self, payment: str) -> None:
        """A complaint: no money moves, and a person has to answer the guest."""
        fields = {"notify_type": "alipay.merchant.tradecomplain.changed", "trade_no": payment, "seller_id": self.seller}
        to = next((one["notify_url"] for one in self.trades.values() if one["trade_no"] == payment), "")
        self._notice(fields, to)

    def _trade(self, fields: Body, notify_url: str) -> Body:
        order = fields["out_trade_no"]
        if order not in self.trades:
            trade: Body = {"out_trade_no": order, "trade_no": self._numbers.next("2031"), "status": "WAIT_BUYER_PAY"}
            trade |= {"total": fen(fields["total_amount"]), "paid": 0, "paid_at": "", "refunds": {}}
            self.trades[order] = trade | {"notify_url": notify_url}
        return self.trades[order]

    def _found(self, fields: Body) -> Body | None:
        if "trade_no" in fields:
            return next((each for each in self.trades.values() if each["trade_no"] == fields["trade_no"]), None)
        return self.trades.get(fields["out_trade_no"])

    def _paid(self, trade: Body) -> None:
        trade |= {"status": PAID, "paid": trade["total"], "paid_at": self._time()}
        self._move(TAKEN, trade["trade_no"], trade["trade_no"], trade["out_trade_no"], trade["total"], "CNY")
        self._tell_trade(trade)

    def _given_back(self, trade: Body, number: str, succeeds: bool) -> None:
        refund = trade["refunds"][number]
        refund |= {"done": succeeds, "failed": not succeeds}
        if not succeeds:
            return
        if given_of(trade) == trade["paid"]:
            trade["status"] = "TRADE_CLOSED"
        key = f"{trade['trade_no']}:{number}"
        self._move(GIVEN, key, trade["trade_no"], trade["out_trade_no"], refund["amount"], "CNY")
        self._tell_trade(trade, out_biz_no=number, gmt_refund=self._time(), refund_fee=yuan(given_of(trade)))

    def _cancelled(self, trade: Body) -> str:
        """An order that was paid is refunded in silence, under its own number."""
        if trade["status"] != PAID:
            trade["status"] = "TRADE_CLOSED"
            return "close"
        trade["refunds"][trade["out_trade_no"]] = {"amount": trade["paid"] - given_of(trade)}
        self._given_back(trade, trade["out_trade_no"], True)
        return "refund"

    def _shown(self, trade: Body) -> Body:
        told = {name: trade[name] for name in ("out_trade_no", "trade_no")}
        told |= {"trade_status": trade["status"], "total_amount": yuan(trade["total"])}
        return told | ({"send_pay_date": trade["paid_at"], "gmt_payment": trade["paid_at"]} if trade["paid"] else {})

    def _tell_trade(self, trade: Body, **more: str) -> None:
        told = self._shown(trade) | {"notify_type": "trade_status_sync", "seller_id": self.seller}
        del told["send_pay_date"]
        self._notice(told | more, trade["notify_url"])

    def _notice(self, fields: Body, to: str) -> None:
        number = self._numbers.next("2031NOTIFY")
        self._tell(fields | {"notify_id": number, "app_id": self.app_id, "charset": "utf-8", "version": "1.0"}, to)

    def _time(self) -> str:
        return beijing(self._now_s(), DASHED)


def given_of(trade: Body) -> int:
    """What was given back, or is about to be."""
    return sum(refund["amount"] for refund in trade["refunds"].values() if not refund.get("failed"))
