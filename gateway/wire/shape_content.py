"""What may stand inside an element: content models, read from the tables and matched one child at a time.

A model is a tree of plain tuples; which names may follow is found by Brzozowski derivatives ("Derivatives of Regular
Expressions", J. ACM 11, 1964): what is left of the model after one child is a model again. Each is worked out once and
kept as a :class:`State`, so that in the end a child costs one look-up, however long a list is, and nothing needs to be
known beforehand of the children still to come.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

Model = tuple[Any, ...]

EMPTY: Model = ("sequence",)

# Counted models have a state per number; what a sender can make us keep is bounded all the same.
_STATES_MAX = 4096

_TOKEN = re.compile(
    r"\s*(?:([(),|])|<([^ >]+) ([a-z]+)>|([^\s:,|(){}?*+<]+):([^\s,|(){}?*+]+)|([?*+])|\{(\d+),(\d*)\})"
)
_TIMES = {"?": (0, 1), "*": (0, None), "+": (1, None)}


class Wildcard(NamedTuple):
    """Any element (or attribute) of a namespace: ``##any``, or ``##other`` than the table's own.

    ``process`` is ``skip`` (not looked at), ``lax`` (checked where it is known) or ``strict`` (has to be known).
    """

    namespace: str
    process: str


# --- reading ----------------------------------------------------------------------------------------------------------


def parse(notation: str) -> tuple[Model, dict[str, str]]:
    """The model, and the type of each child element by name."""
    types: dict[str, str] = {}
    tokens = list(_TOKEN.finditer(notation))
    model, at = _alternatives(tokens, 0, types)
    if at != len(tokens) or sum(len(token[0]) for token in tokens) != len(notation.rstrip()):
        raise ValueError(f"{notation!r} is no content model")
    return model, types


def _alternatives(tokens: list[re.Match[str]], at: int, types: dict[str, str]) -> tuple[Model, int]:
    """Everything up to a closing bracket: one kind of mark between the parts."""
    parts: list[Model] = []
    mark = ""
    while at < len(tokens) and tokens[at][1] != ")":
        if parts:
            if tokens[at][1] not in (mark or ",", mark or "|"):
                raise ValueError(f"{tokens[at][0]!r} stands where , or | has to be, the same in a bracket")
            mark = tokens[at][1]
            at += 1
        part, at = _part(tokens, at, types)
        parts.append(part)
    if len(parts) == 1:
        return parts[0], at
    return ("choice" if mark == "|" else "sequence", *parts), at


def _part(tokens: list[re.Match[str]], at: int, types: dict[str, str]) -> tuple[Model, int]:
    if at == len(tokens):
        raise ValueError("something is missing at the end")
    token = tokens[at]
    part: Model
    if token[1] == "(":
        part, at = _alternatives(tokens, at + 1, types)
        if at == len(tokens):
            raise ValueError("a bracket is not closed")
    elif token[2]:
        part = ("any", Wildcard(token[2], token[3]))
    elif token[4]:
        part = ("element", token[4])
        types[token[4]] = token[5]
    else:
        raise ValueError(f"{token[0]!r} stands where an element has to be")
    at += 1
    if at < len(tokens) and (tokens[at][6] or tokens[at][7]):
        times = tokens[at]
        low, high = _TIMES[times[6]] if times[6] else (int(times[7]), int(times[8]) if times[8] else None)
        return ("repeat", part, low, high), at + 1
    return part, at


# --- matching ---------------------------------------------------------------------------------------------------------


class State:
    """What is left of a model. ``complete`` says that nothing more has to come."""

    __slots__ = ("_automaton", "_model", "_next", "complete")

    def __init__(self, model: Model, automaton: dict[Model, State]) -> None:
        self._model = model
        self._automaton = automaton
        self._next: dict[str, State | None] = {}
        self.complete = _nullable(model)

    def after(self, name: str) -> State | None:
        """The state behind a child element of that name; None where it may not come."""
        try:
            return self._next[name]
        except KeyError:
            return self._keep(name, _derive(self._model, name))

    def after_other(self, own: bool) -> tuple[State, Wildcard] | None:
        """The state behind a child that only a wildcard takes; ``own`` says that it is of the table's namespace."""
        for wildcard in _wildcards(self._model):
            if wildcard.namespace == "##any" or not own:
                left = _derive(self._model, wildcard)
                if left is not None:
                    return self._state(left), wildcard
        return None

    def expected(self) -> tuple[str, ...]:
        """The names that may come next, in order."""
        return tuple(dict.fromkeys(_first(self._model)))

    def missing(self) -> tuple[str, ...]:
        """Names of which one has to come before the element may end."""
        return () if self.complete else tuple(dict.fromkeys(_needed(self._model)))

    def _keep(self, name: str, left: Model | None) -> State | None:
        state = None if left is None else self._state(left)
        if state is not None:  # Names that do not fit are the sender's invention, and as many as they like.
            self._next[name] = state
        return state

    def _state(self, model: Model) -> State:
        known = self._automaton.get(model)
        if known is None:
            if len(self._automaton) >= _STATES_MAX:
                self._automaton.clear()
            known = self._automaton[model] = State(model, self._automaton)
        return known


def start(model: Model) -> State:
    """The state before the first child."""
    automaton: dict[Model, State] = {}
    automaton[model] = State(model, automaton)
    return automaton[model]


def _nullable(model: Model) -> bool:
    kind = model[0]
    if kind == "sequence":
        return all(_nullable(part) for part in model[1:])
    if kind == "choice":
        return any(_nullable(part) for part in model[1:])
    if kind == "repeat":
        return model[2] == 0 or _nullable(model[1])
    return False


def _derive(model: Model, name: str | Wildcard) -> Model | None:
    """What is left after one child; None where it may not come."""
    kind = model[0]
    if kind in ("element", "any"):
        return EMPTY if model[1] == name else None
    if kind == "choice":
        return _either([_derive(part, name) for part in model[1:]])
    if kind == "repeat":
        _, inner, low, high = model
        left = _derive(inner, name)
        if left is None:
            return None
        again = None if high is None else high - 1
        return left if again == 0 else _then(left, ("repeat", inner, max(low - 1, 0), again))
    options = []
    for at, part in enumerate(model[1:], start=1):
        left = _derive(part, name)
        if left is not None:
            rest = model[at + 1 :]
            options.append(_then(left, ("sequence", *rest)) if rest else left)
        if not _nullable(part):
            break
    return _either(options)


def _either(options: Sequence[Model | None]) -> Model | None:
    different = list(dict.fromkeys(option for option in options if option is not None))
    if not different:
        return None
    return different[0] if len(different) == 1 else ("choice", *different)


def _then(before: Model, after: Model) -> Model:
    """A sequence of both, flat, so that equal remainders are equal tuples."""
    parts: list[Model] = []
    for model in (before, after):
        parts += model[1:] if model[0] == "sequence" else (model,)
    return parts[0] if len(parts) == 1 else ("sequence", *parts)


def _first(model: Model) -> Iterator[str]:
    kind = model[0]
    if kind == "element":
        yield model[1]
    elif kind == "repeat":
        yield from _first(model[1])
    elif kind == "choice":
        for part in model[1:]:
            yield from _first(part)
    elif kind == "sequence":
        for part in model[1:]:
            yield from _first(part)
            if not _nullable(part):
                return


def _needed(model: Model) -> Iterator[str]:
    """The names that :func:`_first` gives for the first part that may not be left out."""
    if model[0] == "sequence":
        yield from _first(next(part for part in model[1:] if not _nullable(part)))
    else:
        yield from _first(model)


def _wildcards(model: Model) -> Iterator[Wildcard]:
    if model[0] == "any":
        yield model[1]
    for part in model[1:]:
        if isinstance(part, tuple) and not isinstance(part, Wildcard):
            yield from _wildcards(part)


# --- other readings of a model ----------------------------------------------------------------------------------------


def relaxed(model: Model) -> Model:
    """The same order with nothing required, as other releases of a standard have it."""
    kind = model[0]
    if kind in ("choice", "sequence"):
        return (kind, *(relaxed(part) for part in model[1:]))
    if kind == "repeat":
        _, inner, _, high = model
        again = high if inner[0] in ("element", "any") or high == 1 else None
        return ("repeat", relaxed(inner) if inner[0] not in ("element", "any") else inner, 0, again)
    return ("repeat", model, 0, 1)


def lacking(model: Model, seen: frozenset[str]) -> tuple[str, ...]:
    """What has to be added to children of these names, whatever their order; of alternatives all are named."""
    kind = model[0]
    if kind == "element":
        return () if model[1] in seen else (model[1],)
    if kind == "repeat":
        return lacking(model[1], seen) if model[2] or seen & names(model[1]) else ()
    if kind == "any":
        return ()
    if kind == "sequence":
        return tuple(name for part in model[1:] for name in lacking(part, seen))
    begun = [part for part in model[1:] if seen & names(part)] or model[1:]
    found = [lacking(part, seen) for part in begun]
    return tuple(name for names_ in found for name in names_) if all(found) else ()


@lru_cache(maxsize=8192)
def names(model: Model) -> frozenset[str]:
    """All names in a model."""
    if model[0] == "element":
        return frozenset((model[1],))
    parts = [part for part in model[1:] if isinstance(part, tuple) and not isinstance(part, Wildcard)]
    return frozenset().union(*map(names, parts))


def most(model: Model) -> dict[str, float]:
    """How often each name may stand there."""
    kind = model[0]
    if kind == "element":
        return {model[1]: 1}
    if kind == "any":
        return {}
    if kind == "repeat":
        _, inner, _, high = model
        return {name: count * (math.inf if high is None else high) for name, count in most(inner).items()}
    found: dict[str, float] = {}
    for part in model[1:]:
        for name, count in most(part).items():
            found[name] = max(found.get(name, 0), count) if kind == "choice" else found.get(name, 0) + count
    return found
