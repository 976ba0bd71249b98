"""The list of received requests, to count messages, parts and bytes."""

from collections import deque

import msgspec


class Entry(msgspec.Struct):
    """One received request: epoch seconds, message root, number of parts, body bytes, HTTP status, what became of it.

    `outcome` is `applied`, `refused`, `unreadable`, `unauthorised` or `fault:<kind>`, with ` then applied` or
    ` then refused` once a held message took effect. Status 0: it was never answered.
    """

    at: float
    root: str
    parts: int
    bytes: int
    status: int
    outcome: str
    echo: str = ""


class Audit:
    """The last `size` entries, and totals that are never cut."""

    def __init__(self, size: int = 1000) -> None:
        self._entries: deque[Entry] = deque(maxlen=size)
        self.clear()

    def add(self, entry: Entry) -> Entry:
        self._entries.append(entry)
        totals = self._totals.setdefault(entry.root, {"messages": 0, "parts": 0, "bytes": 0})
        totals["messages"] += 1
        totals["parts"] += entry.parts
        totals["bytes"] += entry.bytes
        return entry

    def clear(self) -> None:
        self._entries.clear()
        self._totals: dict[str, dict[str, int]] = {}

    def entries(self) -> list[Entry]:
        return list(self._entries)

    def totals(self) -> dict[str, dict[str, int]]:
        """Messages, parts and bytes by message root since the start or the last clear."""
        return self._totals

    def view(self, limit: int = 100) -> dict[str, object]:
        recent = [msgspec.to_builtins(entry) for entry in self.entries()[-limit:]] if limit > 0 else []
        return {"totals": self._totals, "requests": recent}
