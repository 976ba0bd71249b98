"""Where the gateway may connect to, decided on the very address the connection then goes to.

URLs come from people who set up hotels, so without this any of them could read the operator's own network through us
(server-side request forgery, CWE-918). Checking a name first and connecting to it later would not help, since the name
may answer differently the second time (DNS rebinding); hence the check sits in the resolver the connector connects by.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import httpx
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from gateway.errors import Reason, Rejected

IPAddress = IPv4Address | IPv6Address

SCHEMES = ("http", "https")
# Networks that carry an IPv4 address in their last four bytes: "IPv4-compatible" (RFC 4291 section 2.5.5.1) and the
# well-known NAT64 prefix (RFC 6052 section 2.1).
EMBEDDING = (IPv6Network("::/96"), IPv6Network("64:ff9b::/96"))


class NetworkPolicy:
    """Public addresses are allowed, others only as ``allow_private`` says.

    Its entries are host names (whatever their addresses), addresses, or networks in CIDR form; one with host bits set
    is a ValueError.
    """

    def __init__(self, allow_private: Iterable[str] = ()) -> None:
        self._hosts: set[str] = set()
        self._networks: list[IPv4Network | IPv6Network] = []
        for entry in allow_private:
            if "/" in entry or _literal(entry):
                self._networks.append(ipaddress.ip_network(entry))
            else:
                self._hosts.add(_folded(entry))

    def check_url(self, text: str) -> httpx.URL:
        """The URL to connect to. Raises :class:`Rejected`; a host that is a name is checked once it is resolved."""
        url = _parsed(text)
        if url is None:
            raise Rejected("the URL cannot be read", Reason.INVALID_VALUE)
        if url.scheme not in SCHEMES or not url.host:
            raise Rejected(f"{logged_url(url)} is not an http or https URL with a host", Reason.INVALID_VALUE)
        if url.userinfo:
            # They would end up wherever the URL is shown, and there are fields for them.
            raise Rejected(f"{logged_url(url)} carries a user name or password", Reason.INVALID_VALUE)
        host = url.raw_host.decode("ascii")
        if address := _literal(host):
            self.check_address(host, address)
        elif ":" in host or host.replace(".", "").isdigit():
            # The system takes 2130706433 or 127.1 for addresses, and aiohttp hands such hosts on without asking a
            # resolver.
            raise Rejected(f"{host} is neither a name nor an address as it is written today", Reason.INVALID_VALUE)
        return url

    def check_address(self, host: str, address: IPAddress) -> None:
        """Raises :class:`Rejected` unless we may connect to this address of the host."""
        address = _unwrapped(address)
        if _is_public(address) or _folded(host) in self._hosts or any(address in network for network in self._networks):
            return
        raise Rejected(f"{host} is {address}, which is not a public address and is not allowed", Reason.AUTHORIZATION)


class CheckedResolver(AbstractResolver):
    """Resolves names and raises :class:`Rejected` if any of a name's addresses is not allowed."""

    def __init__(self, policy: NetworkPolicy, resolver: AbstractResolver | None = None) -> None:
        self._policy = policy
        self._resolver = resolver or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        for result in found:
            self._policy.check_address(host, ipaddress.ip_address(result["host"]))
        return found

    async def close(self) -> None:
        await self._resolver.close()


def logged_url(url: httpx.URL | str) -> str:
    """The URL as logs and error texts may show it: without user name, password, query and fragment."""
    parts = _parsed(url) if isinstance(url, str) else url
    return str(parts.copy_with(userinfo=b"", query=None, fragment=None)) if parts else "unreadable URL"


@lru_cache(maxsize=1024)  # a connection calls the same URL over and over, and reading it takes a tenth of a call
def _parsed(text: str) -> httpx.URL | None:
    try:
        return httpx.URL(text)
    except (httpx.InvalidURL, UnicodeError):
        return None


def _literal(host: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _folded(host: str) -> str:
    return host.rstrip(".").lower()


def _unwrapped(address: IPAddress) -> IPAddress:
    """The IPv4 address an IPv6 one stands for, because that is where the packets end up."""
    if isinstance(address, IPv4Address):
        return address
    if embedded := address.ipv4_mapped or address.sixtofour:
        return embedded
    # ``::`` and ``::1`` lie in the first of these networks, but are addresses of their own (RFC 4291 section 2.5).
    if int(address) > 1 and any(address in network for network in EMBEDDING):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_public(address: IPAddress) -> bool:
    # ``is_global`` leaves out private, loopback, link-local, shared and documentation ranges, but takes multicast in.
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)
