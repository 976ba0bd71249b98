"""Reading the files of an import: CSV and JSON, whose columns are the same.

Reservations have a line per room stay; lines with one booking id (and channel) are one booking. Rates and
availability have a line per range of days: what is left empty is not said.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from gateway.errors import Malformed, Reason, Refusal
from gateway.model.ari import OCCUPANCY_MAX, AriUpdate, Field, Setting
from gateway.model.dates import ALL_WEEK, day_start_ms, parse_day
from gateway.model.money import parse_minor
from gateway.model.reservation import Content, Guest, Revision, RevisionKind, RoomStay
from gateway.wire.redact import mask_text

LINES_MAX = 50_000
BYTES_MAX = 64 * 1024 * 1024
_DAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
_FLAGS = {"": None, "0": 0, "1": 1, "no": 0, "yes": 1, "false": 0, "true": 1}
_FLAG_FIELDS = (Field.CLOSED, Field.CTA, Field.CTD)
_COUNT_FIELDS = (
    Field.FIGURE,
    Field.MIN_ARRIVAL,
    Field.MIN_THROUGH,
    Field.MAX_ARRIVAL,
    Field.MAX_THROUGH,
    Field.MIN_OFFSET_H,
    Field.MAX_OFFSET_H,
)
_KINDS = {
    "": RevisionKind.NEW,
    "new": RevisionKind.NEW,
    "booked": RevisionKind.NEW,
    "modified": RevisionKind.MODIFY,
    "cancelled": RevisionKind.CANCEL,
}

_BOOKING_COLUMNS = (
    *("booking_id", "channel", "status", "currency", "total", "created", "comment"),
    *("surname", "given", "email", "phone"),
)
RESERVATION_COLUMNS = frozenset(
    (*_BOOKING_COLUMNS, "room", "plan", "arrival", "departure", "units", "adults", "children", "stay_total")
)
ARI_COLUMNS = frozenset(
    ["room", "plan", "first", "last", "weekdays", "price", "extra_adult", "extra_child"]
    + [field.value for field in (*_FLAG_FIELDS, *_COUNT_FIELDS)]
    + [f"price{guests}" for guests in range(1, OCCUPANCY_MAX + 1)]
)
Line = Mapping[str, str]


class Read(NamedTuple):
    """What a line (the first, of a booking with several) says, or why it cannot be read."""

    line: int
    value: Any
    problem: Refusal | None = None


def lines(data: bytes, *, is_json: bool, columns: frozenset[str]) -> list[tuple[int, Line]]:
    """Numbered lines as texts by column; raises Malformed for a file that is none, or has columns nobody knows."""
    if len(data) > BYTES_MAX:
        raise Malformed(f"the file is longer than {BYTES_MAX} bytes", Reason.TOO_LARGE)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed(f"the file is not UTF-8: {error.reason} at byte {error.start}") from None
    if "\0" in text:
        raise Malformed("the file holds U+0000", Reason.FORBIDDEN_CONTENT)
    found = list(_json(text) if is_json else _csv(text))
    if not found:
        raise Malformed("the file has no lines")
    if len(found) > LINES_MAX:
        raise Malformed(f"the file has more than {LINES_MAX} lines", Reason.TOO_LARGE)
    unknown = {column for _, line in found for column in line} - columns
    if unknown:
        known = ", ".join(sorted(columns))
        raise Malformed(f"nobody knows the columns {', '.join(sorted(unknown))[:200]}; there are {known}")
    return found


def _csv(text: str) -> Iterator[tuple[int, Line]]:
    dialect = ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
    reader = csv.DictReader(io.StringIO(text), delimiter=dialect, strict=True)
    try:
        for record in reader:
            if None in record or None in record.values():
                raise Malformed("it has another number of columns than the first line", line=reader.line_num)
            yield reader.line_num, {(key or "").strip(): (value or "").strip() for key, value in record.items()}
    except csv.Error as error:
        raise Malformed(f"line {reader.line_num}: {error}", line=reader.line_num) from None


def _json(text: str) -> Iterator[tuple[int, Line]]:
    try:
        records = msgspec.json.decode(text, type=list[dict[str, str | int | bool | None]], strict=True)
    except msgspec.DecodeError as error:
        raise Malformed(f"the file is no list of flat objects, with amounts as texts: {error}") from None
    for number, record in enumerate(records, 1):
        yield number, {key: _text(value) for key, value in record.items()}


def _text(value: str | int | bool | None) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value).strip()


# --- reservations -----------------------------------------------------------------------------------------------------


def bookings(found: list[tuple[int, Line]], currency: str, zone: str) -> list[Read]:
    """A revision without version for each booking, in the order of their first lines."""
    grouped: dict[tuple[str, str], list[tuple[int, Line]]] = {}
    read: list[Read] = []
    for number, line in found:
        if line.get("booking_id"):
            grouped.setdefault((line.get("channel", ""), line["booking_id"]), []).append((number, line))
        else:
            read.append(Read(number, None, Malformed("it has no booking_id", Reason.REQUIRED_MISSING)))
    for members in grouped.values():
        try:
            read.append(Read(members[0][0], _booking([line for _, line in members], currency, zone)))
        except Refusal as problem:
            read.append(Read(members[0][0], None, problem))
    return sorted(read, key=lambda each: each.line)


def _booking(members: list[Line], ours: str, zone: str) -> Revision:
    head = members[0]
    currency = head.get("currency") or ours
    kind = _KINDS.get(head.get("status", "").lower())
    if kind is None:
        raise Malformed(f"status {head['status']!r} is none of new, modified, cancelled", Reason.INVALID_VALUE)
    # Whoever exports a list of bookings may have typed a card into any of these.
    surname, given = (mask_text(head.get(name, "")) for name in ("surname", "given"))
    guest = Guest(surname, given, head.get("email", ""), head.get("phone", ""))
    created = head.get("created", "")
    total = head.get("total", "")
    return Revision(
        booking_id=head["booking_id"],
        kind=kind,
        content=Content(
            currency=currency,
            total=parse_minor(total, currency) if total else None,
            stays=tuple(_stay(line, currency) for line in members),
            booker=guest if guest != Guest() else None,
            comments=(mask_text(head["comment"]),) if head.get("comment") else (),
        ),
        channel=head.get("channel", ""),
        created_ms=day_start_ms(parse_day(created[:10]), zone) if created else None,
    )


def _stay(line: Line, currency: str) -> RoomStay:
    arrival, departure = parse_day(line.get("arrival", "")), parse_day(line.get("departure", ""))
    if not 0 < departure - arrival <= 999:
        raise Malformed("a stay is 1 to 999 nights long", Reason.DATE_COMBINATION)
    total = line.get("stay_total", "")
    if not line.get("room"):
        raise Malformed("it has no room", Reason.REQUIRED_MISSING)
    return RoomStay(
        line["room"],
        line.get("plan", ""),
        arrival,
        departure,
        units=_number(line, "units", 1, 1, 99),
        adults=_number(line, "adults", 0, 0, 99),
        children=_number(line, "children", 0, 0, 99),
        total=parse_minor(total, currency) if total else None,
    )


# --- rates and availability -------------------------------------------------------------------------------------------


def updates(found: list[tuple[int, Line]], currency: str, *, net: bool) -> list[Read]:
    """An update for each line; its ``record`` is the line's number."""
    read: list[Read] = []
    for number, line in found:
        try:
            first = parse_day(line.get("first", ""))
            last = parse_day(line["last"]) if line.get("last") else first
            settings = tuple(_settings(line, currency))
            if not settings:
                raise Malformed("it sets nothing", Reason.REQUIRED_MISSING)
            place = (line.get("room", ""), line.get("plan", ""), first, last)
            update = AriUpdate(
                *place, settings, weekdays=_weekdays(line), currency=currency, net=net, record=str(number)
            )
            read.append(Read(number, update))
        except Refusal as problem:
            read.append(Read(number, None, problem))
    return read


def _settings(line: Line, currency: str) -> Iterator[Setting]:
    for field in _FLAG_FIELDS:
        said = line.get(field.value, "").lower()
        if said not in _FLAGS:
            raise Malformed(f"{field.value} {said!r} is neither yes nor no", Reason.INVALID_VALUE)
        if (value := _FLAGS[said]) is not None:
            yield Setting(field, value)
    for field in _COUNT_FIELDS:
        if line.get(field.value):
            yield Setting(field, _number(line, field.value, 0, 0, 60_000))
    for field in (Field.PRICE, Field.EXTRA_ADULT, Field.EXTRA_CHILD):
        if amount := line.get(field.value, ""):
            yield Setting(field, parse_minor(amount, currency))
    for guests in range(1, OCCUPANCY_MAX + 1):
        if amount := line.get(f"price{guests}", ""):
            yield Setting(Field.PRICE, parse_minor(amount, currency), guests)


def _weekdays(line: Line) -> int:
    """``Fr Sa`` or ``fr,sa``; empty for every day."""
    words = line.get("weekdays", "").lower().replace(",", " ").split()
    mask = 0
    for word in words:
        if word[:2] not in _DAYS:
            raise Malformed(f"{word!r} is none of Mo Tu We Th Fr Sa Su", Reason.INVALID_VALUE)
        mask |= 1 << _DAYS.index(word[:2])
    return mask or ALL_WEEK


def _number(line: Line, column: str, absent: int, lowest: int, highest: int) -> int:
    said = line.get(column, "")
    if not said:
        return absent
    if not (said.isascii() and said.isdigit() and len(said) <= 9 and lowest <= int(said) <= highest):
        raise Malformed(f"{column} {said[:40]!r} is not a number from {lowest} to {highest}", Reason.INVALID_VALUE)
    return int(said)
