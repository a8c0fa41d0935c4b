"""What only a live account can show, tried on a stage of its own. Never yet run on AWS."""
