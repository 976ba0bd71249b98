"""The schema's history, one file a step. :mod:`gateway.store.migrating` runs it."""
