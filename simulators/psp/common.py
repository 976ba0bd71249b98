"""What all five gateways have in common: answers, callbacks, books, idempotency keys and numbers."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, NamedTuple

Body = dict[str, Any]
Clock = Callable[[], int]

BEIJING = timezone(timedelta(hours=8))
TAKEN, GIVEN, ANNULLED, DISPUTED, REINSTATED = "taken", "given", "annulled", "disputed", "reinstated"
_FEE_PER_MILLE = 6


class Answer(NamedTuple):
    """HTTP status, headers (lower case), body."""

    status: int
    headers: dict[str, str]
    body: bytes


class Callback(NamedTuple):
    """A message to the merchant: headers and exact body."""

    headers: dict[str, str]
    body: bytes


class Refused(Exception):
    """The gateway says no: the status and body of its answer."""

    def __init__(self, status: int, body: Body) -> None:
        super().__init__(f"{status}")
        self.status = status
        self.body = body


class NotHere(ValueError):
    """What was asked of a simulator that its gateway has not, or not any more."""


class Movement(NamedTuple):
    """Money that moved. ``amount`` is positive, in the gateway's smallest unit; ``reference`` is the merchant's.

    ``number`` is theirs of the movement, ``payment`` theirs of the payment.
    """

    kind: str
    number: str
    payment: str
    reference: str
    amount: int
    currency: str
    at_s: int

    @property
    def fee(self) -> int:
        """What the gateway keeps of a payment, and gives back of a refund: 0.6 percent, in whole units."""
        return (self.amount * _FEE_PER_MILLE + 500) // 1_000

    @property
    def signed(self) -> int:
        """The amount from the merchant's side."""
        return self.amount if self.kind in (TAKEN, REINSTATED) else -self.amount


class Psp(ABC):
    """One account at a gateway: its state, what it has to tell, and its books.

    With ``slow`` results stay pending until :meth:`settle`. ``home`` is the address of its own pages. ``now_s`` is its
    clock, in Unix seconds.
    """

    def __init__(self, now_s: Clock) -> None:
        self.events: list[Body] = []
        self.movements: list[Movement] = []
        self.slow = False
        self.home = "https://psp.invalid"
        self._now_s = now_s
        self._numbers = Numbers()
        self._targets: list[str] = []
        self._later: list[Callable[[bool], None]] = []

    @abstractmethod
    def serve(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer to one call of its interface."""

    @abstractmethod
    def signed(self, *events: Body) -> Callback:
        """The message that tells of an event (at Adyen of several), signed now."""

    @abstractmethod
    def acknowledged(self, answer: Answer) -> bool:
        """Whether a merchant's answer ends the repetitions."""

    @abstractmethod
    def pay(self, order: str, succeeds: bool = True) -> None:
        """The guest pays an order that waits for them, or fails to; ``order`` is the merchant's reference of it."""

    def dispute(self, payment: str) -> None:
        """The guest's bank takes a payment back; ``payment`` is the gateway's number of it."""
        raise NotHere(f"{type(self).__name__} tells of no disputes by callback")

    def end_dispute(self, payment: str, won: bool) -> None:
        """The dispute is decided."""
        raise NotHere(f"{type(self).__name__} tells of no disputes by callback")

    def back(self, order: str) -> tuple[str, Body]:
        """Where the guest's browser goes after an order was paid, and the fields it then posts; nowhere if empty."""
        return "", {}

    def settle(self, succeeds: bool = True) -> None:
        """Everything that is pending comes to its end."""
        waiting, self._later = self._later, []
        for end in waiting:
            end(succeeds)

    def moved(self) -> tuple[int, int]:
        """What was taken and what was given back, over all payments."""
        sums = dict.fromkeys((TAKEN, GIVEN, ANNULLED), 0)
        for movement in self.movements:
            sums[movement.kind] = sums.get(movement.kind, 0) + movement.amount
        return sums[TAKEN] - sums[ANNULLED], sums[GIVEN]

    def target(self, place: int) -> str:
        """Where the event at a place of ``events`` goes; empty for the one address of the account."""
        return self._targets[place]

    def _tell(self, event: Body, to: str = "") -> None:
        """A snapshot: what it says does not change when the object does."""
        self.events.append(json.loads(json.dumps(event)))
        self._targets.append(to)

    def _move(self, kind: str, number: str, payment: str, reference: str, amount: int, currency: str) -> None:
        self.movements.append(Movement(kind, number, payment, reference, amount, currency, self._now_s()))

    def _end(self, end: Callable[[bool], None]) -> None:
        """Now, or once it is settled."""
        if self.slow:
            self._later.append(end)
        else:
            end(True)

    def _on(self, day: str) -> list[Movement]:
        """The movements of a day in Beijing, ``YYYY-MM-DD``."""
        return [one for one in self.movements if beijing(one.at_s, "%Y-%m-%d") == day]


class Kept:
    """Answers by idempotency key: the same request gets the same one again, another is told off."""

    def __init__(self, answers: dict[str, tuple[str, Answer]] | None = None) -> None:
        self.answers = answers or {}

    def find(self, key: str, request: bytes) -> Answer | None:
        """Raises :class:`KeyError` where the key was used for something else."""
        kept = self.answers.get(key)
        if kept is None:
            return None
        if kept[0] != _digest(request):
            raise KeyError(key)
        return kept[1]

    def keep(self, key: str, request: bytes, given: Answer) -> None:
        self.answers[key] = (_digest(request), given)


class Numbers:
    """Ids that look like theirs and never repeat."""

    def __init__(self) -> None:
        self.used = 0

    def next(self, prefix: str, width: int = 16) -> str:
        self.used += 1
        return f"{prefix}{self.used:0{width}d}"


def answer(status: int, body: Body, **headers: str) -> Answer:
    """In JSON."""
    return Answer(status, {"content-type": "application/json", **headers}, json.dumps(body).encode())


def header(headers: Mapping[str, str], name: str) -> str:
    """A header by its name in lower case."""
    return {key.lower(): value for key, value in headers.items()}.get(name, "")


def beijing(at_s: int, pattern: str) -> str:
    """An instant as it is written there, without a zone."""
    return datetime.fromtimestamp(at_s, UTC).astimezone(BEIJING).strftime(pattern)


def yuan(fen: int) -> str:
    """``24100 -> "241.00"``, of either sign."""
    sign, value = ("-" if fen < 0 else ""), abs(fen)
    return f"{sign}{value // 100}.{value % 100:02d}"


def fen(text: str) -> int:
    """``"241.00" -> 24100``; raises :class:`ValueError` for anything but two places."""
    whole, point, rest = text.partition(".")
    if not point or len(rest) != 2 or not (whole + rest).isdecimal():
        raise ValueError(f"{text!r} is not an amount in yuan")
    return int(whole + rest)


def _digest(request: bytes) -> str:
    return hashlib.sha256(request).hexdigest()
