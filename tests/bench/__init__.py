"""Speed, side by side with what it is measured against, in one run. Nothing here is a test."""
