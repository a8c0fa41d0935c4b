"""Estimate what a stage costs in a month, by part: from the events of its last days, or from
--events and --size. What AWS really charged: the Cost Explorer, by the tags project and stage.
"""

import itertools
import json
from datetime import timedelta

from ops import cli, cost, options
from ops.cli import Failure, out, say
from ops.deploying.functions import FUNCTIONS
from ops.stage import config, resources
from ops.stage.resources import Stage

from chalicelib import settings, times

_DAYS = 7
_MOST = 1000  # of a day, more are not read


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    parser = cli.parser(__doc__ or "")
    parser.add_argument("--events", type=options.count, metavar="N", help="events a day")
    parser.add_argument(
        "--size", type=options.count, default=600, metavar="B", help="bytes of one (default: 600)"
    )
    parser.add_argument(
        "--targets", type=options.count, default=0, metavar="N", help="chat channels and pagers"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")
    args = parser.parse_args(argv)
    config.check_stage(args.stage)
    a_day = args.events or _events_a_day(resources.find(args.stage))
    wanted = {
        each.name: config.function_settings(args.stage, each.chalice_name) for each in FUNCTIONS
    }
    parts = cost.parts(
        a_day,
        args.size,
        {name: found["lambda_memory_size"] for name, found in wanted.items()},
        wanted["api"]["lambda_architecture"],
        settings.retention_days(config.variables(args.stage)),
        args.targets,
    )
    if args.json:
        out(json.dumps({"events_a_day": a_day, "parts": parts, "total": sum(parts.values())}))
        return 0
    say(f"{a_day:,.0f} events of {args.size:,} bytes a day, in dollars a month, at list prices:")
    for part, dollars in sorted(parts.items(), key=lambda each: -each[1]):
        out(f"{dollars:10.2f}  {part}")
    out(f"{sum(parts.values()):10.2f}  in all")
    return 0


def _events_a_day(stage: Stage) -> float:
    """How many came on a day of the last week that had any. Raises Failure."""
    today = times.now().date()
    days = [(today - timedelta(days=n)).isoformat() for n in range(_DAYS)]
    counts = [sum(_count(stage, each.name, day) for each in stage.clusters.all()) for day in days]
    if not any(counts):
        raise Failure(f"Stage {stage.name} had no events in the last week: say --events N (a day).")
    return sum(counts) / sum(map(bool, counts))


def _count(stage: Stage, cluster: str, day: str) -> float:
    """A day's events: counted, or if there are many, as many as the newest suggest."""
    ids = [each.id for each in itertools.islice(stage.store.feed(cluster, day), _MOST)]
    if len(ids) < _MOST:
        return len(ids)
    span = times.from_compact(ids[0]) - times.from_compact(ids[-1])
    return len(ids) * 86_400 / max(1.0, span.total_seconds())


if __name__ == "__main__":
    cli.run(main)
