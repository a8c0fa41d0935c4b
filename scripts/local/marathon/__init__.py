"""A simulated Marathon: a cluster of one leader and any number of standbys, as its versions were.

It serves subscriptions and delivers callbacks, penalties and all (callbacks.py); serves the event
stream (streams.py); answers for its apps and deployments, as its own events left them (state.py);
and for what waits to be launched (queue.py).
"""

from local.marathon.callbacks import Counts
from local.marathon.queue import Queued
from local.marathon.simulated import SimulatedMarathon
from local.marathon.streams import StreamCounts

__all__ = ["Counts", "Queued", "SimulatedMarathon", "StreamCounts"]
