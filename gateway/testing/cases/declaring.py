"""C01 to C14: what is declared is what is done, no less and no more."""

from __future__ import annotations

from gateway.declared import connector_faults, declaration_faults
from gateway.errors import Refusal, Unsupported
from gateway.messages import Command, PushAvailability, PushRates
from gateway.model.ari import Field
from gateway.testing.case import case, outbound
from gateway.testing.samples import all_commands, command_of, kind_of, push, update_of
from gateway.testing.subject import Subject, demand, must_refuse, refusal_of


@case("C01", "name and capabilities are declared and typed")
def typed(subject: Subject) -> None:
    faults = connector_faults(subject.connector)
    demand(not faults, "; ".join(faults))
    declared = subject.declared
    faults = declaration_faults(declared)
    demand(not faults, "; ".join(faults))
    demand(outbound(subject) or not declared.commands, "commands are declared, but there is no encode")


@case("C02", "an unknown profile is refused")
def unknown_profile(subject: Subject) -> None:
    profile = "no-such-profile-9f8e"
    try:
        found = subject.connector.capabilities(profile)
    except (Refusal, LookupError):
        return
    demand(False, f"capabilities({profile!r}) gave {found!r}")


@case("C10", "declared commands encode", outbound)
def commands_encode(subject: Subject) -> None:
    declared = subject.declared
    demand(bool(declared.commands), "an Outbound declares at least one command")
    for kind in sorted(declared.commands, key=lambda kind: kind.__name__):
        samples = command_of(kind, subject)
        demand(bool(samples), f"the kit knows no sample of {kind.__name__}: hand some over with samples=")
        for command in samples:
            refusal = refusal_of(f"encode({kind.__name__})", subject.encode, command)
            demand(refusal is None, f"{kind.__name__} is declared, but encode refuses {command!r}: {refusal!r}")


@case("C11", "undeclared commands are refused as unsupported", outbound)
def other_commands_refused(subject: Subject) -> None:
    class Unheard(Command, frozen=True, tag=True, kw_only=True):
        """A command no connector can know."""

    strangers: list[Command] = [Unheard(id="conformance-stranger", at_ms=0)]
    for kind in all_commands():
        if kind not in subject.declared.commands:
            strangers.extend(command_of(kind, subject)[:1])
    for command in strangers:
        must_refuse(f"undeclared {command!r}", subject.encode, command, by=(Unsupported,))


def _pushes(subject: Subject) -> bool:
    return outbound(subject) and bool({PushAvailability, PushRates} & subject.declared.commands)


@case("C12", "declared fields encode", _pushes)
def fields_encode(subject: Subject) -> None:
    for field in sorted(subject.declared.fields):
        kind = kind_of(field)
        demand(kind in subject.declared.commands, f"{field!r} is declared, but its {kind.__name__} is not")
        command = push(kind, [update_of(field, subject)])
        refusal = refusal_of(f"encode {field!r}", subject.encode, command)
        demand(refusal is None, f"{field!r} is declared, but encode refuses it: {refusal!r}")


@case("C13", "undeclared fields are refused as unsupported", _pushes)
def other_fields_refused(subject: Subject) -> None:
    for field in set(Field) - subject.declared.fields:
        if kind_of(field) in subject.declared.commands:
            command = push(kind_of(field), [update_of(field, subject)])
            must_refuse(f"undeclared {field!r}", subject.encode, command, by=(Unsupported,))


@case("C14", "prices and limits do not slip into each other's command", _pushes)
def fields_keep_apart(subject: Subject) -> None:
    declared = subject.declared
    astray = {PushAvailability: Field.PRICE, PushRates: Field.FIGURE}
    for kind, field in astray.items():
        if kind in declared.commands:
            command = push(kind, [update_of(field, subject)])
            must_refuse(f"{field!r} in a {kind.__name__}", subject.encode, command)
