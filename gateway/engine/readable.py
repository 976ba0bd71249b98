"""Values of a file as people may see them again: on one line, shortened, and nothing that steers a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text on one line and without anything that steers a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shown(value: object) -> str:
    """A value of the file as it stood there, shortened."""
    if isinstance(value, str):
        return f'"{printable(value if len(value) <= 60 else value[:59] + "…")}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return f"{'a' if value else 'an empty'} {'table' if isinstance(value, dict) else 'list'}"
    if isinstance(value, int) and value.bit_length() > 64:
        return "a number this long"
    return printable(str(value))
