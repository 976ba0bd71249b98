"""The desk: what a person or program at the hotel can ask and do, one file per subject.

The REST API, the console and the command all call these flows and nothing below them. Every function takes the
services, then the property's id; what it gives is a frozen struct. Callers check roles; what changes something takes
an ``author`` (``person:ada``, ``key:revenue-tool``, ``cli:root``), who is named beside the change for good.

All raise :class:`gateway.errors.NotFound` for what does not exist here, and other refusals of that tree for what
cannot be done. Lists come in pages: ``next`` is an opaque cursor for the following one, ``""`` at the end. Stay dates
are :data:`gateway.model.dates.Day`, instants milliseconds since 1970 UTC, amounts minor units of the currency beside.
"""
