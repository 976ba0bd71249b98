"""How SiteMinder's dialects answer: the RS of each message, refusals with the agreed texts (sheet, 2.5 and 3.5)."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.opentravel._shared import names
from connectors.opentravel._shared.answers import Asked, describe, warnings_of, writable
from connectors.opentravel._shared.envelope import message
from gateway.errors import Refusal, Unmapped
from gateway.messages import Pong, Result
from gateway.model.dates import Instant
from gateway.wire.xmlwrite import attributes, text
from mappings import look_up

_ERRORS_MAX = 99


def succeed(asked: Asked, results: Sequence[Result], data: str, at_ms: Instant, version: str) -> bytes:
    """Success with warnings, and whatever the message wants to hear besides, as XML."""
    echo = "".join(f"<EchoData>{text(result.echo)}</EchoData>" for result in results if isinstance(result, Pong))
    return _rs(asked, f"<Success/>{warnings_of(results)}{echo}{data}", at_ms, version)


def deny(asked: Asked, refusals: Sequence[Refusal], table: str, at_ms: Instant, version: str) -> bytes:
    """Errors: nothing took effect."""
    errors = "".join(_error(refusal, table) for refusal in refusals[:_ERRORS_MAX])
    return _rs(asked, f"<Errors>{errors}</Errors>", at_ms, version)


def deny_unread(refusal: Refusal, table: str, at_ms: Instant, version: str) -> bytes:
    """OTA_ErrorRS, for the detail of a fault: there is no message whose RS could say it."""
    kind, code, told = _said(refusal, table)
    given = {"Status": "NotProcessed", "ErrorCode": code, "ErrorMessage": writable(f"Type {kind}: {told}")}
    return message(names.ERROR, "", token="", at_ms=at_ms, version=version, **given)


def _error(refusal: Refusal, table: str) -> str:
    kind, code, told = _said(refusal, table)
    return f"<Error{attributes(Type=kind, Code=code)}>{text(writable(told))}</Error>"


def _said(refusal: Refusal, table: str) -> tuple[str, str, str]:
    """EWT type, ERR code and text: the agreed one where the table has it, with the code that was sent."""
    kind, code, *agreed = look_up(table, refusal.reason.value).split(" ", 2)
    if not agreed:
        return kind, code, describe(refusal)
    return kind, code, agreed[0].replace("{code}", refusal.code if isinstance(refusal, Unmapped) else "")


def _rs(asked: Asked, content: str, at_ms: Instant, version: str) -> bytes:
    more = {"PrimaryLangID": asked.echoed_language}
    return message(names.answer_to(asked.root), content, token=asked.token, at_ms=at_ms, version=version, **more)
