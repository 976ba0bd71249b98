"""The audit of a channel, against an oracle that looks at every cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.engine.calendar import NO_LIMIT, NO_PRICE, Sheet
from gateway.engine.drift import Drift, Why, compare
from gateway.engine.hotel import Hotel
from gateway.engine.loaded import Slot
from gateway.engine.plan import CONFIRMED, DIRTY, DOUBT, NEVER, REFUSED
from gateway.engine.view import LAYOUT_OF, Channel
from gateway.model.ari import Aspect
from gateway.model.dates import BLOCK_DAYS
from tests.engine.push_house import TODAY, Nights
from tests.engine.test_view import CALENDARS, setups

WINDOW = (TODAY + 1, TODAY + 40)
BLOCKS = range(WINDOW[0] // BLOCK_DAYS, WINDOW[1] // BLOCK_DAYS + 1)
WHY = {
    NEVER: Why.NEVER_SENT,
    CONFIRMED: Why.DIFFERS,
    DOUBT: Why.IN_DOUBT,
    DIRTY: Why.WAITING,
    REFUSED: Why.REFUSED,
}
ALWAYS_TOLD = ("limit", "closed")
_Cell = tuple[str, str, int, str, int, int | None, int | None, Why]


def _told(view: Sheet, random: Random, wider: int) -> Sheet:
    """What a channel in sync holds, but for some cells; ``wider`` if it was written down for more guests."""
    told = Sheet(view.layout, view.keys, view.guests + wider)
    for name, values in view.columns.items():
        if values.ndim == 3:
            told.columns[name][..., : view.guests] = values
        else:
            told.columns[name][:] = values
    told.columns["sync"][:] = CONFIRMED
    for _ in range(random.randrange(12)):
        row, day = random.randrange(len(view.keys)), random.randrange(BLOCK_DAYS)
        told.columns["sync"][row, day] = random.choice((NEVER, CONFIRMED, DOUBT, DIRTY, REFUSED))
        values = told.columns[random.choice(sorted(set(told.columns) - {"sync"}))]
        values[row, day] = random.choice((values.flat[0], 1, 2))
    return told


def _held(told: Sheet, random: Random) -> dict[Slot, bytes]:
    rows = zip(told.keys, told.pack(range(len(told.keys))), strict=True)
    return {(key[0], key[1], key[2]): body for key, body in rows if random.random() < 0.8}


def _value(name: str, value: int) -> int | None:
    absent = NO_LIMIT if name == "limit" else NO_PRICE if name in ("price", "extra_adult", "extra_child") else None
    return None if value == absent else value


@settings(max_examples=100, deadline=None)
@given(CALENDARS, setups(), st.randoms(use_true_random=False), st.integers(0, 1))
def test_what_drifted_is_what_each_cell_says(
    nights: Nights, made: tuple[Hotel, Channel], random: Random, wider: int
) -> None:
    hotel, channel = made
    calendar = nights.calendar(hotel.guests)
    for aspect in channel.aspects:
        slots = sorted(channel.all_slots(aspect, BLOCKS))
        wanted = channel.view(aspect, slots, calendar)
        stored = _held(_told(wanted, random, wider), random)
        shadow = Sheet.load(LAYOUT_OF[aspect], channel.guests, slots, list(stored.items()))
        cells, drifted, told = _looked_at(channel, aspect, wanted, shadow)
        found = compare(channel, aspect, channel.view(aspect, slots, calendar), stored, WINDOW)
        assert found.cells == cells
        assert found.by_why == Counter(drifted.values())
        assert Counter(_days(found.drifts)) == Counter(told)
        assert {(each.room, each.plan, day) for each in found.ordered for day in range(each.first, each.last + 1)} == {
            *drifted
        }


def _looked_at(
    channel: Channel, aspect: Aspect, wanted: Sheet, shadow: Sheet
) -> tuple[int, dict[tuple[str, str, int], Why], list[_Cell]]:
    """How many cells there are, which of them drifted and why, and what is told of them."""
    fields = {
        Aspect.LIMIT: ("limit",),
        Aspect.RULES: channel.rule_fields,
        Aspect.PRICES: channel.price_fields,
    }[aspect]
    cells, drifted, told = 0, {}, []
    for row, (room, plan, block) in enumerate(wanted.keys):
        for day in range(BLOCK_DAYS):
            at = block * BLOCK_DAYS + day
            priced = aspect is not Aspect.PRICES or (wanted.columns["price"][row, day] != NO_PRICE).any()
            if not WINDOW[0] <= at <= WINDOW[1] or not priced:
                continue
            cells += 1
            state = int(shadow.columns["sync"][row, day])
            values = [
                (name, guests if values.ndim == 3 else 0, want, hold)
                for name in fields
                for values in (wanted.columns[name],)
                for guests, (want, hold) in enumerate(
                    zip(values[row, day].flat, shadow.columns[name][row, day].flat, strict=True), 1
                )
            ]
            if state == CONFIRMED and all(want == hold for _, _, want, hold in values):
                continue
            drifted[room, plan, at] = WHY[state]
            for name, guests, want, hold in values:
                matters = name in ALWAYS_TOLD or want > 0
                if want != hold or (state != CONFIRMED and matters):
                    was = None if state in (NEVER, REFUSED) else _value(name, int(hold))
                    told.append((room, plan, at, name, guests, _value(name, int(want)), was, WHY[state]))
    return cells, drifted, told


def _days(drifts: Iterable[Drift]) -> list[_Cell]:
    return [
        (each.room, each.plan, day, each.field, each.guests, each.wanted, each.held, each.why)
        for each in drifts
        for day in range(each.first, each.last + 1)
    ]
