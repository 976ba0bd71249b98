"""The documentation speaks of what there is: its links lead somewhere, and the files it names exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "connectors").rglob("*.md"),
    ]
)
FOLDERS = ("gateway", "connectors", "mappings", "fixtures", "simulators", "benchmarks", "tests", "docs")

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_QUOTED = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(rf"(?:{'|'.join(FOLDERS)})/[\w./-]*")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
# A path of somebody's machine, or a package index instead of a package.
_FOREIGN = re.compile(
    r"(?<![\w.}])/(?:work|tmp|home|root|Users)/|https?://[\w.-]*(?:pypi|pythonhosted|jfrog|nexus)[\w.-]*"
)


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _anchors(page: Path) -> set[str]:
    """Headings as the usual renderers name them: lower case, hyphens for spaces, without other punctuation."""
    headings = _HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def _links(page: Path) -> Iterator[tuple[Path, str]]:
    for link in _LINK.findall(page.read_text(encoding="utf-8")):
        if "://" not in link:
            target, _, anchor = link.partition("#")
            yield (page.parent / target).resolve() if target else page, anchor


def _named_paths(page: Path) -> Iterator[str]:
    """Whole repository paths in backticks; ones with placeholders (``<kind>``, ``*``) are no paths."""
    for quoted in _QUOTED.findall(page.read_text(encoding="utf-8")):
        if _PATH.fullmatch(quoted):
            yield quoted


def test_the_pages_are_found() -> None:
    assert {"README.md", "CHANGELOG.md", "docs/architecture.md"} <= {_name(page) for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    dead = [
        f"{target}#{anchor}"
        for target, anchor in _links(page)
        if not target.exists() or (anchor and anchor not in _anchors(target))
    ]
    assert not dead


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_named_files_exist(page: Path) -> None:
    missing = [path for path in _named_paths(page) if not (ROOT / path).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_nothing_of_one_machine_is_told(page: Path) -> None:
    found = _FOREIGN.findall(page.read_text(encoding="utf-8"))
    assert not found


def test_every_setting_is_described() -> None:
    from gateway.settings import Settings

    text = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    assert not [name for name in Settings.__struct_fields__ if f"`GATEWAY_{name.upper()}`" not in text]


def test_every_setting_of_the_hotel_file_is_described() -> None:
    from gateway.engine import hotel_file

    text = (ROOT / "docs" / "hotel-file.md").read_text(encoding="utf-8")
    shapes = (
        hotel_file._PropertyTable,
        hotel_file._RoomTable,
        hotel_file._PlanTable,
        hotel_file._ConnectionTable,
        hotel_file._AllotmentTable,
        hotel_file._CredentialsTable,
        hotel_file._ProductTable,
    )
    names = {name for shape in shapes for name in shape.__struct_fields__}
    assert not sorted(name for name in names if not re.search(rf"\b{name}\b", text))


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    records = [path.name for path in folder.glob("[0-9]*.md")]
    assert records
    assert not [name for name in records if f"({name})" not in index]
