"""What every payment connector is: a codec of commands and replies, and of callbacks.

A subclass names its commands, its functions and what of its callbacks is its own; nothing else differs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from connectors.payments._shared.document import open_callback
from connectors.payments._shared.profile import profile_of, with_limits
from gateway.contract import Capabilities, Decoded, Document, Head, Reply, Request, Site
from gateway.errors import Refusal
from gateway.messages import Command, Event, Query, Result
from gateway.messages_payment import PaymentAnswered, PaymentNotified, StatementReceived
from gateway.model.dates import Instant
from gateway.wire.redact import mask_text


def masked(raw: bytes) -> bytes:
    """A text without card numbers."""
    return mask_text(raw.decode("utf-8", "replace")).encode()


class PaymentConnector(ABC):
    """Both directions of one gateway; the methods are those of :mod:`gateway.contract`.

    ``lossy``, ``replay_s`` and ``card_numbers`` are declared as they stand. ``document`` names a callback, ``taken`` is
    the acknowledgement of one, and ``redact`` makes the copy to keep of its bytes.
    """

    name: str
    commands: frozenset[type[Command]]
    lossy: ClassVar[Mapping[str, str]] = {}
    replay_s: float = 0.0
    card_numbers: bool = False
    document: str
    taken: Reply
    redact = staticmethod(masked)

    def capabilities(self, profile: str) -> Capabilities:
        declared = Capabilities(
            commands=self.commands,
            events=frozenset({PaymentAnswered, PaymentNotified, StatementReceived}),
            lossy=self.lossy,
            replay_s=self.replay_s,
            card_numbers=self.card_numbers,
        )
        return with_limits(declared, profile_of(self.name, profile))

    @staticmethod
    @abstractmethod
    def encode(command: Command, site: Site) -> Request: ...

    @staticmethod
    @abstractmethod
    def decode(command: Command, request: Request, reply: Reply, site: Site) -> Decoded: ...

    def open(self, head: Head, chunks: Iterable[bytes]) -> Document:
        """The body as it came: its exact bytes were signed."""
        return open_callback(head, chunks, self.document, self.redact)

    def locate(self, document: Document) -> str:
        """The path says whose it is."""
        return ""

    @staticmethod
    @abstractmethod
    def verify(document: Document, site: Site, now_ms: Instant) -> None: ...

    @staticmethod
    @abstractmethod
    def parse(document: Document, site: Site) -> Sequence[Event | Query]: ...

    def answer(self, document: Document, site: Site, results: Sequence[Result], now_ms: Instant) -> Reply:
        """The acknowledgement once every item is taken; a single one that is not brings the message back."""
        refusals = [result for result in results if isinstance(result, Refusal)]
        return self.refuse(document, refusals[0], now_ms) if refusals else self.taken

    @staticmethod
    @abstractmethod
    def refuse(document: Document | None, error: Refusal, now_ms: Instant) -> Reply: ...
