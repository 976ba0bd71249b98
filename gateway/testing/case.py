"""A case of the kit: a number that never changes meaning, a sentence true of a good connector, and its check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.contract import Inbound, Outbound
from gateway.testing.fixtures import Fixture
from gateway.testing.subject import Subject

Check = Callable[[Subject], None]
FixtureCheck = Callable[[Subject, Fixture], None]
Condition = Callable[[Subject], bool]


@dataclass(frozen=True)
class Case:
    """Either ``check`` runs once, or ``each`` runs for every fixture. ``applies`` looks at what is declared."""

    number: str
    sentence: str
    applies: Condition
    check: Check | None = None
    each: FixtureCheck | None = None

    @property
    def title(self) -> str:
        return f"{self.number} {self.sentence}"


CASES: dict[str, Case] = {}


def always(subject: Subject) -> bool:
    return True


def outbound(subject: Subject) -> bool:
    return isinstance(subject.connector, Outbound)


def inbound(subject: Subject) -> bool:
    return isinstance(subject.connector, Inbound)


def both(subject: Subject) -> bool:
    return outbound(subject) and inbound(subject)


def case(number: str, sentence: str, applies: Condition = always) -> Callable[[Check], Check]:
    """Registers a check that runs once for a connector."""

    def register(check: Check) -> Check:
        _add(Case(number, sentence, applies, check=check))
        return check

    return register


def each_fixture(number: str, sentence: str, applies: Condition = inbound) -> Callable[[FixtureCheck], FixtureCheck]:
    """Registers a check that runs once for every fixture of a connector."""

    def register(check: FixtureCheck) -> FixtureCheck:
        _add(Case(number, sentence, applies, each=check))
        return check

    return register


def _add(new: Case) -> None:
    if new.number in CASES:
        raise ValueError(f"{new.number} is taken by {CASES[new.number].sentence!r}")
    CASES[new.number] = new
