"""Endpoints for counterparts: OTAs, PMSs, payment gateways, POS."""
