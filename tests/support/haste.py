"""What tries again or looks again pauses in between: here never for long. What is slow on purpose
says so, with ``slowly``.
"""

import time

slowly = time.sleep
"""Sleep as long as it says."""

_LONGEST_SECONDS = 0.05


def install() -> None:
    """Shorten the pauses of this process: the SDK's between its attempts, and our own."""

    def briefly(seconds: float) -> None:
        slowly(min(seconds, _LONGEST_SECONDS))

    time.sleep = briefly  # type: ignore[assignment]
