"""Google Hotel ARI as a client: property data, availability, inventory counts and rates."""

from connectors.opentravel.google.connector import Google

CONNECTOR = Google()

__all__ = ["CONNECTOR", "Google"]
