"""SiteMinder's SiteConnect, from both ends: a channel that speaks it is sent ARI, or we are the channel."""

from connectors.opentravel.siteconnect.connector import SiteConnect

CONNECTOR = SiteConnect()

__all__ = ["CONNECTOR", "SiteConnect"]
