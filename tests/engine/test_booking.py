"""The fold of a booking's revisions, and the arithmetic of rooms by night under it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, permutations
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.booking import Entry, Folded, Judgement, Status, Verdict, enter, fingerprint, fold, judge
from gateway.engine.nights import HOUSE, RoomNights, difference, normalise, per_night, subtract, with_house
from gateway.model.reservation import Content, Guest, Revision, RevisionKind, RoomStay

NEW, MODIFY, CANCEL, IGNORE = RevisionKind
D = 740_000
OURS = {"D": "DBL", "S": "SGL", "?": ""}
NOTHING = Content()


def stay(room: str = "D", first: int = 0, length: int = 2, units: int = 1, **more: Any) -> RoomStay:
    return RoomStay(room, "BAR", D + first, D + first + length, units, **more)


A, B, C = (Content("EUR", stays=(stay(first=first),)) for first in (0, 10, 20))


def say(kind: RevisionKind, content: Content = NOTHING, version: int | None = None, **more: Any) -> Revision:
    return Revision("b-1", kind, content, version=version, **more)


def append(entries: Sequence[Entry], revision: Revision) -> list[Entry]:
    """Stores a revision whatever the verdict, as a store that never looked would."""
    rooms = [OURS[of.room] for of in revision.content.stays]
    return [*entries, enter(len(entries) + 1, revision, rooms, 1000)]


def everything(*revisions: Revision) -> list[Entry]:
    entries: list[Entry] = []
    for revision in revisions:
        entries = append(entries, revision)
    return entries


def taken(revisions: Sequence[Revision]) -> list[Entry]:
    """What a flow stores: no duplicates."""
    entries: list[Entry] = []
    for revision in revisions:
        if judge(entries, revision).judgement is not Judgement.DUPLICATE:
            entries = append(entries, revision)
    return entries


def state(folded: Folded) -> tuple[Any, ...]:
    return folded.status, folded.content, folded.nights, folded.parked


def outcome(*revisions: Revision) -> tuple[Status, Content]:
    folded = fold(taken(revisions))
    assert state(folded) == state(fold(everything(*revisions)))
    return folded.status, folded.content


# --- order and duplication --------------------------------------------------------------------------------------------

stays = st.builds(
    stay,
    st.sampled_from("DS?"),
    st.integers(0, 3),
    st.integers(0, 3),
    st.integers(0, 2),
    adults=st.integers(1, 2),
)
contents = st.builds(Content, st.just("EUR"), stays=st.lists(stays, max_size=2).map(tuple))
versioned = st.lists(
    st.builds(say, st.sampled_from(RevisionKind), contents | st.just(NOTHING), st.integers(-3, 10)),
    max_size=6,
    unique_by=lambda revision: revision.version,
)
anything = st.lists(
    st.builds(
        say,
        st.sampled_from(RevisionKind),
        st.sampled_from([A, B, C, NOTHING]),
        st.none() | st.integers(1, 3),
    ),
    max_size=8,
)


@given(versioned, st.data())
def test_any_order_and_duplication_of_distinct_versions_end_alike(
    revisions: list[Revision], data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(revisions), max_size=4)) if revisions else []
    shuffled = data.draw(st.permutations(revisions + again))
    ascending = fold(everything(*sorted(revisions, key=lambda of: of.version or 0)))
    assert state(fold(taken(shuffled))) == state(fold(everything(*shuffled))) == state(ascending)


@given(versioned)
def test_with_distinct_versions_the_highest_rules(revisions: list[Revision]) -> None:
    entries = everything(*revisions)
    effective = [entry for entry in entries if entry.revision.kind is not IGNORE]
    highest = max(effective, key=lambda entry: entry.revision.version or 0, default=None)
    assert fold(entries).ruling == (highest.seq if highest else 0)


@given(anything, st.data())
def test_the_same_message_again_at_once_has_no_second_effect(revisions: list[Revision], data: st.DataObject) -> None:
    twice = [revision for revision in revisions for _ in range(data.draw(st.integers(1, 3)))]
    assert fold(taken(twice)) == fold(taken(revisions))


@given(anything)
def test_the_verdict_says_what_the_fold_then_does(revisions: list[Revision]) -> None:
    entries: list[Entry] = []
    for revision in revisions:
        before, verdict = fold(entries), judge(entries, revision)
        after = fold(append(entries, revision))
        if verdict.judgement is Judgement.DUPLICATE:
            assert after == before
            assert 0 < verdict.repeats <= len(entries)
            assert entries[verdict.repeats - 1].revision.kind is revision.kind
            continue
        assert verdict.repeats == 0
        entries = append(entries, revision)
        assert (after.ruling == len(entries)) is (verdict.judgement is Judgement.RULES)
        if verdict.judgement is Judgement.STALE:
            assert (after.status, after.nights, after.parked) == (before.status, before.nights, before.parked)


@given(anything)
def test_the_fold_is_consistent_in_itself(revisions: list[Revision]) -> None:
    entries = taken(revisions)
    folded = fold(entries)
    if folded.status is Status.NONE:
        assert folded == Folded()
        return
    ruling, current = entries[folded.ruling - 1].revision, entries[folded.current - 1].revision
    assert (folded.status is Status.CANCELLED) is (ruling.kind is CANCEL)
    assert folded.content == current.content
    assert folded.status is Status.CANCELLED or folded.current == folded.ruling
    assert folded.status is Status.BOOKED or folded.nights == ()


def test_kinds_break_a_tie_of_versions_and_arrival_breaks_what_is_left() -> None:
    revisions = [say(NEW, A, 1), say(MODIFY, B, 1), say(CANCEL, NOTHING, 1)]
    for order in permutations(revisions):
        assert outcome(*order) == (Status.CANCELLED, B)
    for order in permutations(revisions[:2]):
        assert outcome(*order) == (Status.BOOKED, B)
    assert outcome(say(MODIFY, A, 1), say(MODIFY, B, 1)) == (Status.BOOKED, B)
    assert outcome(say(MODIFY, B, 1), say(MODIFY, A, 1)) == (Status.BOOKED, A)


def test_a_higher_version_books_again_after_a_cancellation() -> None:
    assert outcome(say(NEW, A, 1), say(CANCEL, version=2), say(NEW, A, 3)) == (Status.BOOKED, A)
    assert outcome(say(NEW, A, 3), say(CANCEL, version=2)) == (Status.BOOKED, A)


def test_a_modification_of_an_unknown_booking_creates_it() -> None:
    assert outcome(say(MODIFY, A)) == (Status.BOOKED, A)
    assert outcome(say(MODIFY, A, 5), say(NEW, B, 4)) == (Status.BOOKED, A)


def test_what_is_ignored_is_kept_without_effect() -> None:
    assert judge([], say(IGNORE, A)) == Verdict(Judgement.STALE)
    entries = everything(say(IGNORE, A, 9))
    assert fold(entries) == Folded()
    assert judge(entries, say(IGNORE, A, 9)) == Verdict(Judgement.DUPLICATE, 1)
    assert judge(entries, say(NEW, A, 1)) == Verdict(Judgement.RULES)
    assert outcome(say(IGNORE, A), say(NEW, A), say(CANCEL), say(IGNORE, B), say(NEW, B)) == (Status.BOOKED, B)


def test_a_cancel_shows_the_best_content_before_it() -> None:
    folded = fold(everything(say(NEW, A, 1), say(MODIFY, B, 2), say(CANCEL, NOTHING, 3), say(MODIFY, C, 0)))
    assert (folded.status, folded.ruling, folded.current, folded.content) == (Status.CANCELLED, 3, 2, B)
    own = fold(everything(say(NEW, A, 1), say(CANCEL, C, 3)))
    assert (own.current, own.content) == (2, C)
    bare = fold(everything(say(CANCEL, NOTHING, 3)))
    assert (bare.current, bare.content) == (1, NOTHING)


# --- without versions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("revisions", "status", "content"),
    [
        ([say(NEW, A), say(MODIFY, B), say(MODIFY, C)], Status.BOOKED, C),
        ([say(NEW, A), say(MODIFY, B), say(NEW, A)], Status.BOOKED, B),
        ([say(NEW, A), say(MODIFY, B), say(MODIFY, A)], Status.BOOKED, A),
        ([say(NEW, A), say(MODIFY, B), say(MODIFY, C), say(MODIFY, B)], Status.BOOKED, C),
        ([say(NEW, A), say(CANCEL), say(NEW, A)], Status.CANCELLED, A),
        ([say(NEW, A), say(MODIFY, B), say(CANCEL), say(NEW, B)], Status.CANCELLED, B),
        ([say(NEW, A), say(MODIFY, B), say(CANCEL), say(MODIFY, A)], Status.CANCELLED, B),
        ([say(NEW, A), say(CANCEL, B), say(NEW, B)], Status.CANCELLED, B),
        ([say(NEW, A), say(CANCEL), say(NEW, B)], Status.BOOKED, B),
        ([say(NEW, A), say(CANCEL), say(MODIFY, B)], Status.BOOKED, B),
        ([say(NEW, A), say(CANCEL), say(NEW, B), say(CANCEL)], Status.CANCELLED, B),
        ([say(NEW, A), say(CANCEL, A), say(NEW, B), say(CANCEL, A)], Status.BOOKED, B),
        ([say(CANCEL), say(NEW, A)], Status.CANCELLED, A),
        ([say(CANCEL, A), say(NEW, B)], Status.CANCELLED, A),
        ([say(CANCEL), say(NEW, A), say(NEW, A)], Status.CANCELLED, A),
        ([say(CANCEL), say(NEW, A), say(NEW, B)], Status.BOOKED, B),
        ([say(CANCEL), say(MODIFY, A), say(NEW, B)], Status.BOOKED, B),
    ],
)
def test_unversioned_revisions_follow_arrival(revisions: list[Revision], status: Status, content: Content) -> None:
    assert outcome(*revisions) == (status, content)


@pytest.mark.parametrize(
    ("revisions", "status", "content"),
    [
        ([say(NEW, A, 2), say(CANCEL), say(MODIFY, B, 1)], Status.CANCELLED, A),
        ([say(NEW, A, 2), say(CANCEL), say(MODIFY, B, 2)], Status.CANCELLED, B),
        ([say(NEW, A, 2), say(CANCEL), say(MODIFY, B, 3)], Status.BOOKED, B),
        ([say(NEW, A, 9), say(CANCEL), say(MODIFY, B, 8)], Status.CANCELLED, A),
        ([say(NEW, A, 3), say(MODIFY, B, 1), say(CANCEL)], Status.CANCELLED, A),
        ([say(NEW, A, 2), say(MODIFY, B), say(MODIFY, C, 1)], Status.BOOKED, B),
        ([say(NEW, A, 2), say(NEW, A), say(MODIFY, B, 3), say(NEW, A)], Status.BOOKED, B),
        ([say(NEW, A, 1), say(CANCEL, NOTHING, 2), say(CANCEL), say(NEW, A)], Status.CANCELLED, A),
        ([say(CANCEL), say(NEW, A, 1)], Status.CANCELLED, A),
        ([say(CANCEL), say(NEW, A, 3), say(MODIFY, B, 2)], Status.CANCELLED, A),
        ([say(CANCEL), say(NEW, A, 3), say(MODIFY, B, 4)], Status.BOOKED, B),
        ([say(CANCEL, NOTHING, 5), say(NEW, A)], Status.CANCELLED, A),
        ([say(CANCEL, NOTHING, 5), say(NEW, A, 6)], Status.BOOKED, A),
    ],
)
def test_mixed_dialects(revisions: list[Revision], status: Status, content: Content) -> None:
    assert outcome(*revisions) == (status, content)


def test_verdicts() -> None:
    entries = everything(say(NEW, A, 1), say(MODIFY, B, 3))
    assert judge(entries, say(NEW, A, 1)) == Verdict(Judgement.DUPLICATE, 1)
    assert judge(entries, say(MODIFY, B)) == Verdict(Judgement.DUPLICATE, 2)
    assert judge(entries, say(MODIFY, A, 2)) == Verdict(Judgement.STALE)
    assert judge(entries, say(MODIFY, B, 4)) == Verdict(Judgement.RULES)
    cancelled = everything(say(NEW, A), say(CANCEL))
    assert judge(cancelled, say(CANCEL)) == Verdict(Judgement.DUPLICATE, 2)
    assert judge(cancelled, say(NEW, A)) == Verdict(Judgement.DUPLICATE, 1)
    assert judge(cancelled, say(MODIFY, A)) == Verdict(Judgement.STALE)
    assert judge(everything(say(CANCEL)), say(NEW, A)) == Verdict(Judgement.STALE)


# --- identity ---------------------------------------------------------------------------------------------------------


def test_a_fingerprint_is_of_kind_content_and_version() -> None:
    same = fingerprint(say(NEW, A, 1))
    assert same == fingerprint(say(NEW, A, 1, created_ms=5, record="7"))
    others = [
        say(MODIFY, A, 1),
        say(NEW, B, 1),
        say(NEW, A, 2),
        say(NEW, A),
        say(NEW, msgspec.structs.replace(A, booker=Guest("Noé")), 1),
        say(NEW, msgspec.structs.replace(A, total=0), 1),
    ]
    assert len({same, *map(fingerprint, others)}) == 1 + len(others)
    assert len(fingerprint(say(NEW, A))) == 17


def test_entries_and_folds_survive_storage() -> None:
    entries = everything(say(NEW, A, 1), say(CANCEL))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(entries), type=list[Entry]) == entries
    folded = fold(entries[:1])
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(folded), type=Folded) == folded


# --- what is taken from the house -------------------------------------------------------------------------------------


def test_nights_are_those_of_mapped_stays() -> None:
    content = Content("EUR", stays=(stay("D", 0, 2), stay("D", 1, 2, 2), stay("S", 0, 0), stay("?", 0, 5)))
    entries = everything(say(NEW, content))
    folded = fold(entries)
    assert folded.parked
    assert folded.nights == (
        RoomNights("DBL", D, D + 1, 1),
        RoomNights("DBL", D + 1, D + 2, 3),
        RoomNights("DBL", D + 2, D + 3, 2),
    )
    replayed = fold([msgspec.structs.replace(entries[0], rooms=("DBL", "DBL", "SGL", "SGL"))])
    assert not replayed.parked
    assert RoomNights("SGL", D, D + 5, 1) in replayed.nights
    assert not fold(append(entries, say(CANCEL))).parked


def test_an_entry_with_rooms_missing_is_not_folded() -> None:
    with pytest.raises(ValueError, match="longer"):
        fold([enter(1, say(NEW, A), [], 0)])


runs = st.builds(
    lambda room, first, length, units: RoomNights(room, D + first, D + first + length, units),
    st.sampled_from(["DBL", "SGL"]),
    st.integers(0, 6),
    st.integers(-1, 4),
    st.integers(-2, 3),
)
several = st.lists(runs, max_size=5)


@given(several)
def test_normal_form_says_the_same_in_the_only_way(given_runs: list[RoomNights]) -> None:
    normal = normalise(given_runs)
    cells = {cell: units for cell, units in per_night(given_runs).items() if units}
    assert per_night(normal) == cells
    assert normalise(normal) == normal
    assert normal == normalise(RoomNights(room, day, day + 1, units) for (room, day), units in cells.items())
    assert list(normal) == sorted(normal, key=lambda run: (run.room, run.arrival))
    for left, right in pairwise(normal):
        assert (left.room, left.departure, left.units) != (right.room, right.arrival, right.units)


@given(several, several)
def test_a_difference_leads_from_old_to_new(old_runs: list[RoomNights], new_runs: list[RoomNights]) -> None:
    old, new = normalise(old_runs), normalise(new_runs)
    change = difference(old, new)
    assert 0 not in change.values()
    back = {cell: -units for cell, units in change.items()}
    assert subtract(per_night(old), back) == per_night(new)
    assert difference(new, old) == back
    assert (change == {}) is (old == new)


@given(several)
def test_the_house_is_the_sum_of_its_rooms(given_runs: list[RoomNights]) -> None:
    nights = normalise(given_runs)
    lifted = with_house(nights)
    assert lifted == normalise(lifted)
    assert tuple(run for run in lifted if run.room != HOUSE) == nights
    cells = per_night(lifted)
    for day in range(D - 2, D + 12):
        assert cells.get((HOUSE, day), 0) == sum(cells.get((room, day), 0) for room in ("DBL", "SGL"))
