"""The example connector, broken on purpose: one class for every way to be wrong that the kit must catch."""

from __future__ import annotations

import random
import time
from base64 import b64decode
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from lxml import etree

from connectors._template import CAPABILITIES, Acme, decode, encode
from connectors._template import messages as acme
from gateway.contract import Capabilities, Confirmed, Decoded, Document, Head, Reply, Request, Site
from gateway.errors import Malformed, Reason, Refusal, Unauthentic, Unsupported
from gateway.messages import (
    AriReceived,
    Command,
    Event,
    Ping,
    PingReceived,
    PushAvailability,
    PushRates,
    Query,
    ReservationReceived,
    Result,
)
from gateway.model.ari import AriUpdate, Field, Setting
from gateway.model.dates import ALL_WEEK
from gateway.testing.subject import PASSWORD

BREAKS: list[tuple[str, type[Any], str]] = []


def breaks(**cases: str) -> Callable[[type[Any]], type[Any]]:
    """Says which cases must fail for a class, and words their explanation must contain."""

    def register(broken: type[Any]) -> type[Any]:
        BREAKS.extend((number, broken, words) for number, words in cases.items())
        return broken

    return register


def declare(**changes: Any) -> Capabilities:
    return msgspec.structs.replace(CAPABILITIES, **changes)


def with_updates(command: Command, updates: Iterable[AriUpdate]) -> Command:
    return msgspec.structs.replace(command, updates=tuple(updates))


def keep(update: AriUpdate, wanted: Callable[[Setting], bool]) -> AriUpdate:
    return msgspec.structs.replace(update, settings=tuple(s for s in update.settings if wanted(s)))


# --- what it declares -------------------------------------------------------------------------------------------------


@breaks(C01="name is ''")
class Nameless(Acme):
    name = ""


@breaks(C01="parts_max is '100'")
class LimitAsText(Acme):
    def capabilities(self, profile: str) -> Capabilities:
        super().capabilities(profile)
        return declare(parts_max="100")


@breaks(C01="'channel' gives no reason")
class LosesWithoutReason(Acme):
    def capabilities(self, profile: str) -> Capabilities:
        super().capabilities(profile)
        return declare(lossy={"channel": " "})


@breaks(C01="neither an Outbound nor an Inbound")
class NeitherInNorOut:
    name = "neither"

    def capabilities(self, profile: str) -> Capabilities:
        return CAPABILITIES


@breaks(C02="no-such-profile")
class AnyProfile(Acme):
    def capabilities(self, profile: str) -> Capabilities:
        return CAPABILITIES


@breaks(C10="Ping is declared")
class NoPing(Acme):
    def encode(self, command: Command, site: Site) -> Request:
        if isinstance(command, Ping):
            raise Unsupported("no ping")
        return encode.encode_command(command, site)


@breaks(C11="was accepted")
class EverythingIsAPing(Acme):
    def encode(self, command: Command, site: Site) -> Request:
        try:
            return encode.encode_command(command, site)
        except Unsupported:
            return encode.encode_command(Ping(id=command.id, at_ms=command.at_ms), site)


@breaks(C12="extra_child")
class DeclaresTooMuch(Acme):
    def capabilities(self, profile: str) -> Capabilities:
        super().capabilities(profile)
        return declare(fields=CAPABILITIES.fields | {Field.EXTRA_CHILD})


@breaks(C13="was accepted", C14="was accepted")
class DropsWhatItLacks(Acme):
    """An undeclared field, or one in the wrong command, is left out in silence."""

    def encode(self, command: Command, site: Site) -> Request:
        if isinstance(command, PushAvailability | PushRates):
            known = {*encode.PLAIN, *encode.FLAGS} if isinstance(command, PushAvailability) else {Field.PRICE}
            command = with_updates(command, (keep(u, lambda s: s.field in known) for u in command.updates))
        return encode.encode_command(command, site)


# --- how it encodes ---------------------------------------------------------------------------------------------------


@breaks(C15="differ")
class Counts(Acme):
    sent = 0

    def encode(self, command: Command, site: Site) -> Request:
        self.sent += 1
        return encode.encode_command(msgspec.structs.replace(command, id=f"{command.id}-{self.sent}"), site)


@breaks(C16="time.time_ns")
class ReadsClock(Acme):
    def encode(self, command: Command, site: Site) -> Request:
        time.time_ns()
        return encode.encode_command(command, site)


@breaks(C16="datetime.now")
class ReadsDate(Acme):
    def encode(self, command: Command, site: Site) -> Request:
        datetime.now(UTC)
        return encode.encode_command(command, site)


@breaks(C16="random.")
class ThrowsDice(Acme):
    def encode(self, command: Command, site: Site) -> Request:
        random.choice("ab")
        return encode.encode_command(command, site)


@breaks(C16="Escaped")
class OpensSocket(Acme):
    def encode(self, command: Command, site: Site) -> Request:
        import socket

        with socket.socket():
            return encode.encode_command(command, site)


@breaks(C17="holds something else")
class SaysOnePart(Acme):
    def encode(self, command: Command, site: Site) -> Request:
        if isinstance(command, PushAvailability | PushRates):
            return msgspec.structs.replace(encode.encode_command(command, site), parts=1)
        return encode.encode_command(command, site)


@breaks(C18="the request carries 8")
class KeepsNoLimit(Acme):
    def capabilities(self, profile: str) -> Capabilities:
        super().capabilities(profile)
        return declare(parts_max=7)


@breaks(C19="a price for 3 guests: was accepted")
class KeepsNoOccupancy(Acme):
    def capabilities(self, profile: str) -> Capabilities:
        super().capabilities(profile)
        return declare(guests_max=2)


# --- how it reads replies ---------------------------------------------------------------------------------------------


@breaks(C20="was read as success", C84="read as success")
class SilenceIsSuccess(Acme):
    def decode(self, command: Command, request: Request, reply: Reply, site: Site) -> Decoded:
        return Decoded(Confirmed())


@breaks(C20="must raise Retryable")
class SlowDownIsFinal(Acme):
    def decode(self, command: Command, request: Request, reply: Reply, site: Site) -> Decoded:
        return decode.decode_reply(command, request, msgspec.structs.replace(reply, status=reply.status % 429), site)


@breaks(C21="decode raised")
class TrustsReplies(Acme):
    def decode(self, command: Command, request: Request, reply: Reply, site: Site) -> Decoded:
        msgspec.json.decode(reply.body)
        return decode.decode_reply(command, request, reply, site)


@breaks(C21="decode raised Malformed")
class RefusesReplies(Acme):
    """A Refusal says that a sender has to change something, but here we are the ones who called."""

    def decode(self, command: Command, request: Request, reply: Reply, site: Site) -> Decoded:
        try:
            msgspec.json.decode(reply.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Malformed("unreadable") from None
        return decode.decode_reply(command, request, reply, site)


@breaks(C84="its own acknowledgement of")
class DeafToItself(Acme):
    def answer(self, document: Document, site: Site, results: Sequence[Result], now_ms: int) -> Reply:
        return Reply(200, {"content-type": "application/json"}, b'{"ok": false, "code": "huh"}')


# --- how it reads messages --------------------------------------------------------------------------------------------


@breaks(C31='"hotel": "HOTEL1"')
class TidiesCodes(Acme):
    """Codes are the counterpart's own, verbatim; this one knows better."""

    def parse(self, document: Document, site: Site) -> Sequence[Event | Query]:
        (event,) = decode.parse(document, site)
        return [msgspec.structs.replace(event, hotel="") if isinstance(event, AriReceived) else event]


@breaks(C31="refused")
class TakesRefused(Acme):
    def parse(self, document: Document, site: Site) -> Sequence[Event | Query]:
        try:
            return decode.parse(document, site)
        except Refusal:
            return ()


@breaks(C32="ends differently")
class TakesFirstChunk(Acme):
    def open(self, head: Head, chunks: Iterable[bytes]) -> Document:
        return decode.open_document(head, [next(chunk for chunk in chunks if chunk)])


@breaks(C33="time.time")
class StampsArrival(Acme):
    def parse(self, document: Document, site: Site) -> Sequence[Event | Query]:
        time.time()
        return decode.parse(document, site)


@breaks(C40="never sent, but read")
class ForgetsWeekdays(Acme):
    def encode(self, command: Command, site: Site) -> Request:
        if isinstance(command, PushAvailability):
            every_day = (msgspec.structs.replace(u, weekdays=ALL_WEEK) for u in command.updates)
            command = with_updates(command, every_day)
        return encode.encode_command(command, site)


@breaks(C40="every generated command was refused")
class OnlyRefuses(Acme):
    """Each field by itself goes, but never a range."""

    def encode(self, command: Command, site: Site) -> Request:
        if isinstance(command, PushAvailability):
            raise Unsupported("not today")
        return encode.encode_command(command, site)


@breaks(C41="read back as")
class RoundsPrices(Acme):
    def encode(self, command: Command, site: Site) -> Request:
        if isinstance(command, PushRates):
            command = with_updates(command, map(self._rounded, command.updates))
        return encode.encode_command(command, site)

    def _rounded(self, update: AriUpdate) -> AriUpdate:
        whole = tuple(Setting(s.field, s.value // 100 * 100, s.guests) for s in update.settings)
        return msgspec.structs.replace(update, settings=whole)


@breaks(C41="read back as")
class TaxBlind(Acme):
    def encode(self, command: Command, site: Site) -> Request:
        if isinstance(command, PushRates):
            command = with_updates(command, (msgspec.structs.replace(u, net=False) for u in command.updates))
        return encode.encode_command(command, site)


@breaks(C42="content.stays.departure")
class CountsDepartureAsNight(Acme):
    def parse(self, document: Document, site: Site) -> Sequence[Event | Query]:
        (event,) = decode.parse(document, site)
        if not isinstance(event, ReservationReceived):
            return [event]
        content = event.revision.content
        longer = tuple(msgspec.structs.replace(s, departure=s.departure + 1) for s in content.stays)
        revision = msgspec.structs.replace(event.revision, content=msgspec.structs.replace(content, stays=longer))
        return [msgspec.structs.replace(event, revision=revision)]


# --- what it does with bad input --------------------------------------------------------------------------------------


@breaks(C50="was accepted", C51="was accepted", C53="was accepted")
class SwallowsTheUnreadable(Acme):
    def open(self, head: Head, chunks: Iterable[bytes]) -> Document:
        try:
            return decode.open_document(head, chunks)
        except Malformed as error:
            if error.reason is Reason.TOO_LARGE:
                raise
            return decode.AcmeDocument("Ping", b"", acme.Ping("", ""), "")


@breaks(C52="only a typed Refusal")
class LetsErrorsThrough(Acme):
    def open(self, head: Head, chunks: Iterable[bytes]) -> Document:
        body = b"".join(chunks)
        message: acme.Message = msgspec.json.decode(body, type=acme.Message)
        return decode.AcmeDocument(type(message).__name__, b"", message, head.headers.get("authorization", ""))


@breaks(C54="RecursionError")
class KnowsNoBottom(Acme):
    def open(self, head: Head, chunks: Iterable[bytes]) -> Document:
        try:
            msgspec.json.decode(body := b"".join(chunks))
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Malformed("not JSON") from None
        return decode.open_document(head, [body])


@breaks(C55="were taken before the refusal")
class ReadsItAll(Acme):
    def open(self, head: Head, chunks: Iterable[bytes]) -> Document:
        return decode.open_document(head, [b"".join(chunks)])


@breaks(C56="with a DOCTYPE: was accepted")
class ReadsXml(Acme):
    """Not Acme at all, but the dangerous way to read XML."""

    def open(self, head: Head, chunks: Iterable[bytes]) -> Document:
        try:
            root = etree.fromstring(b"".join(chunks), etree.XMLParser(resolve_entities=False))
        except etree.XMLSyntaxError:
            raise Malformed("not XML") from None
        return Document(str(root.tag), b"")

    def locate(self, document: Document) -> str:
        return "HOTEL1"

    def parse(self, document: Document, site: Site) -> Sequence[Event | Query]:
        return [PingReceived(document.root)]


# --- what it lets slip ------------------------------------------------------------------------------------------------


@breaks(C60="the refusal of a field shows")
class TellsOurPassword(Acme):
    def encode(self, command: Command, site: Site) -> Request:
        try:
            return encode.encode_command(command, site)
        except Unsupported as error:
            raise Unsupported(f"{error} for {site!r}") from None


@breaks(C60="echoing the request shows")
class QuotesEchoes(Acme):
    def decode(self, command: Command, request: Request, reply: Reply, site: Site) -> Decoded:
        try:
            return decode.decode_reply(command, request, reply, site)
        except Exception as error:
            error.args = (f"cannot read {reply.body!r}",)
            raise


@breaks(C61="the archive shows")
class ArchivesLogin(Acme):
    def open(self, head: Head, chunks: Iterable[bytes]) -> Document:
        document = decode.open_document(head, chunks)
        document.archive += b"\n" + head.headers.get("authorization", "").encode()
        return document


@breaks(C61="the archive shows")
class ArchivesPassword(Acme):
    def open(self, head: Head, chunks: Iterable[bytes]) -> Document:
        document = decode.open_document(head, chunks)
        document.archive += b64decode(head.headers.get("authorization", "").removeprefix("Basic "))
        return document


@breaks(C62="the archive shows")
class ArchivesAsSent(Acme):
    def open(self, head: Head, chunks: Iterable[bytes]) -> Document:
        body = b"".join(chunks)
        document = decode.open_document(head, [body])
        document.archive = body
        return document


# --- whom it lets in --------------------------------------------------------------------------------------------------


@breaks(C70="the right login was refused")
class LetsNobodyIn(Acme):
    def verify(self, document: Document, site: Site, now_ms: int) -> None:
        raise Unauthentic("go away")


@breaks(C71="with a wrong password: was accepted")
class LetsEverybodyIn(Acme):
    def verify(self, document: Document, site: Site, now_ms: int) -> None:
        return


@breaks(C71="too long: was accepted")
class LooksAtPasswordOnly(Acme):
    def verify(self, document: Document, site: Site, now_ms: int) -> None:
        assert isinstance(document, decode.AcmeDocument)
        if PASSWORD not in b64decode(document.login.removeprefix("Basic "), altchars=b"-_").decode("latin-1"):
            raise Unauthentic("wrong password")


@breaks(C72="nothing to check against")
class OpenWhenUnset(Acme):
    def verify(self, document: Document, site: Site, now_ms: int) -> None:
        if site.check_inbound is not None:
            decode.verify(document, site, now_ms)


# --- how it answers ---------------------------------------------------------------------------------------------------


@breaks(C80="is answered like a success")
class AlwaysSaysYes(Acme):
    def answer(self, document: Document, site: Site, results: Sequence[Result], now_ms: int) -> Reply:
        return Reply(200, {"content-type": "application/json"}, b'{"ok": true}')


@breaks(C80="reached for time.time")
class AnswersWithTheTime(Acme):
    def answer(self, document: Document, site: Site, results: Sequence[Result], now_ms: int) -> Reply:
        time.time()
        return encode.answer(document, site, results, now_ms)


@breaks(C81="AssertionError")
class NeedsADocument(Acme):
    def refuse(self, document: Document | None, error: Refusal, now_ms: int) -> Reply:
        assert document is not None
        return encode.refuse(document, error, now_ms)


@breaks(C82="the body is empty")
class RefusesWithoutAWord(Acme):
    def refuse(self, document: Document | None, error: Refusal, now_ms: int) -> Reply:
        reply = encode.refuse(document, error, now_ms)
        return reply if document is None else msgspec.structs.replace(reply, body=b"")


@breaks(C83="the body is not application/json")
class PastesTexts(Acme):
    def refuse(self, document: Document | None, error: Refusal, now_ms: int) -> Reply:
        return Reply(400, {"content-type": "application/json"}, b'{"text": "%b"}' % error.text.encode())
