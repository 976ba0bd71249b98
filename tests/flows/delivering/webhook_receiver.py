"""A receiver of webhooks that checks what it gets by its own reading of Standard Webhooks 1.0.

Written from the text of the specification and sharing nothing with the gateway: the signed content is id, timestamp and
body joined by full stops; a signature is ``v1,`` and Base64; several are separated by blanks, and one that fits is
enough; what is older or younger than five minutes is refused.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from gateway.contract import Reply, Request

TOLERANCE_S = 300


class Endpoint:
    """``statuses`` are answered in order, then 204. ``taken`` are the ids and bodies it took, ``seen`` all ids."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.statuses: list[int] = []
        self.taken: list[tuple[str, dict[str, Any]]] = []
        self.seen: list[str] = []
        self.now_s = 0

    async def call(self, request: Request, *, timeout_s: float) -> Reply:
        number = self.check(request.headers, request.body)
        self.seen.append(number)
        status = self.statuses.pop(0) if self.statuses else 204
        if status < 300:
            self.taken.append((number, json.loads(request.body)))
        return Reply(status, {"retry-after": "400"} if status == 429 else {}, b"")

    def check(self, headers: Any, body: bytes) -> str:
        """The id; AssertionError for what a receiver would refuse."""
        number, stamp = headers["webhook-id"], headers["webhook-timestamp"]
        assert abs(int(stamp) - self.now_s) <= TOLERANCE_S, "timestamp"
        key = base64.b64decode(self.secret[len("whsec_") :])
        expected = hmac.new(key, b".".join([number.encode(), stamp.encode(), body]), hashlib.sha256).digest()
        given = [each.split(",", 1) for each in headers["webhook-signature"].split(" ")]
        fits = [base64.b64decode(code) == expected for version, code in given if version == "v1"]
        assert any(fits), "signature"
        return str(number)
