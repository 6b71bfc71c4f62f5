"""The composition root: what commands call."""
