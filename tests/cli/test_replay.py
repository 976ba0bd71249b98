"""``gateway replay`` tells a look from a deed that had nothing to do."""

from __future__ import annotations

import pytest

from gateway.cli.replay import text_of
from gateway.flows.desk.replaying import Replay, ReplayedPart


@pytest.mark.parametrize(
    ("meant", "said"), [(False, "nothing was done yet; say --yes to do it"), (True, "nothing had to be done")]
)
def test_nothing_committed(meant: bool, said: str) -> None:
    replay = Replay(False, (ReplayedPart("reservation", "duplicate", "", "7UCGRNXLRF", ()),))
    assert text_of(replay, meant).splitlines() == ["reservation duplicate 7UCGRNXLRF", said]
