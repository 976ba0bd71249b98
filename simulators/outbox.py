"""What a simulator is waiting to send, with its retries. No sockets, no waiting: the courier asks what is due.

Items of one lane go one after the other: the next only once the one before has ended.
"""

import random
from collections import deque
from itertools import islice

import msgspec


class Retry(msgspec.Struct, forbid_unknown_fields=True):
    """Backoff of one simulator's own sending. Times in seconds; `attempts_max` 0 means without end.

    `on_errors`: an OTA Errors answer is tried again too (else the item ends as refused).
    """

    enabled: bool = True
    first_s: float = 0.2
    factor: float = 2.0
    max_s: float = 30.0
    jitter: float = 0.1
    attempts_max: int = 0
    on_errors: bool = True
    timeout_s: float = 10.0

    def wait_s(self, attempts: int, dice: random.Random) -> float:
        """How long to wait after the given number of failed attempts (at least one)."""
        wait = min(self.max_s, self.first_s * self.factor ** min(attempts - 1, 64))
        return wait * (1 + self.jitter * dice.random())


class Item(msgspec.Struct):
    """One message to send. `about` is what the simulator needs to build it and to book its answer.

    `body`, when there, is what the first attempt sends; with `frozen`, every attempt.
    """

    key: str
    lane: str
    about: dict[str, object]
    body: str | None = None
    frozen: bool = False
    not_before: float = 0.0
    attempts: int = 0

    def fixed_body(self) -> bytes | None:
        """The bytes that must be sent as they are, or None where they are built at sending."""
        return self.body.encode() if self.body is not None and (self.frozen or self.attempts == 0) else None


class Outbox:
    """Items by lane, in order of arrival, and which of them a courier has out now."""

    def __init__(self, retry: Retry, seed: int = 0) -> None:
        self.retry = retry
        self._dice = random.Random(seed)
        self._lanes: dict[str, deque[Item]] = {}
        self._sending: set[str] = set()

    def put(self, item: Item) -> None:
        self._lanes.setdefault(item.lane, deque()).append(item)

    def due(self, now: float, at_most: int | None = None) -> list[Item]:
        """The head of each lane whose time has come and which is not out already; the first `at_most` of them."""
        heads = (lane[0] for lane in self._lanes.values())
        return list(islice((one for one in heads if one.not_before <= now and one.key not in self._sending), at_most))

    def started(self, item: Item) -> None:
        self._sending.add(item.key)

    def interrupted(self, item: Item) -> None:
        """The courier was stopped with the item out: its outcome is unknown, and it is due again."""
        self._sending.discard(item.key)

    def ended(self, item: Item) -> None:
        """Acknowledged or given up: it leaves the outbox, and its lane goes on."""
        self._sending.discard(item.key)
        lane = self._lanes[item.lane]
        lane.remove(item)
        if not lane:
            del self._lanes[item.lane]

    def failed(self, item: Item, now: float, wait_s: float | None = None) -> bool:
        """Schedule the next attempt; False (and gone) where there is none. `wait_s` is a wish of the receiver."""
        self._sending.discard(item.key)
        item.attempts += 1
        exhausted = self.retry.attempts_max and item.attempts >= self.retry.attempts_max
        if exhausted or not self.retry.enabled:
            self.ended(item)
            return False
        item.not_before = now + max(self.retry.wait_s(item.attempts, self._dice), wait_s or 0.0)
        return True

    def hurry(self) -> None:
        """Everything waiting for a later attempt is due now."""
        for item in self.waiting():
            if item.attempts:
                item.not_before = 0.0

    def waiting(self) -> list[Item]:
        return [item for lane in self._lanes.values() for item in lane]

    def restore(self, items: list[Item]) -> None:
        self._lanes = {}
        for item in items:
            self.put(item)
