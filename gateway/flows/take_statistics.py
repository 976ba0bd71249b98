"""A report of what has happened in the house. It changes nothing here: it is kept where all messages are, findable."""

from __future__ import annotations

from gateway.flows.record import Record
from gateway.messages import Applied, StatisticsReceived
from gateway.model.dates import Instant, format_day
from gateway.store.state import Decision, State
from gateway.store.tables import MessageRow

_NOTE_CHARS_MAX = 200


class TakeStatistics(Record):
    """The job. The line of the log says what the report is of; the report itself is beside it."""

    def __init__(self, event: StatisticsReceived, message: MessageRow) -> None:
        of_day = f" of {format_day(event.day)}" if event.day is not None else ""
        named = f" {event.report}" if event.report else ""
        notes = "; ".join(event.notes)[:_NOTE_CHARS_MAX]
        detail = f"statistics{named}{of_day}: {len(event.figures)} figures" + (f"; {notes}" if notes else "")
        super().__init__([message._replace(outcome="applied", detail=detail)])

    def decide(self, state: State, now_ms: Instant) -> Decision:
        return super().decide(state, now_ms)._replace(answer=Applied())
