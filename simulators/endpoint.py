"""One received message: the switched fault, the login, the simulator's decision, and messages held for later.

No sockets here. `receive` says what the wire shall do; `handle` is the same for callers without a wire.
"""

import base64
import hmac
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

import msgspec

from simulators.audit import Audit, Entry
from simulators.faults import Fault, FaultBox
from simulators.opentravel import answers, xml
from simulators.opentravel.answers import Problem
from simulators.opentravel.days import stamp

Clock = Callable[[], float]
Wire = Literal["answer", "hold", "close", "reset"]
XML_HEADERS = {"content-type": "application/xml; charset=utf-8"}
_GARBAGE = b'<?xml version="1.0"?><OTA_Garbage><Success/><<&'


class Reply(NamedTuple):
    """HTTP status, headers (lower case), body."""

    status: int
    headers: dict[str, str]
    body: bytes


class NoAnswer(Exception):
    """The simulator never answers this request; `wire` says how it falls silent."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(f"no answer ({wire})")
        self.wire = wire


class Decision(NamedTuple):
    """The simulator's own verdict on a message: what to answer, and whether it was taken."""

    body: bytes
    applied: bool


class Held(msgspec.Struct):
    """A message waiting to take effect: at `due`, on release, or (due None, `after_next`) after the next one."""

    root: xml.Node
    entry: Entry
    due: float | None
    after_next: bool = False
    reply: Reply | None = None
    on_done: Callable[[Reply], None] | None = None


class Outcome(msgspec.Struct):
    """What the wire shall do: answer `reply` after `delay_s`; hold up to `delay_s`, then close; close; or reset."""

    wire: Wire
    reply: Reply | None = None
    delay_s: float = 0.0
    held: Held | None = None


class Login(msgspec.Struct, frozen=True):
    """Basic credentials; an empty user lets everybody in."""

    user: str = ""
    password: str = ""

    def header(self) -> str:
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()

    def admits(self, headers: Mapping[str, str]) -> bool:
        given = headers.get("authorization", "")
        return not self.user or hmac.compare_digest(given.encode(), self.header().encode())


class Endpoint:
    """Takes bytes, asks `decide` (which applies the message and writes its answer), and plays the switched faults."""

    def __init__(self, login: Login, decide: Callable[[xml.Node], Decision], clock: Clock, seed: int = 0) -> None:
        self.faults = FaultBox(seed)
        self.audit = Audit()
        self._login, self._decide, self._clock = login, decide, clock
        self._held: list[Held] = []

    def handle(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        """The answer as (status, headers, body); raises NoAnswer where a wire would fall silent. Ignores delays."""
        outcome = self.strike_head() or self.receive(body, headers)
        if outcome.wire != "answer" or outcome.reply is None:
            raise NoAnswer(outcome.wire)
        return outcome.reply

    def strike_head(self) -> Outcome | None:
        """What happens before the body is read, or None to go on reading."""
        if self.faults.strike_head() is None:
            return None
        self.audit.add(Entry(self._clock(), "", 0, 0, 0, "fault:reset"))
        return Outcome("reset")

    def receive(self, body: bytes, headers: Mapping[str, str]) -> Outcome:
        """Decide about one request whose body was read."""
        now = self._clock()
        try:
            root = xml.parse(body)
        except xml.Malformed as error:
            self.audit.add(Entry(now, "", 0, len(body), 200, "unreadable"))
            return _answer(Reply(200, XML_HEADERS, answers.unreadable(stamp(now), "Malformed", str(error))))
        entry = Entry(now, xml.name(root), count_parts(root), len(body), 200, "", xml.attr(root, "EchoToken") or "")
        self.audit.add(entry)
        waiting = [held for held in self._held if held.after_next]
        fault = self.faults.strike(entry.root, holding=bool(waiting))
        outcome = self._play(fault, root, entry, headers) if fault else self._plain(root, entry, headers)
        for held in waiting:
            self._finish(held)
        return outcome

    def advance(self, now: float) -> None:
        """Let held messages take effect whose time has come."""
        for held in [held for held in self._held if held.due is not None and held.due <= now]:
            self._finish(held)

    def release(self) -> int:
        """Let every held message take effect now; how many there were."""
        waiting = list(self._held)
        for held in waiting:
            self._finish(held)
        return len(waiting)

    def held(self) -> int:
        return len(self._held)

    def _plain(self, root: xml.Node, entry: Entry, headers: Mapping[str, str]) -> Outcome:
        if not self._login.admits(headers):
            entry.status, entry.outcome = 401, "unauthorised"
            return _answer(Reply(401, {"www-authenticate": 'Basic realm="ota"'}, b""))
        return _answer(self._apply(root, entry))

    def _apply(self, root: xml.Node, entry: Entry) -> Reply:
        decision = self._decide(root)
        said = "applied" if decision.applied else "refused"
        entry.outcome = f"{entry.outcome} then {said}" if entry.outcome else said
        return Reply(200, XML_HEADERS, decision.body)

    def _finish(self, held: Held) -> None:
        self._held.remove(held)
        held.reply = self._apply(held.root, held.entry)
        if held.on_done is not None:
            held.on_done(held.reply)

    def _play(self, fault: Fault, root: xml.Node, entry: Entry, headers: Mapping[str, str]) -> Outcome:
        entry.outcome, entry.status = f"fault:{fault.kind}", 0
        effective = fault.kind in ("applied_timeout", "late", "reorder", "slow") or (
            fault.kind == "garbage" and fault.applied
        )
        if effective and not self._login.admits(headers):
            return self._plain(root, entry, headers)
        match fault.kind:
            case "reset":
                return Outcome("reset")
            case "down" if fault.mode == "reset":
                return Outcome("reset")
            case "late" | "reorder":
                return self._hold(fault, root, entry)
            case "applied_timeout":
                self._apply(root, entry)
                return Outcome("hold" if fault.hold_s else "close", delay_s=fault.hold_s)
            case "slow":
                entry.status = 200
                return Outcome("answer", self._apply(root, entry), fault.delay_s or 1.0)
        reply = self._bad_reply(fault, root, entry)
        entry.status = reply.status
        return _answer(reply)

    def _hold(self, fault: Fault, root: xml.Node, entry: Entry) -> Outcome:
        late = fault.kind == "late"
        due = self._clock() + fault.delay_s if late and fault.delay_s is not None else None
        held = Held(root, entry, due, after_next=not late)
        self._held.append(held)
        # A late message is never answered; an overtaken one is, if its sender still waits.
        return Outcome("hold", delay_s=fault.hold_s, held=None if late else held)

    def _bad_reply(self, fault: Fault, root: xml.Node, entry: Entry) -> Reply:
        match fault.kind:
            case "429":
                return Reply(429, {"retry-after": f"{fault.retry_after_s:g}"}, b"")
            case "5xx":
                return Reply(fault.status, {"content-type": "text/plain"}, b"simulated fault")
            case "down":
                return Reply(503, {"content-type": "text/plain"}, b"down")
            case "errors":
                problem = Problem(fault.type, fault.code, fault.text)
                return Reply(200, XML_HEADERS, answers.errors(entry.root, entry.echo, stamp(self._clock()), [problem]))
        if fault.applied:
            self._apply(root, entry)
        return Reply(200, XML_HEADERS, _GARBAGE)


def _answer(reply: Reply) -> Outcome:
    return Outcome("answer", reply)


def count_parts(root: xml.Node) -> int:
    """How many AvailStatusMessage, RateAmountMessage or HotelReservation parts a message carries."""
    parts = {"AvailStatusMessages", "RateAmountMessages", "HotelReservations"}
    return sum(len(node) for node in root if xml.name(node) in parts)
