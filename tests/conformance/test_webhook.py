"""Webhooks against the kit."""

from __future__ import annotations

from msgspec.structs import replace

from connectors.pms.webhook import CONNECTOR
from gateway.testing import conformance
from gateway.testing.subject import default_site

SITE = replace(default_site("webhook"), password="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", now_ms=1_925_280_000_000)

TestWebhook = conformance(
    CONNECTOR,
    profile="webhook",
    site=SITE,
    waive={"C20": "any 2xx confirms whatever page stands in it, as the standard says; the other codes have a test"},
)
