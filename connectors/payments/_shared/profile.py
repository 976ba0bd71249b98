"""What a gateway's profile says: addresses, version, limits, and where its amounts differ from ISO 4217."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

import mappings
from gateway.contract import Capabilities, Site, Statements
from gateway.errors import Unsupported


class Amounts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``exponents`` are the decimal places where they are not those of ISO 4217.

    ``multiples``: the value sent must be a multiple of this. ``refused`` are currencies whose exponent nobody knows for
    sure; ``only`` names the ones taken, where the gateway takes few. ``minimum`` and ``maximum`` are values as sent.
    """

    exponents: Mapping[str, int] = {}
    multiples: Mapping[str, int] = {}
    refused: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    minimum: int = 1
    maximum: int = 10**15


class PaymentProfile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``live_url`` and ``test_url`` are base addresses without a slash at the end; a site's own ``url`` comes first.

    ``options`` belong to the connector.
    """

    connector: str
    test_url: str
    live_url: str
    version: str = ""
    timeout_s: float = 60.0
    per_minute_max: int = 600
    in_flight_max: int = 16
    window_s: int = 300  # how far the time of a signed callback may be from ours, on both sides
    amounts: Amounts = Amounts()
    statements: Statements = Statements()
    options: Mapping[str, Any] = {}


def profile_of(connector: str, name: str) -> PaymentProfile:
    """Raises :class:`Unsupported` for a profile of another connector, or of none."""
    try:
        found = mappings.load("profiles", name, PaymentProfile)
    except (mappings.NoSuchMapping, msgspec.ValidationError):
        raise Unsupported(f"{connector} has no profile {name!r}") from None
    if found.connector != connector:
        raise Unsupported(f"{connector} has no profile {name!r}")
    return found


def base_url(site: Site, profile: PaymentProfile) -> str:
    """Where calls of this account go."""
    if site.url:
        return site.url.rstrip("/")
    return profile.live_url if is_live(site) else profile.test_url


def is_live(site: Site) -> bool:
    """Test and live are separate accounts: only ``live = true`` in the options makes one live."""
    return site.options.get("live") is True


def with_limits(declared: Capabilities, profile: PaymentProfile) -> Capabilities:
    """What a connector declares, with the limits of a profile."""
    return msgspec.structs.replace(
        declared,
        timeout_s=profile.timeout_s,
        per_minute_max=profile.per_minute_max,
        in_flight_max=profile.in_flight_max,
        parts_max=1,
        guests_max=0,
        body_bytes_max=256 * 1024,
        statements=profile.statements,
    )
