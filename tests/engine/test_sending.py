"""Messages out of differences, and what each answer leaves behind in the shadow."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.contract import Accepted, Confirmed, Outcome, Refused, Unknown
from gateway.engine.calendar import Sheet
from gateway.engine.loaded import Slot
from gateway.engine.plan import CONFIRMED, DIRTY, DOUBT, NEVER, REFUSED, Difference, Shadow, difference
from gateway.engine.sending import Parcel, held_before, intend, parcels, postpone, settle, take_back, undo
from gateway.engine.view import LAYOUT_OF
from gateway.model.ari import Aspect
from gateway.model.dates import BLOCK_DAYS
from tests.engine.push_house import house

BLOCK = 23_123
FIRST = BLOCK * BLOCK_DAYS
NOW_MS, HOLD_MS, DOUBT_MS, RETRY_MS = 1_000, 9_000, 5_000, 90_000
_, CHANNEL = house()


def _limits(limits: list[int], sync: int = NEVER, held: int = -1, hold_ms: int = 0) -> Difference:
    """A row whose days want ``limits``; the days after them are confirmed as they should be."""
    sheet = Sheet(LAYOUT_OF[Aspect.LIMIT], [("d", "", BLOCK)], 1)
    view = Sheet(LAYOUT_OF[Aspect.LIMIT], sheet.keys, 1)
    count = len(limits)
    view.columns["limit"][:] = 1
    view.columns["limit"][0, :count] = limits
    sheet.columns["limit"][:] = 1
    sheet.columns["limit"][0, :count] = held
    sheet.columns["sync"][:] = CONFIRMED
    sheet.columns["sync"][0, :count] = sync
    shadow = Shadow(Aspect.LIMIT, sheet, np.array([hold_ms], np.int64))
    return difference(CHANNEL, shadow, view, (FIRST, FIRST + 31), NOW_MS)


def _send(parcel: Parcel, overall: Outcome, by_part: dict[int, Outcome] | None = None) -> list[int]:
    """The whole way of one message; gives back the parts that were refused."""
    before = held_before(parcel)
    intend(parcel, HOLD_MS)
    settled = settle(parcel, overall, by_part or {}, before, doubt_until_ms=DOUBT_MS, retry_at_ms=RETRY_MS)
    return [part.run for part, _ in settled.refused]


def _first(parcel: Parcel) -> Shadow:
    return parcel.content[0].of.shadow


# --- parcels ----------------------------------------------------------------------------------------------------------


def _mixed() -> list[Difference]:
    slots: dict[Aspect, list[Slot]] = {
        Aspect.PRICES: [("d", "bar", BLOCK)],
        Aspect.RULES: [("d", "bar", BLOCK)],
        Aspect.LIMIT: [("d", "", BLOCK)],
    }
    found = []
    for aspect, keys in slots.items():
        shadow = Shadow.load(aspect, 2, keys, [])
        view = Sheet(LAYOUT_OF[aspect], keys, 2)
        if aspect is Aspect.PRICES:
            view.columns["price"][:] = (100 + np.arange(32) // 16)[None, :, None]
        elif aspect is Aspect.RULES:
            view.columns["closed"][:] = np.arange(32) // 8 % 2
        else:
            view.columns["limit"][:] = np.arange(32) // 4 % 2
        found.append(difference(CHANNEL, shadow, view, (FIRST, FIRST + 31), NOW_MS))
    return found


@pytest.mark.parametrize("parts_max", [1, 2, 3, 4, 5, 7, 100])
def test_closings_go_first_then_prices_then_openings(parts_max: int) -> None:
    sent = parcels(_mixed(), parts_max)
    kinds = [(parcel.rates, parcel.urgent) for parcel in sent]
    order = [(False, True), (True, False), (False, False)]
    assert kinds == sorted(kinds, key=order.index)
    by_kind = {
        kind: [part for parcel in sent if (parcel.rates, parcel.urgent) == kind for part in parcel.parts]
        for kind in order
    }
    assert [len(parts) for parts in by_kind.values()] == [2 + 4, 2, 2 + 4]
    for kind, parts in by_kind.items():
        sizes = [len(parcel) for parcel in sent if (parcel.rates, parcel.urgent) == kind]
        assert sizes == [parts_max] * (len(parts) // parts_max) + (
            [len(parts) % parts_max] if len(parts) % parts_max else []
        )
    for part in by_kind[False, True]:
        assert part.update.settings[0].value == (0 if part.of.aspect is Aspect.LIMIT else 1)
        assert part.of.urgent[part.run]
    said = [part.update for parts in by_kind.values() for part in parts]
    assert len(set(said)) == len(said) == 14


def test_parts_say_their_own_runs() -> None:
    for parcel in parcels(_mixed(), 4):
        assert len(parcel.parts) == len(parcel)
        for part in parcel.parts:
            start, stop = int(part.of.starts[part.run]), int(part.of.stops[part.run])
            assert (part.update.first, part.update.last) == (FIRST + start, FIRST + stop - 1)


def test_nothing_to_say_makes_no_parcel() -> None:
    assert parcels([], 5) == []
    assert parcels([_limits([1], CONFIRMED, 1)], 5) == []


def _complete(sync: int) -> list[Parcel]:
    """Three nights: one to be lowered, one to be raised, one as it was; and prices to be told."""
    limits = _limits([0, 4, 2], sync, 2)
    prices = next(of for of in _mixed() if of.aspect is Aspect.PRICES)
    whole = difference(CHANNEL, limits.shadow, limits.view, (FIRST, FIRST + 31), NOW_MS, complete=True)
    return parcels([whole, prices], 9, complete=True)


def _told(parcel: Parcel) -> list[int]:
    """The limits of the first nights that a complete set says."""
    said = {day: part.update for part in parcel.parts for day in range(part.update.first, part.update.last + 1)}
    return [said[FIRST + night].settings[0].value for night in range(4)]


def test_a_complete_set_that_lowers_opens_nothing_before_the_prices_are_told() -> None:
    first, prices, last = _complete(CONFIRMED)
    assert (first.complete, prices.rates, last.complete) == (True, True, True)
    assert (first.urgent, last.urgent) == (True, False)
    assert _told(first) == [0, 2, 2, 1]
    assert _told(last) == [0, 4, 2, 1]


def test_what_was_never_told_is_not_open_in_the_first_complete_set() -> None:
    first, _, last = _complete(NEVER)
    assert _told(first) == [0, 0, 0, 1]
    assert _told(last) == [0, 4, 2, 1]


def test_what_a_complete_set_keeps_back_is_due_until_it_is_told() -> None:
    first, _, last = _complete(CONFIRMED)
    _send(first, Confirmed())
    assert _first(first).sync[:4].tolist() == [CONFIRMED, DIRTY, CONFIRMED, CONFIRMED]
    _send(last, Confirmed())
    assert set(_first(last).sync.tolist()) == {CONFIRMED}
    assert _first(last).sheet.columns["limit"][0, :4].tolist() == [0, 4, 2, 1]


# --- answers ----------------------------------------------------------------------------------------------------------


def test_an_intent_is_in_doubt_with_the_value_that_is_about_to_be_said() -> None:
    (parcel,) = parcels([_limits([0, 0])], 9)
    (touched,) = intend(parcel, HOLD_MS)
    assert touched.rows.tolist() == [0]
    assert touched.shadow.sync.tolist() == [DOUBT] * 2 + [CONFIRMED] * 30
    assert touched.shadow.sheet.columns["limit"][0, :3].tolist() == [0, 0, 1]
    assert touched.shadow.due_ms(0) == HOLD_MS


def test_each_part_has_an_outcome_of_its_own() -> None:
    (parcel,) = parcels([_limits([2, 3, 4, 5])], 9)
    refused = _send(parcel, Confirmed(), {1: Refused("x", "no"), 2: Unknown(), 3: Accepted("r", 7_000)})
    shadow = _first(parcel)
    assert refused == [1]
    assert shadow.sync[:5].tolist() == [CONFIRMED, REFUSED, DOUBT, DOUBT, CONFIRMED]
    assert shadow.due_ms(0) == RETRY_MS  # one instant for the row: the latest


@pytest.mark.parametrize(
    ("overall", "state", "due"),
    [
        (Confirmed(), CONFIRMED, None),
        (Refused("x", "no"), REFUSED, RETRY_MS),
        (Unknown(), DOUBT, DOUBT_MS),
        (Accepted("r", 7_000), DOUBT, 7_000),
    ],
)
def test_an_answer_for_the_whole_message(overall: Outcome, state: int, due: int | None) -> None:
    (parcel,) = parcels([_limits([2, 3])], 9)
    refused = _send(parcel, overall)
    assert _first(parcel).sync[:2].tolist() == [state] * 2
    assert _first(parcel).due_ms(0) == due
    assert refused == ([0, 1] if state == REFUSED else [])


def test_indexes_of_parts_run_on_over_aspects() -> None:
    closing = parcels(_mixed(), 9)[0]
    refused = _send(closing, Confirmed(), {2: Refused("x", "no")})
    of_rules, of_limits = (some.of.shadow for some in closing.content)
    assert len(closing.content[0].runs) == 2
    assert (of_rules.sync == REFUSED).sum() == 0
    assert np.flatnonzero(of_limits.sync == REFUSED).tolist() == [0, 1, 2, 3]
    assert refused == [int(closing.content[1].runs[0])]


def test_what_lingers_stays_in_doubt_when_confirmed_and_is_asserted_again() -> None:
    found = _limits([2], DOUBT, 3, hold_ms=4_000)
    (parcel,) = parcels([found], 9)
    _send(parcel, Confirmed())
    assert found.shadow.sync[0] == DOUBT
    assert found.shadow.due_ms(0) == 4_000
    assert not len(difference(CHANNEL, found.shadow, found.view, (FIRST, FIRST + 31), 3_999).starts)
    (again,) = parcels([difference(CHANNEL, found.shadow, found.view, (FIRST, FIRST + 31), 4_000)], 9)
    _send(again, Confirmed())
    assert found.shadow.sync[0] == CONFIRMED


def test_parcels_that_share_a_row_leave_each_other_s_doubt_alone() -> None:
    one, two, three = parcels([_limits([2, 3, 4])], 1)
    shadow = _first(one)
    postpone([two, three])
    _send(one, Unknown())
    assert shadow.sync[:3].tolist() == [DOUBT, DIRTY, DIRTY]
    assert shadow.hold_ms.tolist() == [DOUBT_MS]
    _send(two, Confirmed())
    assert shadow.sync[:3].tolist() == [DOUBT, CONFIRMED, DIRTY]
    assert shadow.hold_ms.tolist() == [DOUBT_MS]  # the first one's, not the second one's
    before = held_before(three)
    intend(three, HOLD_MS)
    assert shadow.hold_ms.tolist() == [HOLD_MS]
    undo(before)
    assert shadow.sync[:3].tolist() == [DOUBT, CONFIRMED, DIRTY]
    assert shadow.hold_ms.tolist() == [DOUBT_MS]
    _send(three, Confirmed())
    assert shadow.due_ms(0) == DOUBT_MS


def test_what_certainly_did_not_arrive_is_as_before_and_due_at_once() -> None:
    found = _limits([2, 3], CONFIRMED, 5, hold_ms=4_000)
    (parcel,) = parcels([found], 9)
    before = held_before(parcel)
    intend(parcel, HOLD_MS)
    (touched,) = undo(before)
    assert touched.rows.tolist() == [0]
    assert found.shadow.sync[:3].tolist() == [DIRTY, DIRTY, CONFIRMED]
    assert found.shadow.sheet.columns["limit"][0, :3].tolist() == [5, 5, 1]
    assert found.shadow.hold_ms.tolist() == [4_000]
    again = difference(CHANNEL, found.shadow, found.view, (FIRST, FIRST + 31), NOW_MS)
    assert again.urgent.tolist() == [True, True]  # still a lowering


@pytest.mark.parametrize("way", ["undone", "postponed"])
def test_doubt_outlasts_a_message_that_was_not_sent(way: str) -> None:
    """An older request may still land, whatever became of the newer one."""
    found = _limits([2], DOUBT, 3, hold_ms=4_000)
    (parcel,) = parcels([found], 9)
    if way == "undone":
        before = held_before(parcel)
        intend(parcel, HOLD_MS)
        undo(before)
    else:
        postpone([parcel])
    assert found.shadow.due_ms(0) == 0
    (again,) = parcels([difference(CHANNEL, found.shadow, found.view, (FIRST, FIRST + 31), NOW_MS)], 9)
    _send(again, Confirmed())
    assert found.shadow.sync[0] == DOUBT
    assert found.shadow.due_ms(0) == 4_000


def test_postponing_marks_every_waiting_cell_and_nothing_else() -> None:
    found = _limits([2, 3, 4])
    touched = postpone(parcels([found], 1)[1:])
    assert [each.rows.tolist() for each in touched] == [[0]]
    assert found.shadow.sync.tolist() == [NEVER, DIRTY, DIRTY] + [CONFIRMED] * 29
    assert postpone([]) == []


@pytest.mark.parametrize("count", [1, 2])
def test_what_a_message_did_not_carry_is_as_before_and_due_at_once(count: int) -> None:
    found = _limits([2, 3, 4], CONFIRMED, 9)
    (parcel,) = parcels([found], 9)
    before = held_before(parcel)
    intend(parcel, HOLD_MS)
    said, left = parcel.divided(count)
    assert left is not None
    assert [*said.parts, *left.parts] == list(parcel.parts)
    settle(said, Unknown("lost"), {}, before, doubt_until_ms=DOUBT_MS, retry_at_ms=RETRY_MS)
    take_back(left, before)
    assert found.shadow.sync[:3].tolist() == [DOUBT] * count + [DIRTY] * (3 - count)
    assert found.shadow.sheet.columns["limit"][0, :3].tolist() == [*[2, 3, 4][:count], *[9] * (3 - count)]
    _send(left, Confirmed())
    assert found.shadow.sync[:3].tolist() == [DOUBT] * count + [CONFIRMED] * (3 - count)


def test_a_message_that_carries_everything_leaves_nothing() -> None:
    (parcel,) = parcels([_limits([2, 3])], 9)
    assert parcel.divided(2) == (parcel, None)
    assert parcel.divided(9) == (parcel, None)
