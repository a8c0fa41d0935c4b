"""Run the relay: it reads Marathon's event stream, and posts its events to the API (docs/relay.md).

The relay itself needs only marathon_relay/. On a host without the rest of the project, use python
-m marathon_relay. Only here it also finds the API by --stage.
"""

import argparse
import sys

import ops  # noqa: F401  finds the project's root

from marathon_relay.relay import main


def _with_api_of_stage(stage: str, argv: list[str]) -> list[str]:
    """The command line of the relay itself, which has no stages. Raises Failure."""
    from ops.stage import deployed, resources

    return ["--url", deployed.api_url(resources.find(stage)), *argv]


def run(argv: list[str]) -> int:
    """Run the relay; returns its exit status. Raises Failure if the stage has no API."""
    parser = argparse.ArgumentParser(prog="relay", add_help=False, allow_abbrev=False)
    parser.add_argument("--stage")
    known, rest = parser.parse_known_args(argv)
    return main(_with_api_of_stage(known.stage, rest) if known.stage else rest)


if __name__ == "__main__":
    if any(each.partition("=")[0] == "--stage" for each in sys.argv):
        from ops import cli

        cli.run(lambda: run(sys.argv[1:]))
    sys.exit(run(sys.argv[1:]))
