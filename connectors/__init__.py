"""Connectors, by kind. Each is a pure codec behind :mod:`gateway.contract`; only the registry imports them."""
