"""Expedia QuickConnect as a client: availability and rates (AR), bookings retrieved (BR) and confirmed (BC)."""

from connectors.opentravel.expedia.connector import Expedia

CONNECTOR = Expedia()

__all__ = ["CONNECTOR", "Expedia"]
