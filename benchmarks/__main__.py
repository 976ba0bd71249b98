"""`python -m benchmarks`: measure floors and, where it exists, our own code, and print them side by side.

Exit status: 0 measured, 1 a bench failed to run, 2 (only with --strict) a figure is over its target.
"""

import argparse
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Sequence

from benchmarks.floors import register_floors
from benchmarks.harness import Bench, Row, registered, run_bench
from benchmarks.noise import others
from benchmarks.report import LEGEND, as_json, disturbance, machine, table

# Modules that measure our own code. One that is absent leaves only the floor; one that fails to import is an error.
OUR_MODULES = ("booking", "ari", "dialects", "payments", "push", "sell", "serve", "statements")


def import_ours() -> None:
    """Let our measures attach themselves."""
    for name in OUR_MODULES:
        if importlib.util.find_spec(f"benchmarks.{name}") is not None:
            importlib.import_module(f"benchmarks.{name}")


def measure(benches: Sequence[Bench], rounds: int | None) -> tuple[list[Row], list[str], dict[str, float]]:
    """Rows of the benches that ran, names of those that did not, and how much each was disturbed.

    One failure does not hide the other benches.
    """
    disturbed: dict[str, float] = {}
    rows: list[Row] = []
    failed: list[str] = []
    for bench in benches:
        print(f"{bench.name}: {bench.title}", file=sys.stderr, flush=True)
        try:
            with others() as found:
                rows += run_bench(bench, rounds)
            disturbed[bench.name] = found.percent
        except Exception:
            traceback.print_exc()
            failed.append(bench.name)
    return rows, failed, disturbed


def exit_status(rows: Sequence[Row], failed: Sequence[str], strict: bool) -> int:
    """See the module's docstring."""
    if failed:
        return 1
    return 2 if strict and any(row.verdict == "over" for row in rows) else 0


def main() -> int:
    """Run what the command line asks for."""
    register_floors()
    import_ours()
    names = [bench.name for bench in registered()]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=names, metavar="NAME", help=f"one of {', '.join(names)}")
    parser.add_argument("--rounds", type=int, help="instead of each bench's own number")
    parser.add_argument("--json", action="store_true", help="every sample, for keeping")
    parser.add_argument("--strict", action="store_true", help="exit status 2 if a figure is over its target")
    given = parser.parse_args()
    chosen = [bench for bench in registered() if not given.only or bench.name in given.only]
    rows, failed, others_percent = measure(chosen, given.rounds)
    if given.json:
        print(as_json(rows, others_percent))
    else:
        described = ", ".join(f"{name} {value}" for name, value in machine().items())
        print(described, table(rows), LEGEND, disturbance(others_percent), sep="\n\n")
    if failed:
        print(f"failed to run: {', '.join(failed)}", file=sys.stderr)
    return exit_status(rows, failed, given.strict)


if __name__ == "__main__":
    sys.exit(main())
