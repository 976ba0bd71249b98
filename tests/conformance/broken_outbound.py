"""The example connector, broken in what it declares, encodes and makes of replies: one class for each way."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from connectors._template import CAPABILITIES, Acme, decode, encode
from gateway.contract import Capabilities, Confirmed, Decoded, Document, Reply, Request, Site
from gateway.errors import Malformed, Unsupported
from gateway.messages import (
    Command,
    Ping,
    PushAvailability,
    PushRates,
    Result,
)
from gateway.model.ari import AriUpdate, Field, Setting
from tests.conformance.breaks import breaks, with_updates


def declare(**changes: Any) -> Capabilities:
    return msgspec.structs.replace(CAPABILITIES, **changes)


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


@breaks(C01="neither for some nights nor as a complete set")
class TakesNoLimits(Acme):
    def capabilities(self, profile: str) -> Capabilities:
        super().capabilities(profile)
        return declare(deltas=False)


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


@breaks(C22="no different", C45="takes nothing away")
class SaysNotThatItIsComplete(Acme):
    def capabilities(self, profile: str) -> Capabilities:
        super().capabilities(profile)
        return declare(complete_sets=True)


# --- how it reads replies ---------------------------------------------------------------------------------------------


@breaks(C20="was read as success", C84="read as success")
class SilenceIsSuccess(Acme):
    def decode(self, command: Command, request: Request, reply: Reply, site: Site) -> Decoded:
        return Decoded(Confirmed())


@breaks(C20="must raise Retryable")
class SlowDownIsFinal(Acme):
    def decode(self, command: Command, request: Request, reply: Reply, site: Site) -> Decoded:
        return decode.decode_reply(command, request, msgspec.structs.replace(reply, status=reply.status % 429), site)


@breaks(C20="decode raised OverflowError")
class TrustsDates(Acme):
    def decode(self, command: Command, request: Request, reply: Reply, site: Site) -> Decoded:
        with suppress(ValueError):
            parsedate_to_datetime(reply.headers.get("retry-after", ""))
        return decode.decode_reply(command, request, reply, site)


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
