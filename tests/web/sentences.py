"""The sentences errors are told in, as they stand in the code: what a catalogue has to know."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import gateway

ROOT = Path(gateway.__file__).parent
PLACES = (
    "errors.py",
    "web",
    "flows/desk",
    "flows/access",
    "flows/apply_hotel.py",
    "flows/plan_hotel.py",
    "flows/delivering/redeliver.py",
    "flows/once.py",
    "flows/selling/bookings.py",
    "flows/selling/endings.py",
    "flows/selling/holds.py",
    "flows/selling/requests.py",
    "flows/selling/rows.py",
    "flows/selling/search.py",
    "flows/selling/sell.py",
    "flows/selling/stock.py",
    "flows/take_ari.py",
    "flows/vault/show.py",
    "engine/ari.py",
    "engine/connection_file.py",
    "engine/file_reader.py",
    "engine/hotel_file.py",
    "engine/payment_file.py",
    "engine/products_file.py",
    "engine/selling_file.py",
    "model/dates.py",
)
RAISED = {
    "Malformed",
    "NotFound",
    "Rejected",
    "Stale",
    "Unauthentic",
    "Unsupported",
    "Fault",
    "RequestFault",
    "_bad_parameter",
    "__init__",
    "wrong",
}


def sentences() -> set[str]:
    """With ``{0}``, ``{1}`` … where a value stands."""
    found: set[str] = set()
    for place in PLACES:
        path = ROOT / place
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            found |= set(_of(ast.parse(file.read_text(encoding="utf-8"))))
    return found


def _of(module: ast.Module) -> Iterator[str]:
    for function in ast.walk(module):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        texts = {
            target.id: node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Name)
        }
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and _name(node.func) in RAISED:
                for argument in node.args:
                    said = texts.get(argument.id) if isinstance(argument, ast.Name) else argument
                    if (text := _text(said)) and " " in text:
                        yield text


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _text(node: ast.expr | None) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return ""
    parts, count = [], 0
    for value in node.values:
        if isinstance(value, ast.Constant):
            parts.append(str(value.value))
        else:
            parts.append(f"{{{count}}}")
            count += 1
    return "".join(parts)
