"""A UnionPay of mainland China (ACP 5.1.0): forms from browsers, apps, codes, holds, queries and clearing files.

A transaction is known by ``orderId`` and ``txnTime``; sent again it is refused as a duplicate. ``00`` says that it was
accepted; what came of it is told by callback, if it has succeeded, or to whoever asks. ``DECLINED`` is a guest's code
whose card has too little on it. While ``slow``, nothing is decided until :meth:`UnionPay.settle`.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from simulators.psp.common import ANNULLED, GIVEN, TAKEN, Answer, Body, Callback, Clock, NotHere, Psp, beijing
from simulators.psp.keys import Chain
from simulators.psp.union_wire import file_of, read_form, refusal_of, signed_answer, signed_callback, signed_fields

DECLINED = "6299999999999999999"
_ECHOED = (
    *("encoding", "txnType", "txnSubType", "bizType", "accessType", "merId", "orderId", "txnTime"),
    *("txnAmt", "currencyCode", "origQryId"),
)
_KINDS = ("01", "02", "03", "04", "31", "32", "33")
_HOUR_S = 3600
_OVER_PERCENT = 115


class UnionPay(Psp):
    """One merchant. ``cert_id`` is the decimal number of its certificate, ``merchant_pem`` its public key."""

    def __init__(self, mer_id: str, cert_id: str, merchant_pem: str, now_s: Clock, chain: Chain | None = None) -> None:
        super().__init__(now_s)
        self.chain = chain or Chain()
        self.orders: dict[tuple[str, str], Body] = {}
        self.chargebacks: list[Body] = []
        self.mer_id = mer_id
        self._account = (mer_id, cert_id, merchant_pem)

    def serve(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        fields = read_form(body)
        echoed = {name: fields[name] for name in _ECHOED if name in fields}
        name, code = urlsplit(url).path.rsplit("/", 1)[-1], refusal_of(fields, self._account)
        if name == "frontTransReq.do":
            code = code or self._begin(fields)[0]
            location = f"{self.home}/guest/{fields.get('orderId', '')}"
            return Answer(302, {"location": location}, b"") if code == "00" else Answer(400, {}, code.encode())
        if code:
            return signed_answer(echoed | {"respCode": code, "respMsg": "refused"}, self.chain)
        calls = {"backTransReq.do": self._sent, "appTransReq.do": self._sent, "queryTrans.do": self._asked}
        told = calls.get(name, self._file)(fields)
        return signed_answer(echoed | {"respMsg": "ok"} | told, self.chain)

    def signed(self, *events: Body) -> Callback:
        (event,) = events
        return signed_callback(event, self.chain)

    def acknowledged(self, answer: Answer) -> bool:
        return answer.status == 200

    def pay(self, order: str, succeeds: bool = True) -> None:
        """A guest who cannot pay leaves the order as it is; nobody is told."""
        found = next((one for (number, _), one in self.orders.items() if number == order), None)
        if found is None or found["code"] != "05" or not found["waits"]:
            raise NotHere(f"the order {order} cannot be paid")
        if succeeds:
            self._done(found)

    def back(self, order: str) -> tuple[str, Body]:
        """The browser posts what the callback says, signed too; a merchant believes the latter."""
        found = next((one for (number, _), one in self.orders.items() if number == order), None)
        if found is None or not found["fields"].get("frontUrl"):
            return "", {}
        told = self._shown(found) | {"respCode": "00", "respMsg": "success"}
        return found["fields"]["frontUrl"], dict(signed_fields(told, self.chain))

    def dispute(self, payment: str) -> None:
        """A chargeback is told by the clearing file alone."""
        order = self._by_number(payment)
        row = {"queryId": payment, "amount": int(order["fields"]["txnAmt"]), "at_s": self._now_s()}
        self.chargebacks.append(row)

    # --- calls --------------------------------------------------------------------------------------------------------

    def _sent(self, fields: Body) -> Body:
        if fields["txnType"] == "99":
            return self._reverse(fields)
        code, order = self._begin(fields)
        if code != "00" or order is None:
            return {"respCode": code}
        if fields["txnSubType"] == "07":
            return {"respCode": "00", "qrCode": f"{self.home}/guest/{fields['orderId']}"}
        if fields.get("channelType") == "08" and fields["txnSubType"] == "01":
            return {"respCode": "00", "tn": self._numbers.next("6")}
        self._decide(order)
        return {"respCode": "00", "queryId": order["queryId"]}

    def _begin(self, fields: Body) -> tuple[str, Body | None]:
        """Written down, if it may be; whether it succeeds is another question."""
        key = (fields["orderId"], fields["txnTime"])
        if key in self.orders:
            return "12", None
        code = self._refusal(fields) if fields["txnType"] in _KINDS else "68"
        if code != "00":
            return code, None
        waits = fields["txnSubType"] in ("01", "07")
        order: Body = {"fields": dict(fields), "queryId": self._numbers.next("20310104", 13), "code": "05"}
        self.orders[key] = order | {"waits": waits, "gone": 0, "closed": False, "at_s": self._now_s()}
        return "00", self.orders[key]

    def _decide(self, order: Body) -> None:
        def end(succeeds: bool) -> None:
            if not succeeds or order["fields"].get("qrNo") == DECLINED:
                order["code"] = "64"
            elif self._refusal(order["fields"]) == "00":
                self._done(order)
            else:
                order["code"] = "36"

        self._end(end)

    def _refusal(self, fields: Body) -> str:
        """Asked when it is sent, and at its end: another operation on the same payment may have been quicker."""
        if fields["txnType"] in ("03", "32"):
            return self._hold_refusal(fields)
        return self._refund_refusal(fields) if fields["txnType"] in ("04", "31", "33") else "00"

    def _hold_refusal(self, fields: Body) -> str:
        hold = self._original(fields)
        if hold is None or hold["fields"]["txnType"] != "02" or hold["closed"]:
            return "35"
        held, amount = int(hold["fields"]["txnAmt"]), int(fields["txnAmt"])
        fits = amount == held if fields["txnType"] == "32" else 100 * amount <= _OVER_PERCENT * held
        return "00" if fits else "36"

    def _refund_refusal(self, fields: Body) -> str:
        paid = self._original(fields)
        wanted = {"31": ("01",), "33": ("03",)}.get(fields["txnType"], ("01", "03"))
        if paid is None or paid["fields"]["txnType"] not in wanted or paid["closed"]:
            return "35"
        left, amount = int(paid["fields"]["txnAmt"]) - paid["gone"], int(fields["txnAmt"])
        whole = fields["txnType"] != "04"
        return "00" if (amount == left and not paid["gone"] if whole else 0 < amount <= left) else "36"

    def _reverse(self, fields: Body) -> Body:
        """Of a scanned payment, under the payment's own number and time."""
        order = self.orders.get((fields["orderId"], fields["txnTime"]))
        if order is None or order["fields"]["txnSubType"] != "06":
            return {"respCode": "34"}
        if order["code"] == "00" and order["fields"]["txnType"] == "01":
            self._book(ANNULLED, order, order["queryId"])
        order |= {"code": "00", "closed": True, "fields": {**order["fields"], "txnType": "99"}}
        return {"respCode": "00", "queryId": order["queryId"]}

    def _asked(self, fields: Body) -> Body:
        order = self.orders.get((fields["orderId"], fields["txnTime"]))
        if order is None or (order["waits"] and order["code"] == "05"):
            return {"respCode": "34"}
        return self._shown(order) | {"respCode": "00", "origRespCode": order["code"], "origRespMsg": "ok"}

    def _file(self, fields: Body) -> Body:
        """The days of the books begin at 23:00."""
        day = fields["settleDate"]
        rows = [
            row | {"fee": one.fee, "kind": one.kind, "amount": one.amount, "at_s": one.at_s}
            for one in self.movements
            if beijing(one.at_s + _HOUR_S, "%m%d") == day
            for row in [self._row(one.number, one.kind)]
        ]
        disputes = [row for row in self.chargebacks if beijing(row["at_s"] + _HOUR_S, "%m%d") == day]
        if not rows and not disputes:
            return {"respCode": "98", "settleDate": day}
        return {"respCode": "00", "settleDate": day, "fileContent": file_of(self.mer_id, rows, disputes)}

    # --- what comes of it ---------------------------------------------------------------------------------------------

    def _done(self, order: Body) -> None:
        fields = order["fields"]
        order["code"] = "00"
        before = self._original(fields)
        match fields["txnType"]:
            case "01" | "03":
                self._book(TAKEN, order, order["queryId"])
            case "04" | "31":
                self._book(GIVEN, order, order["queryId"])
            case "33":
                self._book(ANNULLED, order, order["queryId"])
        if before is not None:
            before["gone"] += int(fields["txnAmt"])
            before["closed"] = fields["txnType"] != "04"
        self._tell(self._shown(order) | {"respCode": "00", "respMsg": "success"}, fields.get("backUrl", ""))

    def _book(self, kind: str, order: Body, number: str) -> None:
        fields = order["fields"]
        payment = fields.get("origQryId") or order["queryId"]
        self._move(kind, number, payment, fields["orderId"], int(fields["txnAmt"]), "CNY")

    def _row(self, number: str, kind: str) -> Body:
        order = self._by_number(number)
        told = self._shown(order)
        if told["txnType"] == "99" and kind == TAKEN:
            told["txnType"] = "01"
        return {name: told.get(name, "") for name in ("queryId", "orderId", "txnType", "origQryId")}

    def _shown(self, order: Body) -> Body:
        told = {name: order["fields"][name] for name in _ECHOED if name in order["fields"]}
        settled = {"settleAmt": told["txnAmt"], "settleCurrencyCode": "156"}
        settled["settleDate"] = beijing(order["at_s"] + _HOUR_S, "%m%d")
        return told | settled | {"queryId": order["queryId"]}

    def _original(self, fields: Body) -> Body | None:
        number = fields.get("origQryId")
        found = [one for one in self.orders.values() if one["queryId"] == number and one["code"] == "00"]
        return found[0] if number and found else None

    def _by_number(self, number: str) -> Body:
        found = [one for one in self.orders.values() if one["queryId"] == number]
        if not found:
            raise NotHere(f"there is no transaction {number}")
        return found[0]
