"""Bringing a stage up, and saying beforehand what that changes."""
