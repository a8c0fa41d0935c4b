"""What runs in Lambda, in layers that import downward only.

From the top: ``web`` (HTTP) → the use cases (``ingest``, ``fanout``, ``restore``, ``alerts``,
``watch``, ``deliver``) → ``judging`` → ``evidence``, ``sender`` → ``story``, ``incident_log`` →
``gate``, ``deployments`` → ``history`` → ``services`` (external services) → ``records`` (what we
store; pure) → ``marathon`` (what Marathon says; pure) → modules that all others use (``settings``,
``log``, ``times``, ``text``, ``workers``, ``coldstart``).
"""

VERSION = "2.0.0"  # of all that is in this repository
