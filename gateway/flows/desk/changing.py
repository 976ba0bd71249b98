"""Prices, rules and figures set by people and programs of the hotel, in our own codes."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gateway.engine import ari
from gateway.engine.hotel import Hotel
from gateway.engine.mapping import Codes, OurCodes
from gateway.errors import Malformed, Reason, Rejected, Stale
from gateway.flows.desk.undoing import Undoing, what_was
from gateway.flows.take_ari import TakeAri
from gateway.messages import AriReceived
from gateway.model.ari import AriUpdate, Field
from gateway.model.dates import Instant, format_day
from gateway.store.state import Decision, State
from gateway.store.tables import MessageRow

UPDATES_MAX = 5_000


class Saved(msgspec.Struct, frozen=True):
    """A change that is durable now.

    ``outcome`` is ``applied``, ``unchanged`` where everything was so already, or ``parked`` where some of it waits for
    confirmation (:mod:`gateway.flows.desk.holding`).
    """

    rev: int
    message_id: int
    outcome: str


class ChangeCalendar(TakeAri):
    """The job; everything but whose codes they are, and who may set figures, is as for a document of the PMS.

    ``over_pms`` sets figures although a PMS sets them too: its window is then treated as if the PMS had said them.
    ``expected`` is the revision of the property that the caller has seen; None for any. ``speaks`` is the connection
    whose codes the updates use, "" for our own. ``force`` passes the guard. ``undoable`` keeps what was before, to be
    set again by :class:`UndoChange`.
    """

    def __init__(
        self,
        scope_id: str,
        updates: Sequence[AriUpdate],
        message: MessageRow,
        *,
        over_pms: bool,
        expected: int | None = None,
        speaks: str = "",
        force: bool = False,
        undoable: bool = False,
    ) -> None:
        super().__init__(scope_id, "", AriReceived("", tuple(updates)), message)
        self._undoable = undoable
        self._guarded = not force
        self._over_pms = over_pms
        self._speaks = speaks
        self._expected = expected

    def _changes(self, hotel: Hotel, now_ms: Instant) -> ari.Changes:
        self._connection = hotel.pms.id if hotel.pms else ""
        house = hotel.property
        updates = [
            update if update.currency else msgspec.structs.replace(update, currency=house.currency, net=house.net)
            for update in self._event.updates
        ]
        codes: Codes = hotel.mapping(self._speaks) if self._speaks else OurCodes(hotel.rooms, hotel.plans)
        return ari.Changes(updates, codes, house.currency, net=house.net)

    def _check_figures(self, hotel: Hotel) -> None:
        if not self._figures:
            return
        if hotel.pms is not None and not self._over_pms:
            raise Rejected(f"the figures of this hotel come from {hotel.pms.id}", Reason.AUTHORIZATION)
        if any(not change.room for change in self._figures) and not (hotel.pms and hotel.pms.house_figures):
            raise Rejected("figures for the house as a whole are not enabled")
        settings = (setting for change in self._figures for setting in change.update.settings)
        if any(setting.field is Field.FIGURE_BY for setting in settings):
            raise Rejected("a relative figure cannot be told from its repetition; say the number of rooms")

    def decide(self, state: State, now_ms: Instant) -> Decision:
        if self._expected not in (None, state.scopes[self._message.scope_id].rev):
            raise Stale("the property has changed since you read its calendar")
        decision = super().decide(state, now_ms)
        message = next(row for row in decision.writes if isinstance(row, MessageRow))
        saved = decision._replace(answer=Saved(message.rev, message.message_id, message.outcome))
        if not self._undoable:
            return saved
        was = what_was(state, state.hotels[self._message.scope_id], decision.writes)
        kept = [row._replace(answer=was) if row is message else row for row in decision.writes]
        return saved._replace(writes=kept)


class UndoChange(ChangeCalendar):
    """The job: what a message changed is as before it; raises Stale where any of it has been changed since."""

    def __init__(self, scope_id: str, undoing: Undoing, message: MessageRow) -> None:
        super().__init__(scope_id, undoing.updates, message, over_pms=True, force=True, undoable=True)
        self._undoing = undoing

    def decide(self, state: State, now_ms: Instant) -> Decision:
        self._undoing.check(state, state.hotels[self._message.scope_id])
        return super().decide(state, now_ms)


def message_of(scope_id: str, number: int, updates: Sequence[AriUpdate], author: str, at_ms: Instant) -> MessageRow:
    """What is kept of a change."""
    return MessageRow(
        scope_id,
        number,
        connection="",
        direction="in",
        kind="calendar",
        at_ms=at_ms,
        outcome="",
        detail="",
        rev=0,
        token=None,
        raw=msgspec.json.encode([_readable(update) for update in updates]),
        answer=b"",
        author=author,
    )


def check_size(updates: Sequence[AriUpdate]) -> None:
    """At least one update, and not more than one transaction should carry."""
    if not 1 <= len(updates) <= UPDATES_MAX:
        raise Malformed(f"a change has 1 to {UPDATES_MAX} parts, not {len(updates)}", Reason.INVALID_VALUE)
    if any(not update.settings for update in updates):
        raise Malformed("a part of a change sets nothing", Reason.REQUIRED_MISSING)


def weight_of(updates: Sequence[AriUpdate]) -> int:
    """How many cells it speaks about."""
    return sum(update.last - update.first + 1 for update in updates)


def _readable(update: AriUpdate) -> dict[str, object]:
    settings = [
        {"field": each.field.value, "value": each.value, **({"guests": each.guests} if each.guests else {})}
        for each in update.settings
    ]
    return {
        "room": update.room,
        "plan": update.plan,
        "first": format_day(update.first),
        "last": format_day(update.last),
        "weekdays": update.weekdays,
        "currency": update.currency,
        "settings": settings,
    }
