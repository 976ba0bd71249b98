"""Payments: callbacks taken, operations sent and resolved, and the ledger of every payment."""
