"""What every simulator offers to the layers around it: receiving, sending, controls, views, a snapshot.

A simulator is pure: its clock is injected, and whoever drives it calls `advance`, `outbox.due`, `build` and `settle`.
That may be the courier with real sockets, or a seeded simulation with none.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from simulators.endpoint import Clock, Decision, Endpoint, Login, Reply
from simulators.faults import FaultRequest
from simulators.opentravel import answers, xml
from simulators.opentravel.answers import Problem
from simulators.opentravel.days import stamp
from simulators.outbox import Item, Outbox, Retry

Control = Callable[[dict[str, Any]], object]
View = Callable[[Mapping[str, str]], object]


class Refusal(ValueError):
    """A control request that cannot be done; its text goes back with HTTP 409."""


class Simulator(ABC):
    """Base of the counterparts. Subclasses fill `handlers`, `controls`, `views`, and override the hooks below."""

    def __init__(self, login: Login, retry: Retry, clock: Clock, seed: int = 0) -> None:
        self.clock = clock
        self.endpoint = Endpoint(login, self._decide, clock, seed)
        self.outbox = Outbox(retry, seed)
        self.changes = 0  # counts state changes, so that the saver knows when to save
        self.handlers: dict[str, Callable[[xml.Node], Decision]] = {"OTA_PingRQ": self._ping}
        self.controls: dict[str, Control] = {
            "faults": self._control_faults,
            "release": lambda _: {"released": self.endpoint.release()},
            "clear_requests": lambda _: self.endpoint.audit.clear(),
            "retry": self._control_retry,
        }
        self.views: dict[str, View] = {
            "control/faults": lambda _: self.endpoint.faults.view() | {"held": self.endpoint.held()},
            "requests": lambda query: self.endpoint.audit.view(int(query.get("limit", "100"))),
            "outbox": lambda _: [_outbox_line(item) for item in self.outbox.waiting()],
            "health": lambda _: {"ok": True},
        }

    def handle(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Receive one message without a wire; see Endpoint.handle."""
        return self.endpoint.handle(body, headers)

    def advance(self, now: float) -> None:
        """Do what has become due by `now`."""
        self.endpoint.advance(now)

    @abstractmethod
    def build(self, item: Item, now: float) -> bytes:
        """The bytes to send for an item of the outbox."""

    @abstractmethod
    def settle(self, item: Item, reply: Reply | None, why: str, now: float) -> None:
        """Book the answer to an item, or (reply None) that there was none, and `why`."""

    @abstractmethod
    def snapshot(self) -> bytes:
        """The whole state as JSON."""

    @abstractmethod
    def restore(self, saved: bytes) -> None:
        """Continue from a snapshot."""

    def changed(self) -> None:
        self.changes += 1

    def _decide(self, root: xml.Node) -> Decision:
        name = xml.name(root)
        handler = self.handlers.get(name)
        if handler is None:
            problem = Problem(answers.NO_IMPLEMENTATION, answers.REQUEST_CODE, f"{name} is not supported")
            return self.refuse(root, [problem])
        decision = handler(root)
        if decision.applied:
            self.changed()
        return decision

    def refuse(self, root: xml.Node, problems: list[Problem]) -> Decision:
        echo = xml.attr(root, "EchoToken")
        return Decision(answers.errors(xml.name(root), echo, stamp(self.clock()), problems), False)

    def _ping(self, root: xml.Node) -> Decision:
        answer = answers.success("OTA_PingRQ", xml.attr(root, "EchoToken"), stamp(self.clock()))
        xml.add(answer, "EchoData", content=xml.text(xml.child(root, "EchoData")) or "")
        return Decision(xml.to_bytes(answer), True)

    def _control_faults(self, body: dict[str, Any]) -> object:
        """A FaultRequest, or one fault on its own."""
        request = {"faults": [body]} if "kind" in body else body
        self.endpoint.faults.change(msgspec.convert(request, FaultRequest))
        return self.endpoint.faults.view()

    def _control_retry(self, body: dict[str, Any]) -> object:
        """Change fields of Retry; `{"hurry": true}` makes everything waiting due now."""
        if body.pop("hurry", False):
            self.outbox.hurry()
        self.outbox.retry = msgspec.convert(msgspec.to_builtins(self.outbox.retry) | body, Retry)
        return self.outbox.retry


def _outbox_line(item: Item) -> dict[str, object]:
    return {"key": item.key, "lane": item.lane, "attempts": item.attempts, "not_before": item.not_before}


def retry_after_s(reply: Reply | None) -> float | None:
    """The receiver's Retry-After in seconds, where it gives one as a number."""
    text = reply.headers.get("retry-after", "") if reply is not None else ""
    return float(text) if text.isascii() and text.isdigit() else None
