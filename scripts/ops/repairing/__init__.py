"""What failed before, tried again: dead letters, replays, recovery."""
