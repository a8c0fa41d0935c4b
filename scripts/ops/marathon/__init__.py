"""A Marathon: logging in, registering, and the settings of its relay."""
