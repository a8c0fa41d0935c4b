"""An event as we store it, and everything made from it. Pure: no AWS, no Chalice, no I/O."""
