"""What runs in Lambda, in layers that import downward only.

From the top: ``web`` (HTTP) → the use cases (``ingest``, ``fanout``, ``restore``, ``history``) →
``gate`` (checks tokens) → ``services`` (external services) → ``records`` (an event as we store it;
pure) → ``marathon`` (what Marathon says; pure) → modules that all others use (``settings``,
``log``, ``times``, ``text``, ``workers``, ``coldstart``).
"""

VERSION = "2.0.0"  # of all that is in this repository
