"""Expedia QuickConnect, in each way a property is set up there, against the kit."""

from __future__ import annotations

from connectors.opentravel.expedia import CONNECTOR
from gateway.testing import conformance

TestOccupancy = conformance(CONNECTOR, profile="expedia")
TestThrough = conformance(CONNECTOR, profile="expedia-through", examples=15)
TestPerDay = conformance(CONNECTOR, profile="expedia-per-day", examples=15)
TestPerDayThrough = conformance(CONNECTOR, profile="expedia-per-day-through", examples=15)
TestAr = conformance(CONNECTOR, profile="expedia-ar", examples=15)
TestBr = conformance(CONNECTOR, profile="expedia-br", examples=15)
TestBc = conformance(CONNECTOR, profile="expedia-bc", examples=15)
