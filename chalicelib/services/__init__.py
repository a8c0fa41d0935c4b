"""One file for each thing outside, and for each thing that the table holds."""
