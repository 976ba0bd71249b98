"""Which card of a booking is charged: newest, of the room, within its window, and never a virtual one for a guest."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.card_choice import Candidate, Why, after_month, chosen, starts_day
from gateway.model.dates import parse_day

DAY = parse_day("2026-12-10")
OLD, NEW = Candidate("old", (1, "a"), "0931"), Candidate("new", (2, "b"), "0931")
PAST = Candidate("past", (9, "z"), "1126")
ROOM_1, ROOM_2 = (Candidate(f"room{n}", (n, ""), "0931", room=str(n)) for n in (1, 2))
SOON, LATER = (Candidate(f"v{month}", (1, month), "0931", month, virtual=True) for month in ("1226", "0127"))


@pytest.mark.parametrize(
    ("cards", "virtual", "room", "card", "why"),
    [
        ([OLD], False, "", "old", Why.ONLY),
        ([OLD, NEW], False, "", "new", Why.NEWEST),
        ([NEW, OLD, PAST], False, "", "new", Why.NEWEST),
        ([OLD, SOON], False, "", "old", Why.NEWEST),
        ([ROOM_1, ROOM_2], False, "1", "room1", Why.OF_ROOM),
        ([ROOM_1, ROOM_2, NEW], False, "3", "new", Why.NEWEST),
        ([ROOM_1], False, "2", "room1", Why.ONLY),
        ([SOON, LATER], True, "", "v1226", Why.IN_WINDOW),
        ([LATER], True, "", "v0127", Why.ONLY),
        ([LATER, PAST._replace(virtual=True)], True, "", "v0127", Why.BEGINS_FIRST),
        ([SOON, OLD], True, "", "v1226", Why.IN_WINDOW),
        ([OLD, NEW], True, "", "new", Why.NEWEST),
    ],
)
def test_the_right_card_is_chosen(cards: list[Candidate], virtual: bool, room: str, card: str, why: Why) -> None:
    choice = chosen(cards, DAY, virtual=virtual, room=room)
    assert choice.card is not None
    assert (choice.card.card_id, choice.usable, choice.why) == (card, True, why)
    assert choice.day == starts_day(choice.card.starts)


@pytest.mark.parametrize(
    ("cards", "virtual", "room", "card", "why"),
    [
        ([PAST], False, "", "past", Why.EXPIRED),
        ([SOON], False, "", "v1226", Why.ONLY_VIRTUAL),
        ([], True, "", None, Why.NONE),
        ([ROOM_1, ROOM_2], False, "3", None, Why.NONE),
    ],
)
def test_where_none_will_do_it_says_why(
    cards: list[Candidate], virtual: bool, room: str, card: str | None, why: Why
) -> None:
    choice = chosen(cards, DAY, virtual=virtual, room=room)
    assert (choice.card and choice.card.card_id, choice.usable, choice.why) == (card, False, why)


def test_a_card_is_good_until_its_month_has_ended() -> None:
    assert after_month("1226") == parse_day("2027-01-01")
    assert after_month("0228") == parse_day("2028-03-01")
    last = [Candidate("a", (1, ""), "1226")]
    assert chosen(last, parse_day("2026-12-31"), virtual=False).usable
    assert not chosen(last, parse_day("2027-01-01"), virtual=False).usable


CARDS = st.lists(
    st.builds(
        Candidate,
        st.uuids().map(str),
        st.tuples(st.integers(0, 9), st.uuids().map(str)),
        st.sampled_from(["", "1126", "1226", "0931"]),
        st.sampled_from(["", "1126", "0127"]),
        st.sampled_from(["", "1", "2"]),
        st.booleans(),
    ),
    max_size=6,
)


@given(cards=CARDS, virtual=st.booleans(), room=st.sampled_from(["", "1", "2"]), dice=st.randoms())
def test_no_order_and_no_stranger(cards: list[Candidate], virtual: bool, room: str, dice: Random) -> None:
    choice = chosen(cards, DAY, virtual=virtual, room=room)
    shuffled = list(cards)
    dice.shuffle(shuffled)
    assert chosen(shuffled, DAY, virtual=virtual, room=room) == choice
    if choice.usable:
        assert choice.card is not None
        assert choice.card in cards
        assert not choice.card.expires or after_month(choice.card.expires) > DAY
        assert virtual or not choice.card.virtual
        assert len(cards) == 1 or choice.card.room in (room, "")
