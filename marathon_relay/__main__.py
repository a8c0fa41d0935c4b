"""``python -m marathon_relay``: the relay where nothing else of the project is."""

import sys

from marathon_relay.relay import main

if __name__ == "__main__":
    sys.exit(main())
