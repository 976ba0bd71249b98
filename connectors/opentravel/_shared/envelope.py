"""The frame of every message we write: declaration, root with its standard attributes, POS (sheet, section 1)."""

from __future__ import annotations

from connectors.opentravel._shared.names import NAMESPACE
from connectors.opentravel._shared.times import format_instant_ms
from gateway.model.dates import Instant
from gateway.wire.xmlwrite import attributes, element

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
ECHO_CHARS_MAX = 128


def message(root: str, content: str, *, token: str, at_ms: Instant, version: str, **more: str | None) -> bytes:
    """A whole document around content that is XML already. An empty token is left out: the schema refuses it."""
    given = attributes(EchoToken=token[:ECHO_CHARS_MAX], TimeStamp=format_instant_ms(at_ms), Version=version, **more)
    return f'{_DECLARATION}<{root} xmlns="{NAMESPACE}"{given}>{content}</{root}>'.encode()


def booked_through(source: str) -> str:
    """POS naming the channel a reservation came through; nothing without one."""
    if not source:
        return ""
    channel = element("BookingChannel", element("CompanyName", "", Code=source[:16]), Type="7", Primary="true")
    return f"<POS><Source>{channel}</Source></POS>"
