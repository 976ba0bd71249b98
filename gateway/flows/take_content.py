"""A counterpart's codes: those it describes by itself, and those it uses that nobody has mapped."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.errors import Malformed, Reason, Refusal, Unmapped
from gateway.flows.record import Record
from gateway.messages import Applied, ContentReceived
from gateway.model.dates import Instant
from gateway.model.property import Connection
from gateway.store.state import Decision, State
from gateway.store.tables import MessageRow
from gateway.store.tables_connections import TheirCodeRow

CONTENT = "content"
REFUSED = "refused"
ROOM = "room"
PLAN = "plan"

CODES_MAX = 5_000
_TEXT_MAX = 255


class TakeContent(Record):
    """The job. What a description leaves out stays known: some counterparts describe a part at a time."""

    def __init__(self, scope_id: str, connection: Connection, event: ContentReceived, message: MessageRow) -> None:
        described = [(ROOM, each) for each in event.rooms] + [(PLAN, each) for each in event.plans]
        if len(described) > CODES_MAX:
            raise Malformed(f"a description of {len(described)} codes, at most {CODES_MAX} are taken", Reason.TOO_LARGE)
        rows = {
            (kind, each.code): TheirCodeRow(
                scope_id, connection.id, CONTENT, kind, each.code[:_TEXT_MAX], each.name[:_TEXT_MAX], message.at_ms
            )
            for kind, each in described
        }
        super().__init__([*rows.values(), message._replace(outcome="applied", detail=f"{len(rows)} codes")])

    def decide(self, state: State, now_ms: Instant) -> Decision:
        return super().decide(state, now_ms)._replace(answer=Applied())


def met(scope_id: str, connection: str, refusal: Refusal, at_ms: Instant) -> Iterable[TheirCodeRow]:
    """The code that a message was refused for, so that whoever maps the connection sees it."""
    if not isinstance(refusal, Unmapped):
        return ()
    kinds = {Reason.ROOM_TYPE: ROOM, Reason.RATE_PLAN: PLAN}
    kind = kinds.get(refusal.reason)
    return [TheirCodeRow(scope_id, connection, REFUSED, kind, refusal.code[:_TEXT_MAX], "", at_ms)] if kind else ()
