"""Bringing a stage up, and telling beforehand what that changes."""
