"""The generated part of ``docs/api.md``; ``python -m tests.web.api_reference`` writes it."""

from __future__ import annotations

from pathlib import Path

from gateway.model.access import PERMISSIONS, Action
from gateway.web.api.endpoints import Endpoint, Match, Repeat
from gateway.web.api.routes import SUBJECTS
from gateway.web.api.serving import PREFIX

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"
BEGIN, END = "<!-- generated: begin -->", "<!-- generated: end -->"


def generated() -> str:
    """Roles and endpoints as tables."""
    lines = ["### Roles", "", f"| Action | {' | '.join(f'`{role.value}`' for role in PERMISSIONS)} |"]
    lines.append("|---" * (len(PERMISSIONS) + 1) + "|")
    for action in Action:
        marks = ("✓" if action in actions else "" for actions in PERMISSIONS.values())
        lines.append(f"| `{action.value}` | {' | '.join(marks)} |")
    for subject in SUBJECTS:
        lines += ["", f"### {subject.tag}", "", subject.about, "", "| Endpoint | What | Action | Headers |"]
        lines += ["|---|---|---|---|", *map(_line, subject.all)]
    return "\n".join(lines)


def _line(endpoint: Endpoint) -> str:
    action = f"`{endpoint.action.value}`" if endpoint.action else "any"
    headers = [] if endpoint.match is Match.NONE else [f"`If-Match` ({endpoint.match.value})"]
    headers += [] if endpoint.repeat is Repeat.NONE else ["`Idempotency-Key`"]
    path = f"`{endpoint.method} {PREFIX}{endpoint.path}`"
    return f"| {path} | {endpoint.summary} | {action} | {', '.join(headers)} |"


def page(text: str) -> str:
    """The page with its generated part made anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{generated()}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
