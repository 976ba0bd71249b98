"""C15 to C19: encoding is a pure function that keeps to the limits."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.contract import Request
from gateway.errors import Malformed, Unsupported
from gateway.messages import Command, ConfirmReservations, PushAvailability, PushRates
from gateway.model.ari import Field
from gateway.testing.case import case, outbound
from gateway.testing.samples import FIRST, command_of, confirm, fields_of, push, update_of
from gateway.testing.sealed import sealed
from gateway.testing.subject import Subject, demand, must_refuse, refusal_of

MALFORMED_OR_UNSUPPORTED = (Malformed, Unsupported)


@case("C15", "the same command gives the same request", outbound)
def deterministic(subject: Subject) -> None:
    commands = list(_samples(subject))
    first = [subject.encode(command) for command in commands]
    # Backwards the second time, so that nothing an encoder remembers from one call can help the next.
    second = [subject.encode(command) for command in reversed(commands)][::-1]
    for command, one, other in zip(commands, first, second, strict=True):
        demand(one == other, f"two encodings of one {type(command).__name__} differ:\n{one}\n{other}")


@case("C16", "encoding reads no clock, throws no dice and opens no socket", outbound)
def pure(subject: Subject) -> None:
    for command in _samples(subject):
        with sealed() as seen:
            refusal_of(f"encode({type(command).__name__}) without clock and sockets", subject.encode, command)
        demand(not seen, f"encode({type(command).__name__}) reached for {', '.join(sorted(set(seen)))}")


@case("C17", "a request says how many parts it carries, counted from the first", outbound)
def parts(subject: Subject) -> None:
    for command in _samples(subject):
        if not isinstance(command, PushAvailability | PushRates | ConfirmReservations):
            carried = subject.encode(command).parts
            demand(carried == 1, f"{type(command).__name__} is one part, the request says {carried}")
    for kind in _kinds(subject):
        few = min(5, subject.declared.parts_max)
        _carries_prefix(subject, kind, few, subject.encode(_of_parts(subject, kind, few)))


@case("C18", "more parts than the limit never go out in one message", outbound)
def parts_limit(subject: Subject) -> None:
    limit = subject.declared.parts_max
    for kind in _kinds(subject):
        full = refusal_of(f"{limit} parts, the declared limit", subject.encode, _of_parts(subject, kind, limit))
        demand(full is None, f"{limit} parts are the declared limit, but encode refuses them: {full!r}")
        command = _of_parts(subject, kind, limit + 1)
        what = f"{limit + 1} parts, one over the limit"
        refusal = refusal_of(what, subject.encode, command)
        if refusal is None:
            request = subject.encode(command)
            demand(request.parts <= limit, f"{what}: the request carries {request.parts}")
            _carries_prefix(subject, kind, limit + 1, request)
        else:
            demand(isinstance(refusal, MALFORMED_OR_UNSUPPORTED), f"{what}: refused as {type(refusal).__name__}")


def _prices(subject: Subject) -> bool:
    return outbound(subject) and Field.PRICE in subject.declared.fields


@case("C19", "prices for more guests than the limit are refused", _prices)
def guests_limit(subject: Subject) -> None:
    guests = subject.declared.guests_max + 1
    command = push(PushRates, [update_of(Field.PRICE, subject, guests=guests)])
    must_refuse(f"a price for {guests} guests", subject.encode, command, by=MALFORMED_OR_UNSUPPORTED)


def _samples(subject: Subject) -> Iterator[Command]:
    for kind in sorted(subject.declared.commands, key=lambda kind: kind.__name__):
        yield from command_of(kind, subject)


def _kinds(subject: Subject) -> list[type[Command]]:
    declared = subject.declared
    pushes = [k for k in (PushAvailability, PushRates) if k in declared.commands and fields_of(k, declared)]
    return pushes + [k for k in (ConfirmReservations,) if k in declared.commands]


def _of_parts(subject: Subject, kind: type[Command], count: int) -> Command:
    if kind is ConfirmReservations:
        return confirm(count)
    field = fields_of(kind, subject.declared)[0]
    return push(kind, [update_of(field, subject, FIRST + 2 * n) for n in range(count)])


def _carries_prefix(subject: Subject, kind: type[Command], count: int, request: Request) -> None:
    """A request that claims k parts is the request for the first k of the command alone, byte for byte."""
    demand(1 <= request.parts <= count, f"{count} parts, but the request says {request.parts} parts")
    alone = subject.encode(_of_parts(subject, kind, request.parts))
    demand(
        alone.body == request.body, f"{request.parts} of {count} parts are claimed, but the body holds something else"
    )
