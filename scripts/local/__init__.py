"""The whole system on this machine: an AWS (moto), the functions, a simulated Marathon.

It needs packages that operating a stage does not; importing it without them says so plainly.
"""

import importlib.util
import sys

if importlib.util.find_spec("moto") is None:
    sys.exit(
        f"{sys.executable} lacks moto, which only the local system needs.\n"
        "Run make run: it installs what is missing."
    )
