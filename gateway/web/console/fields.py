"""What stands in a query or a form, read with limits; whatever cannot be is told in a sentence."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import parse_qsl, urlencode

from gateway.errors import Malformed, Reason
from gateway.model.dates import Day, Instant, day_start_ms, parse_day

FIELDS_MAX = 500
LENGTH_MAX = 4_000

Chosen = TypeVar("Chosen", bound=str)


class Fields:
    """Values by name. An empty one is the same as none at all, as browsers send every field of a form."""

    def __init__(self, raw: bytes = b"") -> None:
        try:
            pairs = parse_qsl(raw.decode("latin-1"), max_num_fields=FIELDS_MAX)
        except ValueError:
            raise Malformed(f"a form has at most {FIELDS_MAX} fields", Reason.TOO_LARGE) from None
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            if "\0" in name or "\0" in value:
                raise Malformed("U+0000 is not taken", Reason.INVALID_VALUE)
            if len(value) > LENGTH_MAX:
                raise Malformed(f"a field has at most {LENGTH_MAX} characters", Reason.TOO_LARGE)
            if value.strip():
                self._values.setdefault(name, []).append(value.strip())

    def text(self, name: str, default: str = "") -> str:
        return self._values.get(name, [default])[0]

    def every(self, name: str) -> list[str]:
        return list(self._values.get(name, ()))

    def names(self) -> Collection[str]:
        return self._values.keys()

    def is_set(self, name: str) -> bool:
        return name in self._values

    def choice(self, name: str, options: Collection[Chosen], default: Chosen) -> Chosen:
        """One of the options; anything else is not an error of somebody who uses the form, so it is the default."""
        return next((option for option in options if option == self.text(name)), default)

    def number(self, name: str, low: int, high: int) -> int | None:
        """None where nothing is given; raises Malformed."""
        text = self.text(name)
        if not text:
            return None
        if not text.isascii() or not text.isdigit() or len(text) > 12 or not low <= int(text) <= high:
            raise Malformed(f"{text[:40]!r} is not a number from {low} to {high}", Reason.INVALID_VALUE)
        return int(text)

    def day(self, name: str) -> Day | None:
        """None where nothing is given; raises Malformed."""
        text = self.text(name)
        return parse_day(text) if text else None

    def instant(self, name: str, zone: str) -> Instant | None:
        """The beginning of a day in the zone, or of a minute (``2031-05-12T14:03``); None where nothing is given."""
        text = self.text(name)
        if not text:
            return None
        start = day_start_ms(parse_day(text[:10]), zone)
        if len(text) == 10:
            return start
        try:
            minute = datetime.strptime(text[10:16], "T%H:%M").replace(tzinfo=UTC)
        except ValueError:
            raise Malformed(f"{text[:40]!r} is not a date and time", Reason.INVALID_VALUE) from None
        return start + (minute.hour * 60 + minute.minute) * 60_000

    def hidden(self, leave_out: Collection[str] = ()) -> list[tuple[str, str]]:
        """All of it, to go on in another form."""
        return [(name, value) for name, values in self._values.items() if name not in leave_out for value in values]

    def query(self, **other: str) -> str:
        """All of it as a query, with some values exchanged; an empty one leaves its name out."""
        kept = [(name, value) for name, value in self.hidden(other)]
        return urlencode([*kept, *((name, value) for name, value in other.items() if value)])
