"""How often somebody may fail to say who they are."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from gateway.errors import Reason, Refusal
from gateway.model.dates import Instant

_REMEMBERED_MAX = 50_000
_IPV6_SITE_BITS = 64


class TooMany(Refusal):
    """Nobody looks at it before ``after_s`` have passed."""

    default_reason = Reason.AUTHENTICATION

    def __init__(self, after_s: int) -> None:
        super().__init__("too many failed attempts; try again later")
        self.after_s = after_s


class Attempts:
    """Counts failures by source within windows of ``window_s``; ``most`` of them are looked at. Kept in this process.

    When more sources fail than can be remembered, all are forgotten: an attacker with that many addresses would not be
    held up by counting each of them.
    """

    def __init__(self, most: int, window_s: int, now_ms: Callable[[], Instant]) -> None:
        self._most = most
        self._window_ms = window_s * 1000
        self._now_ms = now_ms
        self._failed: dict[str, tuple[int, Instant]] = {}

    def check(self, source: str) -> None:
        """Raises :class:`TooMany`."""
        count, since_ms = self._failed.get(source, (0, 0))
        left_ms = since_ms + self._window_ms - self._now_ms()
        if count >= self._most and left_ms > 0:
            raise TooMany(-(-left_ms // 1000))

    def failed(self, source: str) -> None:
        now_ms = self._now_ms()
        count, since_ms = self._failed.get(source, (0, now_ms))
        if now_ms - since_ms >= self._window_ms:
            count, since_ms = 0, now_ms
        if len(self._failed) >= _REMEMBERED_MAX:
            self._failed.clear()
        self._failed[source] = (count + 1, since_ms)

    def succeeded(self, source: str) -> None:
        self._failed.pop(source, None)


def source_of(address: str) -> str:
    """The address as it is counted: with IPv6 a site has a whole network of them (RFC 6177)."""
    found = parse_address(address)
    if isinstance(found, IPv6Address):
        return str(ip_network((found, _IPV6_SITE_BITS), strict=False))
    return address


def parse_address(address: str) -> IPv4Address | IPv6Address | None:
    """None for what is no address; an IPv4 address that came over IPv6 is the IPv4 address (RFC 4291, 2.5.5.2)."""
    try:
        found = ip_address(address)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def is_within(address: str, networks: tuple[str, ...]) -> bool:
    """Whether the address is in one of the networks, or none are named."""
    found = parse_address(address)
    return not networks or (found is not None and any(found in ip_network(network) for network in networks))
