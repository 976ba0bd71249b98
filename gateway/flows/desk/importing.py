"""Taking over what exists elsewhere: reservations, rates and availability from files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec

from gateway.engine.hotel import Hotel
from gateway.errors import Malformed, Reason, Refusal, Unauthentic
from gateway.flows.desk import import_files as files
from gateway.flows.desk.changing import ChangeCalendar, weight_of
from gateway.flows.desk.finding import connection_of, property_of
from gateway.flows.desk.replaying import events_of
from gateway.flows.import_booking import ImportBooking
from gateway.flows.services import Services
from gateway.flows.take_ari import TakeAri
from gateway.flows.take_booking import TakeBooking
from gateway.messages import AriReceived, ReservationReceived, Taken
from gateway.model.property import Connection, Role
from gateway.model.reservation import Revision
from gateway.store.batch import Job
from gateway.store.database import Transaction
from gateway.store.rehearsal import Tried, rehearse
from gateway.store.tables import MessageRow
from gateway.wire.redact import redact

_PORTION = 100


class Format(StrEnum):
    """How a file is written. OTA is a message of the connection's own dialect."""

    CSV = "csv"
    JSON = "json"
    OTA = "ota"


class What(StrEnum):
    """What is in a file."""

    RESERVATIONS = "reservations"
    ARI = "ari"


class LineReport(msgspec.Struct, frozen=True):
    """What became, or would become, of a line.

    ``line`` is that of the file (records of JSON and parts of an OTA message count from 1; a booking with several lines
    is told at its first). ``outcome`` is ``taken``, ``duplicate``, ``parked``, ``stale`` or ``refused`` for
    reservations, ``applied``, ``unchanged`` or ``refused`` for rates and availability. ``ref`` is our number.
    """

    line: int
    outcome: str
    detail: str = ""
    ref: str = ""


class Imported(msgspec.Struct, frozen=True):
    """``committed`` is false for a dry run, and where a line was refused: then nothing was taken."""

    committed: bool
    counts: dict[str, int]
    lines: tuple[LineReport, ...]


class _Import(NamedTuple):
    """One file being imported."""

    services: Services
    hotel: Hotel
    connection: Connection | None
    written: Format
    data: bytes
    author: str
    known_to_pms: bool

    def message(self, kind: str, raw: bytes) -> MessageRow:
        """A log entry of its own."""
        return MessageRow(
            self.hotel.property.id,
            self.services.ids.message(),
            connection=self.connection.id if self.connection else "",
            direction="in",
            kind=kind,
            at_ms=self.services.clock.now_ms(),
            outcome="",
            detail="",
            rev=0,
            token=None,
            raw=redact(raw),
            answer=b"",
            author=self.author,
        )


class _Step(NamedTuple):
    """Some lines that are taken together."""

    lines: tuple[int, ...]
    make: Callable[[], Job]  # anew for each use, since a job remembers what it has loaded
    weight: int = 1


async def take(
    services: Services,
    property_id: str,
    what: What,
    written: Format,
    data: bytes,
    author: str,
    *,
    connection: str = "",
    known_to_pms: bool = True,
    dry_run: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Imported:
    """Every line is tried first; only if all can be taken, all are. Taking a file again changes nothing.

    ``connection`` is whose codes the file speaks: needed for reservations and for OTA, otherwise the codes are ours.
    With ``known_to_pms`` the PMS holds these reservations already, and is not told of them. Figures are taken as the
    PMS's. Rates and availability of one file take effect together; of reservations each by itself, so an import that
    is cut off goes on when the file is imported again.
    """
    _, hotel = await services.database.read(lambda tx: property_of(services, tx, property_id))
    known = connection_of(hotel, connection) if connection else None
    if known is None and (what is What.RESERVATIONS or written is Format.OTA):
        raise Malformed("say which connection's codes the file speaks", Reason.REQUIRED_MISSING)
    source = _Import(services, hotel, known, written, data, author, known_to_pms)
    steps, refused = _reservations(source) if what is What.RESERVATIONS else _ari(source)
    total = len(steps) * (1 if dry_run or refused else 2)
    tried = await _tried(source, steps, lambda done: progress(done, total))
    reports = [*refused, *(report for step, one in tried for report in _reports(step, one))]
    if dry_run or any(report.outcome == "refused" for report in reports):
        return _report(reports, committed=False)
    reports = []
    for done, (step, one) in enumerate(tried, 1):
        reports += await _taken(source, step, one)
        progress(len(steps) + done, total)
    return _report(reports, committed=True)


# --- trying and taking ------------------------------------------------------------------------------------------------


async def _tried(source: _Import, steps: Sequence[_Step], progress: Callable[[int], None]) -> list[tuple[_Step, Tried]]:
    """In portions, so that others who read the database are not held up."""
    found: list[tuple[_Step, Tried]] = []
    services, scope_id = source.services, source.hotel.property.id
    for start in range(0, len(steps), _PORTION):
        portion = steps[start : start + _PORTION]
        jobs = [step.make() for step in portion]

        async def work(tx: Transaction, jobs: list[Job] = jobs) -> list[Tried]:
            return await rehearse(tx, services.hotels, scope_id, jobs, services.clock.now_ms())

        found += zip(portion, await services.database.read(work), strict=True)
        progress(len(found))
    return found


async def _taken(source: _Import, step: _Step, tried: Tried) -> list[LineReport]:
    if not tried.writes:
        return _reports(step, tried)
    try:
        answer = await source.services.batcher.submit(step.make(), weight=step.weight)
    except Refusal as refusal:  # the property was changed meanwhile
        return _reports(step, Tried(refusal=refusal))
    return _reports(step, tried._replace(answer=answer))


def _reports(step: _Step, tried: Tried) -> list[LineReport]:
    if tried.refusal is not None:
        blamed = [line for line in step.lines if str(line) == tried.refusal.record] or step.lines
        return [LineReport(line, "refused", tried.refusal.text) for line in blamed]
    outcome = next((row.outcome for row in tried.writes if isinstance(row, MessageRow)), "duplicate")
    ref = tried.answer.reservation_id if isinstance(tried.answer, Taken) else ""
    if isinstance(tried.answer, Taken) and outcome == "applied":
        outcome = "taken"
    return [LineReport(number, outcome, "", ref) for number in step.lines]


def _report(reports: list[LineReport], *, committed: bool) -> Imported:
    ordered = tuple(sorted(reports, key=lambda report: report.line))
    return Imported(committed, dict(Counter(report.outcome for report in ordered)), ordered)


# --- what is in the file ----------------------------------------------------------------------------------------------


def _reservations(source: _Import) -> tuple[list[_Step], list[LineReport]]:
    connection = source.connection
    assert connection is not None
    prop = source.hotel.property
    if source.written is Format.OTA:
        events = events_of(source.services, source.hotel, connection, "", source.data)
        found = [
            files.Read(place, event.revision)
            for place, event in enumerate(events, 1)
            if isinstance(event, ReservationReceived)
        ]
    else:
        is_json = source.written is Format.JSON
        rows = files.lines(source.data, is_json=is_json, columns=files.RESERVATION_COLUMNS)
        found = files.bookings(rows, connection.currency or prop.currency, prop.timezone)
    steps = [_booking_step(source, connection, each) for each in found if each.problem is None]
    return steps, _refused(found)


def _booking_step(source: _Import, connection: Connection, read: files.Read) -> _Step:
    revision: Revision = read.value

    def make() -> Job:
        message = source.message("imported reservation", msgspec.json.encode(revision))
        event = ReservationReceived(connection.hotel, revision)
        kind = ImportBooking if source.known_to_pms else TakeBooking
        scope_id, number = source.hotel.property.id, source.services.ids.reservation()
        return kind(scope_id, connection.id, event, message, number, remembered=False)

    return _Step((read.line,), make)


def _ari(source: _Import) -> tuple[list[_Step], list[LineReport]]:
    prop = source.hotel.property
    if source.written is Format.OTA:
        return _ota_ari(source), []
    is_json = source.written is Format.JSON
    rows = files.lines(source.data, is_json=is_json, columns=files.ARI_COLUMNS)
    found = files.updates(rows, prop.currency, net=prop.net)
    refused = _refused(found)
    good = [read for read in found if read.problem is None]
    speaks = source.connection.id if source.connection else ""

    def step(reads: Sequence[files.Read]) -> _Step:
        updates = [read.value for read in reads]

        def make() -> Job:
            message = source.message("imported calendar", source.data)
            return ChangeCalendar(prop.id, updates, message, over_pms=True, speaks=speaks)

        return _Step(tuple(read.line for read in reads), make, weight_of(updates))

    # Together they are one document; line by line they are only tried, where one of them cannot be read anyway.
    return ([step([read]) for read in good] if refused else [step(good)]), refused


def _ota_ari(source: _Import) -> list[_Step]:
    connection = source.connection
    assert connection is not None
    if connection.role is not Role.PMS:
        raise Unauthentic("this connection may not set rates and availability", Reason.AUTHORIZATION)
    events = events_of(source.services, source.hotel, connection, "", source.data)

    def step(place: int, event: AriReceived) -> _Step:
        def make() -> Job:
            message = source.message("imported calendar", source.data)
            return TakeAri(source.hotel.property.id, connection.id, event, message)

        return _Step((place,), make, weight_of(event.updates))

    return [step(place, event) for place, event in enumerate(events, 1) if isinstance(event, AriReceived)]


def _refused(found: Sequence[files.Read]) -> list[LineReport]:
    return [LineReport(read.line, "refused", read.problem.text) for read in found if read.problem is not None]
