"""``python -m marathon_relay``: starts the relay on hosts without the rest of the project."""

import sys

from marathon_relay.relay import main

if __name__ == "__main__":
    sys.exit(main())
