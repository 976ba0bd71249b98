"""What one message to a channel leaves behind: what it holds now, what it refuses, the journal and the message log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from gateway.contract import Confirmed, Refused
from gateway.engine import journal
from gateway.engine.sending import Parcel, Settled, Touched
from gateway.errors import Retryable
from gateway.flows.plan_push import ChannelPlan, Target
from gateway.flows.push_exchange import Exchange
from gateway.messages import Ping, PushAvailability, PushRates
from gateway.model.dates import Instant
from gateway.store.tables import JournalRow, MessageRow, Row
from gateway.store.tables_connections import ShadowRow, SyncErrorRow
from gateway.wire.redact import redact

_SAID = {Confirmed: journal.CONFIRMED, Refused: journal.REFUSED}


def shadow_rows(channel: ChannelPlan, touched: Iterable[Touched]) -> list[Row]:
    """The rows as they are now, each once."""
    rows: dict[int, set[int]] = {}
    shadows = {}
    for found in touched:
        shadows[id(found.shadow)] = found.shadow
        rows.setdefault(id(found.shadow), set()).update(found.rows.tolist())
    packed: list[Row] = []
    for name, chosen in rows.items():
        shadow, order = shadows[name], sorted(chosen)
        for row, body in zip(order, shadow.sheet.pack(order), strict=True):
            room, plan, block = shadow.sheet.keys[row]
            packed.append(
                ShadowRow(
                    channel.row.scope_id,
                    channel.row.connection,
                    shadow.aspect.value,
                    room,
                    plan,
                    block,
                    hold_ms=int(shadow.hold_ms[row]),
                    due_ms=shadow.due_ms(row),
                    body=body,
                )
            )
    return packed


def targets(parcel: Parcel) -> set[Target]:
    return {(part.of.aspect.value, part.update.room, part.update.plan) for part in parcel.parts}


def refused(settled: Settled) -> set[Target]:
    return {(part.of.aspect.value, part.update.room, part.update.plan) for part, _ in settled.refused}


def error_rows(channel: ChannelPlan, targets: Iterable[Target]) -> list[SyncErrorRow]:
    scope_id, connection = channel.row.scope_id, channel.row.connection
    return [SyncErrorRow(scope_id, connection, *target, 0, 0, "", "", 0) for target in targets]


def sync_errors(channel: ChannelPlan, settled: Settled, now_ms: Instant) -> list[Row]:
    errors: dict[Target, Row] = {}
    for part, refused in settled.refused:
        update = part.update
        target = (part.of.aspect.value, update.room, update.plan)
        errors[target] = SyncErrorRow(
            channel.row.scope_id,
            channel.row.connection,
            *target,
            update.first,
            update.last,
            refused.code,
            refused.text,
            now_ms,
        )
    return list(errors.values())


def problem(exchange: Exchange) -> str:
    if exchange.failure is not None:
        return str(exchange.failure)
    outcome = exchange.decoded.outcome
    return f"{outcome.code}: {outcome.text}" if isinstance(outcome, Refused) else ""


def outcome(exchange: Exchange, *, refused: bool) -> str:
    if isinstance(exchange.failure, Retryable):
        return "failed"
    if refused:
        return "refused"
    return "confirmed" if isinstance(exchange.decoded.outcome, Confirmed) else "unknown"


def part_outcomes(parcel: Parcel, exchange: Exchange) -> Counter[str]:
    """How many parts of the message came to which end."""
    if isinstance(exchange.failure, Retryable):
        return Counter(failed=len(parcel))
    overall, parts = exchange.decoded.outcome, exchange.decoded.parts
    return Counter(type(parts.get(n, overall)).__name__.lower() for n in range(len(parcel)))


def journal_rows(parcel: Parcel, exchange: Exchange, message: MessageRow) -> list[JournalRow]:
    """What the channel was told, by which it can be said later what it held; nothing of what did not arrive."""
    if isinstance(exchange.failure, Retryable):
        return []
    overall, parts = exchange.decoded.outcome, exchange.decoded.parts
    bodies = journal.told(
        journal.Said(part.update, _SAID.get(type(parts.get(n, overall)), journal.UNKNOWN))
        for n, part in enumerate(parcel.parts)
    )
    number, rev, at_ms = message.message_id, message.rev, message.at_ms
    return [
        JournalRow(message.scope_id, message.connection, block, number, rev, at_ms, "", body)
        for block, body in bodies.items()
    ]


def log_row(
    channel: ChannelPlan, command: PushAvailability | PushRates, exchange: Exchange, settled: Settled, now_ms: Instant
) -> MessageRow:
    return MessageRow(
        channel.row.scope_id,
        int(command.id, 16),
        connection=channel.row.connection,
        direction="out",
        kind=type(command).__name__,
        at_ms=now_ms,
        outcome=outcome(exchange, refused=bool(settled.refused)),
        detail=problem(exchange),
        rev=channel.row.synced_rev,
        token=None,
        raw=redact(exchange.request.body) if exchange.request else b"",
        answer=redact(exchange.reply.body) if exchange.reply else b"",
        cause=channel.row.synced_cause,
        since=channel.since,
    )


def agreement_rows(channel: ChannelPlan, parcel: Parcel, exchange: Exchange) -> list[Row]:
    """What a message says of the agreement: a complete set was taken, or it has to be asked again."""
    before = channel.agreed
    if before is None:
        return []
    decoded, after = exchange.decoded, before
    if parcel.complete and isinstance(decoded.outcome, Confirmed) and not decoded.parts:
        after = after._replace(opened=1)
    if isinstance(decoded.next, Ping):
        after = after._replace(at_ms=0)
    channel.agreed = after
    return [after] if after != before else []
