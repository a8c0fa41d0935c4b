"""Run the relay: it reads Marathon's event stream, and posts its events to the API (docs/relay.md).

It needs marathon_relay/ alone: where nothing else of the project is, python -m marathon_relay.
"""

import sys

import ops  # noqa: F401  finds the project's root

from marathon_relay.relay import main

if __name__ == "__main__":
    sys.exit(main())
