"""Counterparts that speak OpenTravel messages, or dialects near them."""
