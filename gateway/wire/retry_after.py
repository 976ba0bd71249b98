"""How long a reply asks us to stay away (Retry-After, RFC 9110, section 10.2.3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

# Whoever asks for more is asked again after a day; a number of any length must not become an instant beyond all dates.
RETRY_AFTER_S_MAX = 24 * 3600.0
_DIGITS_MAX = len(str(int(RETRY_AFTER_S_MAX)))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, a day at most; None where they name no time. A date is counted from the reply's own Date."""
    given = headers.get("retry-after", "").strip()
    if given.isascii() and given.isdecimal():
        number = given.lstrip("0") or "0"
        return RETRY_AFTER_S_MAX if len(number) > _DIGITS_MAX else min(float(number), RETRY_AFTER_S_MAX)
    try:
        until, sent = parsedate_to_datetime(given), parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, OverflowError):  # a year beyond any is no ValueError
        return None
    # The "-0000" that some servers write for UTC comes out naive.
    waits = until.replace(tzinfo=until.tzinfo or UTC) - sent.replace(tzinfo=sent.tzinfo or UTC)
    return min(max(waits.total_seconds(), 0.0), RETRY_AFTER_S_MAX)
