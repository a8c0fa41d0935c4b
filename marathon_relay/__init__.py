"""What runs near Marathon. It imports nothing of the rest, so that it can be shipped alone."""
