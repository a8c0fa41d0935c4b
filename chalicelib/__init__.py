"""What runs in Lambda, in layers that import downward only: docs/architecture.md shows them."""

VERSION = "2.0.0"  # of all that is in this repository
