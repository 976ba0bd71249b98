"""Alipay's deposits: money frozen, turned into payments in parts, and released.

``out_order_no`` is the merchant's number of a hold, ``out_request_no`` of one operation on it; ``auth_no`` and
``operation_id`` are Alipay's numbers of the same.
"""

from collections.abc import Callable

from simulators.psp.common import Body, beijing, fen, yuan

Tell = Callable[[Body, str], None]
_DASHED = "%Y-%m-%d %H:%M:%S"
WRONG: Body = {"code": "40004", "msg": "Business Failed"}


class Holds:
    """All holds of an account. ``tell`` sends the fields of a notice to an address."""

    def __init__(self, seller: str, number: Callable[[str], str], now_s: Callable[[], int], tell: Tell) -> None:
        self.holds: dict[str, Body] = {}
        self._operations: dict[tuple[str, str], Body] = {}
        self._seller, self._number, self._now_s, self._tell = seller, number, now_s, tell

    def freeze(self, fields: Body, notify_url: str) -> Body:
        """A hold of the guest's; the same numbers again are the same hold, if the amount is the same too."""
        order, request, amount = fields["out_order_no"], fields["out_request_no"], fen(fields["amount"])
        if (known := self._operations.get((order, request))) is not None:
            same = known["amount"] == fields["amount"]
            return self._told(known) if same else WRONG | {"sub_code": "ACQ.DISCORDANT_REPEAT_REQUEST"}
        hold: Body = {"auth_no": self._number("2031AUTH"), "out_order_no": order, "total": amount, "rest": amount}
        self.holds[hold["auth_no"]] = hold | {"paid": 0, "status": "AUTHORIZED", "notify_url": notify_url}
        return self._operated(self.holds[hold["auth_no"]], request, "FREEZE", amount)

    def unfreeze(self, fields: Body) -> Body:
        """A part of what is left, or all of it."""
        hold, amount = self.holds.get(fields["auth_no"]), fen(fields["amount"])
        if hold is None:
            return WRONG | {"sub_code": "AUTH_ORDER_NOT_EXIST"}
        if (known := self._operations.get((hold["out_order_no"], fields["out_request_no"]))) is not None:
            return self._told(known)
        if not 0 < amount <= hold["rest"]:
            return WRONG | {"sub_code": "ACQ.REQUEST_AMOUNT_EXCEED"}
        return self.release(hold, fields["out_request_no"], amount)

    def release(self, hold: Body, request: str, amount: int) -> Body:
        """Also when the last payment of a hold gives back the rest by itself."""
        hold["rest"] -= amount
        if not hold["rest"]:
            hold["status"] = "FINISH" if hold["paid"] else "CLOSED"
        return self._operated(hold, request, "UNFREEZE", amount)

    def paid(self, hold: Body, amount: int, request: str, complete: bool) -> None:
        """A part has become a payment."""
        hold["rest"] -= amount
        hold["paid"] += amount
        if complete and hold["rest"]:
            self.release(hold, request, hold["rest"])
        hold["status"] = "AUTHORIZED" if hold["rest"] else "FINISH"

    def cancel(self, fields: Body) -> Body:
        """What may have been held is not any more."""
        known = self._operations.get((fields["out_order_no"], fields["out_request_no"]))
        if known is None:
            return {"code": "10000", "msg": "Success", "action": "close"}
        hold = self.holds[known["auth_no"]]
        if hold["rest"]:
            self.release(hold, f"{fields['out_request_no']}C", hold["rest"])
        return {"code": "10000", "msg": "Success", "action": "unfreeze", "operation_id": known["operation_id"]}

    def asked(self, fields: Body) -> Body:
        """One operation, and how its hold stands."""
        known = self._operations.get((fields["out_order_no"], fields["out_request_no"]))
        return WRONG | {"sub_code": "AUTH_OPERATION_NOT_EXIST"} if known is None else self._told(known)

    def _operated(self, hold: Body, request: str, kind: str, amount: int) -> Body:
        operation: Body = {
            "auth_no": hold["auth_no"],
            "out_order_no": hold["out_order_no"],
            "operation_id": self._number("2031OPER"),
            "out_request_no": request,
            "operation_type": kind,
            "amount": yuan(amount),
            "status": "SUCCESS",
            "gmt_trans": beijing(self._now_s(), _DASHED),
        }
        self._operations[hold["out_order_no"], request] = operation
        notice = {"notify_type": f"fund_auth_{kind.lower()}", "payee_user_id": self._seller}
        self._tell({**notice, **operation, **self._totals(hold)}, hold["notify_url"])
        return self._told(operation)

    def _told(self, operation: Body) -> Body:
        return {"code": "10000", "msg": "Success", **operation, **self._totals(self.holds[operation["auth_no"]])}

    def _totals(self, hold: Body) -> Body:
        return {
            "order_status": hold["status"],
            "total_freeze_amount": yuan(hold["total"]),
            "rest_amount": yuan(hold["rest"]),
            "total_pay_amount": yuan(hold["paid"]),
        }
