"""What an event costs, side by side with what people write instead, in one run."""
