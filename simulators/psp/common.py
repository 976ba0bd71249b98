"""What both gateways have in common: answers, what is kept under an idempotency key, and numbers."""

import hashlib
import itertools
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

Body = dict[str, Any]


class Answer(NamedTuple):
    """HTTP status, headers (lower case), body."""

    status: int
    headers: dict[str, str]
    body: bytes


class Callback(NamedTuple):
    """A message to the merchant: headers and exact body."""

    headers: dict[str, str]
    body: bytes


class Refused(Exception):
    """The gateway says no: the status and body of its answer."""

    def __init__(self, status: int, body: Body) -> None:
        super().__init__(f"{status}")
        self.status = status
        self.body = body


def answer(status: int, body: Body, **headers: str) -> Answer:
    """In JSON."""
    return Answer(status, {"content-type": "application/json", **headers}, json.dumps(body).encode())


class Kept:
    """Answers by idempotency key: the same request gets the same one again, another is told off."""

    def __init__(self) -> None:
        self._answers: dict[str, tuple[str, Answer]] = {}

    def find(self, key: str, request: bytes) -> Answer | None:
        """Raises :class:`KeyError` where the key was used for something else."""
        kept = self._answers.get(key)
        if kept is None:
            return None
        if kept[0] != _digest(request):
            raise KeyError(key)
        return kept[1]

    def keep(self, key: str, request: bytes, given: Answer) -> None:
        self._answers[key] = (_digest(request), given)


class Numbers:
    """Ids that look like theirs and never repeat."""

    def __init__(self) -> None:
        self._count = itertools.count(1)

    def next(self, prefix: str, width: int = 16) -> str:
        return f"{prefix}{next(self._count):0{width}d}"


def header(headers: Mapping[str, str], name: str) -> str:
    """A header by its name in lower case."""
    return {key.lower(): value for key, value in headers.items()}.get(name, "")


def _digest(request: bytes) -> str:
    return hashlib.sha256(request).hexdigest()
