"""What Marathon says, versions 0.1 to 1.11, and nothing else: no AWS, no Chalice, no I/O."""
