"""The documentation speaks of what there is: its links lead somewhere, and the files it names exist."""

from __future__ import annotations

import argparse
import re
import textwrap
import tomllib
from collections.abc import Iterator
from functools import cache
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
_COMMAND = re.compile(r"(?<![\w/.-])gateway ([a-z]+)((?: +[^\s`|;&>)]+)*)")
_VARIABLE = re.compile(r"\bGATEWAY_[A-Z0-9_]*[A-Z0-9]\b")
_OF_TESTS = re.compile(r"GATEWAY_(?:TEST_\w+|HISTORIES|SCREENSHOTS|SHARED)")
_ENDPOINT = re.compile(r"/v1(?:/[\w{}.-]+)+")
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
    from gateway.engine import connection_shapes, hotel_file, products_file

    text = (ROOT / "docs" / "hotel-file.md").read_text(encoding="utf-8")
    shapes = (
        hotel_file.PropertyTable,
        products_file.RoomTable,
        products_file.PlanTable,
        connection_shapes.ConnectionTable,
        connection_shapes.AllotmentTable,
        connection_shapes.CredentialsTable,
        connection_shapes.ProductTable,
    )
    names = {name for shape in shapes for name in shape.__struct_fields__}
    assert not sorted(name for name in names if not re.search(rf"\b{name}\b", text))


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    records = [path.name for path in folder.glob("[0-9]*.md")]
    assert records
    assert not [name for name in records if f"({name})" not in index]


# --- commands, variables and endpoints --------------------------------------------------------------------------------


@cache
def _parsers() -> dict[str, argparse.ArgumentParser]:
    from gateway import cli

    return _inner(cli.parser())


def _inner(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    chosen = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return {name: inner for action in chosen for name, inner in action.choices.items()}


def _code(page: Path) -> Iterator[str]:
    """What stands between backticks, and indented lines."""
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("    "):
            yield line
        else:
            yield from _QUOTED.findall(line)


def _options(parser: argparse.ArgumentParser) -> set[str]:
    own = {option for action in parser._actions for option in action.option_strings}
    return own.union(*(_options(inner) for inner in _inner(parser).values()))


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_named_commands_exist(page: Path) -> None:
    parsers = _parsers()
    wrong = []
    for line in _code(page):
        for name, rest in _COMMAND.findall(line.partition(" # ")[0]):
            if name not in parsers:
                wrong.append(f"gateway {name}")
            else:
                named = set(re.findall(r"(?<!\S)--[a-z-]+", rest))
                wrong += [f"gateway {name} {option}" for option in named - _options(parsers[name])]
    assert not wrong


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_named_variables_exist(page: Path) -> None:
    from gateway.settings import Settings

    known = {f"GATEWAY_{name.upper()}" for name in Settings.__struct_fields__}
    named = {name for name in _VARIABLE.findall(page.read_text(encoding="utf-8")) if not _OF_TESTS.fullmatch(name)}
    assert not named - known


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_named_endpoints_exist(page: Path) -> None:
    from gateway.web.api.routes import all_endpoints

    known = [re.compile(re.sub(r"{\w+}", "[^/]+", f"/v1{endpoint.path}")) for endpoint in all_endpoints()]
    named = {path for line in _code(page) for path in _ENDPOINT.findall(line)}
    assert not [path for path in named if not any(pattern.fullmatch(path) for pattern in known)]


# --- files that are shown ---------------------------------------------------------------------------------------------

_BLOCK = re.compile(r"(?:^    .*\n|^\n(?=    ))+", re.MULTILINE)
_FILE = re.compile(r"(?:# [\w-]+\.toml\n+)?\[\[?[a-z_.\"-]+\]\]?[ \t]*(?:#.*)?\n|# [\w-]+\.toml\n")


def _files(page: Path) -> Iterator[str]:
    """Blocks that are a file in TOML, or some tables of one."""
    for block in _BLOCK.findall(page.read_text(encoding="utf-8")):
        text = textwrap.dedent(block).strip() + "\n"
        if _FILE.match(text):
            yield text


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_files_that_are_shown_can_be_read(page: Path) -> None:
    for text in _files(page):
        tomllib.loads(text)


def test_the_hotel_that_is_connected_step_by_step_can_be_applied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file of the first how-to, with the channel of the second behind it."""
    from gateway import cli

    pms, ota = (next(_files(ROOT / "docs" / "how-to" / f"connect-{name}.md")) for name in ("a-pms", "an-ota"))
    monkeypatch.chdir(tmp_path)
    for name in re.findall(r'_env = "(\w+)"', pms + ota):
        monkeypatch.setenv(name, "a secret")
    (tmp_path / "miramar.toml").write_text(pms + ota, encoding="utf-8")
    assert cli.main(["apply", "miramar.toml"]) == 0
    said = capsys.readouterr().out.splitlines()
    shown = textwrap.dedent(next(block for block in _BLOCK.findall(_page("connect-a-pms")) if "  + property" in block))
    promised = [line for line in shown.splitlines() if line.startswith("  +")]
    assert promised
    assert not [line for line in promised if line not in said]


def _page(name: str) -> str:
    return (ROOT / "docs" / "how-to" / f"{name}.md").read_text(encoding="utf-8")


# --- the reference ----------------------------------------------------------------------------------------------------


def test_the_reference_is_current() -> None:
    """``make docs`` writes it."""
    from docs.reference.make import HERE, pages

    made = pages()
    assert {path.name for path in HERE.iterdir() if path.suffix in (".md", ".json")} == {*made, "README.md"}
    assert [name for name, text in made.items() if (HERE / name).read_text(encoding="utf-8") != text] == []


def test_every_outcome_is_described() -> None:
    """Those that flows write as they stand; the rest are names of what became of a call."""
    from docs.reference.make import OUTCOMES

    texts = (path.read_text(encoding="utf-8") for path in (ROOT / "gateway" / "flows").rglob("*.py"))
    written = {name for text in texts for name in re.findall(r"\boutcome=\"(\w+)\"", text)}
    assert "applied" in written
    assert written <= set(OUTCOMES)
