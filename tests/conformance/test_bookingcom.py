"""Booking.com's kind of channel against the kit, with either pricing model."""

from __future__ import annotations

from connectors.opentravel.bookingcom import CONNECTOR
from gateway.testing import conformance

TestRoomPrice = conformance(CONNECTOR, profile="bookingcom", examples=20)
TestOccupancy = conformance(CONNECTOR, profile="bookingcom-occupancy", examples=20)
