"""The cases, by what they are about. Importing this package registers all of them."""

from collections.abc import Sequence

from gateway.testing.case import CASES, Case
from gateway.testing.cases import (
    answering,
    complete,
    declaring,
    encoding,
    hostile,
    login,
    reading,
    replies,
    roundtrip,
    secrets,
)

_MODULES = (declaring, encoding, replies, complete, reading, roundtrip, hostile, secrets, login, answering)


def in_order() -> Sequence[Case]:
    """All cases by number."""
    return sorted(CASES.values(), key=lambda found: found.number)
