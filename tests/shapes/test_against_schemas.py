"""The shape tables say what the official schemas say, and the checker decides as a validating parser does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from lxml import etree

from connectors.opentravel._shared.inspect_shapes import schema
from gateway.errors import Refusal
from gateway.wire import shape
from gateway.wire.xml import Node
from mappings import shapes
from mappings.shapes import derive
from tests.shapes import official
from tests.shapes.documents import Author

TABLES = sorted(derive.SOURCES)
# Where the same messages are said in several tables, fewer documents of each do.
SEEDS = {name: range(3) if name.startswith("alpinebits") else range(1) for name in TABLES}
CHANGES = 5


@official.needed
@pytest.mark.parametrize("name", TABLES)
def test_the_table_is_what_the_schemas_say(name: str) -> None:
    found = derive.written(derive.table(derive.SOURCES[name], official.folder()))
    assert shapes.read(name).decode() == found, "run: python -m mappings.shapes.derive FOLDER"


@official.needed
@pytest.mark.parametrize("name", TABLES)
def test_the_verdict_is_that_of_the_official_schema(name: str) -> None:
    """Every message root, valid documents and the same with something changed; both ways of reading."""
    verdicts = set()
    for root in schema(name).table.roots:
        for seed in SEEDS[name]:
            author = Author(schema(name), seed)
            document = author.document(root)
            for found in (document, *(author.changed(document) for _ in range(CHANGES))):
                verdicts.add(_same_verdict(name, found))
    assert verdicts == {True, False}


def _same_verdict(name: str, document: Node) -> bool:
    data = etree.tostring(document)
    tree = etree.fromstring(data)
    validator = official.schema(name)
    valid = validator.validate(tree)
    kept = _refusal(lambda: shape.check(tree, schema(name)))
    assert (kept is None) == valid, f"{data.decode()}\n{kept}\n{validator.error_log}"
    assert _refusal(lambda: shape.check_stream(data, schema(name))) == kept
    assert kept is None or (kept[0] and kept[1])
    return valid


def _refusal(check: Callable[[], object]) -> tuple[str | None, int | None, str] | None:
    """Path, line and text; None if there is nothing wrong."""
    try:
        check()
    except Refusal as refusal:
        return refusal.path, refusal.line, refusal.text
    return None
