"""Plain OpenTravel over HTTPS POST, 2011B and 2015A, both directions; dialects of it are profiles."""

from connectors.opentravel.ota.connector import OpenTravel

CONNECTOR = OpenTravel()

__all__ = ["CONNECTOR", "OpenTravel"]
