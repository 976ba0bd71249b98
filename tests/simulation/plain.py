"""A connector whose wire is the msgspec form of the messages, so that simulations test the gateway and no codec."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from gateway.contract import (
    Arrived,
    Capabilities,
    Confirmed,
    Decoded,
    Document,
    Head,
    Outcome,
    Refused,
    Reply,
    Request,
    Site,
)
from gateway.errors import Malformed, Reason, Refusal, Retryable, Unauthentic
from gateway.messages import (
    Applied,
    AriReceived,
    Command,
    Confirmation,
    ConfirmReservations,
    ContentReceived,
    DeliveriesReported,
    DeliverReservation,
    Event,
    Found,
    PingReceived,
    PushAvailability,
    PushContent,
    PushRates,
    Query,
    ReservationReceived,
    ReservationsAsked,
    Result,
    RetrieveReservations,
    Taken,
)
from gateway.model.ari import Field
from gateway.model.dates import Instant

Sendable = PushAvailability | PushRates | PushContent | DeliverReservation | RetrieveReservations | ConfirmReservations
encode_command = msgspec.json.Encoder().encode
decode_command = msgspec.json.Decoder(Sendable).decode
Received = AriReceived | ReservationReceived | DeliveriesReported | ContentReceived | ReservationsAsked | PingReceived
_events = msgspec.json.Decoder(list[Received]).decode


_PUSHED: frozenset[type[Command]] = frozenset({PushAvailability, PushRates, DeliverReservation})
_MORE: dict[str, frozenset[type[Command]]] = {
    "asked": frozenset({RetrieveReservations, ConfirmReservations}),
    "named": frozenset({PushContent}),
}

SETTLE_S = 20.0


class PlainReply(msgspec.Struct):
    """``refused`` maps part numbers to texts; ``ref`` is the counterpart's number."""

    refused: dict[int, str] = {}
    ref: str = ""


class PlainPage(msgspec.Struct):
    """What a channel gives that is asked for its reservations."""

    events: list[ReservationReceived] = []
    more: bool = False


class PlainDocument(Document):
    events: list[Received] = msgspec.field(default_factory=list)
    password: str = ""


class PlainConnector:
    """Profiles: ``plain``, ``counting`` (lowers its own availability when it sells), ``room-price``, ``asked`` (for its
    reservations, which it does not send), ``named`` (is told what rooms and plans are called)."""

    name = "plain"

    def __init__(self, parts_max: int = 50, timeout_s: float = 5.0, settle_s: float = SETTLE_S) -> None:
        self._parts_max = parts_max
        self._timeout_s = timeout_s
        self._settle_s = settle_s

    def capabilities(self, profile: str) -> Capabilities:
        return Capabilities(
            commands=_PUSHED | _MORE.get(profile, frozenset()),
            events=frozenset({AriReceived, ReservationReceived}),
            fields=frozenset(Field) - {Field.FIGURE_BY},
            parts_max=self._parts_max,
            timeout_s=self._timeout_s,
            settle_s=self._settle_s,
            counts_down=profile == "counting",
            guests_max=0 if profile == "room-price" else 12,
            per_minute_max=100_000,
        )

    def encode(self, command: Command, site: Site) -> Request:
        parts = getattr(command, "updates", ()) or getattr(command, "confirmations", ())
        return Request("POST", site.url, {}, encode_command(command), parts=len(parts) or 1)

    def decode(self, command: Command, request: Request, reply: Reply, site: Site) -> Decoded:
        if reply.status in (429, 503):
            raise Retryable("not now", after_s=float(reply.headers.get("retry-after", "1")))
        if reply.status != 200:
            return Decoded(Refused(str(reply.status), "refused as a whole"))
        if isinstance(command, RetrieveReservations):
            return _retrieved(command, reply)
        said = msgspec.json.decode(reply.body, type=PlainReply)
        parts: dict[int, Outcome] = {part: Refused("no", text) for part, text in said.refused.items()}
        return Decoded(Confirmed(said.ref), parts)

    def open(self, head: Head, chunks: Iterable[bytes]) -> PlainDocument:
        body = b"".join(chunks)
        try:
            return PlainDocument("plain", body, _events(body), head.headers.get("password", ""))
        except msgspec.DecodeError as error:
            raise Malformed(str(error)) from error

    def locate(self, document: Document) -> str:
        return ""

    def verify(self, document: Document, site: Site, now_ms: Instant) -> None:
        assert isinstance(document, PlainDocument)
        if site.check_inbound is None or not site.check_inbound(document.password):
            raise Unauthentic("wrong password", Reason.AUTHENTICATION)

    def parse(self, document: Document, site: Site) -> Sequence[Event | Query]:
        assert isinstance(document, PlainDocument)
        return document.events

    def answer(self, document: Document, site: Site, results: Sequence[Result], now_ms: Instant) -> Reply:
        """Our number for each booking, or the one answer there is to a question or a report."""
        if len(results) == 1 and isinstance(results[0], Found | Applied):
            return Reply(200, {}, msgspec.json.encode(results[0]))
        refs = [_ref(result) for result in results if isinstance(result, Taken | Refusal)]
        return Reply(200, {}, msgspec.json.encode(refs))

    def refuse(self, document: Document | None, error: Refusal, now_ms: Instant) -> Reply:
        return Reply(400, {}, f"{error.reason.value}: {error.text}".encode())


def _ref(result: Taken | Refusal) -> str:
    return result.reservation_id if isinstance(result, Taken) else f"{result.record} {result.reason.value}"


def _retrieved(command: RetrieveReservations, reply: Reply) -> Decoded:
    page = msgspec.json.decode(reply.body, type=PlainPage)
    arrived = []
    for event in page.events:
        confirmation = Confirmation(event.revision.booking_id, event.revision.kind, "", event.revision.version)
        acknowledge = ConfirmReservations(id="", at_ms=command.at_ms, confirmations=(confirmation,))
        arrived.append(Arrived(event, acknowledge))
    following = msgspec.structs.replace(command, id=f"{command.id}+") if page.more else None
    return Decoded(Confirmed(), events=tuple(arrived), next=following)


class Only:
    """A registry with this one connector."""

    def __init__(self, connector: PlainConnector) -> None:
        self._connector = connector

    def inbound_names(self) -> tuple[str, ...]:
        return (self._connector.name,)

    def get(self, name: str) -> PlainConnector:
        return self._connector

    def capabilities(self, name: str, profile: str) -> Capabilities:
        return self._connector.capabilities(profile)

    inbound = outbound = get
