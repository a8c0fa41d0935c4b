"""HTTP: what requests ask, and how they are answered."""
