"""Say what a stage costs in a month, by part, as its last week went on; and the one setting that
would lower it most. With --events and --size: what it would cost.
"""

import argparse
import json
from dataclasses import asdict
from typing import Any

from ops import cli, costs, options, prices, usage
from ops.cli import Failure, out, say
from ops.costs import Settings, Usage
from ops.stage import resources
from ops.stage.config import check_stage
from ops.usage import Type

_USUAL_BYTES = 600

_EPILOG = """\
examples:
  .venv/bin/python scripts/cost.py --stage prod
  .venv/bin/python scripts/cost.py --stage prod --events 50000 --size 800

It counts neither mail, SMS and HTTPS deliveries, nor KMS, nor data that leaves AWS, nor free tiers.
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    args = _arguments(argv)
    check_stage(args.stage)
    known = usage.of_config(args.stage)
    types: list[Type] = []
    if args.events:
        found = costs.estimated(args.events, args.size or _USUAL_BYTES, known)
        how = "estimated from --events"
    elif args.size:
        raise Failure("--size goes with --events.")
    else:
        found, types, how = _of_stage(args.stage, known)
    told = _told(args.stage, found, types, how)
    if args.json:
        out(json.dumps(told))
    else:
        _show(told)
    return 0


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = cli.parser(__doc__ or "", epilog=_EPILOG)
    parser.add_argument(
        "--events", type=options.count, metavar="N", help="events a day, for a stage without any"
    )
    parser.add_argument(
        "--size",
        type=options.count,
        metavar="B",
        help=f"bytes of an event, with --events (default: {_USUAL_BYTES})",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser.parse_args(argv)


def _of_stage(name: str, known: Settings) -> tuple[Usage, list[Type], str]:
    stage = resources.find(name)
    types = usage.sample(stage)
    if measured := usage.measured(stage, known):
        return measured, types, "from the metrics of its last week"
    a_day = usage.events_a_day(stage)
    if not a_day:
        raise Failure(
            f"Stage {name} had no events in the last week. Say how many to expect: "
            "--events N (a day) --size B."
        )
    size = sum(each.share * each.size for each in types)
    return costs.estimated(a_day, size, known), types, "estimated from the table: no metrics"


def _told(name: str, found: Usage, types: list[Type], how: str) -> dict[str, Any]:
    best = costs.advice(found)
    return {
        "stage": name,
        "how": how,
        "events_a_day": round(found.events / costs.DAYS, 1),
        "types": [asdict(each) for each in types],
        "parts": {part: round(dollars, 4) for part, dollars in costs.parts(found).items()},
        "total": round(costs.total(found), 4),
        "advice": asdict(best) if best else None,
        "prices": {"region": prices.REGION, "as_of": prices.AS_OF, "fetched": False},
    }


def _show(told: dict[str, Any]) -> None:
    say(f"Stage {told['stage']}, {told['how']}: {told['events_a_day']:,.0f} events a day.")
    if told["types"]:
        say("By type, of a sample:", "dim")
        for each in told["types"]:
            out(f"{each['share']:7.1%}  {each['size']:9,.0f} bytes  {each['name']}")
    listed = f"{prices.REGION}, list prices of {prices.AS_OF}, not fetched, no free tier"
    say(f"Dollars a month ({listed}):", "dim")
    for part, dollars in sorted(told["parts"].items(), key=lambda each: -each[1]):
        out(f"{dollars:10.2f}  {part}")
    out(f"{told['total']:10.2f}  in all")
    if best := told["advice"]:
        say(f"The one setting that would lower it most, by {best['saves']:.2f}: {best['setting']}.")


if __name__ == "__main__":
    cli.run(main)
