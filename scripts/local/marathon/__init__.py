"""A simulated Marathon: a cluster of one leader and any number of standbys, as its versions were.

It serves subscriptions and delivers callbacks, penalties and all (callbacks.py); serves the event
stream (streams.py); and answers for its apps and deployments, as its own events left them
(state.py).
"""

from local.marathon.callbacks import Counts
from local.marathon.simulated import SimulatedMarathon
from local.marathon.streams import StreamCounts

__all__ = ["Counts", "SimulatedMarathon", "StreamCounts"]
