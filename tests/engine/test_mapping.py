"""Their codes to ours: every kind of address, and nothing guessed."""

from __future__ import annotations

import msgspec
import pytest

from gateway.engine.mapping import Mapping
from gateway.errors import Reason, Unmapped
from gateway.model.property import Connection, Product, Role
from gateway.model.reservation import Content, Revision, RevisionKind, RoomStay

CHANNEL = Connection(
    "c",
    "x",
    "x",
    Role.CHANNEL,
    "H",
    products=(
        Product("DBL", "BAR", "2", "best"),
        Product("DBL", "NR", "2", "fix"),
        Product("SGL", "BAR", "1", "best"),
    ),
)
MAPPING = Mapping(CHANNEL)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (("2", "fix"), {("DBL", "NR")}),
        (("2", ""), {("DBL", "")}),
        (("", "best"), {("DBL", "BAR"), ("SGL", "BAR")}),
        (("", ""), {("", "")}),
    ],
)
def test_an_address_of_theirs_in_our_codes(theirs: tuple[str, str], ours: set[tuple[str, str]]) -> None:
    assert set(MAPPING.targets(*theirs)) == ours
    assert len(MAPPING.targets(*theirs)) == len(ours)


@pytest.mark.parametrize(
    ("theirs", "reason"),
    [
        (("9", ""), Reason.ROOM_TYPE),
        (("9", "best"), Reason.ROOM_TYPE),
        (("", "none"), Reason.RATE_PLAN),
        (("2", "none"), Reason.RATE_PLAN),
        (("1", "fix"), Reason.PRODUCT),
    ],
)
def test_a_code_that_is_not_mapped_is_refused(theirs: tuple[str, str], reason: Reason) -> None:
    with pytest.raises(Unmapped) as refused:
        MAPPING.targets(*theirs)
    assert refused.value.reason is reason


def test_the_way_back() -> None:
    assert (MAPPING.room("2"), MAPPING.room("9")) == ("DBL", None)
    assert (MAPPING.their_room("SGL"), MAPPING.their_room("FAM")) == ("1", None)
    assert MAPPING.their_product("DBL", "NR") == MAPPING.product("2", "fix")
    assert MAPPING.their_product("SGL", "NR") is None
    assert MAPPING.product("1", "fix") is None


def test_rooms_of_a_booking_are_ours_or_empty() -> None:
    stays = tuple(RoomStay(room, "best", 730_000, 730_002) for room in ("1", "9", "2"))
    assert MAPPING.rooms_of(Revision("b", RevisionKind.NEW, Content(stays=stays))) == ("SGL", "", "DBL")


def test_what_of_a_booking_is_not_mapped() -> None:
    def gaps(room: str, plan: str, currency: str = "") -> list[tuple[object, ...]]:
        content = Content(currency=currency, stays=(RoomStay("2", "best", 1, 2), RoomStay(room, plan, 1, 2)))
        return [tuple(gap) for gap in mapping.gaps(Revision("B", RevisionKind.NEW, content))]

    mapping = Mapping(msgspec.structs.replace(CHANNEL, currency="USD", booking_currencies=("CHF",)), "EUR")
    assert gaps("2", "fix", "EUR") == gaps("2", "", "USD") == gaps("1", "best", "CHF") == gaps("1", "best") == []
    assert gaps("9", "best") == [(Reason.ROOM_TYPE, "9", 1)]
    assert gaps("1", "fix", "GBP") == [(Reason.RATE_PLAN, "fix", 1), (Reason.CURRENCY, "GBP", -1)]
