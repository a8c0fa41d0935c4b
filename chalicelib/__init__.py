"""What runs in Lambda, in layers that import downward only.

``marathon`` (what Marathon says; pure) → ``record`` (an event as we keep it) → one module for each
AWS service (``store``, ``tokens``, ``spill``, ``notifier``, ``dead_letters``) → the use cases
(``ingest``, ``fanout``, ``restore``).
"""
