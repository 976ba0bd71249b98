"""The whole ledger: direct sales, holds and figures, and channels' revisions in any order and number, all at once.

What :mod:`tests.flows.selling.test_sell_machine` claims holds with them, and besides: whatever was acknowledged can be
found, in the words it was said in, and a reservation is the fold of what was said about it, whatever came first or
twice.
"""

from __future__ import annotations

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from gateway.engine.booking import Entry, enter, fold
from gateway.engine.nights import per_night
from gateway.flows.take_booking import TakeBooking
from gateway.messages import ReservationReceived, Taken
from gateway.model.reservation import Revision, RevisionKind
from gateway.store.tables import ReservationRow, RevisionRow
from tests.flows.house import cancel, modify, new, stay
from tests.flows.selling.test_sell_machine import SPAN, Selling, taken_by

ROOMS = {"r1": "DBL", "r2": "FAM", "r3": "STE", "r4": "TWN"}
_entry = msgspec.msgpack.Decoder(Entry).decode


class Everything(Selling):
    """``said`` is what was acknowledged of each booking, in order and each once."""

    def __init__(self) -> None:
        super().__init__()
        self.said: dict[str, list[Revision]] = {}

    @rule(
        booking=st.sampled_from(["X1", "X2", "X3"]),
        version=st.integers(1, 5),
        room=st.sampled_from(sorted(ROOMS)),
        span=SPAN,
        units=st.integers(1, 2),
        times=st.integers(1, 3),
    )
    def a_channel_says_something(
        self, booking: str, version: int, room: str, span: tuple[int, int], units: int, times: int
    ) -> None:
        """Version 1 is new, 5 cancels, and one version of a booking always says the same."""
        before = next((one for one in self.said.get(booking, ()) if one.version == version), None)
        self._take(before or _revision(booking, version, room, span, units), times)

    @rule(data=st.data(), times=st.integers(1, 2))
    def a_channel_repeats_itself(self, data: st.DataObject, times: int) -> None:
        known = [revision for revisions in self.said.values() for revision in revisions]
        if known:
            self._take(data.draw(st.sampled_from(known)), times)

    def _take(self, revision: Revision, times: int) -> None:
        event = ReservationReceived("OTA", revision)
        number = f"R{revision.booking_id}"
        jobs = [TakeBooking("h", "ota", event, self.ledger.message("ota"), number) for _ in range(times)]
        for answer in self.ledger.run(*jobs):
            assert isinstance(answer, Taken)
            assert answer.reservation_id == number
        known = self.said.setdefault(revision.booking_id, [])
        if revision not in known:
            known.append(revision)

    @invariant()
    def every_acknowledged_revision_can_be_found(self) -> None:
        if not hasattr(self, "ledger"):
            return
        stored: dict[str, list[Revision]] = {}
        for row in self.ledger.all(RevisionRow):
            assert isinstance(row, RevisionRow)
            stored.setdefault(row.reservation_id, []).append(_entry(row.body).revision)
        for booking, revisions in self.said.items():
            assert stored[f"R{booking}"] == revisions

    @invariant()
    def the_order_of_arrival_makes_no_difference(self) -> None:
        if not hasattr(self, "ledger"):
            return
        rows = {row.reservation_id: row for row in self.ledger.all(ReservationRow) if isinstance(row, ReservationRow)}
        for booking, revisions in self.said.items():
            in_order = sorted(revisions, key=lambda one: one.version or 0)
            entries = [
                enter(seq, one, [ROOMS[it.room] for it in one.content.stays], 0) for seq, one in enumerate(in_order, 1)
            ]
            folded, row = fold(entries), rows[f"R{booking}"]
            assert row.status == folded.status.value
            # With the nights it is noted what linked types take of their parts.
            assert taken_by(row.nights) == self.ledger.hotel.links.levels(folded.nights)
            if folded.status.value == "cancelled":
                assert not per_night(taken_by(row.nights))


def _revision(booking: str, version: int, room: str, span: tuple[int, int], units: int) -> Revision:
    said = stay(*span, room=room, units=units)
    if version == 1:
        return new(said, booking=booking, version=1)
    if version == 5:
        return cancel(said, booking=booking, version=5)
    revision = modify(said, booking=booking, version=version)
    assert revision.kind is RevisionKind.MODIFY
    return revision


TestEverything = Everything.TestCase
TestEverything.settings = settings(
    max_examples=20, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
