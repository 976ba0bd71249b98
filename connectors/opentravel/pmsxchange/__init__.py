"""SiteMinder's pmsXchange v2, both sides: a PMS that speaks it needs only our URL, and we push and deliver to one."""

from connectors.opentravel.pmsxchange.connector import PmsXchange

CONNECTOR = PmsXchange()

__all__ = ["CONNECTOR", "PmsXchange"]
