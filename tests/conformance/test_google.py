"""Google Hotel ARI, with either way to tell inventory, against the kit."""

from __future__ import annotations

from connectors.opentravel.google import CONNECTOR
from gateway.messages import Command, Described, PushContent
from gateway.testing import conformance
from gateway.testing.subject import NOW_MS

CONTENT = PushContent(
    id="conformance-content",
    at_ms=NOW_MS,
    rooms=(Described("DBL", "Double <room>"), Described("R&B")),
    plans=(Described("BAR", "Best rate"),),
)
SAMPLES: dict[type[Command], list[Command]] = {PushContent: [CONTENT]}

TestGoogle = conformance(CONNECTOR, profile="google-ari", samples=SAMPLES, examples=20)
TestGoogleCounts = conformance(CONNECTOR, profile="google-ari-counts", samples=SAMPLES, examples=20)
