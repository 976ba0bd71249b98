"""The message log: what came in and went out, and taking a stored message again."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.flows.desk import messages
from gateway.flows.desk.messages import Direction, Filter, Message, MessagePage, Replay
from gateway.model.access import Action
from gateway.web.api.endpoints import Answer, Call, Endpoints, Nothing, Repeat
from gateway.web.api.shapes import shown_type
from gateway.web.api.values import COUNT, CodeOrNone, Count, Cursor, Text, Time, instant_or_none, number

ENDPOINTS = Endpoints("Messages", "What came in and went out, redacted, with what became of it.")


class MessagesQuery(msgspec.Struct, frozen=True):
    direction: Direction | None = None
    connection: CodeOrNone = ""
    kind: CodeOrNone = ""
    outcome: CodeOrNone = ""
    text: Annotated[Text, Meta(description="stands in what was said, either way")] = ""
    first: Annotated[Time | None, Meta(description="at this instant or later")] = None
    last: Annotated[Time | None, Meta(description="at this instant or earlier")] = None
    cursor: Cursor = ""
    limit: Count = COUNT


class ReplayOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """With ``dry_run`` it is only said what would change."""

    dry_run: bool


@ENDPOINTS.add(
    "GET",
    "/properties/{property}/messages",
    Action.READ_MESSAGES,
    query=MessagesQuery,
    answer=shown_type(MessagePage),
)
async def list_messages(call: Call[MessagesQuery, Nothing]) -> Answer:
    """List and search messages.

    Newest first; all conditions must hold. Where `partial` is true, a part of the log was looked at only: go on with
    `next`, even if `items` is empty.
    """
    query = call.query
    wanted = Filter(
        direction=query.direction,
        connection=query.connection,
        kind=query.kind,
        outcome=query.outcome,
        text=query.text,
        first_ms=instant_or_none(query.first),
        last_ms=instant_or_none(query.last),
    )
    page = await messages.find(call.services, call.property_id, wanted, cursor=query.cursor, limit=query.limit)
    return Answer(page)


@ENDPOINTS.add("GET", "/properties/{property}/messages/{message}", Action.READ_MESSAGES, answer=shown_type(Message))
async def show_message(call: Call[Nothing, Nothing]) -> Answer:
    """Show a message.

    Both texts, as they were stored: redacted.
    """
    return Answer(await messages.show(call.services, call.property_id, number(call.path["message"])))


@ENDPOINTS.add(
    "POST",
    "/properties/{property}/messages/{message}/replay",
    Action.REPLAY,
    body=ReplayOrder,
    answer=shown_type(Replay),
    repeat=Repeat.CLAIMED,
)
async def replay_message(call: Call[Nothing, ReplayOrder]) -> Answer:
    """Take a stored message again.

    With the mapping of today: a booking that is parked finds its room. What is there already has no second effect.
    """
    author, dry_run = call.principal.author, call.body.dry_run
    found = number(call.path["message"])
    return Answer(await messages.replay(call.services, call.property_id, found, author, dry_run=dry_run))
