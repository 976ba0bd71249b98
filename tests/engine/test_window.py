"""The PMS window: searched exhaustively on one night, and compared night by night on many."""

from __future__ import annotations

from itertools import chain, pairwise
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine import window
from gateway.engine.nights import HOUSE, Nights, RoomNights, normalise, per_night, with_house
from gateway.engine.window import (
    Claim,
    acknowledged,
    figure_arrived,
    is_over,
    is_settled,
    sent,
    settle,
    settles_at,
    unseen,
    want,
)
from gateway.model.dates import days_in
from gateway.model.property import FigureKind
from tests.engine.window_world import DELAY_S, STEP_MS, Rule, Setting, ValueSets, search

D = 740_000
ONE_ROOM = Setting(rooms=1, reservations=2, units=(1,))
TWO_SIZES = Setting(rooms=2, reservations=1, units=(1, 2))


def nights(*runs: tuple[str, int, int, int]) -> Nights:
    return normalise(RoomNights(*run) for run in runs)


# --- everything that can happen, in every order -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "depth"),
    [
        (TWO_SIZES, 12),
        (TWO_SIZES._replace(echo=True), 12),
        (TWO_SIZES._replace(stamped=True), 12),
        (TWO_SIZES._replace(losses=True), 11),
        (TWO_SIZES._replace(losses=True, echo=True), 11),
        (TWO_SIZES._replace(refusals=True, echo=True), 11),
        (TWO_SIZES._replace(refusals=True, losses=True), 10),
        (ONE_ROOM._replace(reservations=1, refusals=True, echo=True), 13),
        (ONE_ROOM, 12),
        (ONE_ROOM._replace(echo=True, stamped=True), 12),
        (ONE_ROOM._replace(losses=True), 10),
        (ONE_ROOM._replace(refusals=True), 10),
        (ONE_ROOM._replace(clamped=True, echo=True), 13),
        (ONE_ROOM._replace(clamped=True, rooms=2, units=(1, 2)), 9),
    ],
    ids=str,
)
def test_never_sells_what_is_not_free_and_at_rest_all_that_is(setting: Setting, depth: int) -> None:
    found = search(ValueSets(echoes=setting.echo, clamped=setting.clamped), setting, depth)
    assert found.oversold is None
    assert found.undersold is None
    assert found.states > 1000


class Told(NamedTuple):
    want: int
    phase: str = "new"
    age_ms: int = 0


class Subtraction:
    """The obvious rule: subtract a booking until the first figure that comes ``wait_ms`` after its confirmation."""

    def __init__(self, wait_ms: int) -> None:
        self.wait_ms = wait_ms

    def start(self) -> Told:
        return Told(0)

    def want(self, know: Told, units: int) -> Told:
        return know._replace(want=units)

    def sent(self, know: Told, seq: int) -> Told:
        return know

    def acknowledged(self, know: Told, seq: int) -> Told:
        return know._replace(phase="confirmed", age_ms=0) if know.phase == "new" else know

    def rejected(self, know: Told, seq: int) -> Told:
        return know

    def entered_by_hand(self, know: Told) -> Told:
        return know

    def figure(self, know: Told, at_ms: int, produced_ms: int | None) -> Told:
        heard = know.phase == "confirmed" and know.age_ms + at_ms >= self.wait_ms
        return know._replace(phase="heard") if heard else know

    def settle(self, know: Told, now_ms: int) -> Told:
        return know

    def sellable(self, figure: int, know: tuple[Told, ...]) -> int:
        return figure - sum(of.want for of in know if of.phase != "heard")

    def aged(self, know: Told, step_ms: int) -> Told:
        return know._replace(age_ms=min(know.age_ms + step_ms, 2 * DELAY_S * STEP_MS))


class Hopeful(ValueSets):
    """Takes the largest possible count for the one the figure contains."""

    def sellable(self, figure: int, know: tuple[Claim, ...]) -> int:
        most = sum(run.units[-1] for claim in know for run in claim.seen)
        return figure + most - sum(run.units for claim in know for run in claim.want)


@pytest.mark.parametrize(
    ("rule", "setting"),
    [
        (Subtraction(0), ONE_ROOM._replace(cancels=False)),
        (Subtraction(DELAY_S * STEP_MS), TWO_SIZES._replace(cancels=False)),
        (Subtraction(DELAY_S * STEP_MS), ONE_ROOM),
        (Hopeful(), ONE_ROOM),
        (ValueSets(delay_s=0), ONE_ROOM._replace(cancels=False)),
        (ValueSets(delay_s=DELAY_S / 2), ONE_ROOM._replace(cancels=False)),
        (ValueSets(echoes=True), ONE_ROOM._replace(cancels=False)),
        (ValueSets(), ONE_ROOM._replace(clamped=True)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_search_refutes_rules_that_oversell(rule: Rule, setting: Setting) -> None:
    assert search(rule, setting, 13).oversold is not None


@pytest.mark.parametrize("rule", [ValueSets(echoes=False), Subtraction(DELAY_S * STEP_MS)], ids=["sets", "subtraction"])
def test_the_search_refutes_rules_that_undersell_for_good(rule: Rule) -> None:
    """An echo that overtakes its own acknowledgement, and no figure after it."""
    assert search(rule, TWO_SIZES._replace(echo=True, cancels=False), 7).undersold is not None


# --- many nights and rooms --------------------------------------------------------------------------------------------

ROOMS = ("DBL", "SGL")
DAYS = range(D, D + 4)

values = st.lists(
    st.tuples(st.sampled_from(ROOMS), st.sampled_from(DAYS), st.integers(1, 3), st.integers(1, 2)), max_size=3
).map(lambda runs: nights(*((room, first, first + length, units) for room, first, length, units in runs)))


class Act(NamedTuple):
    name: str
    arguments: tuple[Any, ...]


told = st.builds(lambda value: [Act("want", (value,)), Act("sent", ())], values | st.just(()))
figures = st.builds(
    lambda rooms, days, late_ms: [Act("figure", (room, days, late_ms)) for room in rooms],
    st.sampled_from([ROOMS, ROOMS[:1]]),
    st.just(frozenset(DAYS)) | st.frozensets(st.sampled_from(DAYS)),
    st.none() | st.integers(0, 4000),
)
others = st.one_of(
    st.builds(lambda value: [Act("want", (value,))], values),
    st.builds(
        lambda name, back: [Act(name, (back,))], st.sampled_from(["acknowledged", "rejected"]), st.integers(0, 2)
    ),
    st.sampled_from(["sent", "entered_by_hand", "settle"]).map(lambda name: [Act(name, ())]),
)
acknowledgements = st.just([Act("acknowledged", (0,))])
acts = st.lists(told | figures | acknowledgements | others, max_size=14).map(
    lambda groups: list(chain.from_iterable(groups))
)


def play(history: list[Act], *, echoes: bool, only: tuple[str, int] | None = None) -> list[Claim]:
    """The claims along a history, a second apart; with ``only``, as if nothing existed but that room and night."""
    claim, seq, claims = Claim(), 0, []
    for second, (name, arguments) in enumerate(history):
        at_ms = second * 1000
        if name == "want":
            (value,) = arguments
            claim = want(claim, value if only is None else _only(value, only))
        elif name == "sent":
            seq += 1
            claim = sent(claim, seq, at_ms)
        elif name == "figure":
            room, days, late_ms = arguments
            claim = figure_arrived(claim, room, days, at_ms, DELAY_S, None if late_ms is None else at_ms - late_ms)
        elif name == "settle":
            claim = settle(claim, at_ms, DELAY_S, echoes)
        elif name == "entered_by_hand":
            claim = window.entered_by_hand(claim, at_ms)
        else:
            claim = getattr(window, name)(claim, seq - arguments[0], at_ms)
        claims.append(claim)
    return claims


def _only(value: Nights, cell: tuple[str, int]) -> Nights:
    units = per_night(value).get(cell, 0)
    return nights((cell[0], cell[1], cell[1] + 1, units))


@given(acts)
def test_every_night_is_decided_as_if_it_were_alone(history: list[Act]) -> None:
    whole = play(history, echoes=False)
    for cell in [(room, day) for room in ROOMS for day in DAYS]:
        alone = play(history, echoes=False, only=cell)
        assert [unseen(claim).get(cell, 0) for claim in whole] == [unseen(claim).get(cell, 0) for claim in alone]


@given(acts)
def test_a_settled_claim_need_not_be_asked_when_a_figure_comes(history: list[Act]) -> None:
    for claim in play(history, echoes=True):
        if is_settled(claim):
            assert unseen(claim) == {}
            for room in ROOMS:
                assert figure_arrived(claim, room, DAYS, 10**6, DELAY_S) is claim


@given(acts)
def test_a_timer_is_due_exactly_when_time_narrows_something(history: list[Act]) -> None:
    for claim in play(history, echoes=True):
        due_ms = settles_at(claim, DELAY_S, echoes=True)
        if due_ms is None:
            assert settle(claim, 10**9, DELAY_S, echoes=True).seen == claim.seen
        else:
            assert settle(claim, due_ms - 1, DELAY_S, echoes=True).seen == claim.seen
            narrowed = settle(claim, due_ms, DELAY_S, echoes=True)
            assert narrowed.seen != claim.seen
            assert _possible(narrowed) <= _possible(claim)
            assert settles_at(narrowed, DELAY_S, echoes=True) is None


def _possible(claim: Claim) -> set[tuple[str, int, int]]:
    runs = [*claim.seen, *(window.Seen(room, D, D + 10, (0,), 0) for room in ROOMS)]
    return {(run.room, day, units) for run in runs for day in range(run.arrival, run.departure) for units in run.units}


@given(acts)
def test_a_claim_survives_storage(history: list[Act]) -> None:
    for claim in play(history, echoes=True):
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(claim), type=Claim) == claim


@given(acts)
def test_runs_of_seen_nights_are_maximal_sorted_and_never_zero(history: list[Act]) -> None:
    for claim in play(history, echoes=True):
        assert [(run.room, run.arrival) for run in claim.seen] == sorted((run.room, run.arrival) for run in claim.seen)
        for left, right in pairwise(claim.seen):
            touching = (left.room, left.departure) == (right.room, right.arrival)
            assert not touching or (left.units, left.after) != (right.units, right.after)
        assert all(run.units != (0,) and list(run.units) == sorted(set(run.units)) for run in claim.seen)
        assert all(run.after == 0 for run in claim.seen if len(run.units) == 1)


# --- single rules -----------------------------------------------------------------------------------------------------

STAY = nights(("DBL", D, D + 3, 1))
LONGER = nights(("DBL", D, D + 4, 2))


def test_the_life_of_a_booking() -> None:
    claim = want(Claim(), STAY)
    assert unseen(claim) == {("DBL", D): -1, ("DBL", D + 1): -1, ("DBL", D + 2): -1}
    claim = sent(claim, 1, 1000)
    claim = figure_arrived(claim, "DBL", range(D, D + 30), 1500, 30)
    assert claim.seen == (window.Seen("DBL", D, D + 3, (0, 1), 1),)
    claim = acknowledged(claim, 1, 2000)
    assert set(unseen(claim).values()) == {-1}
    assert settles_at(claim, 30, echoes=False) is None
    assert settles_at(claim, 30, echoes=True) == 32_000
    claim = settle(claim, 32_000, 30, echoes=True)
    assert unseen(claim) == {}
    assert is_settled(claim)
    assert len(msgspec.msgpack.encode(claim)) < 80

    claim = want(claim, ())
    assert set(unseen(claim).values()) == {1}
    claim = acknowledged(sent(claim, 2, 100_000), 2, 101_000)
    claim = figure_arrived(claim, "DBL", range(D, D + 30), 131_000, 30)
    assert is_settled(claim)
    assert claim.seen == ()


def test_a_figure_speaks_only_of_its_room_and_days() -> None:
    claim = acknowledged(sent(want(Claim(), STAY), 1, 0), 1, 1000)
    assert figure_arrived(claim, "SGL", range(D, D + 3), 5000, 30) == claim
    weekend = frozenset(days_in(D, D + 2, 1 << ((D + 1 - 1) % 7)))
    assert weekend == {D + 1}
    claim = figure_arrived(claim, "DBL", weekend, 31_000, 30)
    assert unseen(claim) == {("DBL", D): -1, ("DBL", D + 2): -1}


def test_the_house_counts_all_its_rooms() -> None:
    stay = nights(("DBL", D, D + 2, 1), ("SGL", D + 1, D + 3, 1))
    claim = acknowledged(sent(want(Claim(), with_house(stay)), 1, 0), 1, 0)
    assert unseen(claim)[HOUSE, D + 1] == -2
    claim = figure_arrived(claim, HOUSE, range(D, D + 3), 30_000, 30)
    assert unseen(claim) == {(room, day): -units for (room, day), units in per_night(stay).items()}
    assert not is_settled(claim)


@pytest.mark.parametrize(("produced_ms", "counts"), [(None, False), (1999, False), (2000, False), (2001, True)])
def test_a_trusted_stamp_or_an_asked_figure_ends_the_doubt(produced_ms: int | None, counts: bool) -> None:
    claim = acknowledged(sent(want(Claim(), STAY), 1, 0), 1, 2000)
    claim = figure_arrived(claim, "DBL", range(D, D + 3), 2500, 30, produced_ms)
    assert (unseen(claim) == {}) is counts


@pytest.mark.parametrize(("at_ms", "counts"), [(31_999, False), (32_000, True)])
def test_a_figure_without_stamp_counts_from_the_delay_on(at_ms: int, counts: bool) -> None:
    claim = acknowledged(sent(want(Claim(), STAY), 1, 0), 1, 2000)
    assert (unseen(figure_arrived(claim, "DBL", range(D, D + 3), at_ms, 30)) == {}) is counts


def test_each_superseded_value_stays_until_its_own_acknowledgement() -> None:
    claim = acknowledged(sent(want(Claim(), STAY), 1, 0), 1, 10_000)
    claim = acknowledged(sent(want(claim, LONGER), 2, 11_000), 2, 20_000)
    later = figure_arrived(claim, "DBL", (D,), 41_000, 30)  # 31 s after the first, 21 s after the second
    assert later.seen == (window.Seen("DBL", D, D + 1, (1, 2), 2),)
    assert figure_arrived(claim, "DBL", (D,), 30_000, 30).seen[0].units == (0, 1, 2)


def test_a_lost_reply_keeps_the_value_and_any_try_confirms_it() -> None:
    claim = sent(sent(want(Claim(), STAY), 1, 0), 2, 5000)
    assert [(of.first, of.last) for of in claim.sent] == [(1, 2)]
    assert acknowledged(claim, 1, 6000).sent == ()
    assert acknowledged(claim, 2, 6000).acked == STAY


def test_a_delivery_that_got_lost_may_still_be_in_a_figure_from_before_the_next() -> None:
    claim = acknowledged(sent(want(Claim(), STAY), 1, 0), 1, 0)
    claim = sent(want(sent(want(claim, ()), 2, 50_000), LONGER), 3, 60_000)
    claim = acknowledged(claim, 3, 61_000)
    assert figure_arrived(claim, "DBL", (D,), 62_000, 30).seen[0].units == (0, 1, 2)
    assert figure_arrived(claim, "DBL", (D,), 91_000, 30).seen[0].units == (2,)


def test_an_answer_to_the_earlier_of_two_deliveries_leaves_the_later_under_way() -> None:
    claim = sent(want(sent(want(Claim(), STAY), 1, 0), LONGER), 2, 1000)
    claim = acknowledged(window.rejected(claim, 2, 2000), 1, 3000)
    assert (claim.acked, [of.value for of in claim.sent], claim.refusal) == (STAY, [LONGER], window.Refusal(2, 2000))


def test_a_late_answer_takes_nothing_back() -> None:
    claim = sent(want(sent(want(Claim(), STAY), 1, 0), LONGER), 2, 1000)
    claim = acknowledged(claim, 2, 2000)
    assert acknowledged(claim, 1, 3000) is claim
    assert window.rejected(claim, 1, 3000) is claim


def heard(value: Nights) -> Claim:
    """Wanted, acknowledged and seen."""
    claim = acknowledged(sent(want(Claim(), value), 1, 0), 1, 0)
    return figure_arrived(claim, "DBL", range(D, D + 30), 90_000, 30)


def test_saying_the_same_again_unsettles_nothing() -> None:
    assert is_settled(heard(STAY))
    assert is_settled(acknowledged(sent(heard(STAY), 2, 100_000), 2, 101_000))


def test_a_claim_is_over_when_all_its_nights_are_whatever_they_come_from() -> None:
    assert not is_over(heard(STAY), D + 3)  # the last night ends today
    assert is_over(heard(STAY), D + 4)
    delivered = acknowledged(sent(heard(STAY), 2, 100_000), 2, 101_000)
    grown = want(delivered, LONGER)
    shrunk = want(heard(LONGER), STAY)
    under_way = want(sent(want(delivered, LONGER), 3, 110_000), STAY)
    superseded = acknowledged(sent(shrunk, 2, 100_000), 2, 101_000)
    given_up = msgspec.structs.replace(superseded, seen=())
    seen_only = msgspec.structs.replace(superseded, older=())
    for claim in (grown, shrunk, under_way, superseded, given_up, seen_only):
        assert not is_over(claim, D + 4)
        assert is_over(claim, D + 5)


def test_a_claim_is_not_settled_while_the_next_figure_may_differ() -> None:
    shrunk = sent(want(heard(LONGER), nights(("DBL", D, D + 4, 1))), 2, 100_000)
    doubtful = acknowledged(figure_arrived(shrunk, "DBL", DAYS, 100_500, 30), 2, 101_000)
    later = settle(doubtful, 200_000, 30, echoes=False)
    assert unseen(later) == {}
    assert later.older == ()
    assert not is_settled(later)
    back = want(settle(acknowledged(sent(want(heard(STAY), ()), 2, 0), 2, 0), 10**6, 30, echoes=True), STAY)
    assert unseen(back) == {}
    assert not is_settled(back)
    once_more = acknowledged(sent(back, 3, 10**6), 3, 10**6)
    assert unseen(once_more) == {}
    assert not is_settled(once_more)


def test_no_echo_counts_without_a_figure_since_the_sending() -> None:
    claim = figure_arrived(sent(want(Claim(), STAY), 1, 0), "DBL", DAYS, 500, 30)
    claim = acknowledged(sent(want(claim, LONGER), 2, 1000), 2, 2000)
    assert settles_at(claim, 30, echoes=True) is None
    assert settle(claim, 10**6, 30, echoes=True).seen == claim.seen
    claim = figure_arrived(claim, "DBL", (D + 1,), 2500, 30)
    claim = settle(claim, 10**6, 30, echoes=True)
    assert [run.units for run in claim.seen] == [(0, 1), (2,), (0, 1)]


def test_the_echo_of_a_cancellation_leaves_nothing_behind() -> None:
    claim = figure_arrived(sent(want(heard(STAY), ()), 2, 100_000), "DBL", DAYS, 100_500, 30)
    assert settle(acknowledged(claim, 2, 101_000), 131_000, 30, echoes=True).seen == ()


def test_rooms_stay_apart() -> None:
    claim = sent(want(Claim(), nights(("DBL", D, D + 2, 1), ("SGL", D + 2, D + 4, 1))), 1, 0)
    claim = figure_arrived(figure_arrived(claim, "DBL", DAYS, 0, 30), "SGL", DAYS, 0, 30)
    assert [(run.room, run.arrival, run.departure) for run in claim.seen] == [("DBL", D, D + 2), ("SGL", D + 2, D + 4)]


def test_figures_of_single_days_add_up() -> None:
    claim = sent(want(Claim(), nights(("DBL", D, D + 4, 8))), 1, 0)
    claim = acknowledged(sent(want(claim, nights(("DBL", D, D + 4, 1))), 2, 0), 2, 0)
    for day in (D, D + 1, D + 3):
        claim = figure_arrived(claim, "DBL", (day,), 500, 30)
    assert claim.seen == (
        window.Seen("DBL", D, D + 2, (0, 1, 8), 2),
        window.Seen("DBL", D + 3, D + 4, (0, 1, 8), 2),
    )
    claim = figure_arrived(sent(want(claim, ()), 3, 600), "DBL", (D + 1,), 700, 30)
    assert [(run.arrival, run.departure, run.after) for run in claim.seen] == [
        (D, D + 1, 2),
        (D + 1, D + 2, 3),
        (D + 3, D + 4, 2),
    ]


def test_an_echo_counts_while_the_next_delivery_is_stuck() -> None:
    claim = figure_arrived(sent(want(Claim(), STAY), 1, 0), "DBL", DAYS, 500, 30)
    claim = sent(want(acknowledged(claim, 1, 1000), LONGER), 2, 2000)
    claim = settle(claim, 31_000, 30, echoes=True)
    assert unseen(claim) == {("DBL", D): -1, ("DBL", D + 1): -1, ("DBL", D + 2): -1, ("DBL", D + 3): -2}


def test_a_refused_delivery_stays_until_someone_entered_it() -> None:
    claim = window.rejected(sent(want(Claim(), STAY), 1, 0), 1, 1000)
    claim = figure_arrived(claim, "DBL", DAYS, 90_000, 30)
    assert set(unseen(claim).values()) == {-1}
    assert claim.refusal == window.Refusal(1, 1000)
    assert not is_settled(claim)
    claim = window.entered_by_hand(want(claim, LONGER), 100_000)
    assert (claim.acked, claim.refusal, claim.by_hand) == (STAY, None, True)
    assert settles_at(claim, 30, echoes=True) is None  # nobody promised an echo of what people type
    assert window.entered_by_hand(claim, 110_000) is claim


def test_a_refusal_ends_with_the_next_acknowledgement() -> None:
    claim = window.rejected(sent(want(Claim(), STAY), 1, 0), 1, 1000)
    claim = acknowledged(sent(want(claim, LONGER), 2, 2000), 2, 3000)
    assert claim.refusal is None
    assert claim.acked == LONGER
    assert claim.by_hand  # someone may have entered the first, so an echo of the second need not come
    claim = acknowledged(sent(want(claim, STAY), 3, 4000), 3, 5000)
    assert not claim.by_hand


@pytest.mark.parametrize(
    ("kind", "figure", "sold", "unseen", "held", "clamped", "rooms"),
    [
        (FigureKind.ROOMS_LEFT, 5, 9, -2, 1, False, 2),
        (FigureKind.ROOMS_LEFT, 1, 9, -2, 1, False, -2),
        (FigureKind.ROOMS_LEFT, 0, 9, 2, 1, False, 1),
        (FigureKind.ROOMS_LEFT, 0, 9, 2, 1, True, -1),
        (FigureKind.ROOMS_LEFT, 0, 9, -2, 0, True, -2),
        (FigureKind.ROOMS_LEFT, 1, 9, 2, 0, True, 3),
        (FigureKind.ROOMS_LEFT, -1, 0, 4, 0, False, 0),
        (FigureKind.ALLOCATION, 5, 2, -9, 1, False, 2),
        (FigureKind.ALLOCATION, 0, 2, 9, 0, True, -2),
        (FigureKind.ALLOCATION, -1, 0, 0, 0, False, 0),
    ],
)
def test_free_rooms(
    kind: FigureKind, figure: int, sold: int, unseen: int, held: int, clamped: bool, rooms: int
) -> None:
    assert window.free(kind, figure, sold, unseen, held, clamped=clamped) == rooms
    row = [np.full(3, number, np.int32) for number in (figure, sold, unseen, held)]
    assert window.free(kind, *row, clamped=clamped).tolist() == [rooms] * 3
