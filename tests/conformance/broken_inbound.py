"""The example connector, broken in what it reads, lets slip, lets in and answers: one class for each way."""

from __future__ import annotations

import time
from base64 import b64decode
from collections.abc import Iterable, Sequence

import msgspec
from lxml import etree

from connectors._template import Acme, decode, encode
from connectors._template import messages as acme
from gateway.contract import Decoded, Document, Head, Reply, Request, Site
from gateway.errors import Malformed, Reason, Refusal, Unauthentic, Unsupported
from gateway.messages import (
    AriReceived,
    Command,
    DeliveriesReported,
    Event,
    Found,
    PingReceived,
    PushAvailability,
    PushRates,
    Query,
    ReservationReceived,
    Result,
)
from gateway.model.ari import AriUpdate, Setting
from gateway.model.dates import ALL_WEEK
from gateway.testing.subject import PASSWORD
from tests.conformance.breaks import breaks, with_updates

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


@breaks(C43="content.total")
class HandsOutHalf(Acme):
    def answer(self, document: Document, site: Site, results: Sequence[Result], now_ms: int) -> Reply:
        reply = encode.answer(document, site, results, now_ms)
        said = msgspec.json.decode(reply.body, type=acme.Answer)
        halved = tuple(msgspec.structs.replace(one, total=None) for one in said.bookings)
        return msgspec.structs.replace(reply, body=msgspec.json.encode(msgspec.structs.replace(said, bookings=halved)))


@breaks(C43="without the command that confirms it")
class NeverConfirms(Acme):
    def decode(self, command: Command, request: Request, reply: Reply, site: Site) -> Decoded:
        decoded = decode.decode_reply(command, request, reply, site)
        events = tuple(msgspec.structs.replace(arrived, acknowledge=None) for arrived in decoded.events)
        return msgspec.structs.replace(decoded, events=events)


@breaks(C44="read back")
class ReportsOnlySuccess(Acme):
    def parse(self, document: Document, site: Site) -> Sequence[Event | Query]:
        (event,) = decode.parse(document, site)
        if not isinstance(event, DeliveriesReported):
            return [event]
        good = tuple(msgspec.structs.replace(report, error="") for report in event.reports)
        return [msgspec.structs.replace(event, reports=good)]


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


@breaks(C85="the answer does not say so")
class FindsNothing(Acme):
    def answer(self, document: Document, site: Site, results: Sequence[Result], now_ms: int) -> Reply:
        empty = [Found(()) if isinstance(result, Found) else result for result in results]
        return encode.answer(document, site, empty, now_ms)


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
