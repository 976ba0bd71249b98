"""E-mail over SMTP, by the standard library, on a thread."""

from __future__ import annotations

import asyncio
import re
import smtplib
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from gateway.model.dates import Instant

TIMEOUT_S = 30.0
_PORTS = {"smtp": 587, "smtps": 465}
# Narrower than RFC 5322: one address, without quotes, comments, names or encoded words (RFC 2047).
_ADDRESS = re.compile(r"(?!.*=\?)[^@\s<>,;:()\[\]\\\"\x00-\x1f\x7f]+@[^@\s<>,;:()\[\]\\\"\x00-\x1f\x7f]+")


class Unwritable(OSError):
    """There is no letter to such an address, or from it; for whoever writes it is as if no server had taken it."""


class Post(NamedTuple):
    """Where mail is handed in. A login is only ever sent over TLS: with STARTTLS, or from the start (``smtps``)."""

    host: str
    port: int
    tls: bool
    username: str
    password: str


def post_of(url: str) -> Post:
    """``smtp://user:password@host:587`` or ``smtps://…``; ValueError for anything else, without showing it."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("GATEWAY_SMTP_URL is smtp://user:password@host:587 or smtps://user:password@host:465")
    return Post(
        parts.hostname,
        parts.port or _PORTS[parts.scheme],
        parts.scheme == "smtps",
        unquote(parts.username or ""),
        unquote(parts.password or ""),
    )


def is_address(text: str) -> bool:
    """Whether a letter can be written to it; what guests and agencies say may be anything."""
    return _ADDRESS.fullmatch(text) is not None


def mail(sender: str, to: Sequence[str], subject: str, text: str, at_ms: Instant) -> EmailMessage:
    """A message that no robot answers (RFC 3834); what stands in the subject cannot begin another header.

    Raises :class:`Unwritable`.
    """
    message = EmailMessage()
    try:
        message["From"] = sender
        message["To"] = ", ".join(to)
    except (ValueError, IndexError, AttributeError) as fault:
        # The last two are what the parser of the standard library raises for half an address ("ada@").
        raise Unwritable("this is no address to write to, or from") from fault
    message["Subject"] = " ".join(subject.split())
    message["Date"] = format_datetime(datetime.fromtimestamp(at_ms / 1000, UTC))
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2].rstrip(">") or None)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return message


async def hand_in(post: Post, message: EmailMessage) -> None:
    """Raises OSError (``smtplib.SMTPException`` is one) where it was not taken."""
    await asyncio.to_thread(_hand_in, post, message)


def _hand_in(post: Post, message: EmailMessage) -> None:
    context = ssl.create_default_context()
    if post.tls:
        server: smtplib.SMTP = smtplib.SMTP_SSL(post.host, post.port, timeout=TIMEOUT_S, context=context)
    else:
        server = smtplib.SMTP(post.host, post.port, timeout=TIMEOUT_S)
    with server:
        server.ehlo()
        if not post.tls and server.has_extn("starttls"):
            server.starttls(context=context)
            server.ehlo()
        elif not post.tls and post.username:
            raise smtplib.SMTPNotSupportedError("the server offers no TLS, and a login is not sent in clear")
        if post.username:
            server.login(post.username, post.password)
        server.send_message(message)
