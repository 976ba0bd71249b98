"""A gateway that moves the money of one payment, and the facts it states about that, to compare the ledger with."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

from gateway.engine.ledger import COUNTED, Ledger, LedgerEvent, Novelty, novelty
from gateway.model.payment import FactKind, FactSource

K = FactKind
SOURCES = (FactSource.REPLY, FactSource.CALLBACK, FactSource.QUERY)


@dataclass
class World:
    """What has really happened, in minor units."""

    held: int = 0
    captured: int = 0
    released: int = 0
    refunded: int = 0
    charged_back: int = 0
    events: list[LedgerEvent] = field(default_factory=list)

    def say(self, kind: FactKind, key: str, amount: int, *, at_ms: int | None = None, rest: bool = False) -> None:
        self.events.append(LedgerEvent(kind=kind, key=key, amount=amount, currency="EUR", at_ms=at_ms, rest=rest))

    @property
    def left(self) -> int:
        return self.held - self.captured - self.released


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A hold with failed attempts before it, changed totals, captures, refunds and their failures, disputes."""
    world = World()
    for attempt in range(draw(st.integers(0, 2))):
        world.say(K.PAYMENT_FAILED, f"try{attempt}", 100)
    if draw(st.booleans()):
        world.say(draw(st.sampled_from([K.CLOSED, K.PAYMENT_FAILED])), "order", 100)
    world.held = draw(st.integers(1, 500))
    world.say(K.AUTHORISED, "hold", world.held)
    for step in range(draw(st.integers(0, 2))):
        world.held = draw(st.integers(1, 800))
        world.say(K.AUTHORISATION_ADJUSTED, f"adjust{step}", world.held, at_ms=1000 + step)
    for step in range(draw(st.integers(0, 3))):
        _capture(draw, world, step)
    _release(draw, world)
    for step in range(draw(st.integers(0, 4))):
        _refund(draw, world, step)
    _dispute(draw, world)
    return world


def _capture(draw: st.DrawFn, world: World, step: int) -> None:
    if world.left < 1:
        return
    amount = draw(st.integers(1, world.left))
    world.say(K.CAPTURED, f"capture{step}", amount)
    if draw(st.integers(0, 3)) == 0:
        world.say(K.CAPTURE_FAILED, f"capture{step}", amount)
    else:
        world.captured += amount


def _release(draw: st.DrawFn, world: World) -> None:
    left = world.left
    how = draw(st.sampled_from(["none", "part", "whole", "rest", "both"]))
    if how == "none" or left < 1:
        return
    amount = draw(st.integers(1, left)) if how in ("part", "both") else left
    if how == "rest":
        world.say(K.VOIDED, "release", world.captured, rest=True)
    else:
        world.say(K.VOIDED, "release", amount)
    if how == "both":
        world.say(K.EXPIRED, "release", amount)
    world.released += amount


def _refund(draw: st.DrawFn, world: World, step: int) -> None:
    room = world.captured - world.refunded
    if room < 1:
        return
    amount = draw(st.integers(1, room))
    key = f"refund{step}"
    if draw(st.booleans()):
        world.say(K.REFUND_PENDING, key, amount)
    world.say(K.REFUNDED, key, amount)
    if undone := draw(st.sampled_from([None, None, K.REFUND_FAILED, K.REFUND_REVERSED])):
        world.say(undone, key, amount)
    else:
        world.refunded += amount


def _dispute(draw: st.DrawFn, world: World) -> None:
    if not world.captured or draw(st.booleans()):
        return
    world.say(K.DISPUTE_OPENED, "dispute", world.captured)
    world.say(K.DISPUTE_FUNDS_WITHDRAWN, "dispute", world.captured)
    world.charged_back = world.captured
    if draw(st.booleans()):
        world.say(K.DISPUTE_FUNDS_REINSTATED, "dispute", world.captured)
        world.say(K.DISPUTE_WON, "dispute", world.captured)
        world.charged_back = 0


def take(ledger: Ledger, event: LedgerEvent) -> tuple[Ledger, Novelty]:
    """The ledger after an event has been told, as the store keeps it."""
    known = ledger.get((event.kind, event.key))
    found = novelty(known, event)
    return ({**ledger, (event.kind, event.key): event} if found is Novelty.NEW else ledger), found


def counted(events: list[LedgerEvent]) -> list[LedgerEvent]:
    """Those whose amounts are added up."""
    return [event for event in events if event.kind in COUNTED]
