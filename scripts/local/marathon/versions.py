"""What the versions of Marathon did differently, by their tags."""

from dataclasses import dataclass

_PATCHED_13_14 = {(0, 13, 1), (0, 14, 1)}


@dataclass(frozen=True)
class Version:
    """A version by its numbers. The oldest versions do not send any, and have none here."""

    numbers: tuple[int, ...]

    @classmethod
    def of(cls, text: str) -> "Version":
        """The version that ``/v2/info`` calls so."""
        return cls(tuple(int(part) for part in text.split(".") if part.isdecimal()))

    @property
    def has_subscriptions(self) -> bool:
        """0.5.0 – 1.4.13."""
        return self.numbers < (1, 5)

    @property
    def has_streams(self) -> bool:
        """From 0.9.0 on."""
        return self.numbers >= (0, 9)

    @property
    def has_queue(self) -> bool:
        """From 0.7.0 on."""
        return self.numbers >= (0, 7)

    @property
    def says_delay(self) -> bool:
        """Whether the queue says for how many seconds Marathon holds something back."""
        return self.numbers > (0, 9, 0)

    @property
    def explains_queue(self) -> bool:
        """Whether the queue says since when something waits, and why (1.4.0+)."""
        return self.numbers >= (1, 4)

    @property
    def missing_reasons(self) -> frozenset[str]:
        """The reasons that the queue does not know yet."""
        later = {"AgentMaintenance": (1, 6, 322), "DeclinedScarceResources": (1, 8, 180)}
        return frozenset(reason for reason, since in later.items() if self.numbers < since)

    @property
    def names_types(self) -> bool:
        """Whether a stream has lines ``event:`` (0.11.0+)."""
        return self.numbers >= (0, 11)

    @property
    def filters(self) -> bool:
        """Whether ``event_type=`` is understood (1.3.7+)."""
        return self.numbers >= (1, 3, 7)

    @property
    def always_light(self) -> bool:
        """Whether plans come without the groups, asked for or not (1.8.180+)."""
        return self.numbers >= (1, 8, 180)

    @property
    def light_on_request(self) -> bool:
        """Whether ``plan-format=light`` is understood (1.5.9 – 1.5.15, and 1.6.322 on)."""
        return (1, 5, 9) <= self.numbers < (1, 6) or self.numbers >= (1, 6, 322)

    @property
    def stamps_each_light(self) -> bool:
        """Whether each listener gets a timestamp of its own in light plans (1.5.9 – 1.5.15)."""
        return (1, 5, 9) <= self.numbers < (1, 6)

    @property
    def stream_buffer(self) -> int:
        """How many events wait for a slow reader of a stream."""
        return 50 if self.numbers < (1, 5) else 1024

    @property
    def cuts_off_slow_readers(self) -> bool:
        """Whether a full buffer ends the stream (1.8.180+) instead of dropping the newest."""
        return self.numbers >= (1, 8, 180)

    @property
    def standby_redirects(self) -> bool:
        """Whether a standby redirects clients that want a stream (1.7.50+) instead of proxying."""
        return self.numbers >= (1, 7, 50)

    @property
    def status_without_leader(self) -> int:
        """The answer of a standby that knows no leader."""
        return 502 if self.numbers >= (1, 7, 149) else 503

    @property
    def has_penalties(self) -> bool:
        """Whether Marathon sends nothing for a while after a failed callback (0.13.1, 0.14.1 and
        later).
        """
        return self.numbers in _PATCHED_13_14 or self.numbers >= (0, 14, 1)

    @property
    def checks_callback_urls(self) -> bool:
        """Whether a malformed callback URL is refused (1.3.0+)."""
        return self.numbers >= (1, 3)

    @property
    def content_type(self) -> str:
        """How a callback names what it brings."""
        if (1, 3, 10) <= self.numbers <= (1, 3, 14):
            return "text/plain; charset=UTF-8"
        return "application/json; charset=UTF-8"

    @property
    def meters(self) -> str:
        """What the names of the callbacks' meters begin with."""
        if self.numbers < (1, 3):
            return "service.mesosphere.marathon.event.http.HttpEventActor"
        return "service.mesosphere.marathon.core.event.impl.callback.HttpEventActor"
