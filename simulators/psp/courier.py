"""Carries a gateway's callbacks until the merchant acknowledges them in the gateway's own shape.

Faults decide how often each comes and in what order. Nothing waits here: whoever drives it asks for what is due.
"""

import random
from collections.abc import Awaitable, Callable

import msgspec

from simulators.outbox import Item, Outbox, Retry
from simulators.psp.common import Answer, Callback, Psp

Send = Callable[[str, Callback], Awaitable[Answer]]


class NoAnswer(Exception):
    """The merchant was not reached, or did not answer in time."""


class Faults(msgspec.Struct, forbid_unknown_fields=True):
    """What goes wrong, until it is switched otherwise.

    ``lose_answers``: so many calls take effect, and nobody is told. ``refuse``: so many calls are answered with 503
    before anything has happened. ``copies``: how often each callback is sent. ``shuffle``: callbacks go out in any
    order. ``withhold``: none goes out.
    """

    lose_answers: int = 0
    refuse: int = 0
    copies: int = 1
    shuffle: bool = False
    withhold: bool = False


class Courier:
    """The outbox of one gateway. ``callback_url`` is the account's address, for events that name none."""

    def __init__(self, psp: Psp, callback_url: str = "", retry: Retry | None = None, seed: int = 1) -> None:
        self.faults = Faults()
        self.outbox = Outbox(retry or Retry(), seed)
        self.callback_url = callback_url
        self._psp, self._dice = psp, random.Random(seed)
        self._seen = len(psp.events)  # what was told by the process before

    def collect(self) -> None:
        """What has happened since is to be told, to those who want to be told of it."""
        events = range(self._seen, len(self._psp.events))
        fresh = [
            Item(f"{place}/{copy}", f"{place}/{copy}", {"place": place})
            for place in events
            if self._address(place)
            for copy in range(self.faults.copies)
        ]
        self._seen = len(self._psp.events)
        if self.faults.shuffle:
            self._dice.shuffle(fresh)
        for item in fresh:
            self.outbox.put(item)

    def due(self, now_s: float) -> list[Item]:
        """What is to be sent now; each of them is settled by :meth:`deliver`."""
        self.collect()
        return [] if self.faults.withhold else self.outbox.due(now_s)

    async def deliver(self, item: Item, send: Send, now_s: float) -> bool:
        """One attempt, signed now; whether it was acknowledged."""
        place = int(str(item.about["place"]))
        self.outbox.started(item)
        try:
            answer = await send(self._address(place), self._psp.signed(self._psp.events[place]))
        except NoAnswer:
            self.outbox.failed(item, now_s)
            return False
        if not self._psp.acknowledged(answer):
            self.outbox.failed(item, now_s)
            return False
        self.outbox.ended(item)
        return True

    async def deliver_due(self, send: Send, now_s: float) -> int:
        """Everything that is due, one after the other; how many were acknowledged."""
        return sum([await self.deliver(item, send, now_s) for item in self.due(now_s)])

    def _address(self, place: int) -> str:
        return self._psp.target(place) or self.callback_url
