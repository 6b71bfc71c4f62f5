"""Product models, their rules and their services, as data."""
