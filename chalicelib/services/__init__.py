"""One file for each external service, and for each kind of thing that the table holds."""
