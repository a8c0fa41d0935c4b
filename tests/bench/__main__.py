"""What an event costs, in CPU, calls, write units and memory, as ratios against what people write
by hand, measured in one run of a few minutes. Marks each budget that is missed; writes bench.json.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from ops import ROOT, cli
from ops.cli import progress

from rich.console import Console

from tests.bench import capacity, cost, cpu, figures, load, plot, start, subjects
from tests.bench.figures import Figure
from tests.bench.subjects import Bench
from tests.bench.understanding import understanding

_KEPT = ROOT / "bench.json"
_PLOT = ROOT / "docs" / "growth.svg"
_PARTS: dict[str, Callable[[Bench], Iterator[Figure]]] = {
    "CPU of ingest and fan-out": cpu.ingest,
    "growth": cpu.growth,
    "understanding": lambda _: understanding(),
    "cold start": start.cold,
    "AWS calls": capacity.calls,
    "write units": capacity.write_units,
    "memory": capacity.memory,
    "package": capacity.package,
    "burst": lambda _: load.burst(),
    "cost": cost.million,
}


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--load",
        type=_count,
        nargs="?",
        const=3000,
        metavar="EVENTS",
        help="post so many events (3000) to the local system instead, and show that none is lost",
    )
    what.add_argument("--plot", action="store_true", help="draw docs/growth.svg anew, too")
    args = parser.parse_args()
    console = Console(highlight=False, soft_wrap=True)
    measured = list(load.load(args.load)) if args.load else _measure()
    figures.show(console, measured)
    if not args.load:
        figures.keep(_KEPT, measured)
    if args.plot:
        plot.growth(_PLOT, measured)
    missed = [each.name for each in measured if each.missed]
    budgets = sum(each.budget is not None for each in measured)
    console.print(f"\n{budgets - len(missed)} of {budgets} budgets hold.")
    return int(bool(missed) and args.load is not None)


def _measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="marathon-events-bench-") as where:
        progress.print("Building the packages …", style="dim")
        bench = subjects.make(Path(where))
        measured: list[Figure] = []
        for name, measure in _PARTS.items():
            progress.print(f"Measuring: {name} …", style="dim")
            measured += measure(bench)
    return measured


def _count(text: str) -> int:
    count = int(text)
    if count < 2:
        raise argparse.ArgumentTypeError(f"{text} is too few: at least 2 events")
    return count


if __name__ == "__main__":
    cli.run(main)
