"""How the databases answer what is asked of them: every list along an index, none by reading a whole table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from gateway.store import (
    delivering,
    reading_calendar,
    reading_connections,
    reading_journal,
    reading_messages,
    reading_properties,
    retaining,
    searching,
    selling,
    watching,
)
from gateway.store import reading_reservations as reading
from gateway.store.database import Database, Transaction
from gateway.store.hotels import Hotels
from gateway.store.sql import Params
from gateway.store.tables import DeliveryRow, MessageRow, ReservationRow, RevisionRow, Scope
from gateway.store.walking import Condition

ROWS = 3_000
SCOPE = Scope("h", "property", 1, 1)
# Indexes that hold nothing but what needs somebody.
PARTIAL = ("reservation_trouble", "delivery_refused", "delivery_to_fetch", "sale_requested")
SMALL = ("scope", "config", "connection", "sync_order", "sync_error", "their_code", "w", "b", "g")


class Explaining:
    """A transaction that asks for the plan of each statement as it runs it."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self.plans: list[tuple[str, str]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)

    async def execute(self, text: str, params: Params) -> Sequence[tuple[Any, ...]]:
        how = "EXPLAIN QUERY PLAN" if self._tx.dialect == "sqlite" else "EXPLAIN"
        rows = await self._tx.execute(f"{how} {text}", params)
        self.plans.append((text, "\n".join(str(row[-1]) for row in rows)))
        return await self._tx.execute(text, params)

    async def fetch(self, text: str, *params: Any) -> Sequence[tuple[Any, ...]]:
        return await Transaction.fetch(self, text, *params)  # type: ignore[arg-type]

    async def rows(self, row: Any, condition: str, *params: Any) -> list[Any]:
        return await Transaction.rows(self, row, condition, *params)  # type: ignore[arg-type]

    async def lookup(self, lookup: Any, keys: Sequence[Params]) -> list[Any]:
        return await Transaction.lookup(self, lookup, keys)  # type: ignore[arg-type]


@pytest.fixture
async def full(database: Database) -> Database:
    """Enough rows for PostgreSQL to think about it, with what each database knows of them by itself."""

    def reservation(n: int) -> ReservationRow:
        status = "cancelled" if n % 7 == 0 else "booked"
        key = ("h", "ota", "", f"B{n}")
        parked = int(n % 500 == 0)
        return ReservationRow(*key, f"R{n}", status, 1, n, n + 2, parked, 0, n, n, b"", f"guest{n}")

    def message(n: int) -> MessageRow:
        return MessageRow("h", n, "ota", "in", "K", n, "applied", "", n, None, b"x" * 50, b"")

    def delivery(n: int) -> DeliveryRow:
        state, due_ms = ("pending", n) if n % 500 == 0 else ("confirmed", None)
        return DeliveryRow("h", "pms", f"R{n}", 1, state, due_ms, 0, "", "", 1, b"")

    async def write(tx: Transaction) -> None:
        await tx.upsert(Scope, [SCOPE])
        await tx.upsert(DeliveryRow, [delivery(n) for n in range(1, ROWS)])
        await tx.upsert(RevisionRow, [RevisionRow("h", f"R{n}", 1, n, b"") for n in range(1, ROWS)])
        await tx.upsert(ReservationRow, [reservation(n) for n in range(1, ROWS)])
        await tx.upsert(MessageRow, [message(n) for n in range(1, ROWS)])

    await database.write(write)
    if database.dialect == "postgresql":  # which does it by itself, and SQLite never
        await database.write(lambda tx: tx.fetch("ANALYZE"))
    return database


async def rare(tx: Transaction, connection: str) -> reading.Listed:
    search = await searching.for_rare(tx, "h", connection)
    assert search is not None
    return await searching.page(tx, reading.CREATED, "h", search, (), None, 50)


Ask = Callable[[Transaction], Awaitable[object]]
PARKED = Condition("parked", ">", 0)
ASKED: dict[str, Ask] = {
    "newest reservations": lambda tx: reading.page(tx, reading.CREATED, "h", (), None, 50),
    "the next page": lambda tx: reading.page(tx, reading.CREATED, "h", (), (1500, "R1500"), 50),
    "by arrival": lambda tx: reading.page(
        tx, reading.ARRIVAL, "h", [Condition("arrival", ">=", 100), Condition("arrival", "<=", 900)], None, 50
    ),
    "a rare connection": lambda tx: reading.page(
        tx, reading.CREATED, "h", [Condition("connection", "=", "none"), Condition("status", "=", "x")], None, 50
    ),
    "trouble": lambda tx: reading.page(tx, reading.TROUBLE, "h", [PARKED], (10, "R10"), 50),
    "newest trouble": lambda tx: reading.page(tx, reading.NEW_TROUBLE, "h", [PARKED], None, 50),
    "by text": lambda tx: searching.page(
        tx, reading.CREATED, "h", searching.for_text("guest1"), [Condition("status", "=", "booked")], None, 50
    ),
    "by text and arrival": lambda tx: searching.page(
        tx, reading.ARRIVAL, "h", searching.for_text("B1"), [Condition("arrival", ">=", 9)], (12, "R12"), 50
    ),
    "by text among the troubled": lambda tx: searching.page(
        tx, reading.CREATED, "h", searching.for_text("guest1", troubled=True), [PARKED], None, 50
    ),
    "of no connection": lambda tx: rare(tx, "none"),
    "of a connection with many": lambda tx: searching.for_rare(tx, "h", "ota"),
    "authors": lambda tx: reading.authors(tx, "h", {1, 2}),
    "newest messages": lambda tx: reading_messages.page(tx, "h", (), "", None, 50),
    "rare messages": lambda tx: reading_messages.page(
        tx, "h", [Condition("outcome", "=", "refused"), Condition("at_ms", ">=", 5)], "", (2000, 2000), 50
    ),
    "messages by text": lambda tx: reading_messages.page(tx, "h", (), "needle", None, 50),
    "one message": lambda tx: reading_messages.one(tx, "h", 7),
    "journal": lambda tx: reading_journal.back(tx, "h", "ota", 739_000, 50, 100),
    "progress": lambda tx: reading_connections.progress(tx, SCOPE, ROWS),
    "refusals": lambda tx: reading_connections.refusals(tx, "h", {"ota"}, {1, 2}),
    # Looked for every second, or with every look for alerts, and after each commit.
    "deliveries that are due": lambda tx: delivering.due(tx, Hotels(), ROWS, 50),
    "deliveries outstanding": watching.outstanding,
    "deliveries that lack a code": lambda tx: delivering.with_refused(tx, "room_type"),
    "those of one property": lambda tx: delivering.refused_for(tx, Hotels(), "h", "room_type", ("", ""), 50),
    "properties with something unconfirmed": lambda tx: delivering.with_unconfirmed(tx, Hotels()),
    "what of it is unconfirmed": lambda tx: delivering.unconfirmed(tx, "h", ["pms"], ROWS, (0, "", "")),
    "what was mailed of it": lambda tx: delivering.with_tokens(tx, "h", [b"a", b"b"]),
    "sales that are due": lambda tx: selling.due(tx, ROWS),
    "sales nobody looks after": lambda tx: selling.neglected(tx, ROWS),
    "requests of one property": lambda tx: selling.requested(tx, "h"),
    "requests that wait": selling.unanswered,
    "messages that are spared": lambda tx: retaining.spared(tx, "h"),
    "bookings in trouble": lambda tx: watching.troubles(tx, 100),
    "what a channel was told": lambda tx: reading_connections.told(tx, "h", "ota", range(1, 3)),
    "a stretch of the calendar": lambda tx: reading_calendar.calendar(tx, "h", [("", ""), ("R1", "BAR")], range(1, 3)),
    "a stretch of the stock": lambda tx: reading_calendar.stock(tx, "h", ["", "R1"], range(1, 3)),
    "properties": lambda tx: reading_properties.page(tx, Hotels(), None, "a", 50),
}


async def test_no_list_reads_a_whole_table(full: Database) -> None:
    async def work(tx: Transaction) -> dict[str, list[str]]:
        if tx.dialect == "postgresql":
            # It reads small tables whole, and rightly so; what is asked here is whether it has to.
            await tx.fetch("SET LOCAL enable_seqscan = off")
        found = {}
        for name, ask in ASKED.items():
            explaining = Explaining(tx)
            await ask(explaining)  # type: ignore[arg-type]
            found[name] = [
                f"{text}\n{plan}"
                for text, plan in explaining.plans
                if _is_whole(plan) and "JOIN scope AS t" not in text
            ]
        return {name: bad for name, bad in found.items() if bad}

    assert await full.read(work) == {}


async def test_pages_after_the_first_are_found_by_their_key(full: Database) -> None:
    """Not by skipping over what came before."""

    async def work(tx: Transaction) -> list[tuple[str, str]]:
        explaining = Explaining(tx)
        await reading.page(explaining, reading.CREATED, "h", (), (1500, "R1500"), 50)  # type: ignore[arg-type]
        return explaining.plans

    _, plan = (await full.read(work))[0]
    assert "reservation_created" in plan
    assert "at_ms" in plan.partition("reservation_created")[2]


async def test_a_rare_filter_looks_at_a_bounded_part_and_goes_on(
    full: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.walking.COVERED_SCAN_MAX", 1_000)
    found: list[str] = []
    after, pages = None, 0
    asked = [Condition("status", "=", "cancelled")]
    while pages == 0 or after is not None:
        listed = await full.read(lambda tx, after=after: reading.page(tx, reading.CREATED, "h", asked, after, 100))  # type: ignore[misc]
        found += [row.reservation_id for row in listed.rows]
        after, pages = listed.next, pages + 1
    assert found == [f"R{n}" for n in range(ROWS - 1, 0, -1) if n % 7 == 0]
    assert pages > 4


def _is_whole(plan: str) -> bool:
    """A scan of a table that grows with the log or with the reservations, on either database."""
    made = {line.split()[1] for line in plan.splitlines() if line.startswith(("CO-ROUTINE ", "MATERIALIZE "))}
    for line in plan.splitlines():
        words = line.replace("->", " ").split()
        if (
            line.startswith("SCAN ")
            and words[1] not in (*SMALL, *made, "k")
            and not (_is_list(line) or words[-1] in PARTIAL)
        ):
            return True
        if words[:3] == ["Seq", "Scan", "on"] and words[3] not in SMALL:
            return True
    return False


def _is_list(line: str) -> bool:
    """The keys of the statement itself."""
    return line.startswith("SCAN (subquery") or "VALUES CLAUSE" in line or "CONSTANT ROW" in line
