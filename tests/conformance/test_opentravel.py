"""The OpenTravel connector in each of its profiles, put to the whole kit."""

from __future__ import annotations

from pathlib import Path

from connectors.opentravel import ota
from gateway.testing import conformance

FIXTURES = Path(__file__).parents[2] / "fixtures" / "opentravel" / "ota"

TestOta2015A = conformance(ota.CONNECTOR, profile="ota-2015a", fixtures=FIXTURES)
TestOta2011B = conformance(ota.CONNECTOR, profile="ota-2011b", fixtures=FIXTURES)
TestArrival = conformance(ota.CONNECTOR, profile="ota-arrival", fixtures=FIXTURES)
TestThrough = conformance(ota.CONNECTOR, profile="ota-through", fixtures=FIXTURES)
