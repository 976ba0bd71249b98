"""A WeChat Pay of mainland China, API v3: orders, scanned codes, refunds, sealed notices, certificates and bills.

Amounts are fen. ``DECLINED`` is a payment code whose balance is too low. While ``slow``, a scanned payment waits for
its password, and a refund for the bank, until :meth:`WechatPay.settle`.
"""

import hashlib
import json
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

from simulators.psp.common import (
    ANNULLED,
    Answer,
    Body,
    Refused,
    header,
)
from simulators.psp.wechat_books import PUBLIC_KEY_ID, WechatBooks, refused
from simulators.psp.wechat_wire import bill_of, refusal_of, sealed, signed_answer

DECLINED = "139999999999999999"
_ORDERS = ["v3", "pay", "transactions", "out-trade-no"]
_REFUNDS = ["v3", "refund", "domestic", "refunds"]


class WechatPay(WechatBooks):
    """One merchant. ``key`` signs for merchants with a public key of WeChat Pay's, ``platform`` for all others.

    ``by_certificate`` makes notices those of a merchant of the latter kind.
    """

    def serve(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        merchant = self.merchant
        account = (merchant.mchid, merchant.serial, merchant.public_pem)
        if why := refusal_of(method, url, headers, body, account, self._now_s()):
            raw = json.dumps({"code": "SIGN_ERROR", "message": why}).encode()
            return Answer(401, {"content-type": "application/json"}, raw)
        parts = urlsplit(url)
        path, query = parts.path.strip("/").split("/"), dict(parse_qsl(parts.query))
        if path == ["v3", "billdownload", "file"]:
            return Answer(200, {"content-type": "text/plain"}, self._bill(query["token"]))
        by_key = header(headers, "wechatpay-serial") == PUBLIC_KEY_ID
        signer = (self.key, PUBLIC_KEY_ID) if by_key else (self.platform, self.platform_serial)
        try:
            status, told = self._read(path, query) if method == "GET" else self._write(path, json.loads(body))
        except Refused as refusal:
            status, told = refusal.status, refusal.body
        except (KeyError, ValueError) as error:
            status, told = 400, {"code": "PARAM_ERROR", "message": str(error)}
        return signed_answer(status, told, *signer, self._now_s())

    # --- calls --------------------------------------------------------------------------------------------------------

    def _read(self, path: list[str], query: dict[str, str]) -> tuple[int, Body]:
        if path[:4] == _ORDERS and len(path) == 5:
            return 200, self._shown(self._order(path[4]))
        if path[:4] == _REFUNDS and len(path) == 5:
            if path[4] not in self.refunds:
                raise refused(404, "RESOURCE_NOT_EXISTS")
            return 200, self._refund_shown(self.refunds[path[4]], "status")
        if path == ["v3", "certificates"]:
            certificate = self.platform_certificate.encode()
            times = {"effective_time": "2020-01-01T08:00:00+08:00", "expire_time": "2049-12-31T08:00:00+08:00"}
            told = {"serial_no": self.platform_serial} | times
            closed = sealed(certificate, self.merchant.api_key, "certificate")
            return 200, {"data": [told | {"encrypt_certificate": closed}]}
        if path == ["v3", "bill", "tradebill"]:
            if not self._on(query["bill_date"]):
                raise refused(400, "NO_STATEMENT_EXIST")
            digest = hashlib.sha1(self._bill(query["bill_date"]), usedforsecurity=False).hexdigest()
            url = f"{self.home}/v3/billdownload/file?{urlencode({'token': query['bill_date']})}"
            return 200, {"hash_type": "SHA1", "hash_value": digest, "download_url": url}
        raise refused(404, "RESOURCE_NOT_EXISTS")

    def _write(self, path: list[str], fields: Body) -> tuple[int, Body | None]:
        if path[:3] == ["v3", "pay", "transactions"] and len(path) == 4:
            return self._scanned(fields) if path[3] == "codepay" else (200, self._prepared(path[3], fields))
        if path[:4] == _ORDERS and len(path) == 6 and path[5] in ("close", "reverse"):
            order = self._order(path[4])
            if path[5] == "reverse":
                return 200, self._reverse(order)
            self._close(order)
            return 204, None
        if path == _REFUNDS:
            return 200, self._refund(fields)
        raise refused(404, "RESOURCE_NOT_EXISTS")

    def _prepared(self, channel: str, fields: Body) -> Body:
        """The same order again is the same order; the same number for another one is refused."""
        order = self._begun(fields)
        if order["state"] != "NOTPAY":
            raise refused(400, {"CLOSED": "ORDER_CLOSED"}.get(order["state"], "ORDER_PAID"))
        if channel == "native":
            return {"code_url": f"weixin://wxpay/bizpayurl?pr={fields['out_trade_no']}"}
        if channel == "h5":
            return {"h5_url": f"{self.home}/guest/{fields['out_trade_no']}?from=h5"}
        return {"prepay_id": f"wx{fields['out_trade_no']}"}

    def _scanned(self, fields: Body) -> tuple[int, Body]:
        order = self._begun(fields)
        if fields["payer"]["auth_code"] == DECLINED:
            order["state"] = "PAYERROR"
            raise refused(403, "NOT_ENOUGH")
        if order["state"] == "NOTPAY":
            order["state"] = "USERPAYING"
            self._end(lambda succeeds: self._paid(order) if succeeds else order.update(state="PAYERROR"))
        if order["state"] == "USERPAYING":
            return 202, {"code": "USERPAYING", "message": "the guest is entering a password"}
        return 200, self._shown(order)

    def _begun(self, fields: Body) -> Body:
        if (fields["mchid"], fields["appid"]) != (self.merchant.mchid, self.merchant.app_id):
            raise refused(400, "APPID_MCHID_NOT_MATCH")
        number = fields["out_trade_no"]
        order: Body = {"number": number, "transaction": "", "state": "NOTPAY", "total": int(fields["amount"]["total"])}
        order |= {"asked": fields, "paid_at": "", "refunded": 0, "notify_url": fields.get("notify_url", "")}
        known = self.orders.setdefault(number, order)
        if known["asked"] != fields:
            raise refused(403, "OUT_TRADE_NO_USED")
        return known

    def _close(self, order: Body) -> None:
        if order["state"] in ("SUCCESS", "REFUND"):
            raise refused(400, "ORDER_PAID")
        order["state"] = "CLOSED"

    def _reverse(self, order: Body) -> Body:
        """Paid or not, in the end nothing is."""
        if order["state"] == "SUCCESS":
            self._move(ANNULLED, order["transaction"], order["transaction"], order["number"], order["total"], "CNY")
        if order["state"] != "REFUND":
            order["state"] = "REVOKED"
        return self._shown(order)

    def _refund(self, fields: Body) -> Body:
        """Accepted is not done."""
        number, amount = fields["out_refund_no"], fields["amount"]
        order = self._order(fields["out_trade_no"])
        if number in self.refunds:
            if self.refunds[number]["asked"] != fields:
                raise refused(400, "INVALID_REQUEST")
            return self._refund_shown(self.refunds[number], "status")
        if order["state"] not in ("SUCCESS", "REFUND") or amount["total"] != order["total"]:
            raise refused(400, "INVALID_REQUEST")
        if not 0 < amount["refund"] <= order["total"] - order["refunded"]:
            raise refused(403, "NOT_ENOUGH")
        refund: Body = {"number": number, "id": self._numbers.next("5030"), "order": order["number"], "asked": fields}
        self.refunds[number] = refund | {"amount": amount["refund"], "state": "PROCESSING", "done_at": ""}
        order["refunded"] += amount["refund"]
        order["state"] = "REFUND"
        told = self._refund_shown(self.refunds[number], "status")
        self._end(lambda succeeds: self._given_back(self.refunds[number], order, succeeds))
        return told

    def _bill(self, day: str) -> bytes:
        return bill_of(self.merchant.app_id, self.merchant.mchid, self._on(day))
