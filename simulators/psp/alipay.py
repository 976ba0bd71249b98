"""An Alipay of mainland China: ``gateway.do``, orders that guests open and pay, deposits, notices and bills.

Amounts are fen inside and decimals of yuan outside. ``DECLINED`` is a payment code whose balance is too low. What a
guest is shown exists at Alipay only once they open it. While ``slow``, a scanned payment waits for its password, and a
refund for the bank, until :meth:`Alipay.settle`.
"""

import json
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

from simulators.psp.alipay_holds import WRONG
from simulators.psp.alipay_trades import PAID, AlipayTrades, given_of
from simulators.psp.alipay_wire import (
    bill_of,
    is_the_merchants,
    parameters_of,
    signed_answer,
)
from simulators.psp.common import Answer, Body, NotHere, fen, yuan

DECLINED = "289999999999999999"
_OK: Body = {"code": "10000", "msg": "Success"}
_TRADE, _HOLD = "alipay.trade.", "alipay.fund.auth."


class Alipay(AlipayTrades):
    """One application and its seller. ``merchant_pem`` is the public key of the merchant, ``key`` Alipay's own.

    With ``certificates`` requests have to name those of the merchant and the roots, and answers name Alipay's.
    """

    def serve(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if urlsplit(url).path.endswith("/bill"):
            day = dict(parse_qsl(urlsplit(url).query))["day"]
            return Answer(200, {"content-type": "application/zip"}, bill_of(self.seller, day, self._on(day)))
        try:
            asked = parameters_of(url, body)
            fields = json.loads(asked.get("biz_content") or "{}")
        except ValueError:
            return self._signed("", {"code": "40002", "sub_code": "isv.invalid-parameter"})
        if (wrong := self._refusal(asked)) is not None:
            return self._signed(asked.get("method", ""), wrong)
        if method == "GET":
            order = self.open(urlsplit(url).query)
            return Answer(302, {"location": f"{self.home}/guest/{order}"}, b"")
        try:
            node = self._carried_out(asked["method"], fields, asked)
        except (KeyError, ValueError) as error:
            node = {"code": "40001", "msg": "Missing Required Arguments", "sub_msg": str(error)}
        return self._signed(asked["method"], node)

    def open(self, content: str) -> str:
        """The guest's app opens an order string, or their browser a page; the number of the order."""
        asked = dict(parse_qsl(content, keep_blank_values=True))
        if self._refusal(asked) is not None:
            raise NotHere("the order is not signed by the merchant")
        fields = json.loads(asked["biz_content"])
        order = str(fields.get("out_trade_no") or fields["out_request_no"])
        self.offers[order] = fields | {"notify_url": asked.get("notify_url", ""), "back": asked.get("return_url", "")}
        if "out_trade_no" in fields:
            self._trade(fields, self.offers[order]["notify_url"])
        return order

    def pay(self, order: str, succeeds: bool = True) -> None:
        """A guest who cannot pay only opens the order, which goes on waiting."""
        offer = self.offers.get(order)
        if offer is None:
            raise NotHere(f"nobody was shown the order {order}")
        if "out_order_no" in offer:
            if succeeds:
                self._holds.freeze(offer, offer["notify_url"])
            return
        trade = self._trade(offer, offer["notify_url"])
        if trade["status"] != "WAIT_BUYER_PAY":
            raise NotHere(f"the order {order} cannot be paid any more")
        if succeeds:
            self._paid(trade)

    def back(self, order: str) -> tuple[str, Body]:
        return str(self.offers.get(order, {}).get("back", "")), {}

    # --- calls --------------------------------------------------------------------------------------------------------

    def _refusal(self, asked: Mapping[str, str]) -> Body | None:
        if asked.get("app_id") != self.app_id:
            return {"code": "40002", "msg": "Invalid Arguments", "sub_code": "isv.invalid-app-id"}
        if asked.get("sign_type") != "RSA2" or not is_the_merchants(asked, self._merchant):
            return {"code": "40002", "msg": "Invalid Arguments", "sub_code": "isv.invalid-signature"}
        known = self.certificates
        numbers = (known.app_number, known.root_number) if known else (None, None)
        if numbers != (asked.get("app_cert_sn"), asked.get("alipay_root_cert_sn")):
            return {"code": "40002", "msg": "Invalid Arguments", "sub_code": "isv.invalid-signature"}
        return None

    def _signed(self, method: str, node: Body) -> Answer:
        """In certificate mode with the number of the certificate that proves it."""
        return signed_answer(method, node, self.key, self.certificates.their_number if self.certificates else "")

    def _carried_out(self, method: str, fields: Body, asked: Mapping[str, str]) -> Body:
        to = asked.get("notify_url", "")
        if method.startswith(_HOLD):
            return self._hold(method.removeprefix(_HOLD), fields, to)
        match method.removeprefix(_TRADE):
            case "precreate":
                self.offers[fields["out_trade_no"]] = fields | {"notify_url": to}
                return _OK | {"out_trade_no": fields["out_trade_no"], "qr_code": self._code(fields["out_trade_no"])}
            case "create":
                self.offers[fields["out_trade_no"]] = fields | {"notify_url": to}
                return _OK | self._shown(self._trade(fields, to))
            case "pay":
                return self._pay(fields, to)
            case "refund":
                return self._refund(fields)
            case "query" | "close" | "cancel" | "fastpay.refund.query" as kind:
                return self._about(kind, fields)
            case "alipay.data.dataservice.bill.downloadurl.query":
                return self._bill(fields)
        return {"code": "40002", "msg": "Invalid Arguments", "sub_code": "isv.invalid-method"}

    def _hold(self, method: str, fields: Body, to: str) -> Body:
        match method:
            case "order.freeze":
                low = fields["auth_code"] == DECLINED
                return WRONG | {"sub_code": "ACQ.BUYER_BALANCE_NOT_ENOUGH"} if low else self._holds.freeze(fields, to)
            case "order.voucher.create":
                self.offers[fields["out_request_no"]] = fields | {"notify_url": to}
                return _OK | {"code_type": "barCode", "code_value": self._code(fields["out_request_no"])}
            case "order.unfreeze":
                return self._holds.unfreeze(fields)
            case "operation.cancel":
                return self._holds.cancel(fields)
            case "operation.detail.query":
                return self._holds.asked(fields)
        return {"code": "40002", "msg": "Invalid Arguments", "sub_code": "isv.invalid-method"}

    def _pay(self, fields: Body, to: str) -> Body:
        """A code that was scanned, or a part of a hold."""
        known = self.trades.get(fields["out_trade_no"])
        if known is not None and (known["total"] != fen(fields["total_amount"]) or known["status"] == PAID):
            same = known["total"] == fen(fields["total_amount"])
            return WRONG | {"sub_code": "ACQ.TRADE_HAS_SUCCESS" if same else "ACQ.CONTEXT_INCONSISTENT"}
        if fields.get("auth_code") == DECLINED:
            return WRONG | {"sub_code": "ACQ.BUYER_BALANCE_NOT_ENOUGH"}
        hold = self._holds.holds.get(fields["auth_no"]) if "auth_no" in fields else None
        if "auth_no" in fields and (hold is None or fen(fields["total_amount"]) > hold["rest"]):
            return WRONG | {"sub_code": "ACQ.REQUEST_AMOUNT_EXCEED"}
        trade = self._trade(fields, to)
        if hold is not None:
            complete = fields.get("auth_confirm_mode") == "COMPLETE"
            self._holds.paid(hold, trade["total"], f"{fields['out_trade_no']}R", complete)
        self._end(lambda succeeds: self._paid(trade) if succeeds else None)
        if trade["status"] == PAID:
            return _OK | self._shown(trade)
        return {"code": "10003", "msg": "order success pay inprocess"} | self._shown(trade)

    def _refund(self, fields: Body) -> Body:
        """The answer's ``refund_fee`` is the sum of all refunds of the trade so far."""
        trade, number, amount = self._found(fields), fields["out_request_no"], fen(fields["refund_amount"])
        if trade is None:
            return WRONG | {"sub_code": "ACQ.TRADE_NOT_EXIST"}
        known = trade["refunds"].get(number)
        if known is not None and known["amount"] != amount:
            return WRONG | {"sub_code": "ACQ.DISCORDANT_REPEAT_REQUEST"}
        if known is None and not 0 < amount <= trade["paid"] - given_of(trade):
            return WRONG | {"sub_code": "ACQ.REASON_TRADE_REFUND_FEE_ERR"}
        if known is None:
            trade["refunds"][number] = {"amount": amount, "done": False, "failed": False}
            self._end(lambda succeeds: self._given_back(trade, number, succeeds))
        change = "Y" if known is None and trade["refunds"][number]["done"] else "N"
        told = {"fund_change": change, "refund_fee": yuan(given_of(trade)), "gmt_refund_pay": self._time()}
        return _OK | {"out_trade_no": trade["out_trade_no"], "trade_no": trade["trade_no"]} | told

    def _about(self, kind: str, fields: Body) -> Body:
        trade = self._found(fields)
        if trade is None:
            if kind != "cancel":
                return WRONG | {"sub_code": "ACQ.TRADE_NOT_EXIST"}
            self.offers.pop(fields["out_trade_no"], None)
            return _OK | {"out_trade_no": fields["out_trade_no"], "retry_flag": "N", "action": "close"}
        match kind:
            case "close" if trade["status"] != "WAIT_BUYER_PAY":
                return WRONG | {"sub_code": "ACQ.REASON_TRADE_STATUS_INVALID"}
            case "close":
                trade["status"] = "TRADE_CLOSED"
                return _OK | self._shown(trade)
            case "cancel":
                return _OK | self._shown(trade) | {"retry_flag": "N", "action": self._cancelled(trade)}
            case "fastpay.refund.query":
                return self._refund_asked(trade, fields["out_request_no"])
        return _OK | self._shown(trade)

    def _refund_asked(self, trade: Body, number: str) -> Body:
        """Without a status it has not been given back."""
        refund = trade["refunds"].get(number)
        if refund is None or not refund["done"]:
            return _OK
        told = {"out_request_no": number, "refund_amount": yuan(refund["amount"]), "refund_status": "REFUND_SUCCESS"}
        return _OK | {"out_trade_no": trade["out_trade_no"], "trade_no": trade["trade_no"]} | told

    def _bill(self, fields: Body) -> Body:
        if not self._on(fields["bill_date"]):
            return WRONG | {"sub_code": "isp.bill_not_exist"}
        return _OK | {"bill_download_url": f"{self.home}/bill?{urlencode({'day': fields['bill_date']})}"}

    def _code(self, order: str) -> str:
        return f"{self.home}/guest/{order}"
