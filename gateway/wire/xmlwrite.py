"""Writing XML with templates: ten times faster than builders, and as safe as these two escapes.

Characters XML 1.0 cannot hold (section 2.2) are refused, not dropped: a name must not change on its way.
"""

from __future__ import annotations

import re

from gateway.errors import Reason, Unsupported

_FORBIDDEN = "\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff"
_SPECIAL_IN_ATTRIBUTE = re.compile(f'[&<>"\t\n\r{_FORBIDDEN}]')
_SPECIAL_IN_TEXT = re.compile(f"[&<>\r{_FORBIDDEN}]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if character not in _ESCAPES:
        raise Unsupported(f"the character U+{ord(character):04X} cannot be written in XML", Reason.INVALID_VALUE)
    return _ESCAPES[character]


def attribute(value: str) -> str:
    """A value for a double-quoted attribute."""
    return value if value.isalnum() else _SPECIAL_IN_ATTRIBUTE.sub(_escape, value)


def text(value: str) -> str:
    """Character data."""
    return _SPECIAL_IN_TEXT.sub(_escape, value)


def attributes(**values: str | None) -> str:
    """``name="value"`` for each value that is not None or empty, each with a space before it."""
    return "".join([f' {name}="{attribute(value)}"' for name, value in values.items() if value])


def element(name: str, content: str, **values: str | None) -> str:
    """An element around content that is XML already; empty content makes an empty element."""
    if content:
        return f"<{name}{attributes(**values)}>{content}</{name}>"
    return f"<{name}{attributes(**values)}/>"
