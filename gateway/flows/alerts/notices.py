"""How alerts reach people and programs: a log line always, a signed webhook and an e-mail where they are set up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import msgspec
import structlog

from gateway.errors import GatewayError, OutcomeUnknown, Retryable
from gateway.flows.alerts.texts import AlertKind, Language, sentence, title, word
from gateway.flows.services import Services
from gateway.io.retry import with_retries
from gateway.io.smtp import hand_in, mail, post_of
from gateway.io.webhook import is_taken, webhook
from gateway.model.dates import Instant, format_instant
from gateway.settings import Settings
from gateway.store.alerting import Turn
from gateway.store.tables import AlertRow
from gateway.wire.standard_webhooks import signing_key

log = structlog.get_logger(__name__)

ATTEMPTS = 4
_WAIT_FIRST_S, _WAIT_MAX_S = 1.0, 10.0
_TIMEOUT_S = 10.0
_LISTED_MAX = 50

_decode = msgspec.msgpack.Decoder(dict[str, Any]).decode


class Alert(msgspec.Struct, frozen=True):
    """Something that needs a person; ``text`` by language. ``property`` is empty for the gateway itself."""

    property: str
    kind: AlertKind
    subject: str
    since_ms: Instant
    title: dict[str, str]
    text: dict[str, str]

    @classmethod
    def of(cls, row: AlertRow) -> Alert:
        """From its row."""
        kind = AlertKind(row.kind)
        named = {**_decode(row.body), "subject": row.subject}
        languages: tuple[Language, ...] = ("en", "zh")
        titles: dict[str, str] = {language: title(kind, language) for language in languages}
        texts: dict[str, str] = {language: sentence(kind, language, named) for language in languages}
        return cls(row.scope_id, kind, row.subject, row.since_ms, titles, texts)


class Teller:
    """Raises ValueError at once where the settings of a channel make no sense."""

    def __init__(self, services: Services, settings: Settings) -> None:
        self._services = services
        self._settings = settings
        self._post = post_of(settings.smtp_url) if settings.alert_mail_to else None
        if settings.alert_mail_to and not settings.alert_mail_from:
            raise ValueError("GATEWAY_ALERT_MAIL_FROM is needed for e-mails")
        if settings.alert_webhook:
            signing_key(settings.alert_webhook_secret)

    async def tell(self, turn: Turn, now_ms: Instant) -> None:
        """A channel that does not take a notice after some attempts goes without it, and that is logged."""
        found = {name: [Alert.of(row) for row in rows] for name, rows in turn._asdict().items()}
        for name, alerts in found.items():
            for alert in alerts:
                write = log.info if name == "cleared" else log.warning
                write(f"alert_{name}", property=alert.property, kind=alert.kind.value, text=alert.text["en"])
        if self._settings.alert_webhook:
            await self._attempt("webhook", partial(self._call, found, f"{self._services.ids.message():x}", now_ms))
        if self._post is not None:
            await self._attempt("mail", partial(self._mail, found, now_ms))

    async def _attempt(self, channel: str, send: Callable[[], Awaitable[None]]) -> None:
        try:
            await with_retries(
                send,
                attempts=ATTEMPTS,
                first_s=_WAIT_FIRST_S,
                max_s=_WAIT_MAX_S,
                clock=self._services.clock,
                random=self._services.random,
            )
        except GatewayError as error:
            log.error("alert_not_sent", channel=channel, problem=str(error))

    async def _call(self, found: dict[str, list[Alert]], number: str, now_ms: Instant) -> None:
        body = msgspec.json.encode({"type": "gateway.alerts", "timestamp": format_instant(now_ms), "data": found})
        settings = self._settings
        request = webhook(settings.alert_webhook, settings.alert_webhook_secret, number, now_ms // 1000, body)
        try:
            reply = await self._services.caller.call(request, timeout_s=_TIMEOUT_S)
        except OutcomeUnknown as unknown:  # the receiver knows a repetition by its number
            raise Retryable(str(unknown)) from unknown
        if not is_taken(reply):
            raise Retryable(f"the receiver answers {reply.status}")

    async def _mail(self, found: dict[str, list[Alert]], now_ms: Instant) -> None:
        assert self._post is not None
        subject, text = letter(found, self._settings.alert_language)
        message = mail(self._settings.alert_mail_from, self._settings.alert_mail_to, subject, text, now_ms)
        try:
            await hand_in(self._post, message)
        except OSError as failure:
            raise Retryable(f"the mail server does not take it ({type(failure).__name__})") from failure


def letter(found: dict[str, list[Alert]], language: Language) -> tuple[str, str]:
    """Subject and text of an e-mail."""
    lines: list[str] = []
    for name, alerts in found.items():
        if alerts:
            lines += [word(name, language), *(f"- {_line(alert, language)}" for alert in alerts[:_LISTED_MAX])]
            if len(alerts) > _LISTED_MAX:
                lines.append(f"- {word('more', language, count=len(alerts) - _LISTED_MAX)}")
            lines.append("")
    name, first = next((name, alerts[0]) for name, alerts in found.items() if alerts)
    count = sum(map(len, found.values()))
    more = f" ({word('more', language, count=count - 1)})" if count > 1 else ""
    where = first.property or word("gateway", language)
    return f"{word(name, language)}: {first.title[language]} · {where}{more}", "\n".join(lines)


def _line(alert: Alert, language: Language) -> str:
    where = alert.property or word("gateway", language)
    return f"[{where}] {alert.text[language]} ({format_instant(alert.since_ms)})"
