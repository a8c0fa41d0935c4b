"""What is shown of what was stored."""
