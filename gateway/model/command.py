"""What every command to a counterpart has in common; the kinds themselves are in :mod:`gateway.messages`."""

from __future__ import annotations

import msgspec

from gateway.model.dates import Instant


class Command(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """``id`` is unique and stable over repeats of the same sending; ``at_ms`` is the instant to write into it."""

    id: str
    at_ms: Instant
