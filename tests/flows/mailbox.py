"""Stands for the mail server of those who send e-mails."""

from __future__ import annotations

from types import ModuleType

import pytest


class Mailbox:
    """Takes what ``module`` hands in, or ``refuses`` it; a letter is its receiver, subject and text.

    Letters with one of ``refused`` in their subject are not taken.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, module: ModuleType) -> None:
        self.taken: list[tuple[str, str, str]] = []
        self.refuses = False
        self.refused: tuple[str, ...] = ()
        monkeypatch.setattr(module, "hand_in", self._hand_in)

    async def _hand_in(self, post: object, message: object) -> None:
        if self.refuses or any(part in message["Subject"] for part in self.refused):  # type: ignore[index]
            raise OSError("no")
        self.taken.append((message["To"], message["Subject"], message.get_content()))  # type: ignore[index,attr-defined]
