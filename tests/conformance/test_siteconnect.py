"""SiteConnect put to the whole kit, with prices by occupancy and with one price for the room."""

from __future__ import annotations

from pathlib import Path

from connectors.opentravel.siteconnect import CONNECTOR
from gateway.testing import conformance
from tests.conformance.soap_login import show_token

FIXTURES = Path(__file__).parents[2] / "fixtures" / "opentravel" / "siteconnect"

TestSiteConnect = conformance(CONNECTOR, profile="siteconnect", fixtures=FIXTURES, show=show_token)
TestSiteConnectPdp = conformance(
    CONNECTOR, profile="siteconnect-pdp", fixtures=FIXTURES.with_name("siteconnect-pdp"), show=show_token
)
