"""What an event costs, in CPU, calls, write units and memory, as ratios against what people write
by hand, measured in one run of some two minutes. Marks each budget that is missed, and writes
bench.json; with --load, fails if an event was lost.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from ops import ROOT, cli
from ops.cli import progress

from rich.console import Console

from tests.bench import (
    capacity,
    cost,
    cpu,
    figures,
    load,
    page,
    plot,
    reading,
    relay,
    start,
    subjects,
    telling,
)
from tests.bench.figures import Figure
from tests.bench.subjects import Bench
from tests.bench.understanding import understanding

_KEPT = ROOT / "bench.json"
_PLOT = ROOT / "docs" / "growth.svg"
_PARTS: dict[str, Callable[[Bench], Iterator[Figure]]] = {
    "CPU of ingest and fan-out": cpu.ingest,
    "a relay's batch": cpu.batch,
    "growth": cpu.growth,
    "the relay": lambda _: relay.relay(),
    "the page": lambda _: page.page(),
    "understanding": lambda _: understanding(),
    "cold start": start.cold,
    "AWS calls": capacity.calls,
    "write units": capacity.write_units,
    "reading": lambda _: reading.reading(),
    "messages to people": lambda _: telling.telling(),
    "memory": capacity.memory,
    "package": capacity.package,
    "burst": lambda _: load.burst(),
    "cost": cost.million,
}

_LEGEND = """\
by hand: parse, put, publish. tutorial, powertools: the same, their way. bare put: the SDK's put of
the item that we store. all in: with fan-out, which publishes. docs/performance.md says more."""


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
        console.print(f"\n{_LEGEND}", style="dim")
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
    if not text.isdecimal() or int(text) < 2:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of events, 2 or more")
    return int(text)


if __name__ == "__main__":
    cli.run(main)
