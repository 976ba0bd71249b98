"""Years of one busy property: reservations, their revisions and deliveries, the message log, the journal.

Everything belongs to one property, which is the hardest case: whatever is looked for lies among all of it. Rows come
in the order of time, as they do in life, while booking ids, guests and our own numbers are in no order at all.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from gateway.engine.booking import enter, search_name
from gateway.engine.nights import RoomNights
from gateway.engine.window import Claim
from gateway.flows.services import ALPHABET
from gateway.model.dates import BLOCK_DAYS, day_start_ms
from gateway.model.reservation import Content, Guest, Revision, RevisionKind, RoomStay
from gateway.store.tables import ID_SHIFT, DeliveryRow, JournalRow, MessageRow, ReservationRow, RevisionRow

Rows = Iterator[tuple[Any, ...]]

DAY_MS = 86_400_000
LAST_DAY = datetime.now(UTC).toordinal()
LAST_MS = day_start_ms(LAST_DAY, "UTC")
YEARS_DAYS = 5 * 365
SURNAMES = ("Keller", "Okafor", "Lindqvist", "Moreau", "Tanaka", "Rossi", "Novak", "Haddad", "Silva", "Wu", "Byrne")
PARKED_EVERY, OVERSOLD_EVERY, CANCELLED_EVERY, REFUSED_EVERY = 400_000, 1_000_000, 9, 50_000
_PAIRS = tuple(first + second for first in ALPHABET for second in ALPHABET)
_RAW = b"<OTA_HotelResNotifRQ>" + b"<Comment>late arrival, a quiet room if possible</Comment>" * 64
_ANSWER = b'<OTA_HotelResNotifRS Version="1.0"><Success/>' + b"<HotelReservation/>" * 20 + b"</OTA_HotelResNotifRS>"
_pack = msgspec.msgpack.Encoder().encode


def tables(
    property_id: str, rooms: Sequence[str], reservations: int, message_bytes: int
) -> Iterator[tuple[type[Any], Rows]]:
    """The rows of every table that grows, one table after the other."""
    yield MessageRow, _messages(property_id, message_count(message_bytes), reservations)
    yield ReservationRow, _reservations(property_id, rooms, reservations)
    yield RevisionRow, _revisions(property_id, rooms, reservations)
    yield DeliveryRow, _deliveries(property_id, reservations)
    yield JournalRow, _journal(property_id, reservations // 10)


def message_count(message_bytes: int) -> int:
    """How many messages have so many bytes."""
    return message_bytes // (len(_RAW) + len(_ANSWER))


def number(n: int) -> str:
    """Our number of the nth reservation: 50 bits in no order; the factor is odd, so none comes twice."""
    bits = n * 0x2_545F_4914_F6CD % 2**50
    return "".join([_PAIRS[bits >> shift & 1023] for shift in (40, 30, 20, 10, 0)])


def message_id(n: int, count: int) -> int:
    """The number of the nth of so many messages."""
    return (_at_ms(n, count) << ID_SHIFT) + n % 1_000


def _at_ms(n: int, count: int) -> int:
    return LAST_MS - (count - n) * YEARS_DAYS * DAY_MS // count


def _booking_id(n: int) -> str:
    """Ten digits in no order; 7,368,787 is coprime to 10¹⁰, so none comes twice."""
    return f"{n * 7_368_787 % 10**10:010d}"


def _guest(n: int) -> str:
    return f"{SURNAMES[n % len(SURNAMES)].casefold()}{n * 48_271 % 99_991} ada"


def _stay(n: int, count: int) -> tuple[int, int]:
    created = LAST_DAY - (count - n) * YEARS_DAYS // count
    arrival = created + n * 16_807 % 180
    return arrival, arrival + 1 + n % 5


def _reservations(property_id: str, rooms: Sequence[str], count: int) -> Rows:
    nights = {room: _pack((RoomNights(room, 738_000, 738_002, 1),)) for room in rooms}
    for n in range(1, count + 1):
        arrival, departure = _stay(n, count)
        status = "booked" if n % CANCELLED_EVERY else "cancelled"
        parked, oversold = int(n % PARKED_EVERY == 0), int(n % OVERSOLD_EVERY == 1)
        yield (
            *(property_id, f"channel{n % 3}", "", _booking_id(n), number(n), status, 1, arrival, departure, parked),
            *(oversold, n, _at_ms(n, count), nights[rooms[n % len(rooms)]], _guest(n)),
        )


def _revisions(property_id: str, rooms: Sequence[str], count: int) -> Rows:
    packed = []
    for n, room in enumerate(rooms):
        stay = RoomStay(room, "BAR", 738_000 + n, 738_002 + n, adults=2, nightly=(12_000, 13_000), total=25_000)
        content = Content(
            "EUR", 25_000, stays=(stay,), booker=Guest("Keller", "Ada", "ada@example.org", "+44 7700 900")
        )
        assert search_name(content) is not None
        packed.append(_pack(enter(1, Revision("0", RevisionKind.NEW, content), [room], LAST_MS)))
    for n in range(1, count + 1):
        yield property_id, number(n), 1, _at_ms(n, count) << ID_SHIFT, packed[n % len(packed)]


def _deliveries(property_id: str, count: int) -> Rows:
    claim = _pack(Claim())
    for n in range(1, count + 1):
        state = "confirmed" if n % REFUSED_EVERY else "refused"
        yield property_id, "bench-pms", number(n), 1, state, None, 1, f"P{n}", "", 1, claim


def _messages(property_id: str, count: int, revs: int) -> Rows:
    kinds = ("OTA_HotelResNotifRQ", "OTA_HotelAvailNotifRQ", "OTA_HotelRateAmountNotifRQ")
    for n in range(1, count + 1):
        direction, outcome = ("out", "confirmed") if n % 3 else ("in", "applied")
        if n % REFUSED_EVERY == 0:
            outcome = "refused"
        key = (property_id, message_id(n, count), f"channel{n % 3}", direction, kinds[n % 3], _at_ms(n, count))
        yield *key, outcome, "", n * revs // count, None, _RAW, _ANSWER, 0, 0, ""


def _journal(property_id: str, count: int) -> Rows:
    body = random.Random(1).randbytes(120)
    for n in range(1, count + 1):
        at_ms = _at_ms(n, count)
        block = (LAST_DAY - n % 400) // BLOCK_DAYS
        yield property_id, f"channel{n % 3}", block, (at_ms << ID_SHIFT) + n, n, at_ms, "channel", body
