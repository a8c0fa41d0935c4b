"""How long to wait before another try: longer each time, and never all at once."""

import random


class Backoff:
    """Waits of ``first`` seconds, then twice that, and so on up to ``most``; each is a random time
    between half of that and the whole. So clients that failed together do not retry together.
    """

    def __init__(self, first: float, most: float) -> None:
        self._first = min(first, most)
        self._most = most
        self._next = self._first

    def next(self) -> float:
        """The next wait in seconds."""
        wait = self._next * random.uniform(0.5, 1.0)  # noqa: S311  no secret hangs on it
        self._next = min(self._next * 2, self._most)
        return wait

    def reset(self) -> None:
        """It worked: the next wait is the first again."""
        self._next = self._first
