"""What runs in Lambda, in layers that import downward only.

From the top: ``web`` (HTTP) → the use cases (``ingest``, ``fanout``, ``restore``, ``history``) →
``gate`` (who gets in) → ``services`` (what is outside) → ``records`` (an event as we keep it; pure)
→ ``marathon`` (what Marathon says; pure) → what all stand on (``settings``, ``log``, ``times``,
``text``, ``workers``, ``coldstart``).
"""
