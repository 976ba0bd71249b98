"""A bare OpenTravel message of any release from 2003B to 2017B: is its shape one that a release has?

First strictly, by 2015A and 2011B. What fits neither may belong to a release we have no description of; then
:mod:`connectors.opentravel._shared.inspect_releases` has the last word, and the message is taken with a warning.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from connectors.opentravel._shared import code_lists, inspect_releases, inspect_words
from connectors.opentravel._shared.inspect_shapes import schema
from connectors.opentravel._shared.names import NAMESPACE
from gateway.contract_inspecting import Inspected, Inspection
from gateway.errors import Malformed, Reason, Refusal, Unsupported
from gateway.wire import shape, xml
from gateway.wire.shape_values import quoted
from gateway.wire.soap import unwrap, version_of
from gateway.wire.xml import Limits, Node, name_of
from mappings import CodeTable, load

BYTES_MAX = 64 * 1024 * 1024
# Pictures are sent as text.
TEXT_MAX = 1024 * 1024
# Beyond this a document is streamed, up to three times, rather than kept as a tree.
TREE_BYTES_MAX = 4 * 1024 * 1024

STRICT = ("opentravel-2015a", "opentravel-2011b")

# Trades whose messages are looked into; a hotel's that have a shape table are in no list of trades.
_OURS = (None, "hotel", "general")
_ROOT = re.compile(r"OTA_(\w+?)R[QS]")
# The one namespace since 2003A, and those that were dated or not dated before it.
_NAMESPACE = re.compile(r"http://www\.opentravel\.org/OTA(?:/\d{4}(?:[A-D]|/\d{2}(?:/\w+)?)?)?")


def inspect(data: bytes, inspection: Inspection) -> Inspected:
    """Raises :class:`gateway.errors.Refusal` for what is wrong in every release."""
    limits = Limits(bytes_max=BYTES_MAX, text_max=TEXT_MAX)
    data = xml.utf8(data)
    if len(data) > TREE_BYTES_MAX and version_of(root := xml.peek(data, frozenset(), limits)) is None:
        _check_action(root, inspection.action)
        return _long(data, root, limits)
    message = xml.read_tree(data, limits)
    if version_of(message) is not None:
        message = unwrap(message).payload
    _check_action(message, inspection.action)
    return inspect_tree(message)


def inspect_tree(root: Node) -> Inspected:
    """The same for a message that has been read; it is put into the namespace if it has none or an old one."""
    name = name_of(root)
    warnings = _namespace(root)
    if inspect_words.root(name) is None:
        return Inspected(name, (*warnings, _other_trade(root)))
    if warnings:
        _adopt(root)
    strict = _first_fault(lambda release: shape.check(root, schema(release)))
    if strict is not None and _trade(name) not in _OURS:
        inspect_releases.check(root, loose=True)
        return Inspected(name, (*warnings, _other_trade(root)))
    if strict is not None:
        inspect_releases.check(root)
        warnings = (*warnings, f"valid in no release from 2011B to 2015A: {strict.text}")
    return Inspected(name, (*warnings, *code_lists.unlisted(root)))


def _long(data: bytes, root: Node, limits: Limits) -> Inspected:
    """By 2015A only before the last word is spoken, since each reading of a long document takes seconds."""
    name = name_of(root)
    warnings = _namespace(root)
    if inspect_words.root(name) is None:
        return Inspected(name, (*warnings, _other_trade(xml.read_tree(data, limits))))
    try:
        shape.check_stream(data, schema(STRICT[0]), limits, find=False)
    except Refusal as strict:
        if _trade(name) not in _OURS:
            inspect_releases.check_stream(data, limits, loose=True)
            return Inspected(name, (*warnings, _other_trade(xml.read_tree(data, limits))))
        inspect_releases.check_stream(data, limits)
        warnings = (*warnings, f"not valid in 2015A: {strict.text}")
    return Inspected(name, warnings)


def _check_action(root: Node, action: str) -> None:
    """An action is the message's name without RQ or RS; what a dialect puts behind a colon is not asked for here."""
    name = name_of(root)
    if action and action.partition(":")[0] not in (name, name[:-2]):
        raise Unsupported(f"{name} is no message of the action {quoted(action)}", path=f"/{name}", line=root.sourceline)


def _first_fault(check: Callable[[str], object]) -> Refusal | None:
    """What the newest release has against the message; None if it is valid in one of the strict ones."""
    first: Refusal | None = None
    for release in STRICT:
        try:
            check(release)
        except Refusal as fault:
            first = first or fault
        else:
            return None
    return first


def _namespace(root: Node) -> tuple[str, ...]:
    """A warning where the namespace is not the one; raises Unsupported where it is not OpenTravel's."""
    name = name_of(root)
    namespace = str(root.tag)[1 : -len(name) - 1]
    if namespace == NAMESPACE:
        return ()
    if not namespace:
        if not _ROOT.fullmatch(name):
            raise Unsupported(f"no message is called {quoted(name)}", path=f"/{name}", line=root.sourceline)
        return ("the message is in no namespace",)
    if not _NAMESPACE.fullmatch(namespace):
        text = f"{quoted(namespace)} is not the OpenTravel namespace"
        raise Unsupported(text, path=f"/{name}", line=root.sourceline)
    return (f"the namespace {quoted(namespace)} is not {NAMESPACE}",)


def _adopt(root: Node) -> None:
    """Puts what is in the namespace of the root into the one of the schemas."""
    prefix = str(root.tag).removesuffix(name_of(root))
    for node in root.iter():
        tag = str(node.tag)
        if tag.startswith(prefix) if prefix else not tag.startswith("{"):
            node.tag = f"{{{NAMESPACE}}}{tag.removeprefix(prefix)}"


# --- messages without a shape table -----------------------------------------------------------------------------------


def _other_trade(root: Node) -> str:
    """The warning for a published message of which we know the envelope only; raises for an unknown name."""
    name = name_of(root)
    trade = _trade(name)
    if trade is None:
        raise Unsupported(f"no message is called {quoted(name)}", path=f"/{name}", line=root.sourceline)
    _check_envelope(root)
    return f"{name} is a message of the trade {trade!r}: only its envelope was checked"


def _trade(name: str) -> str | None:
    found = _ROOT.fullmatch(name)
    if found is None:
        return None
    entries = load("codes", "ota_messages", CodeTable).entries
    stem = found[1]
    families = (trade for key, trade in entries.items() if key.endswith("*") and stem.startswith(key[:-1]))
    return entries.get(stem) or next(families, None)


def _check_envelope(root: Node) -> None:
    """The attributes all messages share, and that an answer is not both good and bad."""
    standard = schema(STRICT[0]).type(schema(STRICT[0]).table.roots["OTA_PingRQ"])
    path = f"/{name_of(root)}"
    for attribute, value in standard.attributes.items():
        text = root.get(attribute)
        if text is not None and (fault := value.fault(text)) is not None:
            raise Malformed(f"{attribute}: {fault[1]}", fault[0], path=f"{path}/@{attribute}", line=root.sourceline)
    for attribute in standard.required:
        if root.get(attribute) is None:
            text = f"{attribute} is missing"
            raise Malformed(text, Reason.REQUIRED_MISSING, path=f"{path}/@{attribute}", line=root.sourceline)
    if {"Success", "Errors"} <= {name_of(child) for child in root}:
        raise Malformed("the message has both Success and Errors", path=f"{path}/Errors", line=root.sourceline)
