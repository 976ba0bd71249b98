"""C40 to C44: what a connector writes, it reads back as the same, unless it declares the loss.

ARI is compared cell by cell (target, night, field), because a dialect may split or join updates as it likes.
Reservations are compared field by field; ``Capabilities.lossy`` may name a field of ARI, ``net``, or the dotted path of
a field of :class:`gateway.model.reservation.Revision`, with everything below it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import msgspec
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gateway.contract import Decoded
from gateway.errors import Unsupported
from gateway.messages import (
    AriReceived,
    Command,
    ConfirmReservations,
    DeliveriesReported,
    DeliverReservation,
    Found,
    Outgoing,
    PushAvailability,
    PushRates,
    ReservationReceived,
    ReservationsAsked,
    RetrieveReservations,
)
from gateway.model.ari import ASPECT_OF, AriUpdate, Aspect, Field
from gateway.model.dates import days_in
from gateway.model.reservation import Revision, RevisionKind
from gateway.testing.case import Condition, both, case
from gateway.testing.cases.replies import decode
from gateway.testing.samples import command_of, deliveries, fields_of, pushes
from gateway.testing.subject import NOW_MS, Subject, demand

C = TypeVar("C", bound=Command)
Cells = dict[tuple[object, ...], object]


def _speaks(kind: type[Command], event: type) -> Condition:
    def condition(subject: Subject) -> bool:
        declared = subject.declared
        fields = kind not in (PushAvailability, PushRates) or bool(fields_of(kind, declared))
        return both(subject) and kind in declared.commands and event in declared.events and fields

    return condition


@case("C40", "availability survives the round trip", _speaks(PushAvailability, AriReceived))
def availability(subject: Subject) -> None:
    _try_many(subject, pushes(PushAvailability, subject), _ari_survives)


@case("C41", "rates survive the round trip", _speaks(PushRates, AriReceived))
def rates(subject: Subject) -> None:
    _try_many(subject, pushes(PushRates, subject), _ari_survives)


@case("C42", "reservations survive the round trip", _speaks(DeliverReservation, ReservationReceived))
def reservations(subject: Subject) -> None:
    _try_many(subject, deliveries(subject), _reservation_survives)


@case("C43", "reservations survive being asked for", _speaks(RetrieveReservations, ReservationsAsked))
def retrieval(subject: Subject) -> None:
    _try_many(subject, deliveries(subject), _retrieval_survives)


@case("C44", "confirmations survive the round trip", _speaks(ConfirmReservations, DeliveriesReported))
def confirmations(subject: Subject) -> None:
    """Whoever confirms names the reservation as it was handed out, so their booking id is our reservation id."""
    for command in command_of(ConfirmReservations, subject):
        assert isinstance(command, ConfirmReservations)
        carried = command.confirmations[: subject.encode(command).parts]
        events = subject.read(*subject.own(command)).events
        reports = [one for event in events if isinstance(event, DeliveriesReported) for one in event.reports]
        sent = [(one.booking_id, bool(one.error)) for one in carried]
        back = [(one.reservation_id, bool(one.error)) for one in reports]
        demand(sent == back, f"confirmed {sent}, read back {back}")
        for one, report in zip(carried, reports, strict=True):
            demand(report.kind in (None, one.kind), f"{one.booking_id}: confirmed {one.kind}, read back {report.kind}")
            ref = report.ref in ("", one.reservation_id)
            demand(ref, f"{one.booking_id}: confirmed as {one.reservation_id!r}, read back as {report.ref!r}")


def _try_many(subject: Subject, commands: st.SearchStrategy[C], survives: Callable[[Subject, C], None]) -> None:
    """A command may be refused as unsupported, for a combination the dialect lacks; but not every one of them."""
    encoded = 0

    @settings(
        max_examples=subject.examples,
        derandomize=True,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much),
    )
    @given(commands)
    def run(command: C) -> None:
        nonlocal encoded
        try:
            subject.encode(command)
        except Unsupported:
            return
        encoded += 1
        survives(subject, command)

    run()
    demand(encoded > 0, "every generated command was refused as unsupported")


def _ari_survives(subject: Subject, command: Command) -> None:
    assert isinstance(command, PushAvailability | PushRates)
    # A dialect may leave the rest to the next request.
    updates = command.updates[: subject.encode(command).parts]
    received = [event for event in subject.read(*subject.own(command)).events if isinstance(event, AriReceived)]
    hotels = {event.hotel for event in received}
    demand(hotels == {subject.site.hotel}, f"sent for {subject.site.hotel!r}, read for {sorted(hotels)}")
    sent = cells_of(subject, updates)
    back = cells_of(subject, [update for event in received for update in event.updates])
    missing = {key: value for key, value in sent.items() if back.get(key) != value}
    added = {key: value for key, value in back.items() if key not in sent and not _is_reset(subject, key, value)}
    first = next(iter(missing), None)
    demand(not missing, f"sent {first} as {missing.get(first or ())}, read back as {back.get(first or ())}")
    demand(not added, f"never sent, but read: {next(iter(added.items()), None)}")


def _is_reset(subject: Subject, key: tuple[object, ...], value: object) -> bool:
    """Where rules are said together, those that are left out are read as taken back."""
    rule = ASPECT_OF[Field(str(key[3]))] is Aspect.RULES
    return subject.declared.rules_together and rule and value == 0


def cells_of(subject: Subject, updates: Iterable[AriUpdate]) -> Cells:
    """What updates say about each night, field by field; a later update replaces an earlier one."""
    lossy = subject.declared.lossy
    found: Cells = {}
    for update in updates:
        for setting in update.settings:
            if setting.field.value in lossy:
                continue
            value: object = setting.value
            if ASPECT_OF[setting.field] is Aspect.PRICES:
                value = (setting.value, update.currency or subject.site.currency, update.net and "net" not in lossy)
            for day in days_in(update.first, update.last, update.weekdays):
                found[update.room, update.plan, day, setting.field.value, setting.guests] = value
    return found


def _reservation_survives(subject: Subject, command: DeliverReservation) -> None:
    events = subject.read(*subject.own(command)).events
    demand(len(events) == 1, f"one reservation was sent, {len(events)} events were read")
    _same_reservation(subject, command, events[0])


def _retrieval_survives(subject: Subject, command: DeliverReservation) -> None:
    """What was found for a question arrives at whoever asked, with the command that confirms it."""
    (asking,) = command_of(RetrieveReservations, subject)[:1]
    reading = subject.read(*subject.own(asking))
    found = Found((Outgoing(command.reservation_id, command.revision, command.source, command.modified_ms),))
    reply = subject.connector.answer(reading.document, subject.site, [found], NOW_MS)
    ended = decode(subject, asking, reply, "its own answer to its own question")
    demand(isinstance(ended, Decoded), f"its own answer was read as {ended!r}")
    arrived = ended.events if isinstance(ended, Decoded) else ()
    demand(len(arrived) == 1, f"one reservation was found, {len(arrived)} arrived")
    confirmed = arrived[0].acknowledge is not None or ConfirmReservations not in subject.declared.commands
    demand(confirmed, "a reservation arrived without the command that confirms it")
    _same_reservation(subject, command, arrived[0].event)


def _same_reservation(subject: Subject, command: DeliverReservation, event: object) -> None:
    if not isinstance(event, ReservationReceived):
        demand(False, f"a reservation was sent, {event!r} was read")
        return
    demand(event.hotel == subject.site.hotel, f"sent for {subject.site.hotel!r}, read for {event.hotel!r}")
    ids = (command.revision.booking_id, command.reservation_id)
    demand(event.revision.booking_id in ids, f"sent as {ids[0]!r}, read as {event.revision.booking_id!r}")
    lossy = {*subject.declared.lossy, "booking_id", "record"}
    if command.revision.kind is RevisionKind.CANCEL:
        lossy.add("content")  # Many dialects cancel by number alone.
    sent, back = command.revision, event.revision
    if "content.stays.units" in lossy:
        sent, back = _single(sent), _single(back)
    lost = [text for path, text in _differences("", sent, back) if not _covered(path, lossy)]
    demand(not lost, "; ".join(lost))


def _single(revision: Revision) -> Revision:
    """Every unit as a stay of its own, for dialects that cannot count rooms. The totals made up here can be divided."""
    stays = tuple(
        msgspec.structs.replace(stay, units=1, total=None if stay.total is None else stay.total // stay.units)
        for stay in revision.content.stays
        for _ in range(stay.units)
    )
    return msgspec.structs.replace(revision, content=msgspec.structs.replace(revision.content, stays=stays))


def _differences(path: str, sent: Any, back: Any) -> Iterator[tuple[str, str]]:
    """Dotted path and description of every leaf that changed; positions in lists are not part of the path."""
    if isinstance(sent, msgspec.Struct) and type(sent) is type(back):
        for name in sent.__struct_fields__:
            below = f"{path}.{name}" if path else name
            yield from _differences(below, getattr(sent, name), getattr(back, name))
    elif isinstance(sent, tuple) and isinstance(back, tuple) and len(sent) == len(back):
        for one, other in zip(sent, back, strict=True):
            yield from _differences(path, one, other)
    elif sent != back and sent not in ("", (), None):  # What was left open may be filled in: the booker as guest, say.
        yield path, f"{path}: sent {sent!r}, read back {back!r}"


def _covered(path: str, lossy: set[str]) -> bool:
    return any(path == name or path.startswith(f"{name}.") for name in lossy)
