"""Years of one busy property, written straight into a SQLite file: reservations, their revisions, the message log.

Everything belongs to one property, which is the hardest case: whatever is looked for lies among all of it. Rows come
in the order of time, as they do in life, while booking ids and guests are in no order at all.
"""

import random
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from gateway.engine.booking import enter, search_name
from gateway.engine.nights import RoomNights
from gateway.engine.window import Claim
from gateway.model.dates import BLOCK_DAYS, day_start_ms
from gateway.model.reservation import Content, Guest, Revision, RevisionKind, RoomStay
from gateway.store.schema import SPECS
from gateway.store.tables import ID_SHIFT, DeliveryRow, JournalRow, MessageRow, ReservationRow, RevisionRow

DAY_MS = 86_400_000
LAST_DAY = datetime.now(UTC).toordinal()
LAST_MS = day_start_ms(LAST_DAY, "UTC")
YEARS_DAYS = 5 * 365
SURNAMES = ("Keller", "Okafor", "Lindqvist", "Moreau", "Tanaka", "Rossi", "Novak", "Haddad", "Silva", "Wu", "Byrne")
PARKED_EVERY, OVERSOLD_EVERY, CANCELLED_EVERY, REFUSED_EVERY = 400_000, 1_000_000, 9, 50_000
_RAW = b"<OTA_HotelResNotifRQ>" + b"<Comment>late arrival, a quiet room if possible</Comment>" * 64
_ANSWER = b'<OTA_HotelResNotifRS Version="1.0"><Success/>' + b"<HotelReservation/>" * 20 + b"</OTA_HotelResNotifRS>"
_pack = msgspec.msgpack.Encoder().encode


def fill(path: Path, property_id: str, rooms: list[str], reservations: int, message_bytes: int) -> None:
    """Rows of every table that grows. Indexes are made afterwards, which takes a tenth of the time."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-1500000", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}")
    indexes = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL "
        "AND tbl_name IN ('reservation', 'revision', 'delivery', 'message')"
    ).fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    connection.execute("BEGIN")
    messages = message_bytes // (len(_RAW) + len(_ANSWER))
    _insert(connection, MessageRow, _messages(property_id, messages, reservations))
    _insert(connection, ReservationRow, _reservations(property_id, rooms, reservations))
    _insert(connection, RevisionRow, _revisions(property_id, rooms, reservations))
    _insert(connection, DeliveryRow, _deliveries(property_id, reservations))
    _insert(connection, JournalRow, _journal(property_id, reservations // 10))
    connection.execute("UPDATE scope SET rev = ? WHERE scope_id = ?", (reservations + 1, property_id))
    for _, statement in indexes:
        connection.execute(statement)
    connection.execute("COMMIT")
    connection.close()


def _insert(connection: sqlite3.Connection, row: type[Any], rows: Iterator[tuple[Any, ...]]) -> None:
    spec = SPECS[row]
    marks = ", ".join("?" * len(spec.fields))
    connection.executemany(f"INSERT INTO {spec.name} ({', '.join(spec.fields)}) VALUES ({marks})", rows)


def _at_ms(n: int, count: int) -> int:
    return LAST_MS - (count - n) * YEARS_DAYS * DAY_MS // count


def _number(n: int) -> str:
    return f"01{n:024d}"


def _booking_id(n: int) -> str:
    """Ten digits in no order; 7,368,787 is coprime to 10¹⁰, so none comes twice."""
    return f"{n * 7_368_787 % 10**10:010d}"


def _guest(n: int) -> str:
    return f"{SURNAMES[n % len(SURNAMES)].casefold()}{n * 48_271 % 99_991} ada"


def _stay(n: int, count: int) -> tuple[int, int]:
    created = LAST_DAY - (count - n) * YEARS_DAYS // count
    arrival = created + n * 16_807 % 180
    return arrival, arrival + 1 + n % 5


def _reservations(property_id: str, rooms: list[str], count: int) -> Iterator[tuple[Any, ...]]:
    nights = {room: _pack((RoomNights(room, 738_000, 738_002, 1),)) for room in rooms}
    for n in range(1, count + 1):
        arrival, departure = _stay(n, count)
        status = "booked" if n % CANCELLED_EVERY else "cancelled"
        parked, oversold = int(n % PARKED_EVERY == 0), int(n % OVERSOLD_EVERY == 1)
        yield (
            *(property_id, f"channel{n % 3}", "", _booking_id(n), _number(n), status, 1, arrival, departure, parked),
            *(oversold, n, _at_ms(n, count), nights[rooms[n % len(rooms)]], _guest(n)),
        )


def _revisions(property_id: str, rooms: list[str], count: int) -> Iterator[tuple[Any, ...]]:
    packed = []
    for n, room in enumerate(rooms):
        stay = RoomStay(room, "BAR", 738_000 + n, 738_002 + n, adults=2, nightly=(12_000, 13_000), total=25_000)
        content = Content(
            "EUR", 25_000, stays=(stay,), booker=Guest("Keller", "Ada", "ada@example.org", "+44 7700 900")
        )
        assert search_name(content) is not None
        packed.append(_pack(enter(1, Revision("0", RevisionKind.NEW, content), [room], LAST_MS)))
    for n in range(1, count + 1):
        yield property_id, _number(n), 1, _at_ms(n, count) << ID_SHIFT, packed[n % len(packed)]


def _deliveries(property_id: str, count: int) -> Iterator[tuple[Any, ...]]:
    claim = _pack(Claim())
    for n in range(1, count + 1):
        state = "confirmed" if n % REFUSED_EVERY else "refused"
        yield property_id, "bench-pms", _number(n), 1, state, None, 1, f"P{n}", "", 1, claim


def _messages(property_id: str, count: int, revs: int) -> Iterator[tuple[Any, ...]]:
    kinds = ("OTA_HotelResNotifRQ", "OTA_HotelAvailNotifRQ", "OTA_HotelRateAmountNotifRQ")
    for n in range(1, count + 1):
        at_ms = _at_ms(n, count)
        direction, outcome = ("out", "confirmed") if n % 3 else ("in", "applied")
        if n % REFUSED_EVERY == 0:
            outcome = "refused"
        key = (property_id, (at_ms << ID_SHIFT) + n % 1_000, f"channel{n % 3}", direction, kinds[n % 3], at_ms)
        yield *key, outcome, "", n * revs // count, None, _RAW, _ANSWER, 0, 0, ""


def _journal(property_id: str, count: int) -> Iterator[tuple[Any, ...]]:
    body = random.Random(1).randbytes(120)
    for n in range(1, count + 1):
        at_ms = _at_ms(n, count)
        block = (LAST_DAY - n % 400) // BLOCK_DAYS
        yield property_id, f"channel{n % 3}", block, (at_ms << ID_SHIFT) + n, n, at_ms, "channel", body
