"""The AlpineBits connector in its oldest and its newest version, put to the whole kit."""

from __future__ import annotations

from pathlib import Path

import msgspec

from gateway.contract import Site
from gateway.testing import conformance, default_site
from tests.conformance.alpinebits_form import InForm

FIXTURES = Path(__file__).parents[2] / "fixtures" / "opentravel" / "alpinebits"


def _site(profile: str) -> Site:
    """Prices are per room, since those that are made up cannot be divided among the guests."""
    return msgspec.structs.replace(default_site(profile), hotel="DEMO01", options={"rate_basis": "room"})


TestOldest = conformance(
    InForm("2018-10"),
    profile="alpinebits-2018-10",
    fixtures=FIXTURES / "2018-10" / "taken",
    site=_site("alpinebits-2018-10"),
    examples=20,
)
TestNewest = conformance(
    InForm("2024-10"),
    profile="alpinebits-2024-10",
    fixtures=FIXTURES / "2024-10" / "taken",
    site=_site("alpinebits-2024-10"),
    examples=25,
)
