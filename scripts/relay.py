"""Run the relay: it reads Marathon's event stream, and posts its events to the API (docs/relay.md).

The relay itself needs only marathon_relay/. On a host without the rest of the project, use python
-m marathon_relay.
"""

import sys

import ops  # noqa: F401  finds the project's root

from marathon_relay.relay import main

_STAGE = "--stage"


def _with_api_of_stage(argv: list[str]) -> list[str]:
    """The command line with ``--url`` in place of ``--stage``, since the relay itself has no
    stages. Raises Failure.
    """
    if _STAGE not in argv[:-1]:
        return argv
    from ops.stage import deployed, resources

    at = argv.index(_STAGE)
    url = deployed.api_url(resources.find(argv[at + 1]))
    return [*argv[:at], "--url", url, *argv[at + 2 :]]


if __name__ == "__main__":
    if _STAGE in sys.argv:
        from ops import cli

        cli.run(lambda: main(_with_api_of_stage(sys.argv[1:])))
    sys.exit(main())
