"""C22 and C45: a complete set is one message, and says that what is not in it has no rooms."""

from __future__ import annotations

from gateway.errors import Refusal
from gateway.messages import AriReceived, PushAvailability
from gateway.model.ari import AriUpdate, Aspect, Field, Setting
from gateway.model.dates import Day
from gateway.testing.case import both, case, outbound
from gateway.testing.samples import FIRST, update_of
from gateway.testing.subject import NOW_MS, Subject, demand, refusal_of


def _declared(subject: Subject) -> bool:
    declared = subject.declared
    return (
        outbound(subject)
        and declared.complete_sets
        and Field.FIGURE in declared.fields
        and PushAvailability in declared.commands
    )


def _read(subject: Subject) -> bool:
    return _declared(subject) and both(subject) and AriReceived in subject.declared.events


@case("C22", "a complete set says that it is one, and is never divided", _declared)
def whole(subject: Subject) -> None:
    few = [_figure(subject, 3)]
    said = _encoded(subject, _complete(few), "a complete set of one range")
    plain = PushAvailability(id=_complete(few).id, at_ms=NOW_MS, updates=tuple(few))
    refusal = refusal_of("the same without being complete", subject.encode, plain)
    demand(
        isinstance(refusal, Refusal) or subject.encode(plain).body != said,
        "a complete set is written no different from a message about some nights",
    )
    _encoded(subject, _complete([_figure(subject, 0)]), "a complete set without any room")
    count = subject.declared.parts_max + 1
    _encoded(subject, _complete([_figure(subject, 3, FIRST + 2 * n) for n in range(count)]), f"{count} ranges")


@case("C45", "a complete set read back takes away what it leaves out", _read)
def read_back(subject: Subject) -> None:
    command = _complete([_figure(subject, 3), _figure(subject, 0, FIRST + 2)])
    for sent in (command, _complete([_figure(subject, 0)])):
        found = [event for event in subject.read(*subject.own(sent)).events if isinstance(event, AriReceived)]
        cleared = {clearing.aspect for event in found for clearing in event.clears if not clearing.room}
        demand(Aspect.LIMIT in cleared, f"read back, {sent.updates!r} takes nothing away from the others")
        open_ = [update for event in found for update in event.updates if any(s.value for s in update.settings)]
        told = [update for update in sent.updates if update.settings[0].value]
        demand(
            _nights(open_) == _nights(told),
            f"told rooms for {sorted(_nights(told))}, read back {sorted(_nights(open_))}",
        )


def _complete(updates: list[AriUpdate]) -> PushAvailability:
    return PushAvailability(id="1", at_ms=NOW_MS, updates=tuple(updates), complete=True)


def _figure(subject: Subject, rooms: int, day: Day = FIRST) -> AriUpdate:
    update = update_of(Field.FIGURE, subject, day)
    return AriUpdate(update.room, update.plan, day, day, (Setting(Field.FIGURE, rooms),))


def _nights(updates: list[AriUpdate]) -> set[tuple[str, str, Day]]:
    return {(one.room, one.plan, day) for one in updates for day in range(one.first, one.last + 1)}


def _encoded(subject: Subject, command: PushAvailability, what: str) -> bytes:
    refusal = refusal_of(what, subject.encode, command)
    demand(refusal is None, f"complete sets are declared, but {what} is refused: {refusal!r}")
    request = subject.encode(command)
    parts = len(command.updates)
    demand(request.parts == parts, f"{what}: of {parts} ranges the request carries {request.parts}")
    return request.body
