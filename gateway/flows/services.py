"""What flows work with, wired once by :mod:`gateway.bootstrap`."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import Protocol

import structlog

from gateway.contract import Capabilities, Connector, Inbound, Outbound, Reply, Request, Site
from gateway.engine.hotel import Hotel
from gateway.flows.leases import Leases, WholeHouse
from gateway.flows.vault.vaults import CardVaults
from gateway.io.clock import Clock
from gateway.io.metrics import Metrics
from gateway.io.pacing import Pace, Paces
from gateway.model.dates import Instant
from gateway.model.property import Connection
from gateway.store.batcher import Batcher
from gateway.store.card_sealing import SealedCards
from gateway.store.database import Database
from gateway.store.directory import Directory
from gateway.store.hotels import Hotels
from gateway.store.secrets import Vault
from gateway.store.selling import Calendars
from gateway.store.tables import ID_SHIFT

log = structlog.get_logger(__name__)

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # nothing that is misread over the telephone
_PAIRS = tuple(first + second for first in ALPHABET for second in ALPHABET)
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Caller(Protocol):
    """Makes a request; :class:`gateway.io.http.HttpCaller`, or the simulated network of the tests."""

    async def call(self, request: Request, *, timeout_s: float) -> Reply: ...


class Connectors(Protocol):
    """The installed connectors by name; :class:`gateway.registry.Registry`."""

    def inbound_names(self) -> tuple[str, ...]: ...

    def get(self, name: str) -> Connector: ...

    def capabilities(self, name: str, profile: str) -> Capabilities: ...

    def inbound(self, name: str) -> Inbound: ...

    def outbound(self, name: str) -> Outbound: ...


def ulid(at_ms: Instant, bits: int) -> str:
    """48 bits of an instant and 80 others, in Crockford's base 32."""
    number = at_ms << 80 | bits
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


class Ids:
    """Numbers that never repeat: message ids in order of time, and reservation numbers a guest can read out."""

    def __init__(self, now_ms: Callable[[], Instant], random: Random | None = None) -> None:
        self._now_ms = now_ms
        self._random = random or Random(secrets.randbits(256))
        # 10 bits tell processes apart, 12 count within a millisecond; 41 bits of milliseconds last beyond 2039 in 63.
        self._process = self._random.getrandbits(10)
        self._count = itertools.count(self._random.getrandbits(12))

    def message(self) -> int:
        """A 63-bit integer that grows with time."""
        return self._now_ms() << ID_SHIFT | self._process << 12 | next(self._count) & 0xFFF

    def operation(self) -> str:
        """A ULID: 48 bits of milliseconds, 80 of chance, in Crockford's base 32. Every payment gateway takes it."""
        return ulid(self._now_ms(), self._random.getrandbits(80))

    def nonce(self) -> str:
        """32 hexadecimal digits of chance."""
        return f"{self._random.getrandbits(128):032x}"

    def reservation(self) -> str:
        """Ten characters without the ones that look alike: 50 random bits within one property."""
        bits = self._random.getrandbits(50)
        return "".join([_PAIRS[bits >> shift & 1023] for shift in (40, 30, 20, 10, 0)])


@dataclass(frozen=True)
class Services:
    """Everything a flow may need from outside the engine."""

    database: Database
    batcher: Batcher
    hotels: Hotels
    directory: Directory
    connectors: Connectors
    vault: Vault
    caller: Caller
    clock: Clock
    ids: Ids
    leases: Leases = field(default_factory=WholeHouse)
    random: Random = field(default_factory=Random)
    metrics: Metrics = field(default_factory=Metrics)
    metrics_token: str = ""
    calendars: Calendars = field(default_factory=Calendars)
    card_vaults: CardVaults | None = None
    # By connection and wish, when a counterpart was last given what it asked for (:mod:`gateway.flows.agreed`).
    wishes: dict[tuple[str, str], Instant] = field(default_factory=dict)

    @cached_property
    def paces(self) -> Paces:
        """Whoever calls a connection, and for whatever: to the counterpart it is one account with one set of limits."""
        return Paces(self.clock)

    def pace(self, connection: str, capabilities: Capabilities) -> Pace:
        """The connection's pace, with what its dialect allows."""
        return self.paces.of(
            connection, per_minute_max=capabilities.per_minute_max, in_flight_max=capabilities.in_flight_max
        )

    @property
    def cards(self) -> CardVaults:
        """Where the numbers of cards are; without others, sealed with the keys of :attr:`vault`."""
        return self.card_vaults or CardVaults(SealedCards(self.vault))

    def site(self, hotel: Hotel, connection: Connection, *, outbound: bool) -> Site:
        """The connection as its connector sees it; secrets are opened only for the way they are needed."""
        digest = connection.inbound.secret
        return Site(
            connection=connection.id,
            profile=connection.profile,
            hotel=connection.hotel,
            currency=connection.currency or hotel.property.currency,
            url=connection.url,
            username=connection.outbound.username if outbound else "",
            password=self.vault.open(connection.outbound.secret) if outbound else "",
            inbound_username=connection.inbound.username,
            check_inbound=(lambda password: self.vault.check(password, digest)) if digest else None,
            options=connection.options,
            cards=connection.cards,
        )
