"""The states of a cell: what is sent in each of them, what is urgent, what is let go."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gateway.engine.calendar import NO_LIMIT, NO_PRICE, Sheet
from gateway.engine.loaded import Slot
from gateway.engine.plan import CONFIRMED, DIRTY, DOUBT, NEVER, REFUSED, Difference, Shadow, difference, left_view
from gateway.engine.view import LAYOUT_OF, Channel
from gateway.model.ari import Aspect, Field
from gateway.model.dates import BLOCK_DAYS
from tests.engine.push_house import EVERYTHING, all_updates, house, said

NOW_MS = 1_000_000
LATER, PAST = NOW_MS + 1, NOW_MS
BLOCK = 23_123
FIRST = BLOCK * BLOCK_DAYS
SLOT: Slot = ("d", "", BLOCK)
PRODUCT_SLOT: Slot = ("d", "bar", BLOCK)
WHOLE = (FIRST, FIRST + BLOCK_DAYS - 1)


def _channel(**capabilities: Any) -> Channel:
    return house(None, capabilities)[1]


def _shadow(aspect: Aspect, sync: int, hold_ms: int = 0, **values: Any) -> Shadow:
    sheet = Sheet(LAYOUT_OF[aspect], [SLOT if aspect is Aspect.LIMIT else PRODUCT_SLOT], 2)
    for name, value in values.items():
        sheet.columns[name][:] = value
    sheet.columns["sync"][:] = sync
    return Shadow(aspect, sheet, np.array([hold_ms], np.int64))


def _view(shadow: Shadow, **values: Any) -> Sheet:
    view = Sheet(shadow.sheet.layout, shadow.sheet.keys, shadow.sheet.guests)
    for name, value in values.items():
        view.columns[name][:] = value
    return view


def _limits(sync: int, hold_ms: int, held: int, wanted: int, **more: Any) -> Difference:
    shadow = _shadow(Aspect.LIMIT, sync, hold_ms, limit=held)
    return difference(_channel(), shadow, _view(shadow, limit=wanted), WHOLE, NOW_MS, **more)


@pytest.mark.parametrize(
    ("sync", "hold_ms", "changed", "sent", "lingers"),
    [
        (NEVER, 0, False, True, False),
        (CONFIRMED, 0, False, False, False),
        (CONFIRMED, LATER, False, False, False),
        (CONFIRMED, 0, True, True, False),
        (CONFIRMED, LATER, True, True, False),
        (DOUBT, LATER, False, False, True),
        (DOUBT, PAST, False, True, False),
        (DOUBT, LATER, True, True, True),
        (DOUBT, PAST, True, True, False),
        (DIRTY, 0, False, True, False),
        (DIRTY, LATER, False, True, True),
        (DIRTY, LATER, True, True, True),
        (REFUSED, LATER, False, False, True),
        (REFUSED, PAST, False, True, False),
        (REFUSED, LATER, True, True, True),
        (REFUSED, PAST, True, True, False),
    ],
)
def test_what_is_sent_in_each_state(sync: int, hold_ms: int, changed: bool, sent: bool, lingers: bool) -> None:
    found = _limits(sync, hold_ms, 3, 2 if changed else 3)
    assert len(found.starts) == int(sent)
    assert found.lingering.all() == found.lingering.any() == lingers
    assert not len(found.released)


def test_afresh_tries_again_what_was_refused_and_nothing_else() -> None:
    assert len(_limits(REFUSED, LATER, 3, 3, afresh=True).starts) == 1
    assert not len(_limits(DOUBT, LATER, 3, 3, afresh=True).starts)
    assert not len(_limits(CONFIRMED, LATER, 3, 3, afresh=True).starts)


@pytest.mark.parametrize(
    ("sync", "held", "wanted", "urgent"),
    [
        (CONFIRMED, 3, 2, True),
        (CONFIRMED, 3, 0, True),
        (CONFIRMED, 2, 3, False),
        (CONFIRMED, 0, 3, False),
        (NEVER, NO_LIMIT, 0, True),
        (NEVER, NO_LIMIT, 3, False),
        (DIRTY, 3, 2, True),  # a lowering that had to wait is a lowering still
        (DIRTY, 3, 3, True),  # they may have moved their own count up
        (DIRTY, 2, 3, False),
        (DIRTY, NO_LIMIT, 0, True),
        (REFUSED, 3, 2, True),
        (REFUSED, 2, 3, False),
        (DOUBT, 2, 3, True),  # they may hold what was there before
    ],
)
def test_what_lowers_or_may_lower_availability_is_urgent(sync: int, held: int, wanted: int, urgent: bool) -> None:
    assert _limits(sync, 0, held, wanted).urgent.tolist() == [urgent]


@pytest.mark.parametrize("field", [Field.CLOSED, Field.CTA, Field.CTD])
@pytest.mark.parametrize(
    ("sync", "held", "wanted", "urgent"),
    [
        (CONFIRMED, 0, 1, True),
        (CONFIRMED, 1, 0, False),
        (DOUBT, 1, 1, True),
        (NEVER, 0, 0, False),
        (DIRTY, 1, 0, False),
    ],
)
def test_what_closes_is_urgent(field: Field, sync: int, held: int, wanted: int, urgent: bool) -> None:
    shadow = _shadow(Aspect.RULES, sync, 0, **{field: held})
    found = difference(_channel(), shadow, _view(shadow, **{field: wanted}), WHOLE, NOW_MS)
    assert found.urgent.tolist() == [urgent]


def test_a_field_the_dialect_lacks_neither_differs_nor_is_urgent() -> None:
    shadow = _shadow(Aspect.RULES, CONFIRMED)
    channel = _channel(fields=EVERYTHING - {Field.CTA})
    assert not len(difference(channel, shadow, _view(shadow, cta=1), WHOLE, NOW_MS).starts)


def test_only_rules_that_differ_are_said_unless_the_state_is_unsure() -> None:
    shadow = _shadow(Aspect.RULES, CONFIRMED)
    shadow.sheet.columns["sync"][0, 20] = DIRTY
    view = _view(shadow, cta=1)
    view.columns["min_arrival"][0, 20:] = 2
    spoken = said(all_updates(difference(_channel(), shadow, view, WHOLE, NOW_MS)))
    by_day = [{field for _, _, day, field, _ in spoken if day == FIRST + slot} for slot in range(BLOCK_DAYS)]
    assert by_day[0] == {Field.CTA}
    assert by_day[20] == {*_channel().rule_fields}
    assert {Field.CTA, Field.MIN_ARRIVAL} <= by_day[31]


def test_all_rules_are_said_where_a_message_resets_what_it_leaves_out() -> None:
    shadow = _shadow(Aspect.RULES, CONFIRMED)
    view = _view(shadow)
    view.columns["cta"][0, 4] = 1
    spoken = said(all_updates(difference(_channel(rules_together=True), shadow, view, WHOLE, NOW_MS)))
    assert {day for _, _, day, _, _ in spoken} == {FIRST + 4}
    assert {field for _, _, _, field, _ in spoken} == {*_channel().rule_fields}


def test_refused_and_doubtful_cells_are_not_bridged() -> None:
    for sync in (REFUSED, DOUBT):
        shadow = _shadow(Aspect.LIMIT, CONFIRMED, LATER, limit=1)
        shadow.sheet.columns["sync"][0, 10:12] = sync
        shadow.sheet.columns["limit"][0, 10:12] = 5
        found = difference(_channel(), shadow, _view(shadow, limit=5), WHOLE, NOW_MS)
        assert [(a, b) for a, b in zip(found.starts, found.stops, strict=True)] == [(0, 10), (12, 32)]


# --- prices -----------------------------------------------------------------------------------------------------------


def test_days_without_a_price_are_not_sent_and_not_forgotten() -> None:
    shadow = _shadow(Aspect.PRICES, CONFIRMED, price=100)
    found = difference(_channel(), shadow, _view(shadow), WHOLE, NOW_MS)
    assert not len(found.starts)
    assert not len(found.released)
    assert (shadow.sync == CONFIRMED).all()
    back = difference(_channel(), shadow, _view(shadow, price=100), WHOLE, NOW_MS)
    assert not len(back.starts)


@pytest.mark.parametrize(
    ("sync", "hold_ms", "becomes"),
    [(DIRTY, 0, NEVER), (DOUBT, PAST, NEVER), (DOUBT, LATER, DOUBT), (REFUSED, PAST, NEVER), (DIRTY, LATER, DOUBT)],
)
def test_due_cells_that_cannot_be_asserted_are_let_go(sync: int, hold_ms: int, becomes: int) -> None:
    shadow = _shadow(Aspect.PRICES, sync, hold_ms, price=100)
    found = difference(_channel(), shadow, _view(shadow), WHOLE, NOW_MS)
    assert not len(found.starts)
    assert (shadow.sync == becomes).all()
    assert found.released.tolist() == ([] if sync == becomes else [0])
    assert shadow.due_ms(0) == (None if becomes == NEVER else hold_ms)


def test_prices_are_said_with_their_currency_and_missing_ones_left_out() -> None:
    _, channel = house({"currency": "USD", "rate_ppm": 2_000_000}, net=True)
    shadow = _shadow(Aspect.PRICES, NEVER)
    view = _view(shadow, extra_child=0)
    view.columns["price"][..., 0] = 100
    (update,) = all_updates(difference(channel, shadow, view, WHOLE, NOW_MS))
    assert (update.currency, update.net, update.first, update.last) == ("USD", True, *WHOLE)
    assert [(each.field, each.guests, each.value) for each in update.settings] == [
        (Field.PRICE, 1, 100),
        (Field.EXTRA_CHILD, 0, 0),
    ]


def test_a_dialect_with_one_price_says_it_for_the_room() -> None:
    _, channel = house(None, {"guests_max": 0})
    sheet = Sheet(LAYOUT_OF[Aspect.PRICES], [PRODUCT_SLOT], 1)
    shadow = Shadow(Aspect.PRICES, sheet, np.zeros(1, np.int64))
    (update,) = all_updates(difference(channel, shadow, _view(shadow, price=100), WHOLE, NOW_MS))
    assert [(each.field, each.guests) for each in update.settings] == [(Field.PRICE, 0)]


# --- days and targets that go -----------------------------------------------------------------------------------------


def test_past_days_are_let_go() -> None:
    shadow = _shadow(Aspect.LIMIT, DIRTY, limit=1)
    found = difference(_channel(), shadow, _view(shadow, limit=2), (FIRST + 5, FIRST + 31), NOW_MS)
    assert [(update.first, update.last) for update in all_updates(found)] == [(FIRST + 5, FIRST + 31)]
    assert shadow.sync.tolist() == [NEVER] * 5 + [DIRTY] * 27
    assert found.released.tolist() == [0]


@pytest.mark.parametrize(("aspect", "field", "closed"), [(Aspect.LIMIT, "limit", 0), (Aspect.RULES, "closed", 1)])
def test_days_beyond_a_shortened_horizon_are_closed_where_they_were_offered(
    aspect: Aspect, field: str, closed: int
) -> None:
    shadow = _shadow(aspect, CONFIRMED, 0, **{field: 1 - closed})
    shadow.sheet.columns["sync"][0, 30:] = NEVER
    view = _view(shadow, **{field: 1 - closed})
    found = difference(_channel(), shadow, view, (FIRST, FIRST + 9), NOW_MS)
    (update,) = all_updates(found)
    assert (update.first, update.last) == (FIRST + 10, FIRST + 29)
    assert [each.value for each in update.settings] == [closed]
    assert found.urgent.all()
    assert (view.columns[field] == 1 - closed).all()  # the view itself stays as it was


def test_prices_beyond_the_horizon_are_left_alone() -> None:
    shadow = _shadow(Aspect.PRICES, CONFIRMED, price=100)
    shadow.sheet.columns["sync"][0, 20:] = DIRTY
    assert not len(difference(_channel(), shadow, _view(shadow, price=100), (FIRST, FIRST + 9), NOW_MS).starts)
    assert shadow.sync.tolist() == [CONFIRMED] * 20 + [NEVER] * 12


def test_a_target_that_left_is_closed_where_it_was_told_anything() -> None:
    for aspect, field, closed in ((Aspect.LIMIT, "limit", 0), (Aspect.RULES, "closed", 1)):
        shadow = _shadow(aspect, CONFIRMED, 0, **{field: 1 - closed})
        shadow.sheet.columns["sync"][0, :4] = NEVER
        view = left_view(aspect, shadow.sheet.keys, 2)
        found = difference(_channel(), shadow, view, (FIRST + 2, FIRST + 20), NOW_MS, leaving=True)
        (update,) = all_updates(found)
        assert (update.room, update.first, update.last) == ("d", FIRST + 4, FIRST + 31)
        assert found.urgent.all()
        shadow.sheet.columns[field][:] = closed
        assert not len(difference(_channel(), shadow, view, WHOLE, NOW_MS, leaving=True).starts)


def test_prices_of_a_target_that_left_are_let_go() -> None:
    shadow = _shadow(Aspect.PRICES, DOUBT, PAST, price=100)
    view = left_view(Aspect.PRICES, shadow.sheet.keys, 2)
    assert not len(difference(_channel(), shadow, view, WHOLE, NOW_MS, leaving=True).starts)
    assert shadow.due_ms(0) is None
    assert (view.columns["price"] == NO_PRICE).all()


# --- rows -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("states", "due"),
    [([CONFIRMED, NEVER], None), ([DOUBT, CONFIRMED], 77), ([REFUSED], 77), ([DOUBT, DIRTY, REFUSED], 0)],
)
def test_when_a_row_is_due(states: list[int], due: int | None) -> None:
    shadow = _shadow(Aspect.LIMIT, NEVER, 77)
    shadow.sheet.columns["sync"][0, : len(states)] = states
    assert shadow.due_ms(0) == due


def test_rows_are_loaded_in_the_order_of_their_days_with_what_they_wait_for() -> None:
    slots: list[Slot] = [("b", "", 2), ("a", "", 3), ("a", "", 2)]
    stored = _shadow(Aspect.LIMIT, DOUBT, limit=4).sheet.pack([0])[0]
    shadow = Shadow.load(Aspect.LIMIT, 2, slots, [(("a", "", 3), stored, 99)])
    assert shadow.sheet.keys == sorted(slots)
    assert shadow.hold_ms.tolist() == [0, 99, 0]
    assert shadow.sync.tolist() == [NEVER] * 32 + [DOUBT] * 32 + [NEVER] * 32
    assert (shadow.sheet.columns["limit"][1] == 4).all()
