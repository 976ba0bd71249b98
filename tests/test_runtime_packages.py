"""A machine that runs the gateway has what ``requirements.lock`` names, and none of the packages of the tests."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Run by an interpreter of its own: this one has long imported pytest.
_IMPORT_ALL = """
import importlib, pkgutil, sys
from importlib.metadata import packages_distributions

locked = set(sys.argv[1].split())
foreign = {
    top for top, owners in packages_distributions().items()
    if not {owner.lower().replace("_", "-") for owner in owners} & locked
}

class OnlyLocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in foreign:
            raise ModuleNotFoundError(f"{name} is not among the packages of a start", name=name)

sys.meta_path.insert(0, OnlyLocked())
count = 0
for top in ("gateway", "connectors", "mappings", "simulators"):
    package = importlib.import_module(top)
    for module in pkgutil.walk_packages(package.__path__, f"{top}."):
        runs = not module.name.startswith("gateway.testing") and not module.name.endswith("__main__")
        if runs and ".migrations." not in module.name:
            importlib.import_module(module.name)
            count += 1
print(count)
"""


def _locked() -> set[str]:
    """The names in the lock file, and our own."""
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return {match[1].lower() for line in lines if (match := re.match(r"([\w.-]+)==", line))} | {"hotel-gateway"}


def test_everything_that_runs_imports_only_what_is_locked() -> None:
    names = _locked()
    assert {"lxml", "litestar"} <= names
    assert "pytest" not in names
    result = subprocess.run(
        [sys.executable, "-c", _IMPORT_ALL, " ".join(names)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr[-2_000:]
    assert int(result.stdout) > 300
