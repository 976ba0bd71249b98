"""The connector contract: pure codecs with bring-your-own I/O.

A connector never opens a socket and never reads a clock. Ids, times and nonces come in with the command, so the same
call always gives the same bytes. Whatever it cannot say or read it refuses with an error of :mod:`gateway.errors`;
nothing is guessed and nothing dropped in silence. :mod:`gateway.testing` proves a connector against this text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import msgspec

from gateway.errors import Refusal
from gateway.messages import Command, Event, Query, Result
from gateway.model.ari import Aspect, Field
from gateway.model.dates import Instant

# --- what a connector is told about the account it speaks for ---------------------------------------------------------


class Site(msgspec.Struct, frozen=True):
    """One connection as its connector sees it: secrets opened, codes theirs.

    ``username``/``password`` are what we show them; ``inbound_username`` is what they show us, checked with
    ``check_inbound(password) -> bool``, so that a connector never sees a stored password of theirs. ``now_ms`` is when
    a delivery is handed over, for dialects that sign the time of each attempt. ``cards`` says that reservations are to
    be read with the numbers of their cards (:attr:`gateway.messages.ReservationReceived.cards`). ``agreed`` is what a
    handshake ended with, for calls in a dialect that has one (:class:`Negotiates`).
    """

    connection: str
    profile: str
    hotel: str
    currency: str
    url: str = ""
    username: str = ""
    password: str = ""
    inbound_username: str = ""
    check_inbound: PasswordCheck | None = None
    token: str = ""
    options: Mapping[str, Any] = {}
    keys: tuple[Key, ...] = ()
    now_ms: Instant = 0
    cards: bool = False
    agreed: Agreed | None = None

    def keys_for(self, use: str, now_ms: Instant) -> tuple[Key, ...]:
        """The keys for one use that are valid now, in the order they are configured."""
        return tuple(key for key in self.keys if key.use == use and key.from_ms <= now_ms < key.until_ms)


class Agreed(msgspec.Struct, frozen=True):
    """What both sides can do, in the dialect's own words: the version to speak, and the capabilities in it."""

    version: str
    capabilities: tuple[str, ...] = ()


class Key(msgspec.Struct, frozen=True):
    """A key or certificate of the account, opened: PEM, hex or plain text, as its ``use`` says.

    ``id`` is what messages name it by, empty where they name none. ``use`` is the connector's own word (``callback``,
    ``sign``, ``theirs``); several keys of one use follow each other when keys change.
    """

    use: str
    material: str
    id: str = ""
    password: str = ""
    from_ms: Instant = 0
    until_ms: Instant = 2**63 - 1

    def __repr__(self) -> str:
        return f"Key({self.use}, {self.id})"


class PasswordCheck(Protocol):
    """Constant-time comparison with the stored password."""

    def __call__(self, password: str, /) -> bool: ...


class Statements(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When a payment gateway's day ends, and when its statement is there.

    A day ends ``ends_h`` hours after it began in ``zone``, and its statement can be fetched ``ready_h`` hours later.
    Where they say themselves that one is there, ``announced_as`` is what its name begins with. A movement's line
    stands ``settles_days`` days after it at the latest. Beside days, ``payouts_as`` is what names of payouts begin with
    that they announce: each says again which movements it is made of, and has to add up.
    """

    zone: str = "UTC"
    ends_h: int = 24
    ready_h: int = 12
    settles_days: int = 1
    announced_as: str = ""
    payouts_as: str = ""


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a dialect can do, declared. Limits are per message unless said otherwise."""

    commands: frozenset[type[Command]] = frozenset()
    events: frozenset[type] = frozenset()
    fields: frozenset[Field] = frozenset()
    lossy: Mapping[str, str] = {}  # what is dropped with a logged fallback, and why
    parts_max: int = 500
    days_ahead_max: int = 730
    in_flight_max: int = 1
    per_minute_max: int = 600
    timeout_s: float = 30.0
    settle_s: float = 60.0  # how long after an unknown outcome a late request may still land
    replay_s: float = 0.0  # for how long the same command sent again is answered, but not carried out again
    # Between two questions for reservations, where they have to be asked for; an hour at most.
    retrieve_every_s: float = 60.0
    delivery_waits_s: tuple[float, ...] = ()  # between tries of a delivery, then given up; empty: growing, for ever
    counts_down: bool = False  # lowers its own availability when it sells
    limit_per_product: bool = False  # availability belongs to room type and plan, not to the room type
    rules_together: bool = False  # what a message of rules leaves out is reset there, so all are said each time
    negotiates: bool = False  # has to be asked what it can do before it is pushed to (:class:`Negotiates`)
    complete_sets: bool = False  # takes all limits of the hotel in one message, and closes what is not in it
    deltas: bool = True  # takes limits of some nights; otherwise each message of limits is a complete set
    guests_max: int = 12  # price occupancies it takes; 0: one price for the room
    body_bytes_max: int = 20 * 1024 * 1024
    statements: Statements | None = None  # of a payment gateway that has them
    card_numbers: bool = False  # takes numbers of cards from us, of sellers whom it allows that


class Connector(Protocol):
    """``name`` is what a connection's ``connector`` says."""

    name: str

    def capabilities(self, profile: str) -> Capabilities: ...


# --- we call them -----------------------------------------------------------------------------------------------------


class Request(msgspec.Struct, frozen=True):
    """An HTTP request to make. ``parts`` is how many parts of the command it carries, counted from the first."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    parts: int = 1


class Reply(msgspec.Struct, frozen=True):
    """An HTTP answer, theirs or ours. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Confirmed(msgspec.Struct, frozen=True):
    """It holds; ``ref`` is their number for it."""

    ref: str = ""


class Accepted(msgspec.Struct, frozen=True):
    """They will do it and report under ``ref`` until ``deadline_ms``."""

    ref: str
    deadline_ms: Instant


class Refused(msgspec.Struct, frozen=True):
    """They will not, and repeating it unchanged will not help."""

    code: str
    text: str


class Unknown(msgspec.Struct, frozen=True):
    """Nobody can tell from the answer."""

    text: str = ""


Outcome = Confirmed | Accepted | Refused | Unknown


class Arrived(msgspec.Struct, frozen=True):
    """An event found in a reply, with the command that acknowledges it once it is committed."""

    event: Event
    acknowledge: Command | None = None


class Decoded(msgspec.Struct, frozen=True):
    """``outcome`` holds for every part but those in ``parts`` (index in the command → its own outcome).

    ``next`` is a command to follow up with: the next page, a query, a login, a ``Ping`` where what was agreed does not
    hold any more. ``agreed`` is what a confirmed ``Ping`` of a dialect that negotiates ends with. ``afresh`` are the
    aspects that they ask to be told all of once more.
    """

    outcome: Outcome
    parts: Mapping[int, Outcome] = {}
    events: tuple[Arrived, ...] = ()
    next: Command | None = None
    agreed: Agreed | None = None
    afresh: frozenset[Aspect] = frozenset()


@runtime_checkable
class Outbound(Connector, Protocol):
    """They have an endpoint and we call it."""

    def encode(self, command: Command, site: Site) -> Request: ...

    def decode(self, command: Command, request: Request, reply: Reply, site: Site) -> Decoded:
        """Raises :class:`gateway.errors.CallFailed` when the reply says that the whole call did not come through."""


@runtime_checkable
class Negotiates(Protocol):
    """An :class:`Outbound` whose counterparts differ in what they can do, and say so when they get a ``Ping``."""

    def negotiated(self, profile: str, agreed: Agreed) -> Capabilities:
        """What is left of the profile's capabilities with a counterpart that has agreed to this."""


@runtime_checkable
class HandsOver(Connector, Protocol):
    """Some commands never leave from here: the guest's browser, telephone or camera carries the signed message."""

    def hand_over(self, command: Command, site: Site) -> Decoded | None:
        """What to give to the guest, or None for a command that is sent. Asked before ``encode``."""


# --- they call us -----------------------------------------------------------------------------------------------------


class Head(msgspec.Struct, frozen=True):
    """The head of a request to us. Header names are lower case; ``query`` is what follows the question mark."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: str = ""


class Document(msgspec.Struct):
    """A message read once. Connectors subclass it; ``root`` names the message, ``archive`` is its redacted copy."""

    root: str
    archive: bytes


@runtime_checkable
class Inbound(Connector, Protocol):
    """We have an endpoint and they call it. The calls come in this order, each once."""

    def open(self, head: Head, chunks: Iterable[bytes]) -> Document: ...

    def locate(self, document: Document) -> str:
        """The account the sender claims (untrusted); empty when the path already says it."""

    def verify(self, document: Document, site: Site, now_ms: Instant) -> None:
        """Raises :class:`gateway.errors.Unauthentic`."""

    def parse(self, document: Document, site: Site) -> Sequence[Event | Query]: ...

    def answer(self, document: Document, site: Site, results: Sequence[Result], now_ms: Instant) -> Reply:
        """One result per event or query that ``parse`` gave, in order."""

    def refuse(self, document: Document | None, error: Refusal, now_ms: Instant) -> Reply:
        """Their shape of an error, even when nothing could be read."""


@runtime_checkable
class Describes(Protocol):
    """An :class:`Inbound` whose interface can be read by whoever wants to call it."""

    def describe(self, head: Head, url: str) -> Reply | None:
        """The answer to a GET (``?wsdl``) at ``url``; None for anything that has no description.

        It is public and the same for every account, so that nothing can be learned about who has one.
        """


@runtime_checkable
class Explains(Protocol):
    """A connector whose messages are full of codes that people cannot be expected to know."""

    def explain(self, data: bytes) -> tuple[str, ...]:
        """What the codes in an archived message or answer mean; nothing, not an error, for what cannot be read."""


@runtime_checkable
class Reopening(Protocol):
    """An Inbound whose documents are more than their archived bytes, as where an action stands beside the message.

    Others have their archives opened again as the body of a POST of type ``text/xml``.
    """

    def reopen(self, root: str, archive: bytes) -> Document:
        """The document that was archived with these two, without its sender's credentials."""
